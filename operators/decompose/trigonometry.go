package decompose

import (
	"math"

	"example.com/midplane/operators/graph"
)

// trigonometry holds Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh,
// Acosh, Atanh.
var trigonometry = family{
	"Tan":   realFormula(tan),
	"Asin":  realFormula(asin),
	"Acos":  realFormula(acos),
	"Sinh":  realFormula(odd(sinh)),
	"Cosh":  realFormula(cosh),
	"Tanh":  realFormula(odd(tanh)),
	"Asinh": realFormula(odd(asinh)),
	"Acosh": realFormula(acosh),
	"Atanh": realFormula(odd(atanh)),
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

// halves returns e^a / 2, as the product of two roots that do not overflow, and
// e^-a / 2.
func halves(e expression, a *graph.Value) (grown, shrunk *graph.Value) {
	half := e.num(0.5)
	root := e.do("Exp", e.do("Mul", half, a))
	return e.do("Mul", e.do("Mul", half, root), root), e.do("Mul", half, e.do("Exp", e.do("Neg", a)))
}

func cosh(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	grown, shrunk := halves(e, e.do("Abs", in[0]))
	return e.do("Add", grown, shrunk)
}

// odd returns the body of a function with f(-x) = -f(x) from what it is for
// a = |x|.
func odd(f func(e expression, a *graph.Value) *graph.Value) body {
	return func(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
		v := f(e, e.do("Abs", in[0]))
		return e.do("Where", e.do("Less", in[0], e.num(0)), e.do("Neg", v), v)
	}
}

// sinh is (t + t / (t + 1)) / 2 with t = e^a - 1 for small a, and e^a/2 - e^-a/2.
func sinh(e expression, a *graph.Value) *graph.Value {
	t, one := expm1(e, a), e.num(1)
	small := e.do("Mul", e.num(0.5), e.do("Add", t, e.do("Div", t, e.do("Add", t, one))))
	grown, shrunk := halves(e, a)
	return e.do("Where", e.do("Less", a, one), small, e.do("Sub", grown, shrunk))
}

// tanh is -t / (t + 2) with t = e^(-2a) - 1.
func tanh(e expression, a *graph.Value) *graph.Value {
	t := expm1(e, e.do("Mul", e.num(-2), a))
	return e.do("Neg", e.do("Div", t, e.do("Add", t, e.num(2))))
}

// beyond is where the inverse hyperbolic functions are ln(2a) to the precision
// of float64.
const beyond = 1e8

// logTwice is ln(2a) where a is large, and v elsewhere.
func logTwice(e expression, a, v *graph.Value) *graph.Value {
	large := e.do("Add", e.do("Log", a), e.num(math.Ln2))
	return e.do("Where", e.do("Greater", a, e.num(beyond)), large, v)
}

// asinh is ln(1 + a + a² / (1 + sqrt(1 + a²))).
func asinh(e expression, a *graph.Value) *graph.Value {
	one, square := e.num(1), e.do("Mul", a, a)
	root := e.do("Sqrt", e.do("Add", one, square))
	u := e.do("Add", a, e.do("Div", square, e.do("Add", one, root)))
	return logTwice(e, a, log1p(e, u))
}

// acosh is ln(1 + t + sqrt(t) × sqrt(t + 2)) with t = x - 1.
func acosh(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	t := e.do("Sub", in[0], e.num(1))
	root := e.do("Mul", e.do("Sqrt", t), e.do("Sqrt", e.do("Add", t, e.num(2))))
	return logTwice(e, in[0], log1p(e, e.do("Add", t, root)))
}

// atanh is ln(1 + 2a / (1 - a)) / 2.
func atanh(e expression, a *graph.Value) *graph.Value {
	u := e.do("Div", e.do("Mul", e.num(2), a), e.do("Sub", e.num(1), a))
	return e.do("Mul", e.num(0.5), log1p(e, u))
}

// log1p is ln(1 + u) without loss around 0: with w = 1 + u as it is rounded,
// ln(w) × u / (w - 1). Source: N. Higham, "Accuracy and Stability of Numerical
// Algorithms", 2nd ed., §1.14 and problem 1.5, after W. Kahan.
func log1p(e expression, u *graph.Value) *graph.Value {
	one := e.num(1)
	w := e.do("Add", one, u)
	log := e.do("Log", w)
	scaled := e.do("Mul", log, e.do("Div", u, e.do("Sub", w, one)))
	scaled = e.do("Where", e.do("Equal", w, u), log, scaled) // infinite, too
	return e.do("Where", e.do("Equal", w, one), u, scaled)
}

// expm1 is e^x - 1 without loss around 0, for x below 1: with w = e^x as it is
// rounded, (w - 1) × x / ln(w). Source: as for [log1p].
func expm1(e expression, x *graph.Value) *graph.Value {
	one := e.num(1)
	w := e.do("Exp", x)
	difference := e.do("Sub", w, one)
	scaled := e.do("Mul", difference, e.do("Div", x, e.do("Log", w)))
	scaled = e.do("Where", e.do("Less", w, e.num(0.5)), difference, scaled) // no loss, and w may be 0
	return e.do("Where", e.do("Equal", w, one), x, scaled)
}
