package conformance

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/codec"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
)

// examined is a case whose result follows from trials alone, so that it can be
// judged again from a package.
type examined interface {
	testcase
	exam(ctx context.Context, r *runner) (*exam, error)
}

// exam is what a case tries, and how it judges what is seen.
type exam struct {
	trials []*trial.Trial
	names  []string // of the sets of every trial

	// expected returns what the outputs for a set of the first trial should be,
	// nil where that is not known. Outputs that are equal to it need not be
	// stored.
	expected func(set int) []tensor.Value

	// operations returns about how many multiplications the runs of all sets take;
	// nil where that is not known.
	operations func() float64

	// judge turns what was seen into a result. All trials but the last ended
	// well; where one did not, those behind it were not made.
	judge func(r *Result, seen []*trial.Observation)

	close func() error // nil: there is nothing to close
}

func (e *exam) done() {
	if e.close != nil {
		_ = e.close() // of a file that was read
	}
}

// examine makes the trials of a case and judges them.
func (r *runner) examine(ctx context.Context, c examined) outcome {
	out := outcome{Result: Result{ID: c.id()}}
	e, err := c.exam(ctx, r)
	if err != nil {
		out.As(result.Fault, err.Error())
		return out
	}
	defer e.done()
	var seen []*trial.Observation
	for _, t := range e.trials {
		o := r.try(ctx, t)
		seen = append(seen, o)
		if o.End != trial.Done {
			break
		}
	}
	e.rule(&out.Result, seen)
	for i, o := range seen {
		kept, outputs := e.keep(o, i, func(set int) bool { return sampled(r.options.Seed, c.id(), set) })
		out.Trials = append(out.Trials, kept)
		out.outputs = append(out.outputs, outputs...)
	}
	return out
}

// rule fills in a result from what was seen.
func (e *exam) rule(r *Result, seen []*trial.Observation) {
	for i, o := range seen {
		r.Route, r.Kernels = o.Route, o.Kernels
		r.Seconds += o.Took.Seconds()
		r.CPU += o.CPU.Seconds()
		r.BytesIn += o.In
		r.BytesOut += o.Out
		if o.Watched != nil {
			r.InputBytes += size(e.trials[i].Sets[0])
			r.OutputBytes += size(o.Watched)
		}
	}
	if e.judge(r, seen); e.operations != nil && r.Status == Passed {
		r.Operations = e.operations()
	}
}

// size returns how many bytes the elements of tensors of numbers take.
func size(values []tensor.Value) int64 {
	n := 0
	for _, v := range values {
		if t, ok := v.(*tensor.Tensor); ok && t.DType() != tensor.String {
			n += len(t.Bytes())
		}
	}
	return int64(n)
}

// small is how many bytes of outputs a package stores in any case. Of larger ones
// that are equal to what is expected it stores a digest, and of one in sampling,
// as the seed falls, the outputs.
const (
	small    = 4 << 10
	sampling = 32
)

func sampled(seed uint64, id string, set int) bool {
	h := fnv.New64a()
	fmt.Fprint(h, seed, id, set)
	return h.Sum64()%sampling == 0
}

// keep returns what a package keeps of a trial, and the outputs that it stores.
func (e *exam) keep(o *trial.Observation, index int, sampled func(set int) bool) (result.Trial, [][]byte) {
	t := result.Trial{
		End: string(o.End), Text: o.Text, Declared: o.Declared, Route: o.Route, Kernels: o.Kernels, Helped: o.Helped, Runs: o.Runs,
		Unstable: o.Unstable, Faults: o.Faults, Leak: o.Leak, Seconds: o.Took.Seconds(), CPU: o.CPU.Seconds(), BytesIn: o.In, BytesOut: o.Out,
	}
	var stored [][]byte
	for i, values := range o.Outputs {
		b := codec.All(values)
		s := result.Set{Digest: result.Sum(b)}
		if i < len(e.names) {
			s.Name = e.names[i]
		}
		if len(b) > small && !sampled(i) && s.Digest == e.digest(index, i) {
			b = nil
		}
		t.Sets, stored = append(t.Sets, s), append(stored, b)
	}
	if o.Watched != nil && len(t.Sets) > 0 {
		b := codec.All(o.Watched)
		t.Watched = &result.Set{Digest: result.Sum(b)}
		if t.Watched.Digest == t.Sets[0].Digest {
			b = nil
		}
		stored = append(stored, b)
	}
	return t, stored
}

// digest returns the digest of the outputs that are expected, "" where they are
// not known.
func (e *exam) digest(index, set int) string {
	if want := e.wanted(index, set); want != nil {
		return result.Sum(codec.All(want))
	}
	return ""
}

func (e *exam) wanted(index, set int) []tensor.Value {
	if index > 0 || e.expected == nil {
		return nil
	}
	return e.expected(set)
}

// recall is the inverse of keep: what was seen, from a package.
func (e *exam) recall(t result.Trial, index int, stored [][]byte) (*trial.Observation, error) {
	o := &trial.Observation{
		End: trial.End(t.End), Text: t.Text, Declared: t.Declared, Route: t.Route, Kernels: t.Kernels, Helped: t.Helped, Runs: t.Runs,
		Unstable: t.Unstable, Faults: t.Faults, Leak: t.Leak, Took: seconds(t.Seconds), CPU: seconds(t.CPU), In: t.BytesIn, Out: t.BytesOut,
	}
	if index >= len(e.trials) || len(t.Sets) > len(e.trials[index].Sets) || o.End == trial.Done && len(t.Sets) < len(e.trials[index].Sets) {
		return nil, fmt.Errorf("trial %d has %d sets of outputs, which are not those of the case", index, len(t.Sets))
	}
	for i, s := range t.Sets {
		values, err := e.outputs(s, index, i, stored[i])
		if err != nil {
			return nil, err
		}
		o.Outputs = append(o.Outputs, values)
	}
	if w := t.Watched; w != nil {
		b := stored[len(t.Sets)]
		if b == nil && len(o.Outputs) > 0 && w.Digest == t.Sets[0].Digest {
			o.Watched = o.Outputs[0]
			return o, nil
		}
		var err error
		o.Watched, err = decoded(*w, b)
		return o, err
	}
	return o, nil
}

// outputs returns the outputs for a set, which are those expected where only
// their digest was kept.
func (e *exam) outputs(s result.Set, index, set int, stored []byte) ([]tensor.Value, error) {
	if stored != nil {
		return decoded(s, stored)
	}
	if s.Digest != e.digest(index, set) {
		return nil, fmt.Errorf("of the outputs of set %d a digest is kept, %.12s…, which is not that of what is expected", set, s.Digest)
	}
	return e.wanted(index, set), nil
}

func decoded(s result.Set, b []byte) ([]tensor.Value, error) {
	if got := result.Sum(b); got != s.Digest {
		return nil, fmt.Errorf("the stored outputs have the digest %.12s…, not %.12s…", got, s.Digest)
	}
	return codec.DecodeAll(b)
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
