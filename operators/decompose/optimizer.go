package decompose

import (
	"fmt"

	"example.com/midplane/operators/graph"
)

// optimizer holds Adam, Adagrad, Momentum of ai.onnx.preview.training.
var optimizer = family{
	"ai.onnx.preview.training.Adagrad":  optimize(1, adagrad),
	"ai.onnx.preview.training.Adam":     optimize(2, adam),
	"ai.onnx.preview.training.Momentum": optimize(1, momentum),
}

// update writes the new value of a tensor x, and the new values of what is kept
// of its gradients g, as expressions of the learning rate and the update count.
type update func(e expression, n *graph.Node, rate, count, x, g *graph.Value, kept []*graph.Value) (*graph.Value, []*graph.Value)

// optimize returns the rule for an operator that keeps so many tensors for each
// one that it optimizes.
func optimize(kept int, f update) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		groups := 2 + kept
		count := (len(n.Inputs) - 2) / groups
		if count < 1 || len(n.Inputs) != 2+count*groups {
			return nil, fmt.Errorf("%d inputs behind the update count are not %d for each tensor", len(n.Inputs)-2, groups)
		}
		out := make([]*graph.Value, count*(1+kept))
		for i := range count {
			e, err := typed(b, n, 2+i)
			if err != nil {
				return nil, err
			}
			var old []*graph.Value
			for k := range kept {
				old = append(old, n.Input(2+(2+k)*count+i))
			}
			scalar := func(v *graph.Value) *graph.Value { // of the tensor's type, even if it is [1]
				return e.do("Squeeze", e.to(e.dtype, v))
			}
			x, next := f(e, n, scalar(n.Input(0)), scalar(n.Input(1)), n.Input(2+i), n.Input(2+count+i), old)
			out[i] = x
			for k, v := range next {
				out[(1+k)*count+i] = v
			}
		}
		return out, nil
	}
}

// scaled returns v times an attribute of n.
func (e expression) scaled(n *graph.Node, name string, def float32, v *graph.Value) *graph.Value {
	return e.do("Mul", e.num(float64(n.Float(name, def))), v)
}

// regularized adds norm_coefficient × x to the gradient.
func (e expression) regularized(n *graph.Node, x, g *graph.Value) *graph.Value {
	if n.Float("norm_coefficient", 0) == 0 {
		return g
	}
	return e.do("Add", e.scaled(n, "norm_coefficient", 0, x), g)
}

func adagrad(e expression, n *graph.Node, rate, count, x, g *graph.Value, kept []*graph.Value) (*graph.Value, []*graph.Value) {
	rate = e.do("Div", rate, e.do("Add", e.num(1), e.scaled(n, "decay_factor", 0, count)))
	g = e.regularized(n, x, g)
	h := e.do("Add", kept[0], e.do("Mul", g, g))
	root := e.do("Add", e.do("Sqrt", h), e.num(float64(n.Float("epsilon", 0))))
	return e.do("Sub", x, e.do("Div", e.do("Mul", rate, g), root)), []*graph.Value{h}
}

func adam(e expression, n *graph.Node, rate, count, x, g *graph.Value, kept []*graph.Value) (*graph.Value, []*graph.Value) {
	alpha, beta := float64(n.Float("alpha", 0.9)), float64(n.Float("beta", 0.999))
	g = e.regularized(n, x, g)
	v := e.do("Add", e.do("Mul", e.num(alpha), kept[0]), e.do("Mul", e.num(1-alpha), g))
	h := e.do("Add", e.do("Mul", e.num(beta), kept[1]), e.do("Mul", e.num(1-beta), e.do("Mul", g, g)))
	unbiased := func(base float64) *graph.Value { return e.do("Sub", e.num(1), e.do("Pow", e.num(base), count)) }
	later := e.do("Div", e.do("Mul", rate, e.do("Sqrt", unbiased(beta))), unbiased(alpha))
	rate = e.do("Where", e.do("Greater", count, e.num(0)), later, rate)
	root := e.do("Add", e.do("Sqrt", h), e.num(float64(n.Float("epsilon", 0))))
	x = e.do("Sub", x, e.do("Div", e.do("Mul", rate, v), root))
	return e.do("Mul", e.num(1-float64(n.Float("norm_coefficient_post", 0))), x), []*graph.Value{v, h}
}

func momentum(e expression, n *graph.Node, rate, count, x, g *graph.Value, kept []*graph.Value) (*graph.Value, []*graph.Value) {
	g = e.regularized(n, x, g)
	beta := e.do("Where", e.do("Greater", count, e.num(0)), e.num(float64(n.Float("beta", 0))), e.num(1))
	v := e.do("Add", e.scaled(n, "alpha", 0, kept[0]), e.do("Mul", beta, g))
	direction := v
	if n.Text("mode", "") == "nesterov" {
		direction = e.do("Add", g, e.scaled(n, "alpha", 0, v))
	}
	return e.do("Sub", x, e.do("Mul", rate, direction)), []*graph.Value{v}
}
