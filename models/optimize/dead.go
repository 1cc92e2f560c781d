package optimize

import (
	"slices"

	"example.com/midplane/operators/graph"
)

// removeDead takes out nodes that no output depends on, and initializers that
// nothing reads, of a graph and of its bodies.
func removeDead(g *graph.Graph) {
	live := make(map[*graph.Value]bool)
	for _, v := range g.Outputs {
		live[v] = true
	}
	var kept []*graph.Node
	for _, n := range slices.Backward(g.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return live[v] }) {
			continue
		}
		for _, body := range n.Bodies() {
			removeDead(body)
		}
		kept = append(kept, n)
		for _, v := range n.Reads() {
			live[v] = true
		}
	}
	slices.Reverse(kept)
	g.Nodes = kept
	for _, v := range g.Inputs {
		live[v] = true
	}
	g.Initializers = slices.DeleteFunc(g.Initializers, func(v *graph.Value) bool { return !live[v] })
}
