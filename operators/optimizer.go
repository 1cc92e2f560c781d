package operators

import (
	"context"

	"example.com/midplane/operators/graph"
)

// Optimizer is implemented by a Backend that has graph passes of its own: those
// that only it profits from. They run on graphs that it gets as a whole, among the
// passes that everyone profits from.
//
// Absent: there are no such passes.
type Optimizer interface {
	// Optimize changes a typed graph in place, and reports whether it did. Values
	// whose elements are known carry them (Value.Const), but for what
	// DequantizeLinear makes of constants, which is still to be computed. The types
	// of values that it adds need not be set; operators that it adds must be known
	// to inference.
	Optimize(ctx context.Context, g *graph.Graph) (changed bool, err error)
}
