package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"example.com/midplane/conformance/result"
	"example.com/midplane/operators/witness"
)

// Score runs the cases that the options choose and reports what became of them.
// It returns an error, and no report, if a folder cannot be read, if no case is
// left to run, if a package cannot be written, or if the context ends.
func Score(ctx context.Context, open Open, o *Options) (*Report, error) {
	if o == nil {
		o = &Options{}
	}
	cases, err := o.cases(ctx)
	if err != nil {
		return nil, err
	}
	r, err := newRunner(ctx, open, o)
	if err != nil {
		return nil, err
	}
	defer r.close()
	w, err := r.writer(cases)
	if err != nil {
		return nil, err
	}
	results, err := r.all(ctx, cases, w)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	report := result.NewReport(result.Excused(results, o.Waivers, now))
	report.About = r.manifest(report, now)
	report.Flags = result.Flags(report.Cases, report.About)
	if w != nil {
		err = w.Close(report.About, report, environment(), o.Waivers)
	}
	return report, err
}

// all runs cases side by side and returns their results in order. Those that the
// package has already are not run again.
func (r *runner) all(ctx context.Context, cases []testcase, w *result.Writer) ([]Result, error) {
	s := &sequence{results: make([]Result, len(cases)), waiting: make(map[int]outcome), to: w, progress: r.options.Progress}
	if w != nil {
		s.begun = copy(s.results, w.Done())
	}
	s.next, s.done = s.begun, s.begun
	if err := each(ctx, r.options.workers(len(cases)), len(cases)-s.begun, func(i int) {
		i += s.begun
		if out := r.one(ctx, cases[i]); ctx.Err() == nil { // else it was cut off
			s.put(i, out)
		}
	}); err != nil {
		return nil, err
	}
	return s.results, s.err
}

// one runs a case. A panic of the suite's own is a fault.
func (r *runner) one(ctx context.Context, c testcase) (out outcome) {
	defer func() {
		if p := recover(); p != nil {
			out = outcome{Result: Result{ID: c.id()}}
			out.As(result.Fault, fmt.Sprintf("panic: %v", p))
		}
	}()
	if _, ok := c.(examined); !ok && r.children != nil {
		return r.remotely(ctx, c)
	}
	return c.run(witness.Watch(ctx, nil), r)
}

// sequence takes outcomes in any order and writes them in the order of the
// cases.
type sequence struct {
	mu       sync.Mutex
	results  []Result
	waiting  map[int]outcome
	begun    int // results that were there before
	next     int // to be written
	done     int
	to       *result.Writer // nil: nowhere
	progress func(done, total int, last Result)
	err      error
}

func (s *sequence) put(i int, out outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[i] = out
	s.results[i] = out.Result
	for {
		o, ok := s.waiting[s.next]
		if !ok {
			break
		}
		delete(s.waiting, s.next)
		if s.to != nil {
			s.err = errors.Join(s.err, s.to.Put(&o.Result, o.outputs))
			s.results[s.next] = o.Result
		}
		s.next++
	}
	s.done++
	if s.progress != nil {
		s.progress(s.done, len(s.results), out.Result)
	}
}

func (o *Options) workers(cases int) int {
	n := o.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, max(cases, 1))
}
