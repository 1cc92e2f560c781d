// Package parallel divides work among the processor's cores.
//
// All work of the process shares one set of helpers: goroutines, one fewer than
// GOMAXPROCS, that wait for work. For about a tenth of a millisecond after its
// last work a helper waits awake, so that the operators of a model, which
// follow each other closely, find it ready; then it sleeps. The first
// [Retain] lets helpers start, the last [Release] ends them; without helpers,
// work runs on the caller alone.
package parallel

import (
	"context"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
)

// Task is work in pieces that may be computed in any order and at once.
type Task interface {
	// Do computes one piece. Workers are numbered from 0: no two calls with one
	// worker's number run at once, so it can index memory to work in.
	Do(worker, piece int)
}

// Run calls t.Do for every piece in [0, pieces), on the caller's goroutine and
// on helpers that have nothing else to do, at most threads in all, and returns
// when no call runs any more. Workers are numbered below max(threads, 1).
//
// If the context ends, the pieces not begun are left out and the context's
// error is returned. A panic of a piece is returned as a [*driver.PanicError].
func Run(ctx context.Context, threads, pieces int, t Task) error {
	if pieces <= 0 {
		return ctx.Err()
	}
	helpers := min(threads, pieces, runtime.GOMAXPROCS(0)) - 1
	if helpers <= 0 || !crew.any() {
		return alone(ctx, pieces, t)
	}
	j := jobs.Get().(*job)
	j.start(ctx, pieces, t)
	var room [16]*helper
	claimed := crew.claim(room[:0], helpers, j)
	j.work(0)
	for _, h := range claimed {
		if h.job.CompareAndSwap(j, nil) {
			j.active.Add(-1) // it had not begun
		}
	}
	for spins := 0; j.active.Load() > 0; spins++ {
		pause(1)
		if spins > 1000 { // a helper's thread may not be running at all

			runtime.Gosched()
		}
	}
	return j.finish()
}

// alone runs a task on the caller's goroutine.
func alone(ctx context.Context, pieces int, t Task) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &driver.PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	done := ctx.Done()
	for i := range pieces {
		if runtime.GOARCH == "wasm" {
			runtime.Gosched() // nothing else lets deadlines pass there
		}
		select {
		case <-done:
			return ctx.Err()
		default:
		}
		t.Do(0, i)
	}
	return nil
}

// job is one call of Run while it is under way.
type job struct {
	task    Task
	ctx     context.Context
	done    <-chan struct{}
	pieces  int64
	next    atomic.Int64 // the first piece that nobody has begun
	workers atomic.Int32 // how many have a number
	active  atomic.Int32 // helpers that were given the job and have not left it
	err     atomic.Pointer[error]
}

var jobs = sync.Pool{New: func() any { return new(job) }}

func (j *job) start(ctx context.Context, pieces int, t Task) {
	j.task, j.ctx, j.done, j.pieces = t, ctx, ctx.Done(), int64(pieces)
	j.next.Store(0)
	j.workers.Store(0)
	j.active.Store(0)
	j.err.Store(nil)
}

// finish returns the job for reuse and its error.
func (j *job) finish() error {
	err := j.err.Load()
	j.task, j.ctx, j.done = nil, nil, nil
	jobs.Put(j)
	if err != nil {
		return *err
	}
	return nil
}

// work computes pieces until none is left.
func (j *job) work(worker int) {
	defer func() {
		if r := recover(); r != nil {
			j.fail(&driver.PanicError{Value: r, Stack: debug.Stack()})
		}
	}()
	for i := j.next.Add(1) - 1; i < j.pieces; i = j.next.Add(1) - 1 {
		select {
		case <-j.done:
			j.fail(j.ctx.Err())
			return
		default:
		}
		j.task.Do(worker, int(i))
	}
}

// fail notes the first error and keeps everyone from beginning another piece.
func (j *job) fail(err error) {
	j.err.CompareAndSwap(nil, &err)
	j.next.Store(j.pieces)
}
