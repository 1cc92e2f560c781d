package opset

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// shape holds Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand,
// Identity, Transpose, DepthToSpace, SpaceToDepth, Tile.
var shape = family{
	"Reshape":   {{5, shapeOfReshape}},
	"Squeeze":   {{13, intsToInput("axes", 1)}},
	"Unsqueeze": {{13, intsToInput("axes", 1)}},
	"Tile":      {{6, repeatsOfTile}},
}

// intsToInput makes a list attribute, if it is set, an input.
func intsToInput(attribute string, input int) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		if n.Has(attribute) {
			setInput(n, input, b.Ints(n.Ints(attribute)...))
			n.Attributes = n.Without(attribute)
		}
		return n.Outputs, nil
	}
}

// setInput makes v input i of a node; inputs left out before it are absent.
func setInput(n *graph.Node, i int, v *graph.Value) {
	in := append([]*graph.Value{}, n.Inputs...)
	for len(in) <= i {
		in = append(in, nil)
	}
	in[i] = v
	n.Inputs = in
}

func shapeOfReshape(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if !n.Has("shape") {
		return nil, fmt.Errorf("attribute shape is missing")
	}
	n.Attributes = n.Without("consumed_inputs")
	return intsToInput("shape", 1)(b, n)
}

// repeatsOfTile: the inputs were the number of repetitions and the axis, of any
// number type.
func repeatsOfTile(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	vector := func(v *graph.Value) *graph.Value {
		whole := b.Op("Cast", []*graph.Value{v}, graph.A("to", int64(tensor.Int64)))
		return b.Op("Reshape", []*graph.Value{whole, b.Ints(1)})
	}
	rank := b.Op("Shape", []*graph.Value{b.Op("Shape", n.Inputs[:1])})
	ones := b.Op("ConstantOfShape", []*graph.Value{rank}, graph.A("value", tensor.Of([]int64{1})))
	repeats := b.Op("ScatterElements", []*graph.Value{ones, vector(n.Inputs[2]), vector(n.Inputs[1])})
	return []*graph.Value{b.Op("Tile", []*graph.Value{n.Inputs[0], repeats})}, nil
}
