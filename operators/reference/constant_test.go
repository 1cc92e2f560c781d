package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestConstant(t *testing.T) {
	packed := tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 0, 7})
	meet(t, []expectation{
		{op: "Constant", attrs: attrs(graph.A("value", packed)), want: list(packed)},
		{op: "Constant", attrs: attrs(graph.A("value_float", float32(1.5))), want: list(tensor.Scalar(float32(1.5)))},
		{op: "Constant", attrs: attrs(graph.A("value_floats", []float32{})), want: list(f32s())},
		{op: "Constant", attrs: attrs(graph.A("value_int", int64(-3))), want: list(tensor.Scalar(int64(-3)))},
		{op: "Constant", attrs: attrs(graph.A("value_ints", []int64{1, 2})), want: list(i64(1, 2))},
		{op: "Constant", attrs: attrs(graph.A("value_string", "x")), want: list(tensor.Scalar("x"))},
		{op: "Constant", attrs: attrs(graph.A("value_strings", []string{"x", "y"})), want: list(tensor.Of([]string{"x", "y"}))},
		{name: "nothing", op: "Constant", err: "exactly one attribute"},
		{name: "two", op: "Constant", attrs: attrs(graph.A("value_int", int64(1)), graph.A("value_float", float32(1))), err: "2 are set"},
	})
}

func TestConstantOfShape(t *testing.T) {
	value := func(x *tensor.Tensor) []graph.Attribute { return attrs(graph.A("value", x)) }
	meet(t, []expectation{
		{name: "zeros", op: "ConstantOfShape", in: list(i64(2, 2)), want: list(nothing(2, 2))},
		{name: "scalar", op: "ConstantOfShape", attrs: value(i64(7)), in: list(i64()), want: list(tensor.Scalar(int64(7)))},
		{name: "empty", op: "ConstantOfShape", attrs: value(i64(7)), in: list(i64(0, 3)), want: list(shaped(i64(), 0, 3))},
		{name: "packed", op: "ConstantOfShape", attrs: value(whole(tensor.Int4, -3)), in: list(i64(3)), want: list(whole(tensor.Int4, -3, -3, -3))},
		{name: "packed", op: "ConstantOfShape", attrs: value(whole(tensor.Uint2, 2)), in: list(i64(5)), want: list(whole(tensor.Uint2, 2, 2, 2, 2, 2))},
		{name: "truth values", op: "ConstantOfShape", attrs: value(bools(true)), in: list(i64(2)), want: list(bools(true, true))},
		{name: "negative extent", op: "ConstantOfShape", in: list(i64(2, -1)), err: "axis 1 has the negative extent -1"},
		{name: "too large", op: "ConstantOfShape", in: list(i64(1<<40, 1<<40)), err: "too large"},
		{name: "two values", op: "ConstantOfShape", attrs: value(i64(1, 2)), in: list(i64(1)), err: "value must have one element, got shape [2]"},
	})
}

func TestRange(t *testing.T) {
	of := func(d tensor.DType, start, limit, delta float64) []tensor.Value {
		scalar := func(v float64) *tensor.Tensor { return tensor.FromFloat64s(d, tensor.Shape{}, []float64{v}) }
		return list(scalar(start), scalar(limit), scalar(delta))
	}
	i, f, h := tensor.Int32, tensor.Float32, tensor.Float16
	least, most := tensor.Scalar(int64(math.MinInt64)), tensor.Scalar(int64(math.MaxInt64))
	meet(t, []expectation{
		{op: "Range", in: of(i, 3, 9, 3), want: list(whole(i, 3, 6))},
		{name: "down", op: "Range", in: of(i, 10, 4, -2), want: list(whole(i, 10, 8, 6))},
		{name: "partial step", op: "Range", in: of(i, 10, 3, -2), want: list(whole(i, 10, 8, 6, 4))},
		{name: "away", op: "Range", in: of(i, 4, 5, -1), want: list(whole(i))},
		{name: "empty", op: "Range", in: of(f, 1, 1, 1), want: list(f32s())},
		{name: "reals", op: "Range", in: of(f, 0, 1, 0.25), want: list(f32s(0, 0.25, 0.5, 0.75))},
		{name: "reals, partial step", op: "Range", in: of(tensor.Float64, 1, -1, -0.75), want: list(f64(1, 0.25, -0.5))},
		{name: "steps do not add up", op: "Range", in: of(h, 2048, 2052, 1), want: list(floats(h, 2048, 2048, 2050, 2052))},
		{name: "across the whole range", op: "Range", in: list(least, most, most), want: list(i64(math.MinInt64, -1, math.MaxInt64-1))},
		{name: "no step", op: "Range", in: of(i, 0, 5, 0), err: "delta is 0"},
		{name: "no step", op: "Range", in: of(f, 0, 5, 0), err: "which is too large"},
		{name: "NaN", op: "Range", in: of(f, 0, nan, 1), err: "NaN elements"},
		{name: "too long", op: "Range", in: list(least, most, tensor.Scalar(int64(1))), err: "18446744073709551615 elements, which is too large"},
		{name: "vector", op: "Range", in: list(i64(0), i64(1, 2), i64(1)), err: "input 1 is int64[2], want a scalar"},
		{name: "mixed types", op: "Range", in: list(i64(0), f64(1), i64(1)), err: "input 1 is float64[1], want a scalar of type int64"},
	})
}

func TestEyeLike(t *testing.T) {
	x := nothing(2, 3)
	k := func(k int64) []graph.Attribute { return attrs(graph.A("k", k)) }
	meet(t, []expectation{
		{op: "EyeLike", in: list(x), want: list(shaped(f32s(1, 0, 0, 0, 1, 0), 2, 3))},
		{name: "above", op: "EyeLike", attrs: k(2), in: list(x), want: list(shaped(f32s(0, 0, 1, 0, 0, 0), 2, 3))},
		{name: "below", op: "EyeLike", attrs: k(-1), in: list(x), want: list(shaped(f32s(0, 0, 0, 1, 0, 0), 2, 3))},
		{name: "outside", op: "EyeLike", attrs: k(math.MaxInt64), in: list(x), want: list(x)},
		{name: "outside", op: "EyeLike", attrs: k(math.MinInt64), in: list(x), want: list(x)},
		{name: "typed", op: "EyeLike", attrs: attrs(graph.A("dtype", int64(tensor.Bool))), in: list(nothing(1, 2)), want: list(shaped(bools(true, false), 1, 2))},
		{name: "empty", op: "EyeLike", in: list(nothing(0, 3)), want: list(nothing(0, 3))},
		{name: "vector", op: "EyeLike", in: list(nothing(3)), err: "must be a matrix, got shape [3]"},
	})
}
