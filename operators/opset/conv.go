package opset

import "example.com/midplane/operators/graph"

// conv holds Conv, ConvTranspose, DeformConv, Col2Im, CausalConvWithState.
var conv = family{
	"ConvTranspose": {{11, outputShapeOfConvTranspose}},
}

// outputShapeOfConvTranspose: where output_shape makes the paddings, the element
// that an odd padding has over goes behind the axis unless auto_pad is
// SAME_UPPER; since version 11 it goes there only if it is. The shape could
// include batch and channels.
func outputShapeOfConvTranspose(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	shape := n.Ints("output_shape")
	if shape == nil {
		return n.Outputs, nil
	}
	if n.Text("auto_pad", "NOTSET") == "SAME_UPPER" {
		n.Set(graph.A("auto_pad", "SAME_LOWER"))
	} else {
		n.Set(graph.A("auto_pad", "SAME_UPPER"))
	}
	if x := n.Input(0); x != nil && x.Type.IsTensor() && len(shape) > 2 && len(x.Type.Dims) == len(shape) {
		n.Set(graph.A("output_shape", shape[2:]))
	}
	return n.Outputs, nil
}
