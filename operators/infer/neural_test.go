package infer_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func ints(name string, v ...int64) graph.Attribute { return graph.A(name, v) }

func integer(name string, v int64) graph.Attribute { return graph.A(name, v) }

func text(name, v string) graph.Attribute { return graph.A(name, v) }

func TestMatrixProducts(t *testing.T) {
	equation := func(s string) []graph.Attribute { return with(text("equation", s)) }
	find(t, []inference{
		{op: "MatMul", in: facts(f32("n", 3), f32(3, "m")), want: "float32[n,m]"},
		{name: "row and column", op: "MatMul", in: facts(f32(3), f32(3)), want: "float32[]"},
		{name: "row and batch", op: "MatMul", in: facts(f32("?"), f32("b", 2, 3)), want: "float32[b,3]"},
		{name: "batches broadcast", op: "MatMul", in: facts(f32("b", 1, 2, 3), f32(4, 3, 5)), want: "float32[b,4,2,5]"},
		{name: "rank unknown", op: "MatMul", in: facts(unranked(tensor.Float32), f32(3)), want: "float32[...]"},
		{name: "extents", op: "MatMul", in: facts(f32(2, 3), f32(2, 3)), err: "extents 3 and 2 differ"},
		{name: "scalar", op: "MatMul", in: facts(f32(), f32(2, 3)), err: "a scalar is no matrix"},
		{op: "Gemm", attrs: with(integer("transA", 1)), in: facts(f32(4, "m"), f32(4, 5), f32(5)), want: "float32[m,5]"},
		{name: "rank unknown", op: "Gemm", in: facts(unranked(tensor.Float32), f32(4, 5)), want: "float32[?,5]"},
		{name: "bias", op: "Gemm", in: facts(f32(2, 3), f32(3, 5), f32(2)), err: "C has the shape [2], which does not broadcast to [2,5]"},
		{name: "rank", op: "Gemm", in: facts(f32(2), f32(3, 5)), err: "a matrix is needed"},
		{op: "Einsum", attrs: equation("bij,bjk->bik"), in: facts(f32("n", 2, 3), f32("n", 3, "m")), want: "float32[n,2,m]"},
		{name: "ellipsis", op: "Einsum", attrs: equation("...i,...i"), in: facts(f32("n", 1, 3), f32(4, 3)), want: "float32[n,4]"},
		{name: "implicit", op: "Einsum", attrs: equation("ba"), in: facts(f32("n", "m")), want: "float32[m,n]"},
		{name: "rank unknown", op: "Einsum", attrs: equation("i->i"), in: facts(unranked(tensor.Int32)), want: "int32[...]"},
		{name: "extents", op: "Einsum", attrs: equation("i,i"), in: facts(f32(2), f32(3)), err: "extents 2 and 3 disagree"},
		{op: "Det", in: facts(f32("n", 3, "?")), want: "float32[n]"},
		{name: "no square", op: "Det", in: facts(f32(2, 3)), err: "extents 2 and 3 differ"},
	})
}

func TestConvolutions(t *testing.T) {
	w := f32(8, 3, 3, 3)
	find(t, []inference{
		{op: "Conv", in: facts(f32("n", 3, 10, 9), w), want: "float32[n,8,8,7]"},
		{name: "padding keeps symbols", op: "Conv", attrs: with(ints("pads", 1, 1, 1, 1)), in: facts(f32("n", 3, "h", "w"), w), want: "float32[n,8,h,w]"},
		{name: "symbols change", op: "Conv", in: facts(f32("n", 3, "h", 5), w), want: "float32[n,8,?,3]"},
		{name: "same", op: "Conv", attrs: with(text("auto_pad", "SAME_UPPER"), ints("strides", 1, 2)), in: facts(f32("n", 3, "h", 5), w), want: "float32[n,8,h,3]"},
		{name: "kernel by attribute", op: "Conv", attrs: with(ints("kernel_shape", 3), ints("dilations", 2), ints("strides", 2)), in: facts(f32(1, "?", 10), f32("m", "?", "?")), want: "float32[1,m,3]"},
		{name: "weights unknown", op: "Conv", in: facts(f32(1, 2, 10), unranked(tensor.Float32)), want: "float32[1,?,?]"},
		{name: "input unknown", op: "Conv", in: facts(unranked(tensor.Float32), w), want: "float32[?,8,?,?]"},
		{name: "channels", op: "Conv", in: facts(f32(1, 4, 10, 10), w), err: "need 3 input channels, got 4"},
		{name: "large kernel", op: "Conv", in: facts(f32(1, 3, 2, 10), w), err: "spatial axis 0: a window of 3 elements does not fit into an input of 2"},
		{op: "ConvTranspose", attrs: with(ints("strides", 2, 2), ints("output_padding", 0, 1), integer("group", 2)), in: facts(f32("n", 4, 3, 3), f32(4, 5, 2, 3)), want: "float32[n,10,6,8]"},
		{name: "to a shape", op: "ConvTranspose", attrs: with(ints("output_shape", 7)), in: facts(f32("n", 4, "l"), f32(4, 5, 3)), want: "float32[n,5,7]"},
		{name: "same", op: "ConvTranspose", attrs: with(text("auto_pad", "SAME_LOWER"), ints("strides", 1, 3)), in: facts(f32("n", 4, "h", 2), f32(4, "m", 3, 3)), want: "float32[n,m,h,6]"},
		{name: "channels", op: "ConvTranspose", in: facts(f32("n", 3, 3), f32(4, 5, 2)), err: "extents 3 and 4 differ"},
		{op: "DeformConv", in: facts(f32("n", 3, 5, 5), f32(8, 3, 2, 2), f32("n", 8, 4, 4)), want: "float32[n,8,4,4]"},
		{op: "Col2Im", in: facts(f32("n", 12, "l"), shapeLike("h", 6), i64(2, 2)), want: "float32[n,3,h,6]"},
		{name: "columns", op: "Col2Im", in: facts(f32("n", 10, "l"), i64(5, 6), i64(2, 2)), err: "10 columns are no multiple of the 4 elements of a block"},
		{op: "CausalConvWithState", in: facts(f32("n", 3, "l"), f32(3, 1, 4)), want: "float32[n,3,l] float32[n,3,3]"},
	})
}

func TestPools(t *testing.T) {
	x := f32("n", 3, 7, "w")
	two := ints("kernel_shape", 2, 2)
	find(t, []inference{
		{op: "MaxPool", attrs: with(two, ints("strides", 2, 2)), in: facts(x), want: "float32[n,3,3,?] int64[n,3,3,?]"},
		{name: "rounded up", op: "AveragePool", attrs: with(two, ints("strides", 2, 2), integer("ceil_mode", 1)), in: facts(x), want: "float32[n,3,4,?]"},
		{name: "no window starts in the padding", op: "LpPool", attrs: with(ints("kernel_shape", 1), ints("strides", 2), ints("pads", 0, 1), integer("ceil_mode", 1)), in: facts(f32(1, 1, 2)), want: "float32[1,1,1]"},
		{name: "valid ignores rounding up", op: "MaxPool", attrs: with(two, text("auto_pad", "VALID"), ints("strides", 2, 2), integer("ceil_mode", 1)), in: facts(x), want: "float32[n,3,3,?]"},
		{name: "input unknown", op: "MaxPool", attrs: with(two), in: facts(unranked(tensor.Int8)), want: "int8[?,?,?,?]"},
		{name: "kernel of another rank", op: "MaxPool", attrs: with(ints("kernel_shape", 2)), in: facts(x), err: "attribute kernel_shape has 1 elements"},
		{op: "GlobalAveragePool", in: facts(x), want: "float32[n,3,1,1]"},
		{name: "input unknown", op: "GlobalMaxPool", in: facts(unranked(tensor.Float32)), want: "float32[...]"},
		{op: "MaxUnpool", attrs: with(two, ints("strides", 2, 2), ints("pads", 0, 0, 1, 0)), in: facts(x, typed(tensor.Int64, "n", 3, 7, "w")), want: "float32[n,3,13,?]"},
		{name: "to a shape", op: "MaxUnpool", attrs: with(two), in: facts(x, typed(tensor.Int64, "n", 3, 7, "w"), shapeLike("n", 3, 9, "v")), want: "float32[n,3,9,v]"},
	})
}

func TestNormalizations(t *testing.T) {
	x, c := f32("n", 4, "h"), f32(4)
	find(t, []inference{
		{op: "BatchNormalization", in: facts(x, c, c, c, c), want: "float32[n,4,h]"},
		{name: "training", op: "BatchNormalization", attrs: with(integer("training_mode", 1)), in: facts(typed(tensor.Float16, "n", "?"), c, c, c, c), want: "float16[n,?] float32[4] float32[4]"},
		{name: "channels", op: "BatchNormalization", in: facts(x, c, c, c, f32(3)), err: "channels of X and input_var: extents 4 and 3 differ"},
		{name: "statistics without training", op: "BatchNormalization", in: facts(x, c, c, c, c), want: "? ?", err: "without training_mode there is only one"},
		{op: "InstanceNormalization", in: facts(x, c, c), want: "float32[n,4,h]"},
		{name: "groups", op: "GroupNormalization", attrs: with(integer("num_groups", 3)), in: facts(x, c, c), err: "4 channels cannot be divided into 3 groups"},
		{op: "LayerNormalization", attrs: with(integer("axis", 1), integer("stash_type", 16)), in: facts(x, f32("h")), want: "float32[n,4,h] bfloat16[n,1,1] bfloat16[n,1,1]"},
		{name: "scale", op: "LayerNormalization", in: facts(f32(2, 3), f32(4)), err: "Scale has the shape [4], which does not broadcast to [2,3]"},
		{op: "RMSNormalization", in: facts(typed(tensor.Float16, "n", 3), f32(3)), want: "float32[n,3]"},
		{name: "axis", op: "LpNormalization", attrs: with(axis(3)), in: facts(x), err: "axis 3 is outside [-3, 3)"},
		{name: "rank", op: "MeanVarianceNormalization", in: facts(x), err: "axis 3 is outside [-3, 3)"},
		{op: "LRN", in: facts(x), want: "float32[n,4,h]"},
	})
}

func TestResampling(t *testing.T) {
	x := f32("n", 3, 4, 6)
	scales := func(v ...float32) infer.Fact { return infer.Of(tensor.Of(v)) }
	crop := text("coordinate_transformation_mode", "tf_crop_and_resize")
	keep := text("keep_aspect_ratio_policy", "not_larger")
	find(t, []inference{
		{op: "Resize", in: facts(x, absent, scales(1, 1, 2, 0.4)), want: "float32[n,3,8,2]"},
		{name: "to sizes", op: "Resize", attrs: with(ints("axes", -1, 2)), in: facts(x, absent, absent, shapeLike("w", 5)), want: "float32[n,3,5,w]"},
		{name: "scale of a symbol", op: "Resize", in: facts(x, absent, scales(2, 1, 1, 1)), want: "float32[?,3,4,6]"},
		{name: "empty scales", op: "Resize", in: facts(x, f32(0), f32(0), i64(1, 2, 3, 4)), want: "float32[1,2,3,4]"},
		{name: "scales unknown", op: "Resize", attrs: with(ints("axes", 3)), in: facts(x, absent, f32(1)), want: "float32[n,3,4,?]"},
		{name: "aspect", op: "Resize", attrs: with(keep, ints("axes", 2, 3)), in: facts(x, absent, absent, i64(8, 9)), want: "float32[n,3,6,9]"},
		{name: "aspect of unknown sizes", op: "Resize", attrs: with(keep, ints("axes", 2, 3)), in: facts(x, absent, absent, shapeLike("h", 9)), want: "float32[n,3,?,?]"},
		{name: "crop", op: "Resize", attrs: with(crop, ints("axes", 3)), in: facts(x, scales(0.5, 1), scales(2)), want: "float32[n,3,4,6]"},
		{name: "crop unknown", op: "Resize", attrs: with(crop, ints("axes", 3)), in: facts(x, f32(2), scales(2)), want: "float32[n,3,4,?]"},
		{name: "neither", op: "Resize", in: facts(x), err: "neither scales nor sizes are given"},
		{name: "scales", op: "Resize", in: facts(x, absent, scales(1, 2)), err: "scales has 2 elements for 4 axes"},
		{op: "GridSample", in: facts(x, f32("n", "h", 9, 2)), want: "float32[n,3,h,9]"},
		{name: "grid", op: "GridSample", in: facts(x, f32("n", "h", 9, 3)), err: "it must be (N, D1, …, D2, 2)"},
		{op: "AffineGrid", in: facts(f32("n", 2, 3), shapeLike("n", 3, "h", 5)), want: "float32[n,h,5,2]"},
		{name: "size unknown", op: "AffineGrid", in: facts(f32("n", 3, 4), typed(tensor.Int64, "?")), want: "float32[?,?,?,?,3]"},
	})
}

func TestDetection(t *testing.T) {
	find(t, []inference{
		{op: "NonMaxSuppression", in: facts(f32("n", "b", 4), f32("n", "c", "b")), want: "int64[?,3]"},
		{op: "RoiAlign", attrs: with(integer("output_height", 7)), in: facts(f32("n", 3, 9, 9), f32("r", 4), typed(tensor.Int64, "r")), want: "float32[r,3,7,1]"},
		{op: "MaxRoiPool", attrs: with(ints("pooled_shape", 2, 3)), in: facts(f32("n", 3, 9, 9), f32("r", 5)), want: "float32[r,3,2,3]"},
		{name: "regions", op: "MaxRoiPool", attrs: with(ints("pooled_shape", 2, 3)), in: facts(f32("n", 3, 9, 9), f32(5)), err: "a matrix are needed"},
	})
}

func TestQuantization(t *testing.T) {
	x, one := f32("n", 4, 6), f32()
	i8, u8 := typed(tensor.Int8), typed(tensor.Uint8)
	find(t, []inference{
		{op: "QuantizeLinear", in: facts(x, one), want: "uint8[n,4,6]"},
		{name: "type of the zero point", op: "QuantizeLinear", in: facts(x, f32(4), typed(tensor.Int4, 4)), want: "int4[n,4,6]"},
		{name: "type named", op: "QuantizeLinear", attrs: with(integer("output_dtype", int64(tensor.Float8E5M2))), in: facts(x, one), want: "float8e5m2[n,4,6]"},
		{name: "blocks", op: "QuantizeLinear", attrs: with(integer("block_size", 4), axis(2)), in: facts(x, f32("n", 4, 2)), want: "uint8[n,4,6]"},
		{name: "scale", op: "QuantizeLinear", in: facts(x, f32(3)), err: "it must be [4]"},
		{name: "two types", op: "QuantizeLinear", attrs: with(integer("output_dtype", int64(tensor.Int4))), in: facts(x, one, i8), err: "output_dtype is int4, but y_zero_point has the type int8"},
		{op: "DequantizeLinear", in: facts(typed(tensor.Int8, "n"), typed(tensor.Float16)), want: "float16[n]"},
		{name: "type named", op: "DequantizeLinear", attrs: with(integer("output_dtype", int64(tensor.BFloat16))), in: facts(typed(tensor.Int8, "n"), one), want: "bfloat16[n]"},
		{op: "DynamicQuantizeLinear", in: facts(x), want: "uint8[n,4,6] float32[] uint8[]"},
		{op: "MatMulInteger", in: facts(typed(tensor.Uint8, "n", 3), typed(tensor.Int8, 3, 5)), want: "int32[n,5]"},
		{op: "ConvInteger", in: facts(typed(tensor.Uint8, "n", 3, 9), typed(tensor.Int8, 5, 3, 2)), want: "int32[n,5,8]"},
		{op: "QLinearMatMul", in: facts(typed(tensor.Uint8, "n", 3), one, u8, typed(tensor.Int8, 3, 5), one, i8, one, i8), want: "int8[n,5]"},
		{op: "QLinearConv", in: facts(typed(tensor.Uint8, "n", 3, 9), one, u8, typed(tensor.Int8, 5, 3, 2), one, i8, one, i8), want: "int8[n,5,8]"},
	})
}
