package conformance

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/conformance/codec"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/witness"
)

// cellCase is a cell.
type cellCase struct{ cell.Cell }

func (c cellCase) id() string { return c.ID() }

func (c cellCase) run(ctx context.Context, r *runner) outcome {
	out := outcome{Result: Result{ID: c.ID()}}
	p, err := cell.Make(c.Cell, r.options.Seed)
	if err != nil {
		out.As(result.Fault, err.Error())
		return out
	}
	return tryProblem(ctx, r, c.ID(), p)
}

// tryProblem runs a problem and judges it.
func tryProblem(ctx context.Context, r *runner, id string, p *cell.Problem) outcome {
	out := outcome{Result: Result{ID: id}}
	orc, err := oracle.New(ctx, p.Model, p.Node)
	if err != nil {
		out.As(result.Fault, err.Error())
		return out
	}
	model, err := onnx.Encode(p.Model)
	if err != nil {
		out.As(result.Fault, err.Error())
		return out
	}
	p.Draws = asked(p.Draws, r.behaviour)
	t := &trial.Trial{Model: model, Random: orc.Random(), Guarded: true, Concurrent: p.Cell.First() && p.Cell.Usual()}
	for _, d := range p.Draws {
		t.Sets = append(t.Sets, d.Inputs)
	}
	o := r.try(ctx, t)
	out.observed(o)
	if !end(&out.Result, o) {
		return out
	}
	j := judge{ctx: ctx, oracle: orc, draws: p.Draws, behaviour: r.behaviour, class: r.class}
	equal := j.outputs(&out.Result, o.Outputs)
	for i, d := range p.Draws {
		b := codec.All(o.Outputs[i])
		out.Sets = append(out.Sets, result.Set{Name: d.Name, Digest: result.Sum(b)})
		if equal[i] && len(b) > small && !sampled(r.options.Seed, id, i) {
			b = nil
		}
		out.outputs = append(out.outputs, b)
	}
	if out.Status == Passed {
		j.trial(&out.Result, o)
	}
	return out
}

// small is how many bytes of outputs a package stores in any case. Of larger ones
// that are equal to what the oracle computes it stores a digest, and of one in
// sampling, as the seed falls, the outputs.
const (
	small    = 4 << 10
	sampling = 32
)

func sampled(seed uint64, id string, set int) bool {
	h := fnv.New64a()
	fmt.Fprint(h, seed, id, set)
	return h.Sum64()%sampling == 0
}

// asked leaves out data about which the backend declares nothing.
func asked(draws []cell.Draw, b oracle.Behaviour) []cell.Draw {
	return slices.DeleteFunc(slices.Clone(draws), func(d cell.Draw) bool {
		return b.Drops && d.Name == string(cell.ChosenNaN)
	})
}

// observed takes over what was seen of a trial, apart from outputs.
func (out *outcome) observed(o *trial.Observation) {
	out.Route, out.Kernels = o.Route, o.Kernels
	out.Seconds, out.CPU = o.Took.Seconds(), o.CPU.Seconds()
	out.BytesIn, out.BytesOut = o.In, o.Out
}

// judge turns what was observed of a problem into a result.
type judge struct {
	ctx       context.Context
	oracle    *oracle.Oracle
	draws     []cell.Draw
	behaviour oracle.Behaviour
	class     oracle.Class // that has to be met
}

// outputs judges the outputs for every draw, and reports which are equal to what
// is expected; the first fault counts, and the worst class.
func (j judge) outputs(r *Result, outputs [][]tensor.Value) (equal []bool) {
	r.As(result.Pass, "")
	worst := oracle.A
	equal = make([]bool, len(j.draws))
	for i, d := range j.draws {
		v, err := j.one(d, outputs[i])
		if err != nil {
			r.As(result.Fault, fmt.Sprintf("%s: %v", d.Name, err))
			return equal
		}
		equal[i] = v.Equal
		r.MaxULP, r.P99ULP, r.NMSE = max(r.MaxULP, v.MaxULP), max(r.P99ULP, v.P99ULP), max(r.NMSE, v.NMSE)
		if v.Fault != oracle.None {
			r.Class = ""
			r.As(faults[v.Fault], d.Name+": "+v.Reason)
			return equal
		}
		if v.Class > worst {
			worst, r.Reason = v.Class, d.Name+": "+v.Reason
		}
	}
	r.Class = worst.String()
	if worst > j.class {
		r.As(result.FailNumeric, fmt.Sprintf("accuracy class %v, where %v is declared: %s", worst, j.class, r.Reason))
	}
	return equal
}

// one judges the outputs for one draw.
func (j judge) one(d cell.Draw, got []tensor.Value) (oracle.Judgement, error) {
	e, err := j.oracle.Expect(j.ctx, d.Inputs)
	if err != nil {
		return oracle.Judgement{}, err
	}
	return e.Judge(j.ctx, got, j.behaviour)
}

var faults = map[oracle.Fault]result.Outcome{
	oracle.Numeric: result.FailNumeric, oracle.Shape: result.FailShape, oracle.Type: result.FailType,
}

// trial judges what else was seen where the outputs are right.
func (j judge) trial(r *Result, o *trial.Observation) {
	switch {
	case o.Unstable != "":
		r.As(result.FailNondeterministic, o.Unstable)
		return
	case len(o.Faults) > 0:
		r.As(result.FailMemory, strings.Join(o.Faults, "; "))
		return
	case o.Leak != "":
		r.As(result.FailLeak, o.Leak)
		return
	}
	if o.Watched != nil {
		again := *r
		j.draws = j.draws[:1]
		j.outputs(&again, [][]tensor.Value{o.Watched})
		if again.Status != Passed {
			r.As(again.Outcome, "with memory watched: "+again.Reason)
			return
		}
	}
	r.As(passed(o), r.Reason)
}

// passed returns how a trial with the right outputs counts.
func passed(o *trial.Observation) result.Outcome {
	means := strings.Join(o.Helped, " ")
	switch {
	case strings.Contains(means, string(witness.Session)), strings.Contains(means, "under no context"):
		return result.Fallback
	case o.Watched != nil && o.Runs == 0, o.Route == "host", o.Route == "constant", o.Route == "control", o.Route == "control+host":
		return result.PassHost
	case slices.Contains(o.Kernels, "reference"), strings.Contains(means, string(witness.Reference)):
		return result.PassSelf
	case strings.Contains(o.Route, "decomposed"):
		return result.PassDecomposed
	}
	return result.Pass
}
