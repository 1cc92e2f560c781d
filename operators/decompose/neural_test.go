package decompose_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// positive returns a tensor of uneven numbers between 0.5 and 1.5.
func positive(d tensor.DType, shape ...int) *tensor.Tensor {
	v := make([]float64, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = 1 + math.Sin(float64(2*i))/2
	}
	return tensor.FromFloat64s(d, shape, v)
}

func TestNormalizationRules(t *testing.T) {
	f, h := tensor.Float32, tensor.Float16
	moments := func(d tensor.DType, c int) []*tensor.Tensor {
		return []*tensor.Tensor{wave(d, c), positive(d, c), wave(d, c), positive(d, c)}
	}
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	with := func(x *tensor.Tensor, more []*tensor.Tensor) []*tensor.Tensor { return append(on(x), more...) }
	epsilon, training := graph.A("epsilon", float32(0.1)), integer("training_mode", 1)
	prove(t, []claim{
		{name: "4d", op: "BatchNormalization", in: with(wave(f, 2, 3, 4, 5), moments(f, 3)), rtol: 1e-5},
		{name: "1d", op: "BatchNormalization", in: with(wave(f, 4), moments(f, 1)), attrs: attrs(epsilon), rtol: 1e-5},
		{name: "2d, half", op: "BatchNormalization", in: with(wave(h, 4, 3), moments(f, 3)), rtol: 2e-3},
		{name: "training", op: "BatchNormalization", in: with(wave(f, 2, 3, 4), moments(f, 3)), attrs: attrs(training, graph.A("momentum", float32(0.7))), outputs: 3, rtol: 1e-5},
		{name: "no image", op: "BatchNormalization", in: with(wave(f, 0, 3, 4), moments(f, 3))},
		{name: "3d", op: "InstanceNormalization", in: on(wave(f, 2, 3, 7), wave(f, 3), wave(f, 3)), attrs: attrs(epsilon), rtol: 1e-5},
		{name: "no spatial axes", op: "InstanceNormalization", in: on(wave(f, 2, 3), wave(f, 3), wave(f, 3)), rtol: 1e-5},
		{name: "no image", op: "InstanceNormalization", in: on(wave(f, 0, 3, 2), wave(f, 3), wave(f, 3))},
		{name: "two groups", op: "GroupNormalization", in: on(wave(f, 2, 4, 3, 2), wave(f, 4), wave(f, 4)), attrs: attrs(integer("num_groups", 2)), rtol: 1e-5},
		{name: "half", op: "GroupNormalization", in: on(wave(h, 2, 4, 3), wave(h, 4), wave(h, 4)), attrs: attrs(integer("num_groups", 4)), rtol: 5e-3},
		{name: "last axis", op: "LayerNormalization", in: on(wave(f, 2, 3, 8), wave(f, 8), wave(f, 8)), outputs: 3, rtol: 1e-5},
		{name: "two axes, no bias", op: "LayerNormalization", in: on(wave(f, 2, 3, 8), wave(f, 3, 8)), attrs: attrs(integer("axis", 1), epsilon), rtol: 1e-5},
		{name: "last axis", op: "RMSNormalization", in: on(wave(f, 2, 3, 8), wave(f, 8)), rtol: 1e-5},
		{name: "half with float scale", op: "RMSNormalization", in: on(wave(h, 2, 3, 8), wave(f, 3, 8)), attrs: attrs(graph.A("axis", int64(-2))), rtol: 1e-5},
		{name: "l2", op: "LpNormalization", in: on(wave(f, 3, 4)), rtol: 1e-5},
		{name: "l1 along 0", op: "LpNormalization", in: on(wave(f, 3, 4)), attrs: attrs(integer("axis", 0), integer("p", 1)), rtol: 1e-5},
		{name: "zeros", op: "LpNormalization", in: on(tensor.Zeros(f, tensor.Shape{2, 3}))},
		{name: "default axes", op: "MeanVarianceNormalization", in: on(wave(f, 2, 3, 4, 5)), rtol: 1e-5},
		{name: "one axis", op: "MeanVarianceNormalization", in: on(wave(f, 2, 7)), attrs: attrs(graph.A("axes", []int64{1})), rtol: 1e-5},
		{name: "odd", op: "LRN", in: on(wave(f, 2, 6, 3, 2)), attrs: attrs(integer("size", 3), graph.A("alpha", float32(0.5))), rtol: 1e-5},
		{name: "even", op: "LRN", in: on(wave(f, 1, 7, 4)), attrs: attrs(integer("size", 4), graph.A("beta", float32(0.6)), graph.A("bias", float32(2))), rtol: 1e-5},
	})
}

func TestPoolRules(t *testing.T) {
	x := wave(tensor.Float32, 2, 3, 5, 6)
	kernel := graph.A("kernel_shape", []int64{2, 3})
	pads := graph.A("pads", []int64{0, 1, 1, 1})
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	prove(t, []claim{
		{op: "GlobalMaxPool", in: on(x)},
		{op: "GlobalAveragePool", in: on(x)},
		{op: "GlobalLpPool", in: on(x)},
		{name: "p 1", op: "GlobalLpPool", in: on(x), attrs: attrs(integer("p", 1))},
		{name: "p 3", op: "GlobalLpPool", in: on(x), attrs: attrs(integer("p", 3))},
		{name: "padded", op: "LpPool", in: on(x), attrs: attrs(kernel, pads, graph.A("strides", []int64{2, 1}))},
		{name: "p 3, same", op: "LpPool", in: on(x), attrs: attrs(kernel, integer("p", 3), graph.A("auto_pad", "SAME_LOWER"))},
		{name: "dilated", op: "LpPool", in: on(x), attrs: attrs(kernel, graph.A("dilations", []int64{2, 2}))},
		{name: "plain", op: "MaxUnpool", in: on(wave(tensor.Float32, 1, 2, 2, 1), tensor.Of([]int64{0, 7, 12, 23}, 1, 2, 2, 1)), attrs: attrs(graph.A("kernel_shape", []int64{2, 3}), graph.A("strides", []int64{2, 3}))},
		{name: "into a larger shape", op: "MaxUnpool", in: on(wave(tensor.Float32, 1, 1, 2, 2), tensor.Of([]int64{5, 7, 13, 15}, 1, 1, 2, 2), tensor.Of([]int64{1, 1, 5, 6})), attrs: attrs(graph.A("kernel_shape", []int64{2, 2}), graph.A("strides", []int64{2, 2}))},
	})
}
