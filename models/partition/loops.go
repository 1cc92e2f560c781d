package partition

import (
	"context"
	"fmt"

	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// Loops replaces Scan and SequenceMap, in g and in its bodies, by the Loops that
// they stand for, so that a plan has to run If and Loop only. Types are inferred
// again where anything changed.
func Loops(ctx context.Context, g *graph.Graph) error {
	changed, err := loops(ctx, g)
	if err != nil || !changed {
		return err
	}
	facts, err := infer.Run(ctx, g, nil)
	if err != nil {
		return err
	}
	infer.Annotate(g, facts)
	return nil
}

func loops(ctx context.Context, g *graph.Graph) (changed bool, err error) {
	for i := 0; i < len(g.Nodes); i++ {
		n := g.Nodes[i]
		if rule, ok := decompose.Lookup(n.Op); ok && n.Domain == "" && (n.Op == "Scan" || n.Op == "SequenceMap") {
			b, out, err := infer.Rewrite(ctx, rule, n)
			if err != nil {
				return false, fmt.Errorf("node %s: %w", n.Label(), err)
			}
			g.Replace(i, b, out)
			changed = true
			i-- // what stands there now may hold more of them
			continue
		}
		for _, body := range n.Bodies() {
			inside, err := loops(ctx, body)
			if err != nil {
				return false, err
			}
			changed = changed || inside
		}
	}
	return changed, nil
}
