package optimize

import (
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Normalizations over the last axis that exporters write in pieces become the
// operators that they are:
//
//	LayerNormalization   (x - mean(x)) / √(mean((x - mean(x))²) + ε) w + b
//	RMSNormalization     x / √(mean(x²) + ε) w
//
// w, and b, have one element for each of the axis. Only float32 is looked at.
var gatherNormalizations = everywhere(func(p *pattern, n *graph.Node) bool {
	if n.Output(0) == nil || !p.float(n.Output(0)) {
		return false
	}
	bias, scaled := (*graph.Value)(nil), n
	if n.Operator() == "Add" {
		other, ok := with(n, func(v *graph.Value) bool { return p.row(v, n.Outputs[0]) })
		if !ok {
			return false
		}
		if scaled = p.inner(other, "Mul"); scaled == nil {
			return false
		}
		bias = n.Inputs[0]
		if bias == other {
			bias = n.Inputs[1]
		}
	}
	if scaled.Operator() != "Mul" {
		return false
	}
	core, ok := with(scaled, func(v *graph.Value) bool { return p.row(v, n.Outputs[0]) })
	if !ok {
		return false
	}
	weight := scaled.Inputs[0]
	if weight == core {
		weight = scaled.Inputs[1]
	}
	c := p.normalized(core)
	if c == nil || c.centred == nil && bias != nil {
		return false
	}
	inputs, op, nodes := []*graph.Value{c.x, weight}, "RMSNormalization", append(c.nodes, scaled)
	if c.centred != nil {
		op = "LayerNormalization"
		if bias != nil {
			inputs = append(inputs, bias)
		}
	}
	p.become(n, op, inputs, nodes, graph.A("axis", int64(-1)), graph.A("epsilon", float32(c.epsilon)))
	return true
})

// row reports whether a value is a constant with one element for each of the last
// axis of another.
func (p *pattern) row(v, of *graph.Value) bool {
	t, dims := p.constant(v), p.facts[of].Type.Dims
	if t == nil || t.DType() != tensor.Float32 || t.Rank() != 1 || len(dims) == 0 {
		return false
	}
	return dims[len(dims)-1].Size == t.Len()
}

// core is a normalization without scale and bias.
type core struct {
	x       *graph.Value
	centred *graph.Node // the Sub of the mean; nil: x was not centred
	epsilon float64
	nodes   []*graph.Node
}

// normalized takes apart c / √(mean(c²) + ε), where the division may be a
// multiplication with the reciprocal.
func (p *pattern) normalized(v *graph.Value) *core {
	var (
		over, root *graph.Value
		nodes      []*graph.Node
	)
	if div := p.inner(v, "Div"); div != nil {
		over, root, nodes = div.Inputs[0], div.Inputs[1], []*graph.Node{div}
	} else if mul := p.inner(v, "Mul"); mul != nil {
		for i, in := range mul.Inputs {
			if r := p.reciprocal(in); r != nil {
				over, root, nodes = mul.Inputs[1-i], r.Inputs[len(r.Inputs)-1], []*graph.Node{mul, r}
			}
		}
	}
	sqrt := p.inner(root, "Sqrt")
	if sqrt == nil {
		return nil
	}
	sum := p.inner(sqrt.Inputs[0], "Add")
	var epsilon float64
	mean, ok := with(sum, func(v *graph.Value) (ok bool) { epsilon, ok = p.number(v); return ok && p.rank(v) <= p.rank(over) })
	if !ok || epsilon < 0 {
		return nil
	}
	average := p.average(mean, over)
	if average == nil {
		return nil
	}
	square := p.square(average.Inputs[0], over)
	if square == nil {
		return nil
	}
	c := &core{x: over, epsilon: epsilon, nodes: append(nodes, sqrt, sum, average, square)}
	// The centred value is read by the square, once or twice, and by the division.
	if sub := over.Producer; sub != nil && sub.Operator() == "Sub" && p.uses[over] == 1+reads(square, over) {
		if average := p.average(sub.Inputs[1], sub.Inputs[0]); average != nil && average.Inputs[0] == sub.Inputs[0] {
			c.x, c.centred, c.nodes = sub.Inputs[0], sub, append(c.nodes, sub, average)
		}
	}
	if p.rank(c.x) != p.rank(v) {
		return nil
	}
	return c
}

func reads(n *graph.Node, v *graph.Value) (count int) {
	for _, in := range n.Inputs {
		if in == v {
			count++
		}
	}
	return count
}

// reciprocal returns the node that writes 1 / something.
func (p *pattern) reciprocal(v *graph.Value) *graph.Node {
	if n := p.inner(v, "Reciprocal"); n != nil {
		return n
	}
	if n := p.inner(v, "Div"); n != nil && p.is(n.Inputs[0], 1) && p.rank(n.Inputs[0]) <= p.rank(n.Inputs[1]) {
		return n
	}
	return nil
}

// average returns the ReduceMean that writes a value, if it is over the last axis,
// which stays, of what has the rank of another value.
func (p *pattern) average(v, of *graph.Value) *graph.Node {
	n := p.inner(v, "ReduceMean")
	if n == nil || !n.Bool("keepdims", true) {
		return nil
	}
	axes, rank := p.constant(n.Input(1)), p.rank(of)
	if axes == nil || axes.DType() != tensor.Int64 || axes.Len() != 1 || rank < 1 {
		return nil
	}
	if axis := tensor.Slice[int64](axes)[0]; axis != -1 && axis != int64(rank-1) {
		return nil
	}
	return n
}

// square returns the node that writes the square of another value.
func (p *pattern) square(v, of *graph.Value) *graph.Node {
	if n := p.inner(v, "Pow"); n != nil && n.Inputs[0] == of && p.power(n, 2) {
		return n
	}
	if n := p.inner(v, "Mul"); n != nil && slices.Equal(n.Inputs, []*graph.Value{of, of}) {
		return n
	}
	return nil
}
