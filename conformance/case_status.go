package conformance

import (
	"context"
	"fmt"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// statusCase gives an operator data that it must refuse. Shapes that do not go
// together are refused by midplane before a device sees them; what is left to the
// device depends on data.
type statusCase struct {
	operator, condition string
	version             int
	attributes          []graph.Attribute
	inputs              []*tensor.Tensor
}

func (c statusCase) id() string { return fmt.Sprintf("status/%s/%s", c.operator, c.condition) }

// conditions returns the cases that have to end in an error.
func conditions() []testcase {
	data := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	at := func(v ...int64) *tensor.Tensor { return tensor.Of(v) }
	grid := func(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)/2, 2) }
	cases := []statusCase{
		{"Gather", "index-beyond", 13, nil, []*tensor.Tensor{data, at(0, 3)}},
		{"Gather", "index-before", 13, nil, []*tensor.Tensor{data, at(0, -4)}},
		{"GatherElements", "index-beyond", 13, nil, []*tensor.Tensor{data, grid(0, 3)}},
		{"GatherElements", "index-before", 13, nil, []*tensor.Tensor{data, grid(0, -4)}},
		{"GatherND", "index-beyond", 13, nil, []*tensor.Tensor{data, grid(0, 2)}},
		{"GatherND", "index-before", 13, nil, []*tensor.Tensor{data, grid(-4, 0)}},
		{"ScatterElements", "index-beyond", 18, nil, []*tensor.Tensor{data, grid(0, 3), tensor.Of([]float32{7, 8}, 1, 2)}},
		{"ScatterElements", "index-before", 18, nil, []*tensor.Tensor{data, grid(0, -4), tensor.Of([]float32{7, 8}, 1, 2)}},
		{"ScatterND", "index-beyond", 18, nil, []*tensor.Tensor{data, grid(0, 2), tensor.Of([]float32{7})}},
		{"ScatterND", "index-before", 18, nil, []*tensor.Tensor{data, grid(-4, 0), tensor.Of([]float32{7})}},
		{"NegativeLogLikelihoodLoss", "label-beyond", 22, nil, []*tensor.Tensor{data, at(0, 1, 2)}},
		{"SoftmaxCrossEntropyLoss", "label-beyond", 13, nil, []*tensor.Tensor{data, at(0, 1, 2)}},
		{"ReverseSequence", "length-beyond", 10, nil, []*tensor.Tensor{data, at(1, 4)}},
		{"TensorScatter", "index-beyond", 24, nil, []*tensor.Tensor{tensor.Zeros(tensor.Float32, tensor.Shape{1, 3, 1}), tensor.Zeros(tensor.Float32, tensor.Shape{1, 2, 1}), at(2)}},
	}
	list := make([]testcase, len(cases))
	for i, c := range cases {
		list[i] = c
	}
	return list
}

// model is the operator, with inputs whose extents are left open.
func (c statusCase) model() *graph.Model {
	out := &graph.Value{Name: "y"}
	n := &graph.Node{Name: "node", Op: c.operator, Version: c.version, Attributes: c.attributes, Outputs: []*graph.Value{out}}
	out.Producer = n
	g := &graph.Graph{Name: c.operator, Nodes: []*graph.Node{n}, Outputs: n.Outputs}
	for i, t := range c.inputs {
		v := &graph.Value{Name: fmt.Sprintf("x%d", i), Type: tensor.TensorType(t.DType(), tensor.UnknownDims(t.Rank()))}
		n.Inputs, g.Inputs = append(n.Inputs, v), append(g.Inputs, v)
	}
	return &graph.Model{Producer: "midplane", Opsets: map[string]int{"": c.version}, Graph: g}
}

func (c statusCase) run(ctx context.Context, r *runner) outcome { return r.examine(ctx, c) }

func (c statusCase) exam(context.Context, *runner) (*exam, error) {
	model, err := onnx.Encode(c.model())
	if err != nil {
		return nil, err
	}
	var set []tensor.Value
	for _, t := range c.inputs {
		set = append(set, t)
	}
	return &exam{trials: []*trial.Trial{{Model: model, Sets: [][]tensor.Value{set}, Guarded: true}}, judge: refusal}, nil
}

// refusal wants an error.
func refusal(r *Result, seen []*trial.Observation) {
	switch o := seen[0]; {
	case o.End == trial.Done:
		r.As(result.FailStatus, "no error, where the operator has to refuse its operands")
	case o.End == trial.Failed && o.Panicked:
		r.As(result.FailStatus, "a panic, where the operator has to refuse its operands: "+o.Text)
	case o.End == trial.Failed && o.Declared:
		r.As(passed(o), "")
	default:
		end(r, o)
	}
	if strings.Contains(r.Route, "decomposed") && r.Outcome == result.Pass {
		r.As(result.PassDecomposed, "")
	}
}
