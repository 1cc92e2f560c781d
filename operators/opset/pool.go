package opset

import "example.com/midplane/operators/graph"

// pool holds MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool,
// GlobalLpPool, MaxUnpool.
var pool = family{
	"LpPool":       {{2, realNorm}},
	"GlobalLpPool": {{2, realNorm}},
}

// realNorm: the order p of the norm was a real number. One that is no integer
// stays one in the legacy operator of the same name.
func realNorm(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	p := n.Float("p", 2)
	if p == float32(int64(p)) {
		n.Set(graph.A("p", int64(p)))
		return n.Outputs, nil
	}
	return b.Node(Legacy, n.Op, n.Inputs, 1, n.Attributes...), nil
}
