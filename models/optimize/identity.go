package optimize

import (
	"context"
	"slices"

	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// skipIdentities makes readers of an Identity, or of a Dropout or Sum that only
// passes its input on, read that input itself. One that writes an output of the
// graph stays. A Sum of two inputs becomes an Add, which more kernels know.
func skipIdentities(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	changed := false
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			inside, err := skipIdentities(ctx, body, facts)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		if n.Operator() == "Sum" && len(n.Inputs) == 2 {
			n.Op = "Add"
			changed = true
		}
		if !passesOn(n) || slices.Contains(g.Outputs, n.Outputs[0]) {
			continue
		}
		g.Substitute(n.Outputs[0], n.Inputs[0])
		changed = true
	}
	return changed, nil
}

// passesOn reports whether a node's only output that is read is its input.
func passesOn(n *graph.Node) bool {
	if n.Output(0) == nil || n.Input(0) == nil {
		return false
	}
	switch n.Operator() {
	case "Identity":
		return true
	case "Sum":
		return len(n.Inputs) == 1
	case "Dropout":
		return n.Output(1) == nil && !infer.Volatile(n)
	}
	return false
}
