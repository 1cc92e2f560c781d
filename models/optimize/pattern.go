package optimize

import (
	"context"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// pattern looks at the nodes of one graph for what stands for a single operator.
type pattern struct {
	graph *graph.Graph
	facts infer.Facts
	uses  map[*graph.Value]int
}

// everywhere makes a pass of a function that may change one node of a graph, given
// the last ones first, so that the longest pattern is found before its parts.
func everywhere(change func(p *pattern, n *graph.Node) bool) func(context.Context, *graph.Graph, infer.Facts) (bool, error) {
	var pass func(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error)
	pass = func(ctx context.Context, g *graph.Graph, facts infer.Facts) (bool, error) {
		p := &pattern{g, facts, g.Uses()}
		changed := false
		for _, n := range slices.Backward(g.Nodes) {
			for _, body := range n.Bodies() {
				inside, err := pass(ctx, body, facts)
				if err != nil {
					return changed, err
				}
				changed = changed || inside
			}
			changed = change(p, n) || changed
		}
		return changed, ctx.Err()
	}
	return pass
}

// float reports whether a value is a float32 tensor.
func (p *pattern) float(v *graph.Value) bool {
	t := p.facts[v].Type
	return v != nil && t.IsTensor() && t.DType == tensor.Float32
}

// rank returns the rank of a value, -1 where it is not known.
func (p *pattern) rank(v *graph.Value) int {
	if t := p.facts[v].Type; t.IsTensor() && t.Dims != nil {
		return len(t.Dims)
	}
	return -1
}

// constant returns the tensor that a value is known to be, nil if it is not.
func (p *pattern) constant(v *graph.Value) *tensor.Tensor {
	if v == nil {
		return nil
	}
	return p.facts[v].Const
}

// number returns the one element of a float32 constant.
func (p *pattern) number(v *graph.Value) (float64, bool) {
	t := p.constant(v)
	if t == nil || t.DType() != tensor.Float32 || t.Len() != 1 {
		return 0, false
	}
	return t.Float64s()[0], true
}

// is reports whether a value is a constant of one number.
func (p *pattern) is(v *graph.Value, want float64) bool {
	got, ok := p.number(v)
	return ok && near(got, want)
}

// near reports whether a number is another as float32.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Abs(b) }

// inner returns the node that writes a value, if it is the given operator and
// nothing but the pattern reads the value.
func (p *pattern) inner(v *graph.Value, op string) *graph.Node {
	if v == nil || v.Producer == nil || p.uses[v] != 1 || v.Producer.Operator() != op {
		return nil
	}
	return v.Producer
}

// with returns the operand of a node of two beside one that want accepts.
func with(n *graph.Node, want func(*graph.Value) bool) (other *graph.Value, ok bool) {
	if n == nil || len(n.Inputs) != 2 {
		return nil, false
	}
	for i, v := range n.Inputs {
		if want(v) {
			return n.Inputs[1-i], true
		}
	}
	return nil, false
}

// become makes a node compute its only output by another operator of the default
// domain. The nodes that it stands for besides itself are dead then.
func (p *pattern) become(n *graph.Node, op string, inputs []*graph.Value, stands []*graph.Node, attrs ...graph.Attribute) {
	p.absorb(n, stands...)
	schema, _ := operators.Newest("", op)
	n.Op, n.Version, n.Inputs, n.Attributes = op, schema.Since, inputs, attrs
}

// absorb notes that a node does the work of others.
func (p *pattern) absorb(n *graph.Node, others ...*graph.Node) {
	for _, o := range others {
		for _, from := range o.Source {
			if !slices.Contains(n.Source, from) {
				n.Source = append(slices.Clip(n.Source), from)
			}
		}
	}
}

// add adds an initializer.
func (p *pattern) add(name string, t *tensor.Tensor) *graph.Value {
	v := &graph.Value{Name: name, Type: t.Type(), Const: t}
	p.facts[v] = infer.Of(t)
	p.graph.Initializers = append(p.graph.Initializers, v)
	return v
}
