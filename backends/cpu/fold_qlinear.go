package cpu

import (
	"slices"

	"example.com/midplane/operators/graph"
)

// imagesOfIntegers are the operators between which channelsLastQuantized keeps the
// channels of images last.
var imagesOfIntegers = []string{"QLinearConv", "com.microsoft.QLinearConv", "com.microsoft.QLinearAdd", "com.microsoft.QLinearGlobalAveragePool", "MaxPool"}

// channelsLastQuantized makes convolutions of graphs that are written in QLinearConv
// those of com.microsoft with channels last, as foldQuantized does for graphs written
// in QuantizeLinear and DequantizeLinear, and what may stand between them. A
// convolution by itself stays as it is.
func channelsLastQuantized(r *rewriting, i int) int {
	n := r.graph.Nodes[i]
	b := graph.NewBuilder(n)
	var y *graph.Value
	switch n.Operator() {
	case "QLinearConv":
		y = r.lastConv(b, n)
	case "com.microsoft.QLinearAdd":
		y = r.lastAdd(b, n)
	case "com.microsoft.QLinearGlobalAveragePool":
		if image := r.last[n.Inputs[0]]; image != nil && !n.Bool("channels_last", false) {
			y = b.Node("com.microsoft", n.Op, append([]*graph.Value{image}, n.Inputs[1:]...), 1, graph.A("channels_last", int64(1)))[0]
			y = r.channelsSecond(b, y, len(n.Inputs[0].Type.Dims))
		}
	case "MaxPool":
		if image := r.last[n.Inputs[0]]; image != nil && n.Output(1) == nil && n.Int("storage_order", 0) == 0 {
			y = b.Node("com.microsoft", "NhwcMaxPool", []*graph.Value{image}, 1, n.Without("storage_order")...)[0]
			y = r.channelsSecond(b, y, len(n.Inputs[0].Type.Dims))
		}
	}
	if y == nil {
		return 0
	}
	r.last[n.Outputs[0]] = r.last[y]
	return r.replace(i, b, y)
}

// lastConv returns a convolution, nil where no neighbour has its channels last.
func (r *rewriting) lastConv(b *graph.Builder, n *graph.Node) *graph.Value {
	x, w := n.Inputs[0], n.Inputs[3]
	reader := r.reader[n.Outputs[0]]
	if r.last[x] == nil && (reader == nil || !slices.Contains(imagesOfIntegers, reader.Operator())) {
		return nil
	}
	if w.Const == nil || w.Const.Rank() < 3 || w.Const.Rank() > 5 || slices.ContainsFunc(n.Inputs[1:], func(v *graph.Value) bool { return v != nil && v.Const == nil }) {
		return nil
	}
	rank := w.Const.Rank()
	inputs := slices.Clone(n.Inputs)
	inputs[0] = r.channelsLast(b, x, rank)
	y := b.Node("com.microsoft", "QLinearConv", inputs, 1, append(n.Without("channels_last"), graph.A("channels_last", int64(1)))...)
	return r.channelsSecond(b, y[0], rank)
}

// lastAdd returns a sum of two images of one shape, nil where they have not both their
// channels last.
func (r *rewriting) lastAdd(b *graph.Builder, n *graph.Node) *graph.Value {
	left, right := r.last[n.Inputs[0]], r.last[n.Inputs[3]]
	s, known := shapeOf(n.Inputs[0])
	if o, same := shapeOf(n.Inputs[3]); left == nil || right == nil || !known || !same || !s.Equal(o) {
		return nil
	}
	inputs := slices.Clone(n.Inputs)
	inputs[0], inputs[3] = left, right
	return r.channelsSecond(b, b.Node("com.microsoft", "QLinearAdd", inputs, 1)[0], len(s))
}
