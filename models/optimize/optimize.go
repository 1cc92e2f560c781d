// Package optimize makes typed graphs smaller without changing what they
// compute. Each pass has a file of its own; [Run] applies all of them.
package optimize

import (
	"context"

	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// Pass changes a typed graph in place and reports whether it did.
type Pass struct {
	Name string
	Run  func(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error)
}

// Passes are the passes that every backend profits from, in the order in which
// they are applied.
var Passes = []Pass{
	{"constants", foldConstants},
	{"identity", skipIdentities},
	{"batchnorm", foldBatchNorm},
	{"dead", removeDead},
}

// Run applies every pass to a graph whose values have the given facts. Values
// keep the types that they had.
func Run(ctx context.Context, g *graph.Graph, facts infer.Facts) error {
	for _, p := range Passes {
		if _, err := p.Run(ctx, g, facts); err != nil {
			return err
		}
	}
	return nil
}
