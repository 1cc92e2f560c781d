package operators

import (
	"context"

	"example.com/midplane/operators/graph"
)

// LayoutPlanner is implemented by an [Optimizer] that keeps some values in layouts
// of its own, between operators that only it knows.
//
// Absent: values have the layouts that the graph gives them.
type LayoutPlanner interface {
	// PlanLayouts changes a typed graph in place when all other passes have run, and
	// reports whether it did. The rules of [Optimizer].Optimize hold.
	PlanLayouts(ctx context.Context, g *graph.Graph) (changed bool, err error)
}
