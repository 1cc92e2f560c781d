package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// The expected values follow from the formulas in the operators' specification.
func TestActivations(t *testing.T) {
	alpha, beta, gamma := graph.A("alpha", float32(0.5)), graph.A("beta", float32(0.25)), graph.A("gamma", float32(3))
	bias, lambd := graph.A("bias", float32(1.5)), graph.A("lambd", float32(1))
	e := math.E
	tests := []struct {
		op    string
		attrs []graph.Attribute
		x     []float64
		want  []float64
	}{
		{"Relu", nil, []float64{-1, 0, 2, nan, -inf, inf}, []float64{0, 0, 2, nan, 0, inf}},
		{"LeakyRelu", nil, []float64{-100, 3}, []float64{-1, 3}},
		{"LeakyRelu", attrs(alpha), []float64{-4, 4, -inf}, []float64{-2, 4, -inf}},
		{"Elu", nil, []float64{-1, 0, 2, -inf}, []float64{1/e - 1, 0, 2, -1}},
		{"Elu", attrs(alpha), []float64{-1}, []float64{(1/e - 1) / 2}},
		{"Selu", nil, []float64{1, -1}, []float64{1.0507010, 1.0507010 * 1.6732632 * (1/e - 1)}},
		{"Selu", attrs(alpha, gamma), []float64{2, -1}, []float64{6, 1.5 * (1/e - 1)}},
		{"Celu", attrs(alpha), []float64{-0.5, 3}, []float64{0.5 * (1/e - 1), 3}},
		{"ThresholdedRelu", nil, []float64{1, 1.5, -3}, []float64{0, 1.5, 0}},
		{"ThresholdedRelu", attrs(alpha), []float64{0.5, 0.75}, []float64{0, 0.75}},
		{"Sigmoid", nil, []float64{0, math.Log(3), -1000, 1000}, []float64{0.5, 0.75, 0, 1}},
		{"HardSigmoid", nil, []float64{-3, 0, 1, 3}, []float64{0, 0.5, 0.7, 1}},
		{"HardSigmoid", attrs(alpha, beta), []float64{1}, []float64{0.75}},
		{"HardSwish", nil, []float64{-3, 0, 3, 6, 1}, []float64{0, 0, 3, 6, 2.0 / 3}},
		{"Softplus", nil, []float64{0, 1000, -1000}, []float64{math.Ln2, 1000, 0}},
		{"Softsign", nil, []float64{-3, 0, 1}, []float64{-0.75, 0, 0.5}},
		{"Gelu", nil, []float64{0, 1, -1}, []float64{0, 0.8413447, -0.1586553}},
		{"Gelu", attrs(graph.A("approximate", "tanh")), []float64{1}, []float64{0.8411920}},
		{"Mish", nil, []float64{0, 1}, []float64{0, 0.8650984}},
		{"Swish", nil, []float64{math.Log(3)}, []float64{0.75 * math.Log(3)}},
		{"Swish", attrs(alpha), []float64{2 * math.Log(3)}, []float64{1.5 * math.Log(3)}},
		{"Shrink", nil, []float64{-2, -0.5, 0.5, 2}, []float64{-2, 0, 0, 2}},
		{"Shrink", attrs(bias, lambd), []float64{-2, -1, 0.5, 2}, []float64{-0.5, 0, 0, 0.5}},
	}
	for _, c := range tests {
		for _, d := range []tensor.DType{tensor.Float64, tensor.Float32, tensor.Float16, tensor.BFloat16} {
			got, err := operate(c.op, 1, c.attrs, floats(d, c.x...))
			require.NoError(t, err)
			out := got[0].(*tensor.Tensor)
			require.Equal(t, d, out.DType())
			tolerance := map[tensor.DType]float64{tensor.Float16: 2e-3, tensor.BFloat16: 2e-2}[d] + 1e-7
			for i, v := range out.Float64s() {
				if w := c.want[i]; math.IsNaN(w) || math.IsInf(w, 0) {
					assert.True(t, v == w || math.IsNaN(v) && math.IsNaN(w), "%s(%v) = %v, want %v", c.op, c.x[i], v, w)
				} else if math.Abs(w) < 100 {
					assert.InDelta(t, w, v, tolerance*max(1, math.Abs(w)), "%s(%v) of %v", c.op, c.x[i], d)
				} else {
					assert.InEpsilon(t, w, v, tolerance, "%s(%v) of %v", c.op, c.x[i], d)
				}
			}
		}
	}
}

func TestActivationsOfIntegers(t *testing.T) {
	i, u := tensor.Int8, tensor.Uint8
	shrink := attrs(graph.A("bias", float32(2)), graph.A("lambd", float32(3)))
	meet(t, []expectation{
		{op: "Relu", in: list(whole(i, -128, 0, 5)), want: list(whole(i, 0, 0, 5))},
		{op: "PRelu", in: list(whole(tensor.Int32, -5, 5), whole(tensor.Int32, 3)), want: list(whole(tensor.Int32, -15, 5))},
		{op: "PRelu", in: list(whole(tensor.Uint32, 5), whole(tensor.Uint32, 3)), want: list(whole(tensor.Uint32, 5))},
		{op: "Shrink", attrs: shrink, in: list(whole(i, -7, -3, 3, 7)), want: list(whole(i, -5, 0, 0, 5))},
		{op: "Shrink", attrs: shrink, in: list(whole(u, 3, 200)), want: list(whole(u, 0, 198))},
		{name: "truth values", op: "Shrink", in: list(bools(true)), err: "want a numeric type"},
	})
}

func TestClip(t *testing.T) {
	x := floats(tensor.Float32, -inf, -3, 0, 3, inf, nan)
	low, high := tensor.Scalar(float32(-1)), tensor.Scalar(float32(2))
	meet(t, []expectation{
		{op: "Clip", in: list(x, low, high), want: list(floats(tensor.Float32, -1, -1, 0, 2, 2, nan))},
		{name: "no bounds", op: "Clip", in: list(x), want: list(x)},
		{name: "no lower bound", op: "Clip", in: list(x, nil, high), want: list(floats(tensor.Float32, -inf, -3, 0, 2, 2, nan))},
		{name: "no upper bound", op: "Clip", in: list(x, low), want: list(floats(tensor.Float32, -1, -1, 0, 3, inf, nan))},
		{name: "crossed", op: "Clip", in: list(x, high, low), want: list(floats(tensor.Float32, -1, -1, -1, -1, -1, nan))},
		{name: "bounds of one element", op: "Clip", in: list(tensor.Scalar(float32(9)), f32s(1), f32s(2)), want: list(high)},
		{name: "integers", op: "Clip", in: list(whole(tensor.Int8, -100, 7), tensor.Scalar(int8(-5)), tensor.Scalar(int8(5))), want: list(whole(tensor.Int8, -5, 5))},
		{name: "bound of many elements", op: "Clip", in: list(x, f32s(1, 2)), err: "bound 1 must be a scalar, got shape [2]"},
		{name: "bound of another type", op: "Clip", in: list(x, f64(1)), err: "different types"},
	})
}

func TestSlopesAndGates(t *testing.T) {
	x := shaped(f64(-1, 2, -3, -4), 2, 2)
	alpha := attrs(graph.A("alpha", float32(2)))
	gated := 2 / (1 + math.Exp(-4)) * 5
	meet(t, []expectation{
		{op: "PRelu", in: list(x, f64(10, 100)), want: list(shaped(f64(-10, 2, -30, -400), 2, 2))},
		{name: "per row", op: "PRelu", in: list(x, shaped(f64(10, 100), 2, 1)), want: list(shaped(f64(-10, 2, -300, -400), 2, 2))},
		{name: "wider slope", op: "PRelu", in: list(f64(-1), f64(1, 2)), err: "shape [2] does not broadcast to the input's, [1]"},
		{op: "SwiGLU", attrs: alpha, in: list(f64(2, 0), f64(5, 1)), want: list(f64(gated, 0))},
		{name: "no broadcast", op: "SwiGLU", in: list(f64(2, 0), f64(5)), err: "must have one shape, got [2] and [1]"},
		{op: "Gelu", attrs: attrs(graph.A("approximate", "cube")), in: list(f64(1)), err: `approximate is "cube"`},
	})
}
