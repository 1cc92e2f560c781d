package optimize

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Activations that exporters write in pieces become the operators that they are:
//
//	LeakyRelu   max(x, a x), 0 < a < 1
//	HardSwish   x clip(x + 3, 0, 6) / 6, x hardsigmoid(x)
//	Swish       x sigmoid(x)
//	Gelu        x (erf(x / √2) + 1) / 2, x (tanh(√(2/π) (x + 0.044715 x³)) + 1) / 2
//
// Factors may stand in any order. Only float32 is looked at.
var gatherActivations = everywhere(func(p *pattern, n *graph.Node) bool {
	if n.Output(0) == nil || !p.float(n.Output(0)) {
		return false
	}
	switch n.Operator() {
	case "Max":
		return p.leakyRelu(n)
	case "Mul", "Div":
		return p.gate(n)
	}
	return false
})

func (p *pattern) leakyRelu(n *graph.Node) bool {
	if len(n.Inputs) != 2 {
		return false
	}
	for i, scaled := range n.Inputs {
		x, mul := n.Inputs[1-i], p.inner(scaled, "Mul")
		if mul == nil {
			continue
		}
		factor, ok := with(mul, func(v *graph.Value) bool { return v == x })
		if !ok {
			continue
		}
		if slope, ok := p.number(factor); ok && slope > 0 && slope < 1 && p.rank(factor) <= p.rank(x) {
			p.become(n, "LeakyRelu", []*graph.Value{x}, []*graph.Node{mul}, graph.A("alpha", float32(slope)))
			return true
		}
	}
	return false
}

// product is what a tree of Mul, and of Div by numbers, multiplies.
type product struct {
	number float64
	values []*graph.Value
	nodes  []*graph.Node // of the tree
	rank   int           // the highest of a constant
}

// factors takes apart the product that a node computes.
func (p *pattern) factors(n *graph.Node) *product {
	f := &product{number: 1}
	p.multiply(f, n)
	return f
}

func (p *pattern) multiply(f *product, n *graph.Node) {
	f.nodes = append(f.nodes, n)
	for i, v := range n.Inputs {
		c, ok := p.number(v)
		switch {
		case ok && n.Op == "Mul":
			f.number *= c
		case ok && i == 1 && c != 0:
			f.number /= c
		case p.inner(v, "Mul") != nil, i == 0 && p.inner(v, "Div") != nil && p.divides(v.Producer):
			p.multiply(f, v.Producer)
			continue
		default:
			f.values = append(f.values, v)
			continue
		}
		f.rank = max(f.rank, p.rank(v))
	}
}

// divides reports whether a Div is by a number.
func (p *pattern) divides(n *graph.Node) bool {
	c, ok := p.number(n.Input(1))
	return ok && c != 0
}

// gate finds an activation that is a product of x and a function of x.
func (p *pattern) gate(n *graph.Node) bool {
	if n.Op == "Div" && !p.divides(n) {
		return false
	}
	f := p.factors(n)
	if len(f.values) != 2 {
		return false
	}
	for i, v := range f.values {
		x := f.values[1-i]
		if f.rank > p.rank(x) || p.uses[v] != 1 || v.Producer == nil {
			continue
		}
		op, attrs, nodes := p.gateOf(v.Producer, x, f.number)
		if op == "" {
			continue
		}
		p.become(n, op, []*graph.Value{x}, append(f.nodes, nodes...), attrs...)
		return true
	}
	return false
}

// gateOf tells which activation x times a gate times a number is.
func (p *pattern) gateOf(gate *graph.Node, x *graph.Value, number float64) (op string, attrs []graph.Attribute, nodes []*graph.Node) {
	switch gate.Operator() {
	case "Sigmoid":
		if number == 1 && gate.Inputs[0] == x {
			return "Swish", nil, []*graph.Node{gate}
		}
	case "HardSigmoid":
		if number == 1 && gate.Inputs[0] == x && near(float64(gate.Float("alpha", 0.2)), float64(float32(1.0/6))) && gate.Float("beta", 0.5) == 0.5 {
			return "HardSwish", nil, []*graph.Node{gate}
		}
	case "Clip":
		if sum := p.plus(gate.Input(0), x, 3); sum != nil && near(number, 1.0/6) && p.clips(gate, 0, 6) {
			return "HardSwish", nil, []*graph.Node{gate, sum}
		}
	case "Add":
		if near(number, 0.5) {
			return p.gelu(gate, x)
		}
	}
	return "", nil, nil
}

// clips reports whether a Clip is between two numbers.
func (p *pattern) clips(n *graph.Node, low, high float64) bool {
	l, ok := p.number(n.Input(1))
	return ok && l == low && p.is(n.Input(2), high)
}

// plus returns the Add that writes a value, if it adds a number to x.
func (p *pattern) plus(v, x *graph.Value, number float64) *graph.Node {
	n := p.inner(v, "Add")
	other, ok := with(n, func(v *graph.Value) bool { return p.is(v, number) && p.rank(v) <= p.rank(x) })
	if !ok || other != x {
		return nil
	}
	return n
}

// gelu finds the function of x in a sum of it and 1.
func (p *pattern) gelu(sum *graph.Node, x *graph.Value) (op string, attrs []graph.Attribute, nodes []*graph.Node) {
	v, ok := with(sum, func(v *graph.Value) bool { return p.is(v, 1) && p.rank(v) <= p.rank(x) })
	if !ok {
		return "", nil, nil
	}
	if erf := p.inner(v, "Erf"); erf != nil {
		if scaled := p.scaled(erf.Inputs[0], math.Sqrt2/2); scaled != nil && slices.Equal(scaled.values, []*graph.Value{x}) && scaled.rank <= p.rank(x) {
			return "Gelu", nil, append(scaled.nodes, sum, erf)
		}
	}
	tanh := p.inner(v, "Tanh")
	if tanh == nil {
		return "", nil, nil
	}
	scaled := p.scaled(tanh.Inputs[0], math.Sqrt(2/math.Pi))
	if scaled == nil || len(scaled.values) != 1 || scaled.rank > p.rank(x) {
		return "", nil, nil
	}
	cubic := p.inner(scaled.values[0], "Add")
	cube, ok := with(cubic, func(v *graph.Value) bool { return v == x })
	if !ok {
		return "", nil, nil
	}
	small := p.scaled(cube, 0.044715)
	if small == nil || small.rank > p.rank(x) {
		return "", nil, nil
	}
	nodes = append(append(scaled.nodes, small.nodes...), sum, tanh, cubic)
	switch {
	case slices.Equal(small.values, []*graph.Value{x, x, x}):
	case len(small.values) == 1 && p.cubes(small.values[0], x):
		nodes = append(nodes, small.values[0].Producer)
	default:
		return "", nil, nil
	}
	return "Gelu", []graph.Attribute{graph.A("approximate", "tanh")}, nodes
}

// scaled takes apart a value that is a product with a number.
func (p *pattern) scaled(v *graph.Value, number float64) *product {
	n := p.inner(v, "Mul")
	if n == nil {
		if n = p.inner(v, "Div"); n == nil || !p.divides(n) {
			return nil
		}
	}
	f := p.factors(n)
	if !near(f.number, number) {
		return nil
	}
	return f
}

// cubes reports whether a value is the third power of x.
func (p *pattern) cubes(v, x *graph.Value) bool {
	n := p.inner(v, "Pow")
	return n != nil && n.Inputs[0] == x && p.power(n, 3)
}

// power reports whether a Pow is by a number, of any type.
func (p *pattern) power(n *graph.Node, exponent float64) bool {
	t := p.constant(n.Input(1))
	return t != nil && t.Len() == 1 && t.DType() != tensor.String && t.Float64s()[0] == exponent && t.Rank() <= p.rank(n.Input(0))
}
