// Package optimize makes typed graphs smaller without changing what they
// compute. Each pass has a file of its own; [Run] applies all of them.
package optimize

import (
	"context"
	"maps"

	"example.com/midplane/operators"
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
	{"branch", takeBranches},
	{"identity", skipIdentities},
	{"common", shareCommon},
	{"transpose", joinTransposes},
	{"pad", mergePads},
	{"batchnorm", foldBatchNorm},
	{"activation", gatherActivations}, // before its factors go into a Conv behind it
	{"affine", foldAffine},
	{"normalization", gatherNormalizations},
	{"concat", growConcats},
}

// early are the passes before those of a backend's own.
var early = []Pass{
	{"constants", foldSmall},
	{"branch", takeBranches},
	{"identity", skipIdentities},
	{"common", shareCommon},
}

// Run applies every pass to a graph whose values have the given facts, and takes
// out what is dead before each. Values keep the types that they had. Own are
// backends with passes of their own.
func Run(ctx context.Context, g *graph.Graph, facts infer.Facts, own ...operators.Optimizer) error {
	removeDead(g)
	if len(own) > 0 {
		if err := apply(ctx, early, g, facts); err != nil {
			return err
		}
	}
	for _, o := range own {
		if err := annotated(ctx, o.Optimize, g, facts); err != nil {
			return err
		}
	}
	if err := apply(ctx, Passes, g, facts); err != nil {
		return err
	}
	for _, o := range own {
		if p, ok := o.(operators.LayoutPlanner); ok {
			if err := annotated(ctx, p.PlanLayouts, g, facts); err != nil {
				return err
			}
		}
	}
	return nil
}

func apply(ctx context.Context, passes []Pass, g *graph.Graph, facts infer.Facts) error {
	for _, p := range passes {
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

// annotated applies a backend's own passes, and finds the facts of the values that
// they added.
func annotated(ctx context.Context, passes func(context.Context, *graph.Graph) (bool, error), g *graph.Graph, facts infer.Facts) error {
	changed, err := passes(ctx, g)
	if err != nil || !changed {
		return err
	}
	removeDead(g)
	found, err := infer.Run(ctx, g, nil)
	if err != nil {
		return err
	}
	infer.Annotate(g, found)
	maps.Copy(facts, found)
	return nil
}
