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
	j.start(ctx, pieces, min(helpers+1, most), t)
	var room [most]*helper
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

// most is how many shares a job's pieces are divided into at most.
const most = 16

// job is one call of Run while it is under way. Its pieces lie in as many shares
// as workers are wanted, one range of pieces after the other. A worker begins
// with the share of its number and goes on with those of others, so that of two
// tasks over the same rows a worker computes the same ones, whose data its
// core's caches hold, and yet nobody waits for a worker that does not come.
type job struct {
	task    Task
	ctx     context.Context
	done    <-chan struct{}
	shares  [most]share
	divided int          // how many of the shares are in use
	workers atomic.Int32 // how many have a number
	active  atomic.Int32 // helpers that were given the job and have not left it
	err     atomic.Pointer[error]
}

// share is a range of pieces.
type share struct {
	next atomic.Int64 // the first piece that nobody has begun
	end  int64
	_    [112]byte // keeps shares out of each other's cache lines
}

var jobs = sync.Pool{New: func() any { return new(job) }}

func (j *job) start(ctx context.Context, pieces, shares int, t Task) {
	j.task, j.ctx, j.done, j.divided = t, ctx, ctx.Done(), shares
	for i := range shares {
		j.shares[i].next.Store(int64(pieces) * int64(i) / int64(shares))
		j.shares[i].end = int64(pieces) * int64(i+1) / int64(shares)
	}
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
	for k := range j.divided {
		s := &j.shares[(worker+k)%j.divided]
		for i := s.next.Add(1) - 1; i < s.end; i = s.next.Add(1) - 1 {
			select {
			case <-j.done:
				j.fail(j.ctx.Err())
				return
			default:
			}
			j.task.Do(worker, int(i))
		}
	}
}

// fail notes the first error and keeps everyone from beginning another piece.
func (j *job) fail(err error) {
	j.err.CompareAndSwap(nil, &err)
	for i := range j.divided {
		j.shares[i].next.Store(j.shares[i].end)
	}
}
