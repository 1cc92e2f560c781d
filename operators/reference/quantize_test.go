package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func number(name string, v int64) graph.Attribute { return graph.A(name, v) }

func outputType(d tensor.DType) graph.Attribute { return number("output_dtype", int64(d)) }

func TestQuantizeLinear(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	one := tensor.Scalar(float32(1))
	i8 := func(v ...int8) *tensor.Tensor { return tensor.Of(v, len(v)) }
	e4m3, e5m2 := tensor.Float8E4M3FN, tensor.Float8E5M2
	x := shaped(f32s(1, 2, 3, 4, 5, 6), 2, 3)
	meet(t, []expectation{
		{name: "half to even", op: "QuantizeLinear", in: list(f32s(0.5, 1.5, 2.5, -0.5, -1.5), one, tensor.Scalar(int8(0))), want: list(i8(0, 2, 2, 0, -2))},
		{name: "rounded before the zero point is added", op: "QuantizeLinear", in: list(f32s(0.5, 1.5), one, tensor.Scalar(int8(1))), want: list(i8(1, 3))},
		{name: "saturates", op: "QuantizeLinear", in: list(f32s(-1e9, 1e9, inf, -inf), one, tensor.Scalar(int8(0))), want: list(i8(-128, 127, 127, -128))},
		{name: "uint8 by default", op: "QuantizeLinear", in: list(f32s(-1, 3, 300), one), want: list(tensor.Of([]uint8{0, 3, 255}))},
		{name: "uint16", op: "QuantizeLinear", in: list(f32s(1, 70000), one, tensor.Scalar(uint16(32767))), want: list(tensor.Of([]uint16{32768, 65535}))},
		{name: "int4", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Int4)), in: list(f32s(-9, 7.5, 3), one), want: list(whole(tensor.Int4, -8, 7, 3))},
		{name: "uint2", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Uint2)), in: list(f32s(-9, 1.4, 3.5), one), want: list(whole(tensor.Uint2, 0, 1, 3))},
		{name: "integers", op: "QuantizeLinear", in: list(tensor.Of([]int32{-7, 100}), tensor.Scalar(float32(2)), tensor.Scalar(int8(0))), want: list(i8(-4, 50))},
		{name: "per axis", op: "QuantizeLinear", in: list(x, f32s(1, 2, 3), i8(0, 10, 20)), want: list(shaped(i8(1, 11, 21, 4, 12, 22), 2, 3))},
		{name: "along axis 0", op: "QuantizeLinear", attrs: attrs(axis(-2)), in: list(x, f32s(1, 2), i8(0, 1)), want: list(shaped(i8(1, 2, 3, 3, 3, 4), 2, 3))},
		{name: "per block", op: "QuantizeLinear", attrs: attrs(number("block_size", 2)), in: list(x, shaped(f32s(1, 3, 2, 6), 2, 2), shaped(i8(0, 10, 20, 30), 2, 2)), want: list(shaped(i8(1, 2, 11, 22, 22, 31), 2, 3))},
		{name: "block of the only axis", op: "QuantizeLinear", attrs: attrs(number("block_size", 2), outputType(tensor.Int8)), in: list(f32s(2, 4, 9), f32s(2, 3)), want: list(i8(1, 2, 3))},
		// 448 is the largest of e4m3; 460 is nearer to it than to what would follow.
		{name: "float8", op: "QuantizeLinear", attrs: attrs(outputType(e4m3)), in: list(f32s(1.06, 460, 1000, -inf, nan), one), want: list(floats(e4m3, 1, 448, 448, -448, math.NaN()))},
		{name: "float8, unsaturated", op: "QuantizeLinear", attrs: attrs(outputType(e5m2), number("saturate", 0)), in: list(f32s(1.3, 1e6, -inf), one), want: list(floats(e5m2, 1.25, math.Inf(1), math.Inf(-1)))},
		{name: "float4", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Float4E2M1)), in: list(f32s(0.7, 2.5, -100), one), want: list(floats(tensor.Float4E2M1, 0.5, 2, -6))},
		// 2049 / 1 is 2048 in half precision.
		{name: "precision of the scale", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Int16)), in: list(f32s(2049), floats(tensor.Float16, 1)), want: list(tensor.Of([]int16{2048}))},
		{name: "precision named", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Int16), number("precision", int64(tensor.Float32))), in: list(f32s(2049), floats(tensor.Float16, 1)), want: list(tensor.Of([]int16{2049}))},
		{name: "scale a power of two", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Int8)), in: list(f32s(12), floats(tensor.Float8E8M0, 4)), want: list(i8(3))},
		{name: "nothing", op: "QuantizeLinear", in: list(f32s(), one), want: list(tensor.Of([]uint8{}))},
		{name: "two types", op: "QuantizeLinear", attrs: attrs(outputType(tensor.Int4)), in: list(x, one, tensor.Scalar(int8(0))), err: "output_dtype is int4, but y_zero_point has the type int8"},
		{name: "scale", op: "QuantizeLinear", in: list(x, f32s(1, 2)), err: "it must be [3]"},
		{name: "blocks", op: "QuantizeLinear", attrs: attrs(number("block_size", 2)), in: list(x, one), err: "it must be [2,2]"},
		{name: "zero point", op: "QuantizeLinear", in: list(x, f32s(1, 2, 3), i8(1, 2)), err: "the scale has the shape [3], the zero point [2]"},
	})
}

func TestDequantizeLinear(t *testing.T) {
	half := tensor.Scalar(float32(0.5))
	meet(t, []expectation{
		{op: "DequantizeLinear", in: list(tensor.Of([]int8{-128, 127}), half, tensor.Scalar(int8(27))), want: list(f32s(-77.5, 50))},
		{name: "int32", op: "DequantizeLinear", in: list(tensor.Of([]int32{-7}), half), want: list(f32s(-3.5))},
		{name: "per axis", op: "DequantizeLinear", in: list(tensor.Of([]uint8{1, 2, 3, 4}, 2, 2), f32s(1, 10), tensor.Of([]uint8{1, 2})), want: list(shaped(f32s(0, 0, 2, 20), 2, 2))},
		{name: "per block, packed", op: "DequantizeLinear", attrs: attrs(axis(0), number("block_size", 2)), in: list(whole(tensor.Int4, -8, 7, 1), f32s(1, 10)), want: list(f32s(-8, 7, 10))},
		{name: "float8", op: "DequantizeLinear", in: list(floats(tensor.Float8E5M2, 1.25, math.Inf(1)), half), want: list(f32s(0.625, float32(math.Inf(1))))},
		{name: "to the scale's type", op: "DequantizeLinear", in: list(tensor.Of([]uint8{3}), floats(tensor.Float16, 2)), want: list(floats(tensor.Float16, 6))},
		{name: "to another type", op: "DequantizeLinear", attrs: attrs(outputType(tensor.BFloat16)), in: list(floats(tensor.Float4E2M1, -6), floats(tensor.Float8E8M0, 0.25)), want: list(floats(tensor.BFloat16, -1.5))},
		{name: "without a type", op: "DequantizeLinear", in: list(floats(tensor.Float4E2M1, -6), floats(tensor.Float8E8M0, 0.25)), err: "attribute output_dtype chooses one"},
	})
}

func TestDynamicQuantizeLinear(t *testing.T) {
	meet(t, []expectation{
		{op: "DynamicQuantizeLinear", in: list(f32s(-1, 0, 254)), want: list(tensor.Of([]uint8{0, 1, 255}), tensor.Scalar(float32(1)), tensor.Scalar(uint8(1)))},
		{name: "positive", op: "DynamicQuantizeLinear", in: list(f32s(255, 510)), want: list(tensor.Of([]uint8{128, 255}), tensor.Scalar(float32(2)), tensor.Scalar(uint8(0)))},
		{name: "zeros", op: "DynamicQuantizeLinear", in: list(f32s(0, 0)), want: list(tensor.Of([]uint8{0, 0}), tensor.Scalar(float32(0)), tensor.Scalar(uint8(0)))},
		{name: "nothing", op: "DynamicQuantizeLinear", in: list(f32s()), want: list(tensor.Of([]uint8{}), tensor.Scalar(float32(0)), tensor.Scalar(uint8(0)))},
	})
}

func TestIntegerProducts(t *testing.T) {
	a := tensor.Of([]uint8{1, 2, 3, 4}, 2, 2)
	b := tensor.Of([]int8{1, -1, 2, -2}, 2, 2)
	i32 := func(shape tensor.Shape, v ...int32) *tensor.Tensor { return tensor.Of(v, shape...) }
	line, pair := tensor.Of([]uint8{1, 2, 3}, 1, 1, 3), tensor.Of([]uint8{1, 10}, 1, 1, 2)
	meet(t, []expectation{
		{op: "MatMulInteger", in: list(a, b), want: list(i32(tensor.Shape{2, 2}, 5, -5, 11, -11))},
		{name: "zero points", op: "MatMulInteger", in: list(a, b, tensor.Scalar(uint8(1)), tensor.Scalar(int8(1))), want: list(i32(tensor.Shape{2, 2}, 1, -3, 3, -13))},
		{name: "zero points per row and column", op: "MatMulInteger", in: list(a, b, tensor.Of([]uint8{1, 3}), tensor.Of([]int8{1, -2})), want: list(i32(tensor.Shape{2, 2}, 1, 0, 1, 0))},
		{name: "zero points", op: "MatMulInteger", in: list(a, b, tensor.Of([]uint8{1, 2, 3})), err: "zero point of input 0: the shape [3] does not fit [2,2]"},
		{op: "ConvInteger", attrs: attrs(ints("pads", 1, 0)), in: list(line, pair, tensor.Scalar(uint8(1))), want: list(i32(tensor.Shape{1, 1, 3}, 0, 10, 21))},
		{name: "zero point per filter", op: "ConvInteger", in: list(line, tensor.Of([]uint8{1, 10, 1, 10}, 2, 1, 2), nil, tensor.Of([]uint8{1, 10})), want: list(i32(tensor.Shape{1, 2, 2}, 18, 27, -9, -18))},
	})
}

func TestQuantizedProducts(t *testing.T) {
	scalar := func(v float32) *tensor.Tensor { return tensor.Scalar(v) }
	u8 := func(v uint8) *tensor.Tensor { return tensor.Scalar(v) }
	a := tensor.Of([]uint8{1, 2, 3, 4}, 2, 2)
	line, pair := tensor.Of([]uint8{1, 2, 3}, 1, 1, 3), tensor.Of([]uint8{1, 10}, 1, 1, 2)
	e4m3 := func(v ...float64) *tensor.Tensor { return floats(tensor.Float8E4M3FN, v...) }
	meet(t, []expectation{
		// [[7, 10], [15, 22]] steps of 0.5 × 2, in steps of 4 from 1: 2.75, 3.5, 4.75, 6.5.
		{op: "QLinearMatMul", in: list(a, scalar(0.5), u8(0), a, scalar(2), u8(0), scalar(4), u8(1)), want: list(tensor.Of([]uint8{3, 3, 5, 7}, 2, 2))},
		{name: "scales per row and column", op: "QLinearMatMul", in: list(a, f32s(1, 2), tensor.Of([]uint8{0, 1}), a, f32s(1, 10), tensor.Of([]uint8{0, 0}), scalar(1), u8(0)), want: list(tensor.Of([]uint8{7, 100, 22, 255}, 2, 2))},
		{name: "saturates", op: "QLinearMatMul", in: list(tensor.Of([]int8{-128}), scalar(1), tensor.Scalar(int8(0)), tensor.Of([]int8{127}), scalar(1), tensor.Scalar(int8(0)), scalar(1), tensor.Scalar(int8(0))), want: list(tensor.Scalar(int8(-128)))},
		{name: "float8", op: "QLinearMatMul", in: list(e4m3(1.5, 2), scalar(2), tensor.FromFloat64s(tensor.Float8E4M3FN, nil, []float64{0}), e4m3(2, 1), scalar(1), tensor.FromFloat64s(tensor.Float8E4M3FN, nil, []float64{0}), scalar(0.5), tensor.FromFloat64s(tensor.Float8E4M3FN, nil, []float64{0})), want: list(tensor.FromFloat64s(tensor.Float8E4M3FN, nil, []float64{20}))},
		// 21, 32 and a bias of 3 in steps of 0.5, in steps of 2 from 100.
		{op: "QLinearConv", in: list(line, scalar(0.5), u8(0), pair, scalar(1), u8(0), scalar(2), u8(100), tensor.Of([]int32{3})), want: list(tensor.Of([]uint8{106, 109}, 1, 1, 2))},
		{name: "scale per filter", op: "QLinearConv", in: list(line, scalar(1), u8(1), tensor.Of([]uint8{1, 2}, 2, 1, 1), f32s(1, 10), tensor.Of([]uint8{0, 1}), scalar(1), u8(5)), want: list(tensor.Of([]uint8{5, 6, 7, 5, 15, 25}, 1, 2, 3))},
	})
}
