package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// randomBytes returns a tensor of a type of 8 bits.
func randomBytes(d tensor.DType, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(uint64(len(shape)), 11))
	v := make([]float64, tensor.Shape(shape).Size())
	for i := range v {
		if v[i] = float64(r.IntN(256)); d == tensor.Int8 {
			v[i] -= 128
		}
	}
	return tensor.FromFloat64s(d, shape, v)
}

func TestQuantizeLinear(t *testing.T) {
	x := random(1, tensor.Float32, 3, 5, 70)
	axis := []graph.Attribute{graph.A("axis", int64(1))}
	scales := tensor.Of([]float32{0.01, 0.02, 0.5, 1, 3}, 5)
	for _, a := range []agreement{
		{inputs: []*tensor.Tensor{x, tensor.Of([]float32{0.02}), tensor.Of([]uint8{100})}},
		{inputs: []*tensor.Tensor{x, tensor.Of([]float32{0.02}, 1), tensor.Of([]int8{-7}, 1)}},
		{inputs: []*tensor.Tensor{x, tensor.Of([]float32{0.02}), nil}},
		{inputs: []*tensor.Tensor{x, tensor.Of([]float32{0.02}), nil}, attributes: []graph.Attribute{graph.A("output_dtype", int64(tensor.Int8))}},
		{inputs: []*tensor.Tensor{x, scales, tensor.Of([]uint8{0, 50, 100, 200, 255}, 5)}, attributes: axis},
		{inputs: []*tensor.Tensor{random(2, tensor.Float32, 7), tensor.Of([]float32{1, 2, 3, 4, 5, 6, 7}, 7), nil}},
		{inputs: []*tensor.Tensor{tensor.Of([]float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 2.5, 3.5, -0.5, 1e30}, 7), tensor.Of([]float32{1}), tensor.Of([]int8{3})}},
		{inputs: []*tensor.Tensor{tensor.FromFloat64s(tensor.Float32, tensor.Shape{0, 3}, nil), tensor.Of([]float32{1}), nil}},
		{inputs: []*tensor.Tensor{x, scales, tensor.Of([]uint8{1, 2}, 2)}, attributes: axis}, // an error
	} {
		a.op, a.kernel = "QuantizeLinear", "quantize"
		a.check(t)
	}
}

func TestDequantizeLinear(t *testing.T) {
	scales := tensor.Of([]float32{0.01, 0.02, 0.5, 1, 3}, 5)
	wide := tensor.Of([]int32{-70000, 0, 12, 1 << 24, math.MaxInt32}, 5)
	for _, a := range []agreement{
		{inputs: []*tensor.Tensor{randomBytes(tensor.Uint8, 2, 300), tensor.Of([]float32{0.3}), tensor.Of([]uint8{100})}},
		{inputs: []*tensor.Tensor{randomBytes(tensor.Int8, 2, 300), tensor.Of([]float32{0.3}), nil}},
		{inputs: []*tensor.Tensor{randomBytes(tensor.Int8, 2, 5, 33), scales, tensor.Of([]int8{1, -2, 3, -4, 127}, 5)}},
		{inputs: []*tensor.Tensor{wide, tensor.Of([]float32{0.25}), nil}},
		{inputs: []*tensor.Tensor{wide, scales, tensor.Of([]int32{0, 0, 0, 0, 0}, 5)}, attributes: []graph.Attribute{graph.A("axis", int64(0))}},
	} {
		a.op, a.kernel, a.tolerance = "DequantizeLinear", "quantize", 1e-6
		a.check(t)
	}
}

func TestDynamicQuantizeLinear(t *testing.T) {
	for _, x := range []*tensor.Tensor{
		random(3, tensor.Float32, 4, 100), tensor.Of([]float32{-1, -2.1, -1.3, -2.5, -3.34, -4}), tensor.Of([]float32{1, 2.1, 1.3, 2.5, 3.34, 4}),
		tensor.Of([]float32{0, 0}), random(4, tensor.Float32, 100000),
	} {
		agreement{op: "DynamicQuantizeLinear", kernel: "quantize", inputs: []*tensor.Tensor{x}, outputs: 3, tolerance: 1e-6}.check(t)
	}
}
