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

func TestProductRules(t *testing.T) {
	f := tensor.Float32
	a, b := wave(f, 3, 4), wave(f, 4, 5)
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	equation := func(s string) []graph.Attribute { return attrs(graph.A("equation", s)) }
	prove(t, []claim{
		{op: "Gemm", in: on(a, b), rtol: 1e-5},
		{name: "with all", op: "Gemm", in: on(wave(f, 4, 3), wave(f, 5, 4), wave(f, 5)), attrs: attrs(integer("transA", 1), integer("transB", 1), graph.A("alpha", float32(0.5)), graph.A("beta", float32(2))), rtol: 1e-5},
		{name: "without C", op: "Gemm", in: on(a, b, wave(f, 3, 1)), attrs: attrs(graph.A("beta", float32(0))), rtol: 1e-5},
		{name: "integers", op: "Gemm", in: on(ramp(tensor.Int32, 3, 4), ramp(tensor.Int32, 4, 5), ramp(tensor.Int32, 3, 1))},
		{name: "product", op: "Einsum", in: on(a, b), attrs: equation("ij,jk->ik"), rtol: 1e-5},
		{name: "implicit", op: "Einsum", in: on(a, b), attrs: equation("zb,ba"), rtol: 1e-5},
		{name: "transpose", op: "Einsum", in: on(a), attrs: equation("ij->ji")},
		{name: "sum", op: "Einsum", in: on(a), attrs: equation("ij->"), rtol: 1e-5},
		{name: "outer", op: "Einsum", in: on(wave(f, 3), wave(f, 4)), attrs: equation("i,j->ji")},
		{name: "elementwise", op: "Einsum", in: on(a, wave(f, 3, 4)), attrs: equation("ij,ij->ij")},
		{name: "outer in a batch", op: "Einsum", in: on(wave(f, 2, 3, 4), wave(f, 5, 3, 2)), attrs: equation("bij,kib->ikjb")},
		{name: "inner in a batch", op: "Einsum", in: on(wave(f, 2, 3, 4), wave(f, 4, 2, 3)), attrs: equation("bij,jbi->b"), rtol: 1e-5},
		{name: "rows of two axes", op: "Einsum", in: on(wave(f, 2, 3, 4), wave(f, 4, 5)), attrs: equation("abk,kc->cab"), rtol: 1e-5},
		{name: "no rows", op: "Einsum", in: on(wave(f, 2, 4), wave(f, 2, 4, 5)), attrs: equation("bk,bkc->bc"), rtol: 1e-5},
		{name: "nothing to sum over", op: "Einsum", in: on(wave(f, 2, 0), wave(f, 0, 3)), attrs: equation("ab,bc->ac")},
		{name: "inner", op: "Einsum", in: on(wave(f, 5), wave(f, 5)), attrs: equation("i,i"), rtol: 1e-5},
		{name: "attention", op: "Einsum", in: on(wave(f, 2, 3, 4, 5), wave(f, 2, 6, 4, 5)), attrs: equation("bqhd,bkhd->bhqk"), rtol: 1e-5},
		{name: "three operands", op: "Einsum", in: on(wave(f, 2, 3), wave(f, 3, 4), wave(f, 4, 2)), attrs: equation("ab,bc,ca->c"), rtol: 1e-5},
		{name: "ellipsis", op: "Einsum", in: on(wave(f, 2, 3, 4), wave(f, 2, 4, 5)), attrs: equation("...ij,...jk->...ik"), rtol: 1e-5},
		{name: "summed first", op: "Einsum", in: on(wave(f, 2, 3), wave(f, 3, 4)), attrs: equation("ab,bc->b"), rtol: 1e-5},
		{name: "scalars", op: "Einsum", in: on(tensor.Scalar(float32(2)), tensor.Scalar(float32(3))), attrs: equation(",->")},
	})
}

func TestConvolutionRules(t *testing.T) {
	f := tensor.Float32
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	prove(t, []claim{
		{op: "Col2Im", in: on(wave(f, 2, 3*4, 20), ints(5, 6), ints(2, 2)), constant: []int{1, 2}, rtol: 1e-5},
		{name: "with rest", op: "Col2Im", in: on(wave(f, 1, 6, 4), ints(6, 8), ints(2, 3)), attrs: attrs(graph.A("strides", []int64{3, 3}), graph.A("dilations", []int64{2, 1}), graph.A("pads", []int64{1, 0, 0, 0})), constant: []int{1, 2}, rtol: 1e-5},
		{op: "CausalConvWithState", in: on(wave(f, 2, 3, 6), wave(f, 3, 1, 4)), outputs: 2, rtol: 1e-5},
		{name: "with all", op: "CausalConvWithState", in: on(wave(f, 2, 3, 2), wave(f, 3, 1, 4), wave(f, 3), wave(f, 2, 3, 3)), attrs: attrs(graph.A("activation", "silu")), outputs: 2, rtol: 1e-5},
		{name: "without memory", op: "CausalConvWithState", in: on(wave(f, 1, 2, 3), wave(f, 2, 1, 1)), outputs: 2, rtol: 1e-5},
		{op: "DeformConv", in: on(wave(f, 1, 1, 3, 3), wave(f, 1, 1, 2, 2), wave(f, 1, 8, 2, 2)), rtol: 1e-3},
		{name: "with all", op: "DeformConv", in: on(wave(f, 2, 4, 5, 4), wave(f, 6, 2, 3, 2), wave(f, 2, 24, 2, 3), wave(f, 6), wave(f, 2, 12, 2, 3)), attrs: attrs(integer("group", 2), integer("offset_group", 2), graph.A("strides", []int64{2, 1}), graph.A("pads", []int64{0, 0, 0, 0}), graph.A("dilations", []int64{1, 1})), rtol: 1e-3},
		{name: "volume", op: "DeformConv", in: on(wave(f, 1, 1, 3, 3, 3), wave(f, 1, 1, 2, 2, 2), wave(f, 1, 24, 3, 2, 2)), attrs: attrs(graph.A("pads", []int64{1, 0, 0, 0, 0, 0})), rtol: 1e-3},
	})
}

func TestQuantizationRules(t *testing.T) {
	f, h := tensor.Float32, tensor.Float16
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	u8 := func(v ...uint8) *tensor.Tensor { return tensor.Of(v) }
	i8 := func(shape ...int) *tensor.Tensor {
		return tensor.FromFloat64s(tensor.Int8, shape, mapTo(wave(f, shape...), 20))
	}
	scalar := func(v float32) *tensor.Tensor { return tensor.Scalar(v) }
	x := wave(f, 2, 3, 4)
	of := func(d tensor.DType, shape []int, v ...float64) *tensor.Tensor {
		return tensor.FromFloat64s(d, shape, v)
	}
	prove(t, []claim{
		{name: "default type", op: "QuantizeLinear", in: on(x, scalar(0.07))},
		{name: "zero point", op: "QuantizeLinear", in: on(x, scalar(0.03), tensor.Scalar(int8(-100)))},
		{name: "per axis", op: "QuantizeLinear", in: on(x, tensor.Of([]float32{0.1, 0.02, 0.3}), u8(0, 128, 255))},
		{name: "blocked", op: "QuantizeLinear", in: on(x, positive(f, 2, 3, 2)), attrs: attrs(integer("axis", -1), integer("block_size", 3), integer("output_dtype", int64(tensor.Int4)))},
		{name: "float8", op: "QuantizeLinear", in: on(x, scalar(0.01), of(tensor.Float8E4M3FN, nil, 0))},
		{name: "float8, unsaturated", op: "QuantizeLinear", in: on(x, scalar(0.01), of(tensor.Float8E4M3FN, nil, 0)), attrs: attrs(integer("saturate", 0))},
		{name: "float4", op: "QuantizeLinear", in: on(x, scalar(1)), attrs: attrs(integer("output_dtype", int64(tensor.Float4E2M1)))},
		{name: "half", op: "QuantizeLinear", in: on(wave(h, 5), of(h, nil, 0.1), tensor.Scalar(uint16(40000)))},
		{name: "int8", op: "DequantizeLinear", in: on(i8(2, 3), scalar(0.1), tensor.Scalar(int8(3)))},
		{name: "per axis to half", op: "DequantizeLinear", in: on(i8(2, 3), tensor.Of([]float32{0.1, 0.5}), tensor.Of([]int8{-128, 127})), attrs: attrs(integer("axis", 0), integer("output_dtype", int64(h))), rtol: 1e-3},
		{name: "blocked uint4", op: "DequantizeLinear", in: on(ramp(tensor.Uint4, 3, 5), positive(f, 3, 2)), attrs: attrs(integer("block_size", 4))},
		{name: "scale a power of two", op: "DequantizeLinear", in: on(of(tensor.Float4E2M1, []int{3}, 0.5, -6, 3), of(tensor.Float8E8M0, nil, 4)), attrs: attrs(integer("output_dtype", int64(tensor.BFloat16)))},
		{op: "DynamicQuantizeLinear", in: on(x), outputs: 3},
		{name: "positive", op: "DynamicQuantizeLinear", in: on(positive(f, 7)), outputs: 3},
		{name: "nothing", op: "DynamicQuantizeLinear", in: on(wave(f, 0)), outputs: 3},
		{op: "MatMulInteger", in: on(i8(2, 3), ramp(tensor.Uint8, 3, 4))},
		{name: "zero per row and column", op: "MatMulInteger", in: on(i8(2, 3), i8(3, 4), tensor.Of([]int8{3, -9}), tensor.Of([]int8{1, 2, 3, 4}))},
		{name: "batched zero", op: "MatMulInteger", in: on(i8(2, 2, 3), i8(3, 4), tensor.Of([]int8{3, -9, 4, 5}, 2, 2, 1), tensor.Scalar(int8(4)))},
		{op: "ConvInteger", in: on(ramp(tensor.Uint8, 1, 2, 4, 4), i8(3, 2, 2, 2)), attrs: attrs(graph.A("pads", []int64{1, 0, 0, 1}))},
		{name: "zero per filter", op: "ConvInteger", in: on(ramp(tensor.Uint8, 1, 2, 5), i8(2, 1, 3), tensor.Scalar(uint8(7)), tensor.Of([]int8{3, -3})), attrs: attrs(integer("group", 2))},
		{op: "QLinearConv", in: on(ramp(tensor.Uint8, 1, 2, 4, 4), scalar(0.11), tensor.Scalar(uint8(9)), i8(3, 2, 2, 2), tensor.Of([]float32{0.13, 0.07, 0.03}), tensor.Of([]int8{1, 2, 3}), scalar(0.9), tensor.Scalar(uint8(100)), tensor.Of([]int32{100, -200, 300}))},
		{op: "QLinearMatMul", in: on(i8(2, 3), scalar(0.11), tensor.Scalar(int8(5)), i8(3, 4), scalar(0.07), tensor.Scalar(int8(0)), scalar(0.3), tensor.Scalar(int8(-3)))},
		{name: "scale per row and column", op: "QLinearMatMul", in: on(i8(2, 3), tensor.Of([]float32{0.11, 0.17}), tensor.Of([]int8{5, 6}), i8(3, 4), tensor.Of([]float32{0.07, 0.06, 0.05, 0.04}), tensor.Of([]int8{0, 1, 2, 3}), scalar(0.3), tensor.Scalar(int8(-3)))},
		{name: "float8", op: "QLinearMatMul", in: on(wave(tensor.Float8E4M3FN, 2, 3), scalar(0.5), of(tensor.Float8E4M3FN, nil, 0), wave(tensor.Float8E5M2, 3, 2), scalar(2), of(tensor.Float8E5M2, nil, 0), scalar(0.7), of(tensor.Float8E4M3FN, nil, 0))},
	})
}

// mapTo returns the elements of t times a factor.
func mapTo(t *tensor.Tensor, factor float64) []float64 {
	v := t.Float64s()
	for i := range v {
		v[i] *= factor
	}
	return v
}

func TestResizeRules(t *testing.T) {
	f := tensor.Float32
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	mode := func(s string) graph.Attribute { return graph.A("mode", s) }
	x := wave(f, 1, 2, 5, 4)
	scales := func(v ...float32) *tensor.Tensor { return tensor.Of(v) }
	known := []int{1, 2, 3}
	prove(t, []claim{
		{name: "nearest", op: "Resize", in: on(x, nil, scales(1, 1, 2, 1.5)), constant: known},
		{name: "nearest text", op: "Resize", in: on(tensor.Of([]string{"a", "b", "c"}), nil, nil, ints(5)), attrs: attrs(graph.A("nearest_mode", "floor")), constant: known},
		{name: "linear", op: "Resize", in: on(x, nil, scales(1, 1, 2, 1.5)), attrs: attrs(mode("linear")), constant: known, rtol: 1e-5},
		{name: "cubic to sizes", op: "Resize", in: on(x, nil, nil, ints(3, 7)), attrs: attrs(mode("cubic"), graph.A("axes", []int64{2, 3}), integer("exclude_outside", 1)), constant: known, rtol: 1e-4},
		{name: "antialias of all axes", op: "Resize", in: on(wave(f, 4, 5, 6), nil, nil, ints(2, 3, 4)), attrs: attrs(mode("linear"), integer("antialias", 1)), constant: known, rtol: 1e-4},
		{name: "a vector", op: "Resize", in: on(wave(f, 4), nil, scales(2.5)), attrs: attrs(mode("linear"), graph.A("coordinate_transformation_mode", "align_corners")), constant: known, rtol: 1e-5},
		{name: "nothing to do", op: "Resize", in: on(x, nil, nil, ints(1, 2, 5, 4)), attrs: attrs(mode("linear")), constant: known},
		{name: "image", op: "AffineGrid", in: on(wave(f, 2, 2, 3), ints(2, 1, 3, 4)), rtol: 1e-5},
		{name: "volume, corners", op: "AffineGrid", in: on(wave(f, 1, 3, 4), ints(1, 1, 2, 3, 1)), attrs: attrs(integer("align_corners", 1)), rtol: 1e-5},
	})
}
