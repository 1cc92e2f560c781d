package opset

import "example.com/midplane/operators/graph"

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{
	"Softmax":    {{13, rowsOfMatrix}},
	"LogSoftmax": {{13, rowsOfMatrix}},
	"Hardmax":    {{13, rowsOfMatrix}},
}

// rowsOfMatrix: the input was coerced into a matrix, at axis 1 by default, and
// its rows were normalized. That is the same as along the axis itself where
// every later axis has extent 1.
func rowsOfMatrix(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	axis := n.Int("axis", 1)
	if isLastAxis(n.Inputs[0], axis) {
		n.Set(graph.A("axis", axis))
		return n.Outputs, nil
	}
	matrix := b.Op("Flatten", n.Inputs[:1], graph.A("axis", axis))
	rows := b.Op(n.Op, []*graph.Value{matrix}, graph.A("axis", int64(-1)))
	shape := b.Op("Shape", n.Inputs[:1])
	return []*graph.Value{b.Op("Reshape", []*graph.Value{rows, shape}, graph.A("allowzero", int64(1)))}, nil
}

// isLastAxis reports whether every axis of v behind one is known to have extent 1.
func isLastAxis(v *graph.Value, axis int64) bool {
	dims := v.Type.Dims
	if axis < 0 {
		axis += int64(len(dims))
	}
	if !v.Type.IsTensor() || axis < 0 || axis >= int64(len(dims)) {
		return false
	}
	for _, d := range dims[axis+1:] {
		if d.Size != 1 {
			return false
		}
	}
	return true
}
