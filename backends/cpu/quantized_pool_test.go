package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestNhwcMaxPool(t *testing.T) {
	for _, c := range []struct {
		x                                []int
		kernel, strides, dilations, pads []int64
		ceil                             int64
	}{
		{x: []int{1, 9, 70}, kernel: []int64{3}},
		{x: []int{2, 7, 9, 5}, kernel: []int64{3, 2}, strides: []int64{2, 1}, pads: []int64{1, 1, 1, 0}},
		{x: []int{1, 12, 12, 64}, kernel: []int64{3, 3}, strides: []int64{2, 2}, pads: []int64{1, 1, 1, 1}},
		{x: []int{1, 8, 8, 130}, kernel: []int64{3, 3}, strides: []int64{3, 3}, ceil: 1},
		{x: []int{1, 9, 9, 3}, kernel: []int64{2, 3}, dilations: []int64{3, 2}},
		{x: []int{1, 4, 5, 6, 8}, kernel: []int64{2, 2, 2}, pads: []int64{1, 0, 1, 0, 1, 0}},
		{x: []int{0, 4, 5, 8}, kernel: []int64{2, 2}},
		{x: []int{1, 2, 2, 8}, kernel: []int64{3, 3}},
	} {
		for _, d := range []tensor.DType{tensor.Uint8, tensor.Int8} {
			attributes := []graph.Attribute{graph.A("kernel_shape", c.kernel), graph.A("ceil_mode", c.ceil)}
			for name, v := range map[string][]int64{"strides": c.strides, "dilations": c.dilations, "pads": c.pads} {
				if v != nil {
					attributes = append(attributes, graph.A(name, v))
				}
			}
			agreement{op: "com.microsoft.NhwcMaxPool", kernel: "pool/quantized", attributes: attributes, inputs: tensors(randomBytes(d, c.x...))}.check(t)
		}
	}
}

func TestQLinearGlobalAveragePool(t *testing.T) {
	for i, d := range []tensor.DType{tensor.Uint8, tensor.Int8} {
		for _, shape := range [][]int{{2, 7, 7, 40}, {1, 3, 5}, {1, 2, 3, 4, 64}, {0, 2, 2, 3}} {
			zero := tensor.FromFloat64s(d, tensor.Shape{}, []float64{float64(i * 9)})
			agreement{op: "com.microsoft.QLinearGlobalAveragePool", kernel: "pool/quantized", attributes: []graph.Attribute{graph.A("channels_last", int64(1))}, tolerance: 1,
				inputs: tensors(randomBytes(d, shape...), tensor.Scalar(float32(0.3)), zero, tensor.Scalar(float32(0.25)), zero)}.check(t)
		}
	}
}

func TestQLinearAdd(t *testing.T) {
	for i, d := range []tensor.DType{tensor.Uint8, tensor.Int8} {
		zero := func(v float64) *tensor.Tensor { return tensor.FromFloat64s(d, tensor.Shape{}, []float64{v}) }
		scale := func(v float32) *tensor.Tensor { return tensor.Scalar(v) }
		for _, shape := range [][]int{{3, 50}, {1}, {}, {2, 0}, {200, 300}} {
			a, b := randomBytes(d, shape...), random(uint64(i), d, shape...)
			g := agreement{op: "com.microsoft.QLinearAdd", kernel: "elementwise/quantized", tolerance: 0,
				inputs: tensors(a, scale(0.5), zero(100), b, scale(0.25), zero(0), scale(0.75), zero(127))}
			g.inputs[6] = scale(0.5) // sums that lie between two steps
			g.check(t)
			g.inputs[6], g.tolerance = scale(0.3), 1
			g.check(t)
			g.inputs = tensors(a, scale(0.5), nil, b, scale(0.25), nil, scale(2))
			g.tolerance = 0
			g.check(t)
		}
		agreement{op: "com.microsoft.QLinearAdd", kernel: "elementwise/quantized",
			inputs: tensors(randomBytes(d, 2, 3), scale(0.5), zero(1), randomBytes(d, 3), scale(0.25), zero(0), scale(1), zero(2))}.check(t)
	}
}
