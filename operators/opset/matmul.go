package opset

import "example.com/midplane/operators/graph"

// matmul holds MatMul, Gemm, Einsum, Det.
var matmul = family{
	// C broadcast from the right, which NumPy's rule includes, or not at all.
	"Gemm": {{7, without("broadcast")}},
}

// without drops attributes that say nothing in the newest form.
func without(names ...string) graph.Rewrite {
	return func(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		n.Attributes = n.Without(names...)
		return n.Outputs, nil
	}
}
