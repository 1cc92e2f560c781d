package infer

import (
	"bytes"
	"context"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Again finds the facts of every value of g for other given facts than those that
// facts holds them for: it makes of facts what [Run] finds, but evaluates only the
// nodes of g of which an input differs, and returns them. Were holds the values of g
// whose facts differ, with what they were. After an error facts are of no use any
// more.
func Again(ctx context.Context, g *graph.Graph, given, facts Facts) (nodes []*graph.Node, were Facts, err error) {
	r := &again{run: run{ctx: ctx, facts: facts}, were: make(Facts)}
	for v, f := range given {
		r.set(v, f)
	}
	for _, n := range g.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if !r.stale(n) {
			continue
		}
		if err := r.node(n); err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, n)
	}
	return nodes, r.were, nil
}

// again is the state of [Again].
type again struct {
	run
	were Facts
}

// stale reports whether a node reads a value whose fact differs.
func (r *again) stale(n *graph.Node) bool {
	if len(r.were) == 0 {
		return false
	}
	differs := func(v *graph.Value) bool {
		_, ok := r.were[v]
		return ok
	}
	if slices.ContainsFunc(n.Inputs, differs) {
		return true
	}
	return len(n.Bodies()) > 0 && slices.ContainsFunc(n.Reads(), differs)
}

// node finds the facts of a node's outputs, and notes which of them differ.
func (r *again) node(n *graph.Node) error {
	old := make([]Fact, len(n.Outputs))
	for i, v := range n.Outputs {
		old[i] = r.facts[v]
	}
	if err := r.run.node(n); err != nil {
		return err
	}
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		if r.facts[v].same(old[i]) {
			r.facts[v] = old[i] // with the tensor that others have seen
		} else {
			r.were[v] = old[i]
		}
	}
	return nil
}

// set notes what is given for a value.
func (r *again) set(v *graph.Value, f Fact) {
	old, ok := r.facts[v]
	if ok && f.same(old) {
		return
	}
	r.were[v], r.facts[v] = old, f
}

// same reports whether two facts say the same; false may also mean that it cannot
// be told at little cost.
func (f Fact) same(o Fact) bool {
	return equalTypes(f.Type, o.Type) && equalConsts(f.Const, o.Const) && slices.Equal(f.Ints, o.Ints)
}

func equalTypes(a, b tensor.Type) bool {
	if a.Kind != b.Kind || a.DType != b.DType || a.Dims.Ranked() != b.Dims.Ranked() || (a.Elem == nil) != (b.Elem == nil) {
		return false
	}
	return slices.Equal(a.Dims, b.Dims) && (a.Elem == nil || equalTypes(*a.Elem, *b.Elem))
}

// equalConsts compares tensors that inference made, which are small, by their
// elements.
func equalConsts(a, b *tensor.Tensor) bool {
	switch {
	case a == b:
		return true
	case a == nil || b == nil || a.DType() != b.DType() || !a.Shape().Equal(b.Shape()):
		return false
	}
	return a.DType() != tensor.String && a.Len() <= maxConst && bytes.Equal(a.Bytes(), b.Bytes())
}
