package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// slice holds Slice, Concat, Split, Pad, Trilu, ReverseSequence, Compress,
// CenterCropPad.
var slice = family{
	"Split":           split,
	"Trilu":           trilu,
	"ReverseSequence": reverseSequence,
	"Compress":        compress,
	"CenterCropPad":   centerCropPad,
}

// split takes a Slice for every part.
func split(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	axis := n.Int("axis", 0)
	sizes, err := partSizes(n, axis)
	if err != nil {
		return nil, err
	}
	out := make([]*graph.Value, len(n.Outputs))
	at := int64(0)
	for i, size := range sizes {
		out[i] = e.do("Slice", n.Inputs[0], b.Ints(at), b.Ints(at+size), b.Ints(axis))
		at += size
	}
	return out, nil
}

// partSizes returns the extents of the parts of a Split: those of a constant, or
// equal ones but for the last.
func partSizes(n *graph.Node, axis int64) ([]int64, error) {
	if n.Input(1) != nil {
		sizes, err := constInts(n, 1)
		if err == nil && len(sizes) != len(n.Outputs) {
			return nil, fmt.Errorf("%d parts for %d outputs", len(sizes), len(n.Outputs))
		}
		return sizes, err
	}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	along, err := tensor.Axis(axis, rank)
	if err != nil {
		return nil, err
	}
	d := n.Inputs[0].Type.Dims[along]
	if !d.IsKnown() {
		return nil, fmt.Errorf("the extent of axis %d is not known", along)
	}
	parts := len(n.Outputs)
	each, left := int64((d.Size+parts-1)/parts), int64(d.Size)
	sizes := make([]int64, parts)
	for i := range sizes {
		sizes[i] = min(each, left)
		left -= sizes[i]
	}
	return sizes, nil
}

// upTo returns the vector 0, 1, …, n-1 for a vector n of one element.
func upTo(b *graph.Builder, n *graph.Value) *graph.Value {
	e := expression{b, tensor.Int64}
	return e.do("Range", e.num(0), e.do("Reshape", n, b.Ints()), e.num(1))
}

// trilu keeps x where column - row >= k (<= k for the lower part).
func trilu(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	x, zero := n.Inputs[0], b.Const(tensor.Zeros(e.dtype, tensor.Shape{}))
	rows := upTo(b, b.Op("Shape", []*graph.Value{x}, graph.A("start", int64(-2)), graph.A("end", int64(-1))))
	columns := upTo(b, b.Op("Shape", []*graph.Value{x}, graph.A("start", int64(-1))))
	diagonal := e.do("Sub", columns, e.do("Unsqueeze", rows, b.Ints(1)))
	k := n.Input(1)
	if k == nil {
		k = b.Const(tensor.Scalar(int64(0)))
	}
	compare := "GreaterOrEqual"
	if !n.Bool("upper", true) {
		compare = "LessOrEqual"
	}
	kept := b.Op(compare, []*graph.Value{diagonal, k})
	return []*graph.Value{e.do("Where", kept, x, zero)}, nil
}

// reverseSequence gathers, for each sequence of the batch, step length-1-t where
// t < length, and step t behind that.
func reverseSequence(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	if rank < 2 {
		return nil, fmt.Errorf("the input has rank %d; it takes 2 or more", rank)
	}
	x, swapped := n.Inputs[0], make([]int64, rank)
	for axis := range swapped {
		swapped[axis] = int64(axis)
	}
	timeFirst := n.Int("time_axis", 0) == 0
	if timeFirst {
		swapped[0], swapped[1] = 1, 0
		x = b.Op("Transpose", []*graph.Value{x}, graph.A("perm", swapped))
	}
	steps := upTo(b, extents(b, x, 1, 2))
	lengths := e.do("Unsqueeze", n.Inputs[1], b.Ints(1))
	back := e.do("Sub", e.do("Sub", lengths, steps), b.Ints(1))
	from := e.do("Where", e.do("Less", steps, lengths), back, steps)
	y := b.Op("GatherND", []*graph.Value{x, e.do("Unsqueeze", from, b.Ints(2))}, graph.A("batch_dims", int64(1)))
	if timeFirst {
		y = b.Op("Transpose", []*graph.Value{y}, graph.A("perm", swapped))
	}
	return []*graph.Value{y}, nil
}

// compress gathers where the condition is not zero.
func compress(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	x := n.Inputs[0]
	if !n.Has("axis") {
		x = e.do("Reshape", x, b.Ints(-1))
	}
	chosen := e.do("Reshape", b.Op("NonZero", n.Inputs[1:2]), b.Ints(-1))
	return []*graph.Value{b.Op("Gather", []*graph.Value{x, chosen}, graph.A("axis", n.Int("axis", 0)))}, nil
}

// centerCropPad crops what is too long and pads what is too short; half of the
// difference, rounded down, lies before.
func centerCropPad(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	x := n.Inputs[0]
	var axes *graph.Value
	have := e.do("Shape", x)
	if n.Has("axes") {
		axes = b.Ints(n.Ints("axes")...)
		have = e.do("Gather", have, axes)
	}
	want := b.Op("Cast", []*graph.Value{n.Inputs[1]}, graph.A("to", int64(tensor.Int64)))
	half := func(v *graph.Value) *graph.Value { return e.do("Div", v, b.Ints(2)) }
	over := func(a, c *graph.Value) *graph.Value {
		return e.do("Max", e.do("Sub", a, c), b.Ints(0))
	}
	start := half(over(have, want))
	end := e.do("Add", start, e.do("Min", have, want))
	cropped := e.do("Slice", x, start, end, axes)
	missing := over(want, have)
	before := half(missing)
	pads := join(b, before, e.do("Sub", missing, before))
	return []*graph.Value{e.do("Pad", cropped, pads, nil, axes)}, nil
}
