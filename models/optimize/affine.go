package optimize

import (
	"context"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// foldAffine merges a Mul, Div, Add or Sub of a constant per channel, or of one
// number, into the Conv before it or behind it, if nothing else reads what lies
// between. What is added before a Conv goes into its bias only where the Conv does
// not pad.
func foldAffine(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
	p, changed := &pattern{g, facts, g.Uses()}, false
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			inside, err := foldAffine(ctx, body, facts)
			if err != nil {
				return changed, err
			}
			changed = changed || inside
		}
		switch n.Operator() {
		case "Mul", "Div", "Add", "Sub":
			changed = p.behind(n) || changed
		case "Conv":
			for p.before(n) {
				changed = true
			}
		}
	}
	return changed, ctx.Err()
}

// affine is x times a factor plus a term, per channel.
type affine struct {
	x            *graph.Value
	factor, term []float64
}

// channelwise returns what a node computes of the operand that is no constant; nil
// if it does not compute the like.
func (p *pattern) channelwise(n *graph.Node) *affine {
	op := n.Operator()
	if op != "Mul" && op != "Div" && op != "Add" && op != "Sub" {
		return nil
	}
	x, c := n.Inputs[0], p.constant(n.Inputs[1])
	if c == nil && (op == "Mul" || op == "Add") {
		x, c = n.Inputs[1], p.constant(n.Inputs[0])
	}
	dims := p.facts[x].Type.Dims
	if len(dims) < 3 || dims[1].Size < 1 || c == nil || c.DType() != tensor.Float32 || c.Rank() > len(dims) {
		return nil
	}
	channels := dims[1].Size
	if at := c.Rank() - len(dims) + 1; c.Len() != 1 && (c.Len() != channels || at < 0 || c.Shape()[at] != channels) {
		return nil
	}
	values, a := c.Float64s(), &affine{x, make([]float64, channels), make([]float64, channels)}
	for i := range channels {
		v := values[i%len(values)]
		if math.IsNaN(v) || math.IsInf(v, 0) || op == "Div" && v == 0 {
			return nil
		}
		a.factor[i] = 1
		switch op {
		case "Mul":
			a.factor[i] = v
		case "Div":
			a.factor[i] = 1 / v
		case "Add":
			a.term[i] = v
		case "Sub":
			a.term[i] = -v
		}
	}
	return a
}

// behind merges a node into the Conv that it follows.
func (p *pattern) behind(n *graph.Node) bool {
	a := p.channelwise(n)
	if a == nil {
		return false
	}
	conv := p.inner(a.x, "Conv")
	return conv != nil && scaleConv(p.graph, conv, n, a.factor, a.term, p.facts)
}

// before merges the node that a Conv reads into the Conv: filters are multiplied
// by the factors of their channels, and the bias grows by the filters' sums of the
// terms.
func (p *pattern) before(conv *graph.Node) bool {
	x := conv.Inputs[0]
	if x.Producer == nil || p.uses[x] != 1 {
		return false
	}
	a := p.channelwise(x.Producer)
	if a == nil {
		return false
	}
	w, bias := p.constant(conv.Input(1)), p.constant(conv.Input(2))
	if w == nil || w.DType() != tensor.Float32 || w.Rank() < 3 || conv.Input(2) != nil && (bias == nil || bias.DType() != tensor.Float32) {
		return false
	}
	added := slices.ContainsFunc(a.term, func(t float64) bool { return t != 0 })
	if added && (conv.Text("auto_pad", "NOTSET") != "NOTSET" || slices.ContainsFunc(conv.Ints("pads"), func(v int64) bool { return v != 0 })) {
		return false
	}
	shape := w.Shape()
	out, each, window := shape[0], shape[1], w.Len()/max(shape[0]*shape[1], 1)
	groups := int(conv.Int("group", 1))
	if out == 0 || groups < 1 || out%groups != 0 || each*groups != len(a.factor) {
		return false
	}
	terms := make([]float64, out)
	if bias != nil {
		copy(terms, bias.Float64s())
	}
	from, filters := tensor.Slice[float32](w), tensor.Zeros(tensor.Float32, shape)
	to := tensor.Slice[float32](filters)
	for o := range out {
		first := o / (out / groups) * each
		for c := range each {
			at, factor, term := (o*each+c)*window, a.factor[first+c], a.term[first+c]
			for i, v := range from[at : at+window] {
				terms[o] += float64(v) * term
				to[at+i] = float32(float64(v) * factor)
			}
		}
	}
	name := conv.Outputs[0].Name
	p.absorb(conv, x.Producer)
	conv.Inputs = []*graph.Value{a.x, p.add(name+"/filters", filters)}
	if added || bias != nil {
		conv.Inputs = append(conv.Inputs, p.add(name+"/bias", tensor.FromFloat64s(tensor.Float32, tensor.Shape{out}, terms)))
	}
	return true
}
