package cpu

import (
	"context"

	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// kernels returns every kernel of the processor: the fast ones first, then the
// reference for every operator that there is.
func (d *Device) kernels() *operators.Registry {
	r := &operators.Registry{}
	for _, name := range reference.Operators() {
		domain, op := graph.SplitOperator(name)
		r.Register(operators.Entry{
			Key:    operators.Key{Domain: domain, Op: op},
			Kernel: "reference",
			Accept: reference.Accepts,
			Build:  func(n *graph.Node) (operators.Kernel, error) { return referenceKernel{n}, nil },
		})
	}
	return r
}

// referenceKernel computes a node by the oracle's own code.
type referenceKernel struct{ node *graph.Node }

// Run implements operators.Kernel.
func (k referenceKernel) Run(ctx context.Context, call *operators.Call) error {
	return reference.Apply(ctx, k.node, call, bytesOf)
}
