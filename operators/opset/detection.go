package opset

import "example.com/midplane/operators/graph"

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{
	"RoiAlign": {{16, outputHalfPixel}},
}

// outputHalfPixel: regions were not moved by half an element.
func outputHalfPixel(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Set(graph.A("coordinate_transformation_mode", "output_half_pixel"))
	return n.Outputs, nil
}
