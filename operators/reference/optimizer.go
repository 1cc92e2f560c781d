package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// optimizer holds Adam, Adagrad, Momentum of ai.onnx.preview.training.
var optimizer = family{
	"ai.onnx.preview.training.Adagrad":  adagrad,
	"ai.onnx.preview.training.Adam":     adam,
	"ai.onnx.preview.training.Momentum": momentum,
}

// update computes, for one element, its new value and the new values of what
// is kept of its gradients, from its value x, its gradient g and what was kept.
type update func(x, g float64, kept []float64) (float64, []float64)

// optimize applies an update to every element of every tensor. The inputs are
// the learning rate, the update count, the tensors, their gradients and so many
// groups of kept tensors; the outputs are the new tensors and kept ones.
func optimize(c *Call, kept int, f update) ([]tensor.Value, error) {
	groups := 2 + kept
	n := (len(c.Inputs) - 2) / groups
	if n < 1 || len(c.Inputs) != 2+n*groups {
		return nil, fmt.Errorf("%d inputs behind the update count are not %d for each tensor", len(c.Inputs)-2, groups)
	}
	out := make([]tensor.Value, n*(1+kept))
	for i := range n {
		x := c.Tensor(2 + i)
		in := make([][]float64, groups)
		for k := range in {
			t := c.Tensor(2 + k*n + i)
			if t.DType() != x.DType() || !t.Shape().Equal(x.Shape()) {
				return nil, fmt.Errorf("input %d is %v, it must be as tensor %d: %v", 2+k*n+i, t.Type(), i, x.Type())
			}
			in[k] = t.Float64s()
		}
		for e := range in[0] {
			old := make([]float64, kept)
			for k := range old {
				old[k] = in[2+k][e]
			}
			value, next := f(in[0][e], in[1][e], old)
			in[0][e] = value
			for k, v := range next {
				in[2+k][e] = v
			}
		}
		out[i] = tensor.FromFloat64s(x.DType(), x.Shape(), in[0])
		for k := range kept {
			out[(1+k)*n+i] = tensor.FromFloat64s(x.DType(), x.Shape(), in[2+k])
		}
	}
	return out, nil
}

// rate returns the learning rate R and the update count T.
func rate(c *Call) (r, t float64, err error) {
	for i, name := range []string{"learning rate", "update count"} {
		if x := c.Tensor(i); x == nil || x.Len() != 1 {
			return 0, 0, fmt.Errorf("the %s must be a scalar", name)
		}
	}
	return c.Tensor(0).Float64s()[0], c.Tensor(1).Float64s()[0], nil
}

func real64(c *Call, name string, def float32) float64 { return float64(c.Node.Float(name, def)) }

func adagrad(c *Call) ([]tensor.Value, error) {
	r, t, err := rate(c)
	if err != nil {
		return nil, err
	}
	r /= 1 + t*real64(c, "decay_factor", 0)
	norm, epsilon := real64(c, "norm_coefficient", 0), real64(c, "epsilon", 0)
	return optimize(c, 1, func(x, g float64, kept []float64) (float64, []float64) {
		g += norm * x
		h := kept[0] + g*g
		return x - r*g/(math.Sqrt(h)+epsilon), []float64{h}
	})
}

func adam(c *Call) ([]tensor.Value, error) {
	r, t, err := rate(c)
	if err != nil {
		return nil, err
	}
	alpha, beta := real64(c, "alpha", 0.9), real64(c, "beta", 0.999)
	if t > 0 {
		r *= math.Sqrt(1-math.Pow(beta, t)) / (1 - math.Pow(alpha, t))
	}
	norm, after, epsilon := real64(c, "norm_coefficient", 0), real64(c, "norm_coefficient_post", 0), real64(c, "epsilon", 0)
	return optimize(c, 2, func(x, g float64, kept []float64) (float64, []float64) {
		g += norm * x
		v := alpha*kept[0] + (1-alpha)*g
		h := beta*kept[1] + (1-beta)*g*g
		x -= r * v / (math.Sqrt(h) + epsilon)
		return (1 - after) * x, []float64{v, h}
	})
}

func momentum(c *Call) ([]tensor.Value, error) {
	r, t, err := rate(c)
	if err != nil {
		return nil, err
	}
	mode := c.Node.Text("mode", "")
	if mode != "standard" && mode != "nesterov" {
		return nil, fmt.Errorf("mode %q is none of standard, nesterov", mode)
	}
	alpha, beta, norm := real64(c, "alpha", 0), real64(c, "beta", 0), real64(c, "norm_coefficient", 0)
	if t <= 0 {
		beta = 1 // the first update has no momentum to share with
	}
	return optimize(c, 1, func(x, g float64, kept []float64) (float64, []float64) {
		g += norm * x
		v := alpha*kept[0] + beta*g
		if mode == "nesterov" {
			return x - r*(g+alpha*v), []float64{v}
		}
		return x - r*v, []float64{v}
	})
}
