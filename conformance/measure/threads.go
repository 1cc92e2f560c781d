package measure

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// RoundTrip returns how long it takes two of the operating system's threads that
// wait awake to hand a word to each other and back: the best of rounds of a hundred,
// for a third of a second at most. It tells how near the processors of the two are:
// threads of one core share their caches. Where only one thread can run at a time it
// is 0.
func RoundTrip(ctx context.Context) (time.Duration, error) {
	const (
		rounds = 1000
		trips  = 100
		most   = 300 * time.Millisecond
	)
	if runtime.GOMAXPROCS(0) < 2 {
		return 0, nil
	}
	var best time.Duration
	for i, start := 0, time.Now(); i < rounds && (i == 0 || time.Since(start) < most); i++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if took := pass(trips) / trips; best == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// pass hands a word to and fro.
func pass(trips int) time.Duration {
	var ball atomic.Int64 // odd while it is with the other thread
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for i := range int64(trips) {
			await(&ball, 2*i+1)
			ball.Store(2*i + 2)
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ball.Store(1)
	await(&ball, 2)
	start := time.Now()
	for i := int64(1); i < int64(trips); i++ {
		ball.Store(2*i + 1)
		await(&ball, 2*i+2)
	}
	took := time.Since(start)
	<-ended
	return took
}

// await waits awake until the word is v. It gives way now and then, should the
// other thread not be running.
func await(word *atomic.Int64, v int64) {
	for spins := 1; word.Load() != v; spins++ {
		if spins%10_000 == 0 {
			runtime.Gosched()
		}
	}
}
