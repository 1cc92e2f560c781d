package decompose

import (
	"math"

	"example.com/midplane/operators/graph"
)

// trigonometry holds Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh,
// Acosh, Atanh. Those of which the closed form cancels around 0 have no rule.
var trigonometry = family{
	"Tan":  realFormula(tan),
	"Asin": realFormula(asin),
	"Acos": realFormula(acos),
	"Cosh": realFormula(cosh),
}

func tan(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Div", e.do("Sin", in[0]), e.do("Cos", in[0]))
}

// asin is atan(x / sqrt((1 - x) × (1 + x))).
func asin(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	x, one := in[0], e.num(1)
	square := e.do("Mul", e.do("Sub", one, x), e.do("Add", one, x))
	return e.do("Atan", e.do("Div", x, e.do("Sqrt", square)))
}

// acos is 2 × atan(sqrt((1 - x) / (1 + x))).
func acos(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	x, one := in[0], e.num(1)
	square := e.do("Div", e.do("Sub", one, x), e.do("Add", one, x))
	return e.do("Mul", e.num(2), e.do("Atan", e.do("Sqrt", square)))
}

// cosh is (e^(|x| - ln 2) + e^(-|x| - ln 2)), which overflows where its value
// does.
func cosh(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	a, ln2 := e.do("Abs", in[0]), e.num(math.Ln2)
	return e.do("Add", e.do("Exp", e.do("Sub", a, ln2)), e.do("Exp", e.do("Sub", e.do("Neg", a), ln2)))
}
