package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/operators/graph"
)

// activation holds Relu, LeakyRelu, PRelu, Elu, Selu, Celu, ThresholdedRelu,
// Sigmoid, HardSigmoid, HardSwish, Softplus, Softsign, Gelu, Mish, Swish,
// SwiGLU, Shrink, Clip.
var activation = family{
	"Relu":            formula(relu),
	"LeakyRelu":       realFormula(leakyRelu),
	"PRelu":           formula(pRelu),
	"Elu":             realFormula(elu),
	"Selu":            realFormula(selu),
	"Celu":            realFormula(celu),
	"ThresholdedRelu": realFormula(thresholdedRelu),
	"Sigmoid":         realFormula(sigmoid),
	"HardSigmoid":     realFormula(hardSigmoid),
	"HardSwish":       realFormula(hardSwish),
	"Softplus":        realFormula(softplus),
	"Softsign":        realFormula(softsign),
	"Gelu":            gelu,
	"Mish":            realFormula(mish),
	"Swish":           realFormula(swish),
	"SwiGLU":          realFormula(swiGLU),
	"Shrink":          realFormula(shrink),
	"Clip":            formula(clip),
}

func relu(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Max", in[0], e.num(0))
}

func leakyRelu(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	return sloped(e, in[0], e.num(float64(n.Float("alpha", 0.01))))
}

func pRelu(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return sloped(e, in[0], in[1])
}

// sloped is x, or slope × x where x is negative.
func sloped(e expression, x, slope *graph.Value) *graph.Value {
	return e.do("Where", e.do("Less", x, e.num(0)), e.do("Mul", slope, x), x)
}

// decayed is scale × (e^x - 1).
func decayed(e expression, scale float64, x *graph.Value) *graph.Value {
	return e.do("Mul", e.num(scale), e.do("Sub", e.do("Exp", x), e.num(1)))
}

func elu(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	x := in[0]
	return e.do("Where", e.do("Less", x, e.num(0)), decayed(e, float64(n.Float("alpha", 1)), x), x)
}

// selu scales an Elu. Its defaults are those of the operator's schema.
func selu(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	alpha, gamma := n.Float("alpha", 1.67326319217681884765625), n.Float("gamma", 1.05070102214813232421875)
	return e.do("Mul", e.num(float64(gamma)), e.Op("Elu", in, graph.A("alpha", alpha)))
}

// celu is max(0, x) + min(0, alpha × (e^(x / alpha) - 1)).
func celu(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	alpha, zero := float64(n.Float("alpha", 1)), e.num(0)
	below := decayed(e, alpha, e.do("Div", in[0], e.num(alpha)))
	return e.do("Add", e.do("Max", in[0], zero), e.do("Min", below, zero))
}

func thresholdedRelu(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	above := e.do("Greater", in[0], e.num(float64(n.Float("alpha", 1))))
	return e.do("Where", above, in[0], e.num(0))
}

// sigmoid is 1 / (1 + e^-x).
func sigmoid(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	one := e.num(1)
	return e.do("Div", one, e.do("Add", one, e.do("Exp", e.do("Neg", in[0]))))
}

// hardSigmoid is max(0, min(1, alpha × x + beta)).
func hardSigmoid(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	alpha, beta := e.num(float64(n.Float("alpha", 0.2))), e.num(float64(n.Float("beta", 0.5)))
	line := e.do("Add", e.do("Mul", in[0], alpha), beta)
	return e.do("Max", e.do("Min", line, e.num(1)), e.num(0))
}

// hardSwish is x × max(0, min(1, x / 6 + 1/2)).
func hardSwish(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	line := e.do("Add", e.do("Div", in[0], e.num(6)), e.num(0.5))
	return e.do("Mul", in[0], e.do("Max", e.do("Min", line, e.num(1)), e.num(0)))
}

// softplus is max(x, 0) + ln(1 + e^-|x|), which does not overflow.
func softplus(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	tail := e.do("Exp", e.do("Neg", e.do("Abs", in[0])))
	return e.do("Add", e.do("Max", in[0], e.num(0)), e.do("Log", e.do("Add", tail, e.num(1))))
}

func softsign(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Div", in[0], e.do("Add", e.do("Abs", in[0]), e.num(1)))
}

func gelu(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	switch approximate := n.Text("approximate", "none"); approximate {
	case "none":
		return realFormula(geluErf)(b, n)
	case "tanh":
		return realFormula(geluTanh)(b, n)
	default:
		return nil, fmt.Errorf(`approximate is %q, want "none" or "tanh"`, approximate)
	}
}

// geluErf is x / 2 × (1 + erf(x / sqrt(2))).
func geluErf(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	x := in[0]
	bell := e.do("Erf", e.do("Mul", x, e.num(1/math.Sqrt2)))
	return e.do("Mul", e.do("Mul", e.num(0.5), x), e.do("Add", e.num(1), bell))
}

// geluTanh is x / 2 × (1 + tanh(sqrt(2 / pi) × (x + 0.044715 × x^3))).
func geluTanh(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	x := in[0]
	cubic := e.do("Mul", e.num(0.044715), e.do("Mul", x, e.do("Mul", x, x)))
	bell := e.do("Tanh", e.do("Mul", e.num(math.Sqrt(2/math.Pi)), e.do("Add", x, cubic)))
	return e.do("Mul", e.do("Mul", e.num(0.5), x), e.do("Add", e.num(1), bell))
}

func mish(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Mul", in[0], e.do("Tanh", e.do("Softplus", in[0])))
}

func swish(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	x := in[0]
	if alpha := n.Float("alpha", 1); alpha != 1 {
		x = e.do("Mul", e.num(float64(alpha)), x)
	}
	return e.do("Mul", in[0], e.do("Sigmoid", x))
}

func swiGLU(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Mul", e.Op("Swish", in[:1], graph.A("alpha", n.Float("alpha", 1))), in[1])
}

func shrink(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	x, lambd := in[0], float64(n.Float("lambd", 0.5))
	bias := e.num(float64(n.Float("bias", 0)))
	above := e.do("Where", e.do("Greater", x, e.num(lambd)), e.do("Sub", x, bias), e.num(0))
	return e.do("Where", e.do("Less", x, e.num(-lambd)), e.do("Add", x, bias), above)
}

// clip is min(max(x, low), high) with the bounds that there are.
func clip(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	out := in[0]
	if low := n.Input(1); low != nil {
		out = e.do("Max", out, low)
	}
	if high := n.Input(2); high != nil {
		out = e.do("Min", out, high)
	}
	return out
}
