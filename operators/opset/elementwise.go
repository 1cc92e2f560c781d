package opset

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// unconsumed lifts forms that still have the attribute consumed_inputs, which
// never had a meaning.
var unconsumed = Rule{Below: 6, Lift: func(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Attributes = n.Without("consumed_inputs")
	return n.Outputs, nil
}}

// unaligned lifts forms that broadcast their second operand along an axis that
// an attribute names.
var unaligned = Rule{Below: 7, Lift: alignOperand}

// alignOperand makes an operator broadcast as NumPy does. Where the attribute
// axis says at which axis of the first operand the extents of the second lie,
// the second gets an axis of extent 1 for each one behind them.
func alignOperand(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	axis, aligned := graph.Attr[int64](n, "axis")
	aligned = aligned && n.Bool("broadcast", false)
	n.Attributes = n.Without("axis", "broadcast")
	if !aligned {
		return n.Outputs, nil
	}
	x, y := n.Inputs[0], n.Inputs[1]
	to, from := x.Type.Dims, y.Type.Dims
	if shape, ok := from.Shape(); ok && shape.Size() == 1 {
		return n.Outputs, nil
	}
	if !to.Ranked() || !from.Ranked() {
		return nil, fmt.Errorf("to broadcast along axis %d the ranks of both operands must be known; they are %v and %v", axis, to, from)
	}
	if axis < 0 {
		axis += int64(len(to))
	}
	if axis < 0 || axis > int64(len(to)-len(from)) {
		return nil, fmt.Errorf("extents %v do not lie at axis %d of %v", from, axis, to)
	}
	behind := len(to) - int(axis) - len(from)
	if behind == 0 {
		return n.Outputs, nil
	}
	y = unsqueezeEnd(b, y, behind)
	return []*graph.Value{b.Op(n.Op, []*graph.Value{x, y}, n.Attributes...)}, nil
}

// unsqueezeEnd adds axes of extent 1 behind the last axis of v, whose rank is
// known.
func unsqueezeEnd(b *graph.Builder, v *graph.Value, count int) *graph.Value {
	axes := make([]int64, count)
	for i := range axes {
		axes[i] = int64(len(v.Type.Dims) + i)
	}
	return b.Op("Unsqueeze", []*graph.Value{v, b.Ints(axes...)})
}

// scalarLike returns a scalar of the element type of a value.
func scalarLike(b *graph.Builder, v float32, like *graph.Value) *graph.Value {
	if d := like.Type.DType; like.Type.IsTensor() && d.IsFloat() {
		return b.Const(tensor.FromFloat64s(d, tensor.Shape{}, []float64{float64(v)}))
	}
	return b.Op("CastLike", []*graph.Value{b.Const(tensor.Scalar(v)), like})
}
