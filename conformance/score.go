package conformance

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"example.com/midplane/operators/onnx/onnxtest"
)

// Score runs the cases that the options choose and reports what became of them,
// in the order of the folders and of the names in them. It returns an error,
// and no report, if a folder cannot be read, if no case is left to run, or if
// the context ends.
func Score(ctx context.Context, open Open, o *Options) (*Report, error) {
	cases, err := o.cases()
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(cases))
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
		done int
		next = make(chan int)
	)
	for range o.workers(len(cases)) {
		wait.Go(func() {
			for i := range next {
				results[i] = runCase(ctx, open, cases[i])
				if o.Progress != nil {
					mu.Lock()
					done++
					o.Progress(done, len(cases), results[i])
					mu.Unlock()
				}
			}
		})
	}
	for i := range cases {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	report := &Report{}
	for _, r := range results {
		report.add(r)
	}
	return report, nil
}

func (o *Options) workers(cases int) int {
	n := o.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, cases)
}

// cases returns the cases chosen.
func (o *Options) cases() ([]onnxtest.Case, error) {
	if o == nil {
		o = &Options{}
	}
	var all, kept []onnxtest.Case
	for _, dir := range o.ONNX {
		cases, err := onnxtest.Cases(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
	}
	for _, c := range all {
		if o.Match == nil || o.Match.MatchString(c.ID) {
			kept = append(kept, c)
		}
	}
	if o.Shards > 0 {
		if o.Shard < 0 || o.Shard >= o.Shards {
			return nil, fmt.Errorf("conformance: shard %d of %d: it counts from 0", o.Shard, o.Shards)
		}
		var mine []onnxtest.Case
		for i := o.Shard; i < len(kept); i += o.Shards {
			mine = append(mine, kept[i])
		}
		kept = mine
	}
	if len(kept) == 0 {
		return nil, errors.New("conformance: no case to run: name folders of ONNX's backend tests, and a pattern that matches some")
	}
	return kept, nil
}

// Run is [Score] for a test: every case is a subtest under its ID. A failed
// case fails its subtest, an unsupported one is skipped with the reason.
func Run(t *testing.T, open Open, o *Options) {
	t.Helper()
	cases, err := o.cases()
	if err != nil {
		t.Fatal(err)
	}
	report := &Report{}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			r := runCase(t.Context(), open, c)
			report.add(r)
			switch r.Status {
			case Failed:
				t.Error(r.Reason)
			case Unsupported:
				t.Skip(r.Reason)
			}
		})
	}
	t.Log(report.Summary)
}
