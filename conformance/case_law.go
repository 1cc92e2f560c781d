package conformance

import (
	"context"
	"fmt"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
	"example.com/midplane/conformance/law"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/opset"
)

// lawCase holds a law against a device.
type lawCase struct {
	law.Law
	cell cell.Cell
}

func (c lawCase) id() string {
	return fmt.Sprintf("law/%s/%s/%v", c.Name, c.cell.Operator, c.cell.DType)
}

// laws returns the cases of all laws, in float32, and in a profile with all
// types in the other types that have such cells.
func laws(p Profile) []testcase {
	types := []tensor.DType{tensor.Float32}
	if p != Smoke {
		types = append(types, tensor.Float16, tensor.Float64, tensor.Int32, tensor.Bool)
	}
	var cases []testcase
	for _, l := range law.All {
		for _, op := range l.Operators {
			for _, t := range types {
				if c, ok := l.Cell(op, t); ok {
					lc := lawCase{l, c}
					if problem, err := cell.Make(c, 0); err == nil && l.Sets(problem.Draws[0].Inputs) != nil {
						cases = append(cases, lc)
					}
				}
			}
		}
	}
	return append(cases, decompositions()...)
}

func (c lawCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c lawCase) exam(ctx context.Context, r *runner) (*exam, error) {
	p, err := cell.Make(c.cell, r.options.Seed)
	if err != nil {
		return nil, err
	}
	model, err := onnx.Encode(p.Model)
	if err != nil {
		return nil, err
	}
	sets := c.Sets(p.Draws[0].Inputs)
	if sets == nil { // as the seed falls, one example only
		sets = [][]tensor.Value{p.Draws[0].Inputs, p.Draws[0].Inputs}
		c.Related = func(out [][]tensor.Value) []tensor.Value { return out[0] }
	}
	judge := func(res *Result, seen []*trial.Observation) {
		o := seen[0]
		if !end(res, o) {
			return
		}
		last := len(sets) - 1
		relate(ctx, r, res, p, sets[last], o.Outputs[last], c.Related(o.Outputs[:last]), c.Exact)
		if res.Status == Passed {
			watched(ctx, r, res, p, sets[0], o)
		}
	}
	return &exam{trials: []*trial.Trial{{Model: model, Sets: sets, Guarded: true}}, judge: judge}, nil
}

// watched judges what else was seen of a trial that obeys a law: that outputs
// are written, too, whatever lay there before.
func watched(ctx context.Context, r *runner, res *Result, p *cell.Problem, inputs []tensor.Value, o *trial.Observation) {
	switch {
	case len(o.Faults) > 0:
		res.As(result.FailMemory, strings.Join(o.Faults, "; "))
		return
	case o.Leak != "":
		res.As(result.FailLeak, o.Leak)
		return
	case o.Watched != nil:
		if relate(ctx, r, res, p, inputs, o.Watched, o.Outputs[0], false); res.Status != Passed {
			res.As(res.Outcome, "with memory watched: "+res.Reason)
			return
		}
	}
	res.As(passed(o), "")
}

// relate holds outputs against those that a law derives from others of the same
// device. Both have errors: they may be as far apart as class B allows.
func relate(ctx context.Context, r *runner, res *Result, p *cell.Problem, inputs, got, want []tensor.Value, exact bool) {
	orc, err := oracle.New(ctx, p.Model, p.Node)
	if err != nil {
		res.As(result.Fault, err.Error())
		return
	}
	e, err := orc.Expect(ctx, inputs)
	if err != nil {
		res.As(result.Fault, err.Error())
		return
	}
	e.Outputs = want
	j, err := e.Judge(ctx, got, r.behaviour)
	switch {
	case err != nil:
		res.As(result.Fault, err.Error())
	case want == nil:
		res.As(result.FailShape, "the outputs for two parts of a batch do not go together")
	case j.Fault != oracle.None:
		res.As(faults[j.Fault], "not as the law says: "+j.Reason)
	case exact && j.Class > oracle.A && r.class == oracle.A || j.Class > max(r.class, oracle.B):
		res.As(result.FailNumeric, "not as the law says: "+j.Reason)
	default:
		res.As(result.Pass, "")
	}
}

// decomposedCase runs an operator by a kernel of its own, if there is one, and as
// the operators that it consists of.
type decomposedCase struct{ cell cell.Cell }

func (c decomposedCase) id() string {
	return fmt.Sprintf("law/decomposed/%s/%v", c.cell.Operator, c.cell.DType)
}

// decompositions returns a case for every operator with a rule.
func decompositions() []testcase {
	var cases []testcase
	for _, c := range cell.All() {
		if _, ok := decompose.Lookup(c.Operator); ok && c.Newest() && c.First() && c.Usual() && mainType(c) && c.Layout == cell.Dense && !c.HostOnly() {
			cases = append(cases, decomposedCase{c})
		}
	}
	return cases
}

func (c decomposedCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c decomposedCase) exam(ctx context.Context, r *runner) (*exam, error) {
	p, err := cell.Make(c.cell, r.options.Seed)
	if err != nil {
		return nil, err
	}
	parts, err := decomposed(ctx, p)
	if err != nil {
		return nil, err
	}
	if parts == nil {
		return &exam{judge: func(res *Result, _ []*trial.Observation) {
			res.As(result.PassHost, "the rule does not apply to this use")
		}}, nil
	}
	e := &exam{}
	for _, m := range []*graph.Model{p.Model, parts} {
		model, err := onnx.Encode(m)
		if err != nil {
			return nil, err
		}
		e.trials = append(e.trials, &trial.Trial{Model: model, Sets: [][]tensor.Value{p.Draws[0].Inputs}, Guarded: true})
	}
	e.judge = func(res *Result, seen []*trial.Observation) {
		if !end(res, seen[len(seen)-1]) {
			return
		}
		relate(ctx, r, res, p, p.Draws[0].Inputs, seen[1].Outputs[0], seen[0].Outputs[0], false)
		for _, o := range seen {
			if res.Status == Passed {
				watched(ctx, r, res, p, p.Draws[0].Inputs, o)
			}
		}
		if res.Status == Passed {
			res.As(passed(seen[0]), "")
		}
	}
	return e, nil
}

// decomposed returns the model with the node replaced by what it consists of, nil
// where the rule declines.
func decomposed(ctx context.Context, p *cell.Problem) (*graph.Model, error) {
	g, err := opset.Lift(ctx, p.Model)
	if err != nil {
		return nil, err
	}
	facts, err := infer.Run(ctx, g, nil)
	if err != nil {
		return nil, err
	}
	infer.Annotate(g, facts)
	for i, n := range g.Nodes {
		rule, ok := decompose.Lookup(n.Operator())
		if n.Operator() != p.Cell.Operator || !ok {
			continue
		}
		b, values, err := infer.Rewrite(ctx, rule, n)
		if err != nil {
			return nil, nil // it would have to know more
		}
		g.Replace(i, b, values)
		return &graph.Model{Producer: "midplane", Opsets: newestOpsets(), Graph: g}, nil
	}
	return nil, nil
}

// newestOpsets imports the newest operator set of every domain.
func newestOpsets() map[string]int {
	sets := make(map[string]int)
	for _, domain := range operators.Domains() {
		sets[domain] = operators.NewestOpset(domain)
	}
	return sets
}
