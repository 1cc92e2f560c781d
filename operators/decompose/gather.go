package decompose

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// gather holds Gather, GatherElements, GatherND, ScatterElements, ScatterND,
// TensorScatter, OneHot, NonZero.
var gather = family{
	"OneHot":        oneHot,
	"TensorScatter": tensorScatter,
}

// oneHot compares the indexes with 0, 1, …, depth-1 along the new axis.
func oneHot(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	axis, err := tensor.Axis(n.Int("axis", -1), rank+1)
	if err != nil {
		return nil, err
	}
	e := expression{b, tensor.Int64}
	indices, depth := e.as(e.dtype, n.Inputs[0]), e.do("Reshape", e.as(e.dtype, n.Inputs[1]), b.Ints(1))
	negative := e.do("Less", indices, e.num(0))
	scalar := e.do("Reshape", depth, b.Ints()) // which leaves a single index one
	indices = e.do("Where", negative, e.do("Add", indices, scalar), indices)
	classes := behind(b, upTo(b, depth), rank-axis)
	on := e.do("Equal", e.do("Unsqueeze", indices, b.Ints(int64(axis))), classes)
	off, value := e.do("Gather", n.Inputs[2], e.num(0)), e.do("Gather", n.Inputs[2], e.num(1))
	return []*graph.Value{e.do("Where", on, value, off)}, nil
}

// tensorScatter is ScatterElements with the index write_indices[sample] + step
// along the sequence axis, modulo its extent if the mode is circular.
func tensorScatter(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	axis, err := tensor.Axis(n.Int("axis", -2), rank)
	if err != nil {
		return nil, err
	}
	e := expression{b, tensor.Int64}
	cache, update, at := n.Inputs[0], n.Inputs[1], int64(axis)
	index := behind(b, upTo(b, extents(b, update, at, at+1)), rank-1-axis)
	if n.Input(2) != nil {
		index = e.do("Add", index, behind(b, n.Inputs[2], rank-1))
	}
	if n.Text("mode", "linear") == "circular" {
		index = e.do("Mod", index, extents(b, cache, at, at+1))
	}
	index = e.do("Expand", index, e.do("Shape", update))
	return []*graph.Value{b.Op("ScatterElements", []*graph.Value{cache, index, update}, graph.A("axis", at))}, nil
}
