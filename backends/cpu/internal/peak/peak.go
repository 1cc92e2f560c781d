// Package peak measures how many multiply-adds the processor makes a second when
// nothing but its arithmetic units counts: operands lie in registers, and enough
// sums grow side by side to hide the latency of each.
package peak

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// Rate is a loop of multiply-adds with one set of instructions.
type Rate struct {
	run     func(n int) // repeats the loop n times, n > 0
	perTurn int         // multiply-adds
}

// Floats and Bytes are the loops of the best instructions that package isa allows:
// sums of products of float32s, and of 8-bit integers in 32 bits.
var (
	Floats = Rate{floatsGeneric, floatsPerTurnGeneric}
	Bytes  = Rate{bytesGeneric, bytesPerTurnGeneric}
)

// Measurements are rounds of about roundTime; the best counts, because nothing
// makes a processor faster than it is.
const (
	rounds    = 12
	roundTime = 2 * time.Millisecond
)

// Measure returns the multiply-adds a second that threads make together, each on
// an operating system's thread of its own.
func (r Rate) Measure(ctx context.Context, threads int) (float64, error) {
	n := 1
	for took := time.Duration(0); took < roundTime/2; n *= 2 {
		start := time.Now()
		r.run(n)
		took = time.Since(start)
	}
	best := 0.0
	for range rounds {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if took := r.together(n, threads); took > 0 {
			best = max(best, float64(n)*float64(r.perTurn)*float64(threads)/took.Seconds())
		}
	}
	return best, nil
}

// together runs the loop n times on every thread, and returns how long that took
// from when all were there to when the last ended.
func (r Rate) together(n, threads int) time.Duration {
	var waiting atomic.Int32
	waiting.Store(int32(threads))
	type span struct{ start, end time.Time }
	spans := make(chan span, threads)
	for range threads {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			waiting.Add(-1)
			for waiting.Load() > 0 {
				runtime.Gosched()
			}
			s := span{start: time.Now()}
			r.run(n)
			s.end = time.Now()
			spans <- s
		}()
	}
	all := <-spans
	for range threads - 1 {
		s := <-spans
		if s.start.Before(all.start) {
			all.start = s.start
		}
		if s.end.After(all.end) {
			all.end = s.end
		}
	}
	return all.end.Sub(all.start)
}
