package cpu

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// families are the tables of fast kernels, one for each file.
var families = []family{
	matmul, matMulNBits, rotary, groupedAttention, conv, convTranspose, pool, recurrent, resize, pairwise, unary, cast, where, shape, slice, gather, reduce, softmax, normalization,
	padModes, quantize, quantizedMatmul, quantizedConv, quantizedSum, quantizedPool, lrn, tree, attention, extents,
	blockedImages, blockedConv, blockedConvTranspose,
	arg, sort, cumulative, generate, choose, scatter, trigonometry, activation, bitwise, mod, sign, detection, gridSample, reduceExact, poolIndices, unpool,
	signal, linear, supportVectors, encoder, scaler,
}

// family is the table of one file. Of several entries for an operator the first
// that takes a node is used.
type family []entry

// entry is a fast kernel.
type entry struct {
	op     string // with its domain, as graph.Node.Operator gives it
	kernel string // its name, for people

	by     byType           // how it is built, by the type of the first input, or
	build  builder          // for all types that inputs allows
	inputs [][]tensor.DType // as in operators.Key; by default, all inputs have one of by's types

	accept func(n *graph.Node) operators.Verdict // looks at attributes, if set
	values []int                                 // inputs whose values the plan depends on
}

// builder reads a node's attributes and packs its constants. The planner that it
// returns finds out the rest when shapes are known.
type builder func(d *Device, n *graph.Node) (planner, error)

// byType are builders by element type.
type byType map[tensor.DType]builder

// kernels returns every kernel of the processor: the fast ones first, those of them
// that serve 16-bit floating point too, then the reference for every operator that
// there is.
func (d *Device) kernels() *operators.Registry {
	r := &operators.Registry{}
	for _, f := range families {
		for _, e := range f {
			r.Register(d.entry(e))
		}
	}
	r.Register(d.halfEntries()...)
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

func (d *Device) entry(e entry) operators.Entry {
	domain, op := graph.SplitOperator(e.op)
	key := operators.Key{Domain: domain, Op: op, Inputs: e.inputs}
	if e.by != nil && key.Inputs == nil {
		key.Inputs = [][]tensor.DType{slices.Sorted(maps.Keys(e.by))}
	}
	return operators.Entry{
		Key:    key,
		Kernel: e.kernel,
		Accept: e.accepts,
		Build: func(n *graph.Node) (operators.Kernel, error) {
			return d.build(e, n, func(ctx context.Context, c *operators.Call) error { return reference.Apply(ctx, n, c, bytesOf) })
		},
	}
}

// build makes the kernel of a node. Rest computes what it does not.
func (d *Device) build(e entry, n *graph.Node, rest func(ctx context.Context, c *operators.Call) error) (operators.Kernel, error) {
	build := e.build
	if e.by != nil {
		build = e.by[n.Inputs[0].Type.DType]
	}
	plan, err := build(d, n)
	if err != nil {
		return nil, err
	}
	k := &kernel{node: n, inputs: n.Inputs, plan: plan, values: e.values, rest: rest}
	return k, k.planAhead()
}

// accepts says whether a kernel takes a node whose element types fit it.
func (e entry) accepts(n *graph.Node) operators.Verdict {
	for _, values := range [][]*graph.Value{n.Inputs, n.Outputs} {
		for _, v := range values {
			if v != nil && (!v.Type.IsTensor() || v.Type.HostOnly()) {
				return operators.Verdict{Reason: operators.HostValue, Detail: fmt.Sprintf("%q is %v", v.Name, v.Type)}
			}
		}
	}
	if e.accept != nil {
		return e.accept(n)
	}
	return native
}

// native is the verdict on a node that a kernel takes.
var native = operators.Verdict{Level: operators.Native}

// referenceKernel computes a node by the oracle's own code.
type referenceKernel struct{ node *graph.Node }

// Run implements operators.Kernel.
func (k referenceKernel) Run(ctx context.Context, call *operators.Call) error {
	return reference.Apply(ctx, k.node, call, bytesOf)
}
