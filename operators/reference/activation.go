package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// activation holds Relu, LeakyRelu, PRelu, Elu, Selu, Celu, ThresholdedRelu,
// Sigmoid, HardSigmoid, HardSwish, Softplus, Softsign, Gelu, Mish, Swish,
// SwiGLU, Shrink, Clip.
var activation = family{
	"Relu":            unary{relu[float64], relu[int64], same[uint64]}.run,
	"LeakyRelu":       leakyRelu,
	"PRelu":           pRelu,
	"Elu":             elu,
	"Selu":            selu,
	"Celu":            celu,
	"ThresholdedRelu": thresholdedRelu,
	"Sigmoid":         realFunc(logistic),
	"HardSigmoid":     hardSigmoid,
	"HardSwish":       realFunc(func(v float64) float64 { return v * max(0, min(1, v/6+0.5)) }),
	"Softplus":        realFunc(softplus),
	"Softsign":        realFunc(func(v float64) float64 { return v / (1 + math.Abs(v)) }),
	"Gelu":            gelu,
	"Mish":            realFunc(func(v float64) float64 { return v * math.Tanh(softplus(v)) }),
	"Swish":           swish,
	"SwiGLU":          swiGLU,
	"Shrink":          shrink,
	"Clip":            clip,
}

func relu[T wide](v T) T { return max(v, 0) }

// logistic returns 1 / (1 + e^-v).
func logistic(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

// softplus returns ln(1 + e^v), which is max(v, 0) + ln(1 + e^-|v|).
func softplus(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

func leakyRelu(c *Call) ([]tensor.Value, error) {
	alpha := float64(c.Node.Float("alpha", 0.01))
	return realFunc(func(v float64) float64 { return sloped(v, alpha) })(c)
}

// sloped returns v, or slope × v where v is negative.
func sloped[T wide](v, slope T) T {
	if v < 0 {
		return slope * v
	}
	return v
}

func pRelu(c *Call) ([]tensor.Value, error) {
	x, slope := c.Tensor(0), c.Tensor(1)
	shape, err := broadcastTensors(x, slope)
	if err != nil {
		return nil, err
	}
	if !shape.Equal(x.Shape()) {
		return nil, fmt.Errorf("the slope's shape %v does not broadcast to the input's, %v", slope.Shape(), x.Shape())
	}
	return binary{sloped[float64], sloped[int64], sloped[uint64], nil}.run(c)
}

func elu(c *Call) ([]tensor.Value, error) {
	alpha := float64(c.Node.Float("alpha", 1))
	return realFunc(func(v float64) float64 {
		if v < 0 {
			return alpha * math.Expm1(v)
		}
		return v
	})(c)
}

// The default coefficients of Selu, as its schema gives them.
const (
	seluAlpha = 1.67326319217681884765625
	seluGamma = 1.05070102214813232421875
)

func selu(c *Call) ([]tensor.Value, error) {
	alpha, gamma := float64(c.Node.Float("alpha", seluAlpha)), float64(c.Node.Float("gamma", seluGamma))
	return realFunc(func(v float64) float64 {
		if v <= 0 {
			return gamma * alpha * math.Expm1(v)
		}
		return gamma * v
	})(c)
}

func celu(c *Call) ([]tensor.Value, error) {
	alpha := float64(c.Node.Float("alpha", 1))
	return realFunc(func(v float64) float64 { return max(0, v) + min(0, alpha*math.Expm1(v/alpha)) })(c)
}

func thresholdedRelu(c *Call) ([]tensor.Value, error) {
	alpha := float64(c.Node.Float("alpha", 1))
	return realFunc(func(v float64) float64 {
		if v > alpha {
			return v
		}
		return 0
	})(c)
}

func hardSigmoid(c *Call) ([]tensor.Value, error) {
	alpha, beta := float64(c.Node.Float("alpha", 0.2)), float64(c.Node.Float("beta", 0.5))
	return realFunc(func(v float64) float64 { return max(0, min(1, alpha*v+beta)) })(c)
}

func gelu(c *Call) ([]tensor.Value, error) {
	switch approximate := c.Node.Text("approximate", "none"); approximate {
	case "none":
		return realFunc(func(v float64) float64 { return 0.5 * v * (1 + math.Erf(v/math.Sqrt2)) })(c)
	case "tanh":
		return realFunc(func(v float64) float64 {
			return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
		})(c)
	default:
		return nil, fmt.Errorf(`approximate is %q, want "none" or "tanh"`, approximate)
	}
}

func swish(c *Call) ([]tensor.Value, error) {
	alpha := float64(c.Node.Float("alpha", 1))
	return realFunc(func(v float64) float64 { return v * logistic(alpha*v) })(c)
}

func swiGLU(c *Call) ([]tensor.Value, error) {
	gate, linear := c.Tensor(0), c.Tensor(1)
	if !gate.Shape().Equal(linear.Shape()) {
		return nil, fmt.Errorf("A and B must have one shape, got %v and %v", gate.Shape(), linear.Shape())
	}
	alpha := float64(c.Node.Float("alpha", 1))
	return binary{real: func(a, b float64) float64 { return a * logistic(alpha*a) * b }}.run(c)
}

// shrink moves elements towards 0 by the bias and cuts off those within lambd.
// Integers are computed as real numbers and truncated.
func shrink(c *Call) ([]tensor.Value, error) {
	bias, lambd := float64(c.Node.Float("bias", 0)), float64(c.Node.Float("lambd", 0.5))
	t := c.Tensor(0)
	if !t.DType().IsFloat() && !t.DType().IsInteger() {
		return nil, fmt.Errorf("the input is of type %v, want a numeric type", t.DType())
	}
	out := mapped(t.Float64s(), func(v float64) float64 {
		switch {
		case v < -lambd:
			return v + bias
		case v > lambd:
			return v - bias
		}
		return 0
	})
	return one(fromReals(t.DType(), t.Shape(), out))
}

// clip brings elements into [min, max]; where min > max it returns max. An
// absent bound does not bind.
func clip(c *Call) ([]tensor.Value, error) {
	out := c.Tensor(0)
	bounds := []binary{
		1: {greatest[float64], greatest[int64], greatest[uint64], nil},
		2: {least[float64], least[int64], least[uint64], nil},
	}
	for i := 1; i <= 2; i++ {
		if !c.Has(i) {
			continue
		}
		bound := c.Tensor(i)
		if bound.Len() != 1 {
			return nil, fmt.Errorf("bound %d must be a scalar, got shape %v", i, bound.Shape())
		}
		scalar, err := bound.Reshape(tensor.Shape{})
		if err != nil {
			return nil, err
		}
		if out, err = bounds[i].apply(out, scalar); err != nil {
			return nil, err
		}
	}
	return one(out)
}
