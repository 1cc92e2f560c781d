package conformance

import (
	"context"
	"errors"
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/opset"
)

// ONNX's rule for numbers: |got - want| <= atol + rtol × |want|.
const (
	rtol = 1e-3
	atol = 1e-7
)

// officialCase is one of ONNX's backend tests.
type officialCase struct{ onnxtest.Case }

func (c officialCase) id() string { return c.ID }

func (c officialCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c officialCase) exam(ctx context.Context, _ *runner) (*exam, error) {
	file, err := onnx.Load(c.ModelPath, nil)
	if err != nil {
		return unreadable(err), nil
	}
	sets, broken := c.Read(file.Model.Graph)
	if broken == nil && len(sets) == 0 {
		broken = errors.New("the case has no data")
	}
	t := &trial.Trial{Path: c.ModelPath, Random: true} // running again would double the time of large models
	e := &exam{trials: []*trial.Trial{t}}
	for _, set := range sets {
		t.Sets, e.names = append(t.Sets, set.Inputs), append(e.names, set.Name)
	}
	e.expected = func(set int) []tensor.Value { return sets[set].Outputs }
	e.judge = func(r *Result, seen []*trial.Observation) {
		switch o := seen[0]; {
		case !end(r, o):
		case broken != nil:
			r.As(result.FailStatus, broken.Error())
		default:
			c.judge(ctx, file, r, sets, o)
		}
	}
	e.close = file.Close
	return e, nil
}

// unreadable fails a case that cannot be read.
func unreadable(err error) *exam {
	return &exam{judge: func(r *Result, _ []*trial.Observation) { r.As(result.FailStatus, err.Error()) }}
}

// judge holds the outputs against those of the data.
func (c officialCase) judge(ctx context.Context, file *onnx.File, r *Result, sets []onnxtest.DataSet, o *trial.Observation) {
	for i, set := range sets {
		err := compareSet(file, set, o.Outputs[i])
		if err == nil {
			continue
		}
		if label, drawn := volatile(ctx, file); drawn && sameTypes(o.Outputs[i], set.Outputs) {
			r.As(result.UnsupportedDeclared, fmt.Sprintf(
				"node %s draws random values; those expected are another generator's, and the specification fixes none: types and shapes are right", label))
			return
		}
		r.As(result.FailNumeric, fmt.Sprintf("%s: %v", set.Name, err))
		return
	}
	r.As(passed(o), "")
}

func compareSet(file *onnx.File, set onnxtest.DataSet, got []tensor.Value) error {
	compared := 0
	for i, want := range set.Outputs {
		if want == nil {
			continue
		}
		compared++
		if err := onnxtest.Compare(got[i], want, rtol, atol); err != nil {
			return fmt.Errorf("output %q: %w", file.Model.Graph.Outputs[i].Name, err)
		}
	}
	if compared == 0 {
		return errors.New("the data has no output to compare with")
	}
	return nil
}

// volatile returns the label of a node that draws random values, if there is
// one.
func volatile(ctx context.Context, file *onnx.File) (string, bool) {
	g, err := opset.Lift(ctx, file.Model)
	if err != nil {
		return "", false
	}
	for n := range g.All {
		if infer.Volatile(n) {
			return n.Label(), true
		}
	}
	return "", false
}

func sameTypes(got, want []tensor.Value) bool {
	for i := range want {
		if want[i] != nil && (got[i] == nil || got[i].Type().String() != want[i].Type().String()) {
			return false
		}
	}
	return true
}
