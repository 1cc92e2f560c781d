package conformance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/witness"
)

// cellCase is a cell.
type cellCase struct{ cell.Cell }

func (c cellCase) id() string { return c.ID() }

func (c cellCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c cellCase) exam(ctx context.Context, r *runner) (*exam, error) {
	p, err := cell.Make(c.Cell, r.options.Seed)
	if err != nil {
		return nil, err
	}
	return problemExam(ctx, r, p, p.Cell.First() && p.Cell.Usual())
}

// problemExam tries a problem, and judges the outputs by the oracle.
func problemExam(ctx context.Context, r *runner, p *cell.Problem, concurrent bool) (*exam, error) {
	orc, err := oracle.New(ctx, p.Model, p.Node)
	if err != nil {
		return nil, err
	}
	model, err := onnx.Encode(p.Model)
	if err != nil {
		return nil, err
	}
	t := &trial.Trial{Model: model, Random: orc.Random(), Guarded: true, Concurrent: concurrent}
	e := &exam{trials: []*trial.Trial{t}}
	draws := asked(p.Draws, r.behaviour)
	for _, d := range draws {
		t.Sets, e.names = append(t.Sets, d.Inputs), append(e.names, d.Name)
	}
	j := &judge{ctx: ctx, oracle: orc, draws: draws, behaviour: r.behaviour, class: r.class, expectations: make([]*oracle.Expectation, len(draws))}
	e.expected, e.operations = j.expected, j.operations
	e.judge = func(res *Result, seen []*trial.Observation) {
		if o := seen[0]; end(res, o) {
			if j.outputs(res, o.Outputs); res.Status == Passed {
				j.trial(res, o)
			}
		}
	}
	return e, nil
}

// asked leaves out data about which the backend declares nothing.
func asked(draws []cell.Draw, b oracle.Behaviour) []cell.Draw {
	return slices.DeleteFunc(slices.Clone(draws), func(d cell.Draw) bool {
		return b.Drops && d.Name == string(cell.ChosenNaN)
	})
}

// judge turns what was observed of a problem into a result.
type judge struct {
	ctx          context.Context
	oracle       *oracle.Oracle
	draws        []cell.Draw
	behaviour    oracle.Behaviour
	class        oracle.Class          // that has to be met
	expectations []*oracle.Expectation // of every draw, made when they are needed
}

// expect computes what the outputs for a draw should be.
func (j *judge) expect(draw int) (*oracle.Expectation, error) {
	var err error
	if j.expectations[draw] == nil {
		j.expectations[draw], err = j.oracle.Expect(j.ctx, j.draws[draw].Inputs)
	}
	return j.expectations[draw], err
}

// expected returns what the outputs for a draw should be, nil where that fails
// or is left to chance.
func (j *judge) expected(draw int) []tensor.Value {
	e, err := j.expect(draw)
	if err != nil || j.oracle.Random() {
		return nil
	}
	return e.Outputs
}

// operations returns about how many multiplications all draws take.
func (j *judge) operations() float64 {
	n := 0.0
	for _, e := range j.expectations {
		if e != nil {
			n += e.Operations()
		}
	}
	return n
}

// outputs judges the outputs for every draw; the first fault counts, and the
// worst class.
func (j *judge) outputs(r *Result, outputs [][]tensor.Value) {
	r.As(result.Pass, "")
	worst := oracle.A
	for i, out := range outputs {
		name := j.draws[i].Name
		v, err := j.one(i, out)
		if err != nil {
			r.As(result.Fault, fmt.Sprintf("%s: %v", name, err))
			return
		}
		r.MaxULP, r.P99ULP, r.NMSE = worse(r.MaxULP, v.MaxULP), worse(r.P99ULP, v.P99ULP), worse(r.NMSE, v.NMSE)
		if v.Fault != oracle.None {
			r.Class = ""
			r.As(faults[v.Fault], name+": "+v.Reason)
			return
		}
		if v.Class > worst {
			worst, r.Reason = v.Class, name+": "+v.Reason
		}
	}
	r.Class = worst.String()
	if worst > j.class {
		r.As(result.FailNumeric, fmt.Sprintf("accuracy class %v, where %v is declared: %s", worst, j.class, r.Reason))
	}
}

// worse returns the greater of two errors, as a number that JSON can say.
func worse(a, b float64) float64 {
	if m := max(a, b); m <= math.MaxFloat64 {
		return m
	}
	return math.MaxFloat64
}

// one judges the outputs for one draw.
func (j *judge) one(draw int, got []tensor.Value) (oracle.Judgement, error) {
	e, err := j.expect(draw)
	if err != nil {
		return oracle.Judgement{}, err
	}
	return e.Judge(j.ctx, got, j.behaviour)
}

var faults = map[oracle.Fault]result.Outcome{
	oracle.Numeric: result.FailNumeric, oracle.Shape: result.FailShape, oracle.Type: result.FailType,
}

// trial judges what else was seen where the outputs are right.
func (j *judge) trial(r *Result, o *trial.Observation) {
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
		j.outputs(&again, [][]tensor.Value{o.Watched})
		if again.Status != Passed {
			r.As(again.Outcome, "with memory watched: "+again.Reason)
			return
		}
	}
	r.As(passed(o), r.Reason)
}

// empty reports whether outputs have no element at all, so that there was nothing
// to compute.
func empty(outputs [][]tensor.Value) bool {
	return len(outputs) > 0 && !slices.ContainsFunc(outputs, func(values []tensor.Value) bool {
		return slices.ContainsFunc(values, func(v tensor.Value) bool {
			t, ok := v.(*tensor.Tensor)
			return !ok || t.Len() > 0
		})
	})
}

// passed returns how a trial with the right outputs counts.
func passed(o *trial.Observation) result.Outcome {
	means := strings.Join(o.Helped, " ")
	switch {
	case strings.Contains(means, string(witness.Session)), strings.Contains(means, "under no context"):
		return result.Fallback
	case o.Watched != nil && o.Runs == 0, empty(o.Outputs), o.Route == "host", o.Route == "constant", o.Route == "control", o.Route == "control+host":
		return result.PassHost
	case slices.Contains(o.Kernels, "reference"), strings.Contains(means, string(witness.Reference)):
		return result.PassSelf
	case strings.Contains(o.Route, "decomposed"):
		return result.PassDecomposed
	}
	return result.Pass
}
