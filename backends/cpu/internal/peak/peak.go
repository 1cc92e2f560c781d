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
	rounds    = 30
	roundTime = time.Millisecond
)

// Measure returns the multiply-adds a second that threads make together, each on
// an operating system's thread of its own. Where the system tells how long a thread
// has run, waiting for a processor that others use does not count; what a thread
// shares with one on the same core does.
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
		best = max(best, r.together(n, threads))
	}
	return best, nil
}

// together runs the loop n times on every thread, all at once, and returns the sum
// of their rates.
func (r Rate) together(n, threads int) (sum float64) {
	var waiting atomic.Int32
	waiting.Store(int32(threads))
	rates := make(chan float64, threads)
	for range threads {
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			waiting.Add(-1)
			for waiting.Load() > 0 {
				runtime.Gosched()
			}
			before := threadTime()
			r.run(n)
			took := threadTime() - before
			rates <- float64(n) * float64(r.perTurn) / max(took.Seconds(), 1e-9)
		}()
	}
	for range threads {
		sum += <-rates
	}
	return sum
}

var start = time.Now()

// sinceStart is the time by the clock.
func sinceStart() time.Duration { return time.Since(start) }
