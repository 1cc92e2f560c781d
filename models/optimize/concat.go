package optimize

import (
	"context"
	"slices"

	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// growConcats makes a Concat that begins with all that one before it joins begin
// with that one's result: Concat(a, b, c) behind p = Concat(a, b) is Concat(p, c).
// Where a device lets parts lie in the whole, each is then a part of one whole only.
func growConcats(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	type concat struct {
		node   *graph.Node
		inputs []*graph.Value // that it had
	}
	changed := false
	before := make(map[*graph.Value][]concat) // by their first input
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			inside, err := growConcats(ctx, body, facts)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		if n.Operator() != "Concat" || len(n.Inputs) < 2 {
			continue
		}
		all := n.Inputs
		var longest concat
		for _, c := range before[all[0]] {
			k := len(c.inputs)
			if k > len(longest.inputs) && k < len(all) && slices.Equal(c.inputs, all[:k]) && c.node.Int("axis", 0) == n.Int("axis", 0) {
				longest = c
			}
		}
		if longest.node != nil {
			n.Inputs = append([]*graph.Value{longest.node.Outputs[0]}, all[len(longest.inputs):]...)
			changed = true
		}
		before[all[0]] = append(before[all[0]], concat{n, all})
	}
	return changed, ctx.Err()
}
