package decompose

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{
	"Softmax":    softmaxOf,
	"LogSoftmax": logSoftmax,
	"Hardmax":    hardmax,
}

// shifted returns x less its greatest element along the node's axis, the
// exponentials of that and their sums.
func shifted(b *graph.Builder, n *graph.Node) (d, exp, sum *graph.Value) {
	x, axes := n.Inputs[0], b.Ints(n.Int("axis", -1))
	d = b.Op("Sub", []*graph.Value{x, b.Op("ReduceMax", []*graph.Value{x, axes})})
	exp = b.Op("Exp", []*graph.Value{d})
	return d, exp, b.Op("ReduceSum", []*graph.Value{exp, axes})
}

func softmaxOf(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	_, exp, sum := shifted(b, n)
	return []*graph.Value{b.Op("Div", []*graph.Value{exp, sum})}, nil
}

func logSoftmax(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	d, _, sum := shifted(b, n)
	return []*graph.Value{b.Op("Sub", []*graph.Value{d, b.Op("Log", []*graph.Value{sum})})}, nil
}

// hardmax is OneHot of ArgMax.
func hardmax(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	x, axis := n.Inputs[0], graph.A("axis", n.Int("axis", -1))
	first := b.Op("ArgMax", []*graph.Value{x}, axis, graph.A("keepdims", int64(0)))
	depth := b.Op("Gather", []*graph.Value{b.Op("Shape", []*graph.Value{x}), b.Ints(n.Int("axis", -1))})
	values := b.Op("CastLike", []*graph.Value{b.Const(tensor.Of([]float32{0, 1})), x})
	return []*graph.Value{b.Op("OneHot", []*graph.Value{first, depth, values}, axis)}, nil
}
