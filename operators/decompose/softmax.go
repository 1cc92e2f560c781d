package decompose

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{
	"Softmax":    realFormula(softmaxOf),
	"LogSoftmax": realFormula(logSoftmax),
	"Hardmax":    hardmax,
}

// shifted returns x less its greatest element along the node's axis, the
// exponentials of that and their sums.
func (e expression) shifted(n *graph.Node, x *graph.Value) (d, exp, sum *graph.Value) {
	axis := n.Int("axis", -1)
	d = e.do("Sub", x, e.over("ReduceMax", x, axis))
	exp = e.do("Exp", d)
	return d, exp, e.over("ReduceSum", exp, axis)
}

func softmaxOf(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	_, exp, sum := e.shifted(n, in[0])
	return e.do("Div", exp, sum)
}

func logSoftmax(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	d, _, sum := e.shifted(n, in[0])
	return e.do("Sub", d, e.do("Log", sum))
}

// hardmax is OneHot of ArgMax.
func hardmax(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	x, axis := n.Inputs[0], n.Int("axis", -1)
	first := e.Op("ArgMax", n.Inputs, graph.A("axis", axis), graph.A("keepdims", int64(0)))
	depth := e.do("Gather", e.do("Shape", x), e.Ints(axis))
	values := e.Const(tensor.FromFloat64s(e.dtype, tensor.Shape{2}, []float64{0, 1}))
	return []*graph.Value{e.Op("OneHot", []*graph.Value{first, depth, values}, graph.A("axis", axis))}, nil
}
