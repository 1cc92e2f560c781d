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
	{"common", shareCommon},
	{"transpose", joinTransposes},
	{"pad", mergePads},
	{"batchnorm", foldBatchNorm},
	{"affine", foldAffine},
	{"normalization", gatherNormalizations},
	{"activation", gatherActivations},
}

// Run applies every pass to a graph whose values have the given facts, and takes
// out what is dead before each. Values keep the types that they had.
func Run(ctx context.Context, g *graph.Graph, facts infer.Facts) error {
	removeDead(g)
	for _, p := range Passes {
		changed, err := p.Run(ctx, g, facts)
		if err != nil {
			return err
		}
		if changed {
			removeDead(g)
		}
	}
	return nil
}
