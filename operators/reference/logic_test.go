package reference_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func bools(v ...bool) *tensor.Tensor { return tensor.Of(v, len(v)) }

func TestTruthTables(t *testing.T) {
	a, b := bools(false, false, true, true), bools(false, true, false, true)
	i := tensor.Int16
	x, y := whole(i, 12, -1), whole(i, 10, 5)
	meet(t, []expectation{
		{op: "And", in: list(a, b), want: list(bools(false, false, false, true))},
		{op: "Or", in: list(a, b), want: list(bools(false, true, true, true))},
		{op: "Xor", in: list(a, b), want: list(bools(false, true, true, false))},
		{op: "Not", in: list(a), want: list(bools(true, true, false, false))},
		{name: "scalar", op: "Not", in: list(tensor.Scalar(true)), want: list(tensor.Scalar(false))},
		{name: "broadcast", op: "And", in: list(shaped(bools(true, false), 2, 1), bools(true, false)), want: list(shaped(bools(true, false, false, false), 2, 2))},
		{op: "BitwiseAnd", in: list(x, y), want: list(whole(i, 8, 5))},
		{op: "BitwiseOr", in: list(x, y), want: list(whole(i, 14, -1))},
		{op: "BitwiseXor", in: list(x, y), want: list(whole(i, 6, -6))},
		{op: "BitwiseNot", in: list(x), want: list(whole(i, -13, 0))},
		{name: "unsigned", op: "BitwiseNot", in: list(whole(tensor.Uint8, 0, 5)), want: list(whole(tensor.Uint8, 255, 250))},
		{name: "numbers", op: "And", in: list(x, y), err: "elements of type int16 are not defined"},
		{name: "reals", op: "BitwiseAnd", in: list(f32s(1), f32s(1)), err: "elements of type float32 are not defined"},
	})
}

func TestComparisons(t *testing.T) {
	d := tensor.Float32
	x, y := floats(d, 1, 2, 3, nan, inf, negZero), floats(d, 2, 2, 2, nan, inf, 0)
	large, small := tensor.Of([]uint64{1 << 63}), tensor.Of([]uint64{1})
	meet(t, []expectation{
		{op: "Equal", in: list(x, y), want: list(bools(false, true, false, false, true, true))},
		{op: "Less", in: list(x, y), want: list(bools(true, false, false, false, false, false))},
		{op: "Greater", in: list(x, y), want: list(bools(false, false, true, false, false, false))},
		{op: "LessOrEqual", in: list(x, y), want: list(bools(true, true, false, false, true, true))},
		{op: "GreaterOrEqual", in: list(x, y), want: list(bools(false, true, true, false, true, true))},
		{name: "unsigned", op: "Greater", in: list(large, small), want: list(bools(true))},
		{name: "beyond 2^53", op: "Less", in: list(i64(1<<53), i64(1<<53+1)), want: list(bools(true))},
		{name: "strings", op: "Equal", in: list(tensor.Of([]string{"a", "b"}), tensor.Of([]string{"b"}, 1)), want: list(bools(false, true))},
		{name: "truth values", op: "Equal", in: list(bools(true, false), bools(false)), want: list(bools(false, true))},
		{name: "empty", op: "Less", in: list(nothing(0), nothing(1)), want: list(shaped(bools(), 0))},
		{name: "strings", op: "Less", in: list(tensor.Of([]string{"a"}), tensor.Of([]string{"b"})), err: "elements of type string are not defined"},
		{name: "mixed types", op: "Equal", in: list(f32s(1), i64(1)), err: "different types, float32 and int64"},
	})
}

func TestWhere(t *testing.T) {
	text := func(v ...string) *tensor.Tensor { return tensor.Of(v, len(v)) }
	choose := shaped(bools(true, false), 2, 1)
	meet(t, []expectation{
		{name: "three ways", op: "Where", in: list(choose, f64(1, 2, 3), tensor.Scalar(9.0)), want: list(shaped(f64(1, 2, 3, 9, 9, 9), 2, 3))},
		{name: "strings", op: "Where", in: list(bools(true, false), text("a", "b"), text("c", "d")), want: list(text("a", "d"))},
		{name: "complex", op: "Where", in: list(bools(true, false), tensor.Of([]complex64{1i, 2}), tensor.Of([]complex64{3, 4 - 1i})), want: list(tensor.Of([]complex64{1i, 4 - 1i}))},
		{name: "truth values", op: "Where", in: list(bools(true, false), bools(false), bools(true)), want: list(bools(false, true))},
		{name: "bfloat16", op: "Where", in: list(bools(false, true), floats(tensor.BFloat16, 1, 2), floats(tensor.BFloat16, 3, 4)), want: list(floats(tensor.BFloat16, 3, 2))},
		{name: "empty", op: "Where", in: list(shaped(bools(), 0), f64(1), f64(2)), want: list(f64())},
		{name: "extents", op: "Where", in: list(bools(true, false), f64(1, 2, 3), f64(1)), err: "disagree"},
		{name: "types", op: "Where", in: list(bools(true), f64(1), f32s(1)), err: "different types, float64 and float32"},
	})
}

func TestClasses(t *testing.T) {
	x := floats(tensor.Float32, 1, nan, inf, -inf)
	only := func(name string) []graph.Attribute { return attrs(graph.A("detect_"+name, int64(0))) }
	meet(t, []expectation{
		{op: "IsNaN", in: list(x), want: list(bools(false, true, false, false))},
		{op: "IsInf", in: list(x), want: list(bools(false, false, true, true))},
		{name: "positive", op: "IsInf", attrs: only("negative"), in: list(x), want: list(bools(false, false, true, false))},
		{name: "negative", op: "IsInf", attrs: only("positive"), in: list(x), want: list(bools(false, false, false, true))},
		{name: "float8", op: "IsNaN", in: list(floats(tensor.Float8E4M3FN, 1, nan)), want: list(bools(false, true))},
		{name: "float8", op: "IsInf", in: list(floats(tensor.Float8E5M2, -inf, 1)), want: list(bools(true, false))},
		{name: "integers", op: "IsNaN", in: list(i64(1)), err: "want a floating-point type"},
	})
}
