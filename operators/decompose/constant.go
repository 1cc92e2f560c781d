package decompose

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
	"example.com/midplane/operators/witness"
)

// constant holds Constant, ConstantOfShape, Range, EyeLike.
var constant = family{
	"Constant":        constantValue,
	"ConstantOfShape": constantOfShape,
	"Range":           rangeOf,
	"EyeLike":         eyeLike,
}

func constantValue(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	out, err := reference.Run(witness.Watch(context.Background(), nil), n, nil, nil)
	if err != nil {
		return nil, err
	}
	return []*graph.Value{b.Const(out[0].(*tensor.Tensor))}, nil
}

func constantOfShape(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	value := n.Tensor("value")
	if value == nil {
		value = tensor.Scalar(float32(0))
	}
	scalar, err := value.Reshape(tensor.Shape{})
	if err != nil {
		return nil, err
	}
	return []*graph.Value{b.Op("Expand", []*graph.Value{b.Const(scalar), n.Inputs[0]})}, nil
}

// rangeOf counts the elements, numbers them by a running sum of ones, and
// computes start + i × delta; of narrow floats in float32.
func rangeOf(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	d := e.dtype
	start, limit, delta := n.Inputs[0], n.Inputs[1], n.Inputs[2]
	if d.IsFloat() && d.Bits() < 32 {
		start, limit, delta = e.as(tensor.Float32, start), e.as(tensor.Float32, limit), e.as(tensor.Float32, delta)
		e.dtype = tensor.Float32
	}
	count := countReals
	if d.IsInteger() {
		count = countIntegers
	}
	size := e.do("Reshape", count(e, start, limit, delta), e.Ints(1))
	ones := e.Op("ConstantOfShape", []*graph.Value{size}, graph.A("value", tensor.Of([]int64{1})))
	axis := e.Const(tensor.Scalar(int64(0)))
	numbers := e.Op("CumSum", []*graph.Value{ones, axis}, graph.A("exclusive", int64(1)))
	out := e.do("Add", start, e.do("Mul", e.as(e.dtype, numbers), delta))
	if d != e.dtype {
		out = e.as(d, out)
	}
	return []*graph.Value{out}, nil
}

// countReals is max(ceil((limit - start) / delta), 0) as an int64.
func countReals(e expression, start, limit, delta *graph.Value) *graph.Value {
	start, limit, delta = e.as(tensor.Float64, start), e.as(tensor.Float64, limit), e.as(tensor.Float64, delta)
	steps := e.do("Ceil", e.do("Div", e.do("Sub", limit, start), delta))
	return e.do("Max", e.as(tensor.Int64, steps), e.Const(tensor.Scalar(int64(0))))
}

// countIntegers is max((limit - start + delta - sign(delta)) / delta, 0), whose
// division is towards zero, as an int64.
func countIntegers(e expression, start, limit, delta *graph.Value) *graph.Value {
	start, limit, delta = e.as(tensor.Int64, start), e.as(tensor.Int64, limit), e.as(tensor.Int64, delta)
	span := e.do("Add", e.do("Sub", limit, start), e.do("Sub", delta, e.do("Sign", delta)))
	return e.do("Max", e.do("Div", span, delta), e.Const(tensor.Scalar(int64(0))))
}

// eyeLike compares the numbers of rows, moved by k, with those of columns.
func eyeLike(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	shape := e.do("Shape", n.Inputs[0])
	zero, one := e.Const(tensor.Scalar(int64(0))), e.Const(tensor.Scalar(int64(1)))
	k := e.Const(tensor.Scalar(n.Int("k", 0)))
	rows := e.do("Add", e.do("Range", zero, e.do("Gather", shape, zero), one), k)
	columns := e.do("Range", zero, e.do("Gather", shape, one), one)
	hit := e.do("Equal", e.do("Unsqueeze", rows, e.Ints(1)), columns)
	return []*graph.Value{e.as(n.DType("dtype", e.dtype), hit)}, nil
}
