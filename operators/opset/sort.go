package opset

import "example.com/midplane/operators/graph"

// sort holds TopK, Unique.
var sort = family{
	"TopK": {{10, countOfTopK}},
}

func countOfTopK(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	setInput(n, 1, b.Ints(n.Int("k", 0)))
	n.Attributes = n.Without("k")
	return n.Outputs, nil
}
