package opset

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// gather holds Gather, GatherElements, GatherND, ScatterElements, ScatterND,
// TensorScatter, OneHot, NonZero.
var gather = family{
	"Scatter": {{11, scatterToScatterElements}},
	"OneHot":  {{11, negativeOfOneHot}},
}

func scatterToScatterElements(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return b.Node("", "ScatterElements", n.Inputs, 1, n.Attributes...), nil
}

// negativeOfOneHot: a negative index was outside the range; now it counts from
// the back. The depth, as an index, is outside in both.
func negativeOfOneHot(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if t := n.Inputs[0].Type; t.IsTensor() && t.DType.IsUnsigned() {
		return n.Outputs, nil
	}
	whole := func(v *graph.Value) *graph.Value {
		return b.Op("Cast", []*graph.Value{v}, graph.A("to", int64(tensor.Int64)))
	}
	indices := whole(n.Inputs[0])
	depth := b.Op("Reshape", []*graph.Value{whole(n.Inputs[1]), b.Ints()})
	negative := b.Op("Less", []*graph.Value{indices, b.Const(tensor.Scalar(int64(0)))})
	indices = b.Op("Where", []*graph.Value{negative, depth, indices})
	return b.Node("", n.Op, []*graph.Value{indices, n.Inputs[1], n.Inputs[2]}, 1, n.Attributes...), nil
}
