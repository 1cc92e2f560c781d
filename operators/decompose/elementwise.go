package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// expression emits operators, and constants of one element type.
type expression struct {
	*graph.Builder
	dtype tensor.DType
}

// typed returns an expression in the element type of input i of n, or an error
// if that is not known.
func typed(b *graph.Builder, n *graph.Node, i int) (expression, error) {
	v := n.Input(i)
	if v == nil || !v.Type.IsTensor() || v.Type.DType == tensor.Undefined {
		return expression{}, fmt.Errorf("the element type of input %d must be known", i)
	}
	return expression{b, v.Type.DType}, nil
}

// num adds a scalar constant.
func (e expression) num(v float64) *graph.Value {
	return e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{}, []float64{v}))
}

// do adds an operator without attributes.
func (e expression) do(op string, inputs ...*graph.Value) *graph.Value { return e.Op(op, inputs) }

// as adds a cast.
func (e expression) as(d tensor.DType, v *graph.Value) *graph.Value {
	return e.Op("Cast", []*graph.Value{v}, graph.A("to", int64(d)))
}

// body writes a node's one output as an expression of its inputs.
type body func(e expression, n *graph.Node, in []*graph.Value) *graph.Value

// formula returns the rule for an operator whose one output is an expression in
// the element type of its first input.
func formula(f body) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := typed(b, n, 0)
		if err != nil {
			return nil, err
		}
		return []*graph.Value{f(e, n, n.Inputs)}, nil
	}
}

// realFormula is [formula] for floating-point types. Types narrower than float32
// are computed in float32, and rounded once.
func realFormula(f body) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := typed(b, n, 0)
		if err != nil {
			return nil, err
		}
		if !e.dtype.IsFloat() {
			return nil, fmt.Errorf("elements of type %v are not expressed by other operators", e.dtype)
		}
		if e.dtype.Bits() >= 32 {
			return []*graph.Value{f(e, n, n.Inputs)}, nil
		}
		wide := expression{b, tensor.Float32}
		in := make([]*graph.Value, len(n.Inputs))
		for i, v := range n.Inputs {
			in[i] = wide.as(tensor.Float32, v)
		}
		return []*graph.Value{wide.as(e.dtype, f(wide, n, in))}, nil
	}
}
