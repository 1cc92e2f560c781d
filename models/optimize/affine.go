package optimize

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// foldAffine merges a Mul, Div, Add or Sub of a constant per channel, or of one
// number, into the Conv before it, if nothing else reads the convolution.
func foldAffine(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	p, changed := &pattern{g, facts, readers(g)}, false
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			inside, err := foldAffine(ctx, body, facts)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		changed = p.affine(n) || changed
	}
	return changed, ctx.Err()
}

// affine merges a node into the Conv that it follows.
func (p *pattern) affine(n *graph.Node) bool {
	op := n.Operator()
	if op != "Mul" && op != "Div" && op != "Add" && op != "Sub" {
		return false
	}
	conv := p.inner(n.Inputs[0], "Conv")
	other := n.Inputs[1]
	if conv == nil && (op == "Mul" || op == "Add") {
		conv, other = p.inner(n.Inputs[1], "Conv"), n.Inputs[0]
	}
	if conv == nil {
		return false
	}
	dims := p.facts[conv.Outputs[0]].Type.Dims
	c := p.constant(other)
	if len(dims) < 3 || dims[1].Size < 1 || c == nil || c.DType() != tensor.Float32 || c.Rank() > len(dims) {
		return false
	}
	channels := dims[1].Size
	if at := c.Rank() - len(dims) + 1; c.Len() != 1 && (c.Len() != channels || at < 0 || c.Shape()[at] != channels) {
		return false
	}
	values, factor, term := c.Float64s(), make([]float64, channels), make([]float64, channels)
	for i := range channels {
		v := values[i%len(values)]
		if math.IsNaN(v) || math.IsInf(v, 0) || op == "Div" && v == 0 {
			return false
		}
		factor[i] = 1
		switch op {
		case "Mul":
			factor[i] = v
		case "Div":
			factor[i] = 1 / v
		case "Add":
			term[i] = v
		case "Sub":
			term[i] = -v
		}
	}
	return scaleConv(p.graph, conv, n, factor, term, p.facts)
}
