package decompose

import (
	"errors"

	"example.com/midplane/operators/graph"
)

// encoder holds ArrayFeatureExtractor of ai.onnx.ml.
var encoder = family{
	"ai.onnx.ml.ArrayFeatureExtractor": arrayFeatureExtractor,
}

// arrayFeatureExtractor gathers along the last axis; a list is one example.
func arrayFeatureExtractor(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	x := n.Inputs[0].Type
	if !x.IsTensor() || !x.Dims.Ranked() {
		return nil, errors.New("the rank of the input must be known")
	}
	indexes := b.Op("Reshape", []*graph.Value{n.Inputs[1], b.Ints(-1)})
	y := b.Op("Gather", []*graph.Value{n.Inputs[0], indexes}, graph.A("axis", int64(-1)))
	if len(x.Dims) == 1 {
		y = b.Op("Reshape", []*graph.Value{y, b.Ints(1, -1)})
	}
	return []*graph.Value{y}, nil
}
