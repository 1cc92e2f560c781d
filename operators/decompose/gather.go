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
	whole := func(v *graph.Value) *graph.Value {
		return b.Op("Cast", []*graph.Value{v}, graph.A("to", int64(tensor.Int64)))
	}
	indices := whole(n.Inputs[0])
	depth := b.Op("Reshape", []*graph.Value{whole(n.Inputs[1]), b.Ints(1)})
	negative := b.Op("Less", []*graph.Value{indices, b.Const(tensor.Scalar(int64(0)))})
	indices = b.Op("Where", []*graph.Value{negative, b.Op("Add", []*graph.Value{indices, depth}), indices})
	axis := int(n.Int("axis", -1))
	if axis < 0 {
		axis += rank + 1
	}
	along := make([]int64, rank+1)
	for i := range along {
		along[i] = 1
	}
	along[axis] = -1
	classes := b.Op("Reshape", []*graph.Value{upTo(b, depth), b.Ints(along...)})
	on := b.Op("Equal", []*graph.Value{b.Op("Unsqueeze", []*graph.Value{indices, b.Ints(int64(axis))}), classes})
	value := func(i int64) *graph.Value {
		return b.Op("Gather", []*graph.Value{n.Inputs[2], b.Const(tensor.Scalar(i))})
	}
	return []*graph.Value{b.Op("Where", []*graph.Value{on, value(1), value(0)})}, nil
}

// tensorScatter is ScatterElements with the index write_indices[sample] + step
// along the sequence axis, modulo its extent if the mode is circular.
func tensorScatter(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	cache, update := n.Inputs[0], n.Inputs[1]
	axis := n.Int("axis", -2)
	if axis < 0 {
		axis += int64(rank)
	}
	shaped := func(v *graph.Value, axis int64) *graph.Value {
		along := make([]int64, rank)
		for i := range along {
			along[i] = 1
		}
		along[axis] = -1
		return b.Op("Reshape", []*graph.Value{v, b.Ints(along...)})
	}
	index := shaped(upTo(b, extents(b, update, axis, axis+1)), axis)
	if n.Input(2) != nil {
		index = b.Op("Add", []*graph.Value{index, shaped(n.Inputs[2], 0)})
	}
	if n.Text("mode", "linear") == "circular" {
		index = b.Op("Mod", []*graph.Value{index, extents(b, cache, axis, axis+1)})
	}
	index = b.Op("Expand", []*graph.Value{index, b.Op("Shape", []*graph.Value{update})})
	return []*graph.Value{b.Op("ScatterElements", []*graph.Value{cache, index, update}, graph.A("axis", axis))}, nil
}
