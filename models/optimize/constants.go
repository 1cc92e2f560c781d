package optimize

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// maxFolded bounds the bytes that folding one node may make: whatever is larger
// than its inputs by more than this, in a graph whose constants take more than
// maxConstants with it, is computed when it is needed, and so are strings, which no
// shape bounds.
const (
	maxFolded    = 1 << 20
	maxConstants = 1 << 28
)

// foldConstants replaces nodes whose outputs do not depend on the graph's
// inputs by initializers, in g and in its bodies.
func foldConstants(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	return foldBut(ctx, g, facts, "")
}

// foldSmall is foldConstants, but for weights that are stored as integers: for
// passes that know what to do with them.
func foldSmall(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	return foldBut(ctx, g, facts, "DequantizeLinear")
}

// foldBut folds all but one operator.
func foldBut(ctx context.Context, g *graph.Graph, facts infer.Facts, spared string) (bool, error) {
	changed := false
	left := maxConstants
	for _, v := range g.Initializers {
		if v.Const != nil && v.Const.DType() != tensor.String {
			left = max(left-len(v.Const.Bytes()), 0)
		}
	}
	var kept []*graph.Node
	for _, n := range g.Nodes {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		for _, body := range n.Bodies() {
			inside, err := foldBut(ctx, body, facts, spared)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		var values []*tensor.Tensor
		if n.Operator() != spared {
			values = fold(ctx, n, facts, left)
		}
		if values == nil {
			kept = append(kept, n)
			continue
		}
		changed = true
		for i, v := range n.Outputs {
			if v == nil {
				continue
			}
			left = max(left-len(values[i].Bytes()), 0)
			v.Const, v.Producer, v.Type = values[i], nil, values[i].Type()
			facts[v] = infer.Of(values[i])
			g.Initializers = append(g.Initializers, v)
		}
	}
	g.Nodes = kept
	return changed, nil
}

// fold computes a node whose inputs are all constants, or returns nil. Left is how
// many bytes more a graph's constants may take.
func fold(ctx context.Context, n *graph.Node, facts infer.Facts, left int) []*tensor.Tensor {
	if values := known(n, facts); values != nil {
		return values
	}
	if len(n.Bodies()) > 0 || infer.Volatile(n) {
		return nil
	}
	room := maxFolded
	in := make([]tensor.Value, len(n.Inputs))
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		f := facts[v]
		if f.Const == nil || f.Const.DType() == tensor.String {
			return nil
		}
		in[i] = f.Const
		room += len(f.Const.Bytes())
	}
	for _, v := range n.Outputs {
		if v == nil {
			continue
		}
		shape, ok := facts[v].Type.Dims.Shape()
		if !ok || !facts[v].Type.IsTensor() || facts[v].Type.DType == tensor.String {
			return nil
		}
		elements, err := shape.Elements()
		if err != nil || facts[v].Type.DType.Bytes(elements) > max(room, left) {
			return nil
		}
	}
	out, err := reference.Run(ctx, n, in, nil)
	if err != nil {
		return nil // running the node will say what is wrong
	}
	values := make([]*tensor.Tensor, len(n.Outputs))
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		t, ok := out[i].(*tensor.Tensor)
		if !ok {
			return nil
		}
		values[i] = t
	}
	return values
}

// known returns the outputs of a node that inference has computed already.
func known(n *graph.Node, facts infer.Facts) []*tensor.Tensor {
	values := make([]*tensor.Tensor, len(n.Outputs))
	for i, v := range n.Outputs {
		if v == nil {
			continue
		}
		if values[i] = facts[v].Const; values[i] == nil {
			return nil
		}
	}
	return values
}
