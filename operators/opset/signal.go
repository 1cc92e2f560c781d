package opset

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// signal holds DFT, STFT, HannWindow, HammingWindow, BlackmanWindow,
// MelWeightMatrix.
var signal = family{
	"DFT": {{20, axisOfDFT}},
}

// axisOfDFT: the axis was an attribute, 1 if it was left out; it is an input now
// and would be -2.
func axisOfDFT(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	axis := b.Const(tensor.Scalar(n.Int("axis", 1)))
	n.Inputs = []*graph.Value{n.Input(0), n.Input(1), axis}
	n.Attributes = n.Without("axis")
	return n.Outputs, nil
}
