package optimize

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// takeBranches puts the nodes of the branch that is taken in the place of every If
// whose condition is constant.
func takeBranches(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	changed := false
	for i := 0; i < len(g.Nodes); {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		n := g.Nodes[i]
		branch := taken(n, facts)
		if branch == nil {
			for _, body := range n.Bodies() {
				inside, err := takeBranches(ctx, body, facts)
				if err != nil {
					return changed, err
				}
				changed = changed || inside
			}
			i++
			continue
		}
		b := graph.NewBuilder(n)
		b.Nodes, b.Initializers = append(b.Nodes, branch.Nodes...), branch.Initializers
		for _, m := range b.Nodes { // what lay in different branches may have one name
			m.Name = n.Name + "/" + m.Name
			for _, v := range m.Outputs {
				if v != nil {
					v.Name = n.Name + "/" + v.Name
				}
			}
		}
		for _, v := range b.Initializers {
			v.Name = n.Name + "/" + v.Name
		}
		g.Replace(i, b, branch.Outputs)
		changed = true
	}
	return changed, nil
}

// taken returns the branch of an If that its condition chooses; nil for other nodes
// and for conditions that are not known.
func taken(n *graph.Node, facts infer.Facts) *graph.Graph {
	if n.Operator() != "If" {
		return nil
	}
	condition := facts[n.Inputs[0]].Const
	if condition == nil || condition.DType() != tensor.Bool || condition.Len() != 1 {
		return nil
	}
	if tensor.Slice[bool](condition)[0] {
		return n.Body("then_branch")
	}
	return n.Body("else_branch")
}
