package decompose

import (
	"errors"

	"example.com/midplane/operators/graph"
)

// arithmetic holds Add, Sub, Mul, Div, Mod, Pow, Neg, Abs, Sign, Reciprocal,
// Sqrt, Exp, Log, Floor, Ceil, Round, Min, Max, Sum, Mean, BitShift, Erf.
var arithmetic = family{
	"Sub":        sub,
	"Mod":        mod,
	"Neg":        formula(neg),
	"Abs":        formula(abs),
	"Sign":       formula(sign),
	"Reciprocal": formula(reciprocal),
	"Ceil":       formula(ceil),
	"Min":        formula(extreme("Less")),
	"Max":        formula(extreme("Greater")),
	"Sum":        realFormula(sum),
	"Mean":       realFormula(mean),
}

func sub(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	if e.dtype.IsUnsigned() {
		return nil, errors.New("unsigned integers have no Neg")
	}
	return []*graph.Value{e.do("Add", n.Inputs[0], e.do("Neg", n.Inputs[1]))}, nil
}

// mod expresses the remainder of integers: x - y × (x / y), to which y is added
// if the sign must be that of y and is not.
func mod(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	if !e.dtype.IsInteger() {
		return nil, errors.New("the remainder of real numbers is not that of their rounded quotient")
	}
	x, y := n.Inputs[0], n.Inputs[1]
	r := e.do("Sub", x, e.do("Mul", y, e.do("Div", x, y)))
	if e.dtype.IsUnsigned() || n.Bool("fmod", false) {
		return []*graph.Value{r}, nil
	}
	zero := e.num(0)
	opposite := e.do("Xor", e.do("Less", r, zero), e.do("Less", y, zero))
	wrong := e.do("And", opposite, e.do("Not", e.do("Equal", r, zero)))
	return []*graph.Value{e.do("Where", wrong, e.do("Add", r, y), r)}, nil
}

func neg(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Mul", in[0], e.num(-1))
}

func reciprocal(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Div", e.num(1), in[0])
}

func ceil(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Neg", e.do("Floor", e.do("Neg", in[0])))
}

func abs(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	if e.dtype.IsUnsigned() {
		return in[0]
	}
	return e.do("Max", in[0], e.do("Neg", in[0]))
}

// sign returns x itself where it is 0 or NaN.
func sign(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	x, zero := in[0], e.num(0)
	positive := e.do("Greater", x, zero)
	if e.dtype.IsUnsigned() {
		return e.as(e.dtype, positive)
	}
	rest := e.do("Where", e.do("Less", x, zero), e.num(-1), x)
	return e.do("Where", positive, e.num(1), rest)
}

// extreme picks, pair by pair, the operand that compares so to the other, or
// that is NaN.
func extreme(compare string) body {
	return func(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
		if len(in) != 2 {
			return chain(e, n.Op, in)
		}
		first := e.do(compare, in[0], in[1])
		if e.dtype.IsFloat() {
			first = e.do("Or", first, e.do("IsNaN", in[0]))
		}
		return e.do("Where", first, in[0], in[1])
	}
}

// chain combines operands from left to right.
func chain(e expression, op string, in []*graph.Value) *graph.Value {
	acc := in[0]
	for _, v := range in[1:] {
		acc = e.do(op, acc, v)
	}
	return acc
}

func sum(e expression, _ *graph.Node, in []*graph.Value) *graph.Value { return chain(e, "Add", in) }

func mean(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Div", e.do("Sum", in...), e.num(float64(len(in))))
}
