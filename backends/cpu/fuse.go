package cpu

import (
	"context"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// heads are the operators whose kernels take an epilogue, and do not take the
// other operands of its stages for inputs of their own that are absent.
var heads = map[string]bool{"Conv": true, "MatMul": true, "Gemm": true, inBlocks + "Conv": true}

func init() {
	for op := range functions {
		heads[op] = true
	}
	for op := range combinations {
		heads[op] = true
	}
	heads["Clip"] = true
}

// Groups implements operators.Fuser: attention in pieces, and chains of a node and
// what is done to every element of its result.
func (d *Device) Groups(g *graph.Graph) []operators.Group {
	readers := make(map[*graph.Value][]*graph.Node)
	for _, n := range g.Nodes {
		for _, v := range n.Reads() {
			readers[v] = append(readers[v], n)
		}
	}
	for _, v := range g.Outputs {
		readers[v] = append(readers[v], nil)
	}
	taken := make(map[*graph.Node]bool)
	groups := attentionGroups(g, readers, taken)
	for _, products := range []bool{true, false} { // products first: they gain most
		for _, n := range g.Nodes {
			if taken[n] || !heads[n.Operator()] || n.Op == "Clip" && len(n.Inputs) < 3 || products != isProduct(n) || len(n.Outputs) != 1 || !isFloat32(n.Outputs[0]) {
				continue
			}
			chain := chainOf(n, readers, taken)
			if len(chain) < 2 {
				continue
			}
			v := d.Supports(n)
			if v.Level != operators.Native || v.LastResort {
				continue
			}
			name := v.Kernel
			for _, n := range chain {
				taken[n] = true
			}
			for _, n := range chain[1:] {
				name += "+" + n.Op
			}
			groups = append(groups, operators.Group{Nodes: chain, Kernel: name})
		}
	}
	return groups
}

// isProduct reports whether a node computes sums of products.
func isProduct(n *graph.Node) bool { return n.Op == "Conv" || n.Op == "MatMul" || n.Op == "Gemm" }

// chainOf returns a node with those that follow it as stages of an epilogue.
func chainOf(n *graph.Node, readers map[*graph.Value][]*graph.Node, taken map[*graph.Node]bool) []*graph.Node {
	chain := []*graph.Node{n}
	for len(chain) <= maxStages {
		v := n.Outputs[0]
		if len(readers[v]) != 1 || readers[v][0] == nil {
			break
		}
		if n = readers[v][0]; taken[n] || !continues(n, v) {
			break
		}
		chain = append(chain, n)
	}
	return chain
}

// BuildGroup implements operators.Fuser.
func (d *Device) BuildGroup(nodes []*graph.Node) (operators.Kernel, error) {
	if i := slices.IndexFunc(nodes, func(n *graph.Node) bool { return n.Operator() == "Softmax" }); i >= 0 {
		if p := wiringOf(nodes).attentionAround(nodes[i]); p != nil {
			return d.buildAttention(nodes, p)
		}
		return nil, nil
	}
	head := nodes[0]
	shape, ok := head.Outputs[0].Type.Dims.Shape()
	if !ok {
		return nil, nil
	}
	e := newEpilogue(nodes[1:], head.Outputs[0], shape, len(head.Inputs))
	if e == nil {
		return nil, nil
	}
	built, err := d.Build(head)
	if err != nil {
		return nil, err
	}
	own, ok := built.(*kernel)
	if !ok {
		return nil, nil
	}
	alone := own.plan
	plan := func(c *operators.Call) (work, error) {
		first := *c
		first.Inputs = c.Inputs[:len(head.Inputs)]
		w, err := alone(&first)
		f, ok := w.(fusible)
		if err != nil || !ok || !f.result().Equal(shape) {
			return nil, err
		}
		f.fuse(e)
		return f, nil
	}
	k := &kernel{
		node: nodes[len(nodes)-1], inputs: operators.GroupInputs(nodes), plan: plan, values: own.values,
		rest: func(ctx context.Context, c *operators.Call) error { return applyGroup(ctx, nodes, c) },
	}
	if err := k.planAhead(); err != nil {
		return nil, err
	}
	if p := k.last.Load(); p == nil || p.work == nil {
		return nil, nil
	}
	return k, nil
}

// applyGroup computes the nodes of a group by the reference.
func applyGroup(ctx context.Context, nodes []*graph.Node, c *operators.Call) error {
	values := make(map[*graph.Value]tensor.Value)
	for i, v := range operators.GroupInputs(nodes) {
		if v == nil || !has(c, i) {
			continue
		}
		o := c.Inputs[i]
		b, err := bytesFor(o, o.DType.Bytes(o.Shape.Size()))
		if err != nil {
			return err
		}
		if values[v], err = tensor.FromBytes(o.DType, o.Shape, b); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		in := make([]tensor.Value, len(n.Inputs))
		for i, v := range n.Inputs {
			if v != nil {
				in[i] = values[v]
			}
		}
		out, err := reference.Run(ctx, n, in, nil)
		if err != nil {
			return err
		}
		values[n.Outputs[0]] = out[0]
	}
	last := nodes[len(nodes)-1]
	t, ok := values[last.Outputs[0]].(*tensor.Tensor)
	if !ok {
		return fmt.Errorf("node %s: the result is no tensor", last.Label())
	}
	dst, err := output[byte](c, 0, t.DType(), t.Shape())
	if err != nil {
		return err
	}
	copy(dst[:cap(dst)], t.Bytes())
	return nil
}
