package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// shape holds Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand,
// Identity, Transpose, DepthToSpace, SpaceToDepth, Tile.
var shape = family{
	"Size":         size,
	"Flatten":      flatten,
	"Squeeze":      squeeze,
	"Unsqueeze":    unsqueeze,
	"DepthToSpace": depthToSpace,
	"SpaceToDepth": spaceToDepth,
	"Tile":         tile,
}

// reshape views x under a shape of which every extent is given.
func reshape(b *graph.Builder, x, shape *graph.Value) *graph.Value {
	return b.Op("Reshape", []*graph.Value{x, shape}, graph.A("allowzero", int64(1)))
}

// extents returns the extents of axes [start, end) of x.
func extents(b *graph.Builder, x *graph.Value, start, end int64) *graph.Value {
	return b.Op("Shape", []*graph.Value{x}, graph.A("start", start), graph.A("end", end))
}

// join lays vectors end to end.
func join(b *graph.Builder, vectors ...*graph.Value) *graph.Value {
	return b.Op("Concat", vectors, graph.A("axis", int64(0)))
}

// constInts returns the elements of a constant integer input.
func constInts(n *graph.Node, i int) ([]int64, error) {
	v := n.Input(i)
	if v == nil || v.Const == nil {
		return nil, fmt.Errorf("input %d is not constant", i)
	}
	return v.Const.Int64s(), nil
}

// rankOf returns the rank of input i.
func rankOf(n *graph.Node, i int) (int, error) {
	v := n.Input(i)
	if v == nil || !v.Type.IsTensor() || !v.Type.Dims.Ranked() {
		return 0, fmt.Errorf("the rank of input %d is not known", i)
	}
	return len(v.Type.Dims), nil
}

func size(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	shape := b.Op("Shape", n.Inputs)
	return []*graph.Value{b.Op("ReduceProd", []*graph.Value{shape}, graph.A("keepdims", int64(0)))}, nil
}

func flatten(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	x, axis := n.Inputs[0], n.Int("axis", 1)
	rows := b.Op("Shape", []*graph.Value{x}, graph.A("end", axis))
	columns := b.Op("Shape", []*graph.Value{x}, graph.A("start", axis))
	matrix := join(b, e.do("ReduceProd", rows), e.do("ReduceProd", columns))
	return []*graph.Value{reshape(b, x, matrix)}, nil
}

func squeeze(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	dropped := make([]bool, rank)
	if n.Input(1) == nil {
		for axis, d := range n.Inputs[0].Type.Dims {
			if !d.IsKnown() {
				return nil, fmt.Errorf("whether axis %d has extent 1 is not known", axis)
			}
			dropped[axis] = d.Size == 1
		}
	} else {
		axes, err := constInts(n, 1)
		if err != nil {
			return nil, err
		}
		for _, a := range axes {
			axis, err := tensor.Axis(a, rank)
			if err != nil {
				return nil, err
			}
			dropped[axis] = true
		}
	}
	kept := []int64{}
	for axis, gone := range dropped {
		if !gone {
			kept = append(kept, int64(axis))
		}
	}
	shape := e.do("Gather", b.Op("Shape", n.Inputs[:1]), b.Ints(kept...))
	return []*graph.Value{reshape(b, n.Inputs[0], shape)}, nil
}

// unsqueeze gathers the new shape from the old one with a 1 behind it.
func unsqueeze(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	axes, err := constInts(n, 1)
	if err != nil {
		return nil, err
	}
	from := make([]int64, rank+len(axes))
	inserted := make([]bool, len(from))
	for _, a := range axes {
		axis, err := tensor.Axis(a, len(from))
		if err != nil {
			return nil, err
		}
		inserted[axis] = true
	}
	next := int64(0)
	for axis := range from {
		from[axis] = int64(rank)
		if !inserted[axis] {
			from[axis] = next
			next++
		}
	}
	padded := join(b, b.Op("Shape", n.Inputs[:1]), b.Ints(1))
	return []*graph.Value{reshape(b, n.Inputs[0], e.do("Gather", padded, b.Ints(from...)))}, nil
}

// blocks returns the extents of the input, [N, C, H, W], each as a vector.
func blocks(b *graph.Builder, x *graph.Value) []*graph.Value {
	s := make([]*graph.Value, 4)
	for i := range s {
		s[i] = extents(b, x, int64(i), int64(i+1))
	}
	return s
}

func depthToSpace(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	x, block := n.Inputs[0], n.Int("blocksize", 1)
	s, side := blocks(b, x), b.Ints(block)
	depth := e.do("Div", s[1], b.Ints(block*block))
	apart, perm := join(b, s[0], side, side, depth, s[2], s[3]), []int64{0, 3, 4, 1, 5, 2}
	if n.Text("mode", "DCR") == "CRD" {
		apart, perm = join(b, s[0], depth, side, side, s[2], s[3]), []int64{0, 1, 4, 2, 5, 3}
	}
	moved := b.Op("Transpose", []*graph.Value{reshape(b, x, apart)}, graph.A("perm", perm))
	whole := join(b, s[0], depth, e.do("Mul", s[2], side), e.do("Mul", s[3], side))
	return []*graph.Value{reshape(b, moved, whole)}, nil
}

func spaceToDepth(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	x, block := n.Inputs[0], n.Int("blocksize", 1)
	s, side := blocks(b, x), b.Ints(block)
	h, w := e.do("Div", s[2], side), e.do("Div", s[3], side)
	apart := reshape(b, x, join(b, s[0], s[1], h, side, w, side))
	moved := b.Op("Transpose", []*graph.Value{apart}, graph.A("perm", []int64{0, 3, 5, 1, 2, 4}))
	depth := e.do("Mul", s[1], b.Ints(block*block))
	return []*graph.Value{reshape(b, moved, join(b, s[0], depth, h, w))}, nil
}

// tile gives every axis an axis of extent 1 before it, expands those to the
// repeats, and joins each pair.
func tile(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{Builder: b}
	x, repeats := n.Inputs[0], n.Inputs[1]
	shape := e.do("Shape", x)
	pairs := func(first *graph.Value) *graph.Value {
		columns := []*graph.Value{e.do("Unsqueeze", first, b.Ints(1)), e.do("Unsqueeze", shape, b.Ints(1))}
		return e.do("Reshape", b.Op("Concat", columns, graph.A("axis", int64(1))), b.Ints(-1))
	}
	ones := b.Op("ConstantOfShape", []*graph.Value{e.do("Shape", shape)}, graph.A("value", tensor.Of([]int64{1})))
	spread := e.do("Expand", reshape(b, x, pairs(ones)), pairs(repeats))
	return []*graph.Value{reshape(b, spread, e.do("Mul", shape, repeats))}, nil
}
