package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var (
	inf, nan = math.Inf(1), math.NaN()
	negZero  = math.Copysign(0, -1)
)

// f32s, whole and floats make vectors of a type.
func f32s(v ...float32) *tensor.Tensor { return tensor.Of(v, len(v)) }

func whole(d tensor.DType, v ...int64) *tensor.Tensor {
	return tensor.FromInt64s(d, tensor.Shape{len(v)}, v)
}

func floats(d tensor.DType, v ...float64) *tensor.Tensor {
	return tensor.FromFloat64s(d, tensor.Shape{len(v)}, v)
}

func TestIntegersWrap(t *testing.T) {
	const least, most = math.MinInt64, math.MaxInt64
	i8, u8, i, u := tensor.Int8, tensor.Uint8, tensor.Int64, tensor.Uint64
	meet(t, []expectation{
		{op: "Add", in: list(whole(i8, 127, -128, 5), whole(i8, 1, -1, -7)), want: list(whole(i8, -128, 127, -2))},
		{op: "Sub", in: list(whole(u8, 3, 0), whole(u8, 5, 1)), want: list(whole(u8, 254, 255))},
		{op: "Mul", in: list(whole(i8, 16, -128), whole(i8, 16, -1)), want: list(whole(i8, 0, -128))},
		{op: "Add", in: list(whole(i, most), whole(i, 1)), want: list(whole(i, least))},
		{op: "Neg", in: list(whole(i8, -128, 0, 127)), want: list(whole(i8, -128, 0, -127))},
		{op: "Abs", in: list(whole(i8, -128, -127, 3)), want: list(whole(i8, -128, 127, 3))},
		{op: "Abs", in: list(whole(i, least)), want: list(whole(i, least))},
		{op: "Abs", in: list(whole(u8, 255)), want: list(whole(u8, 255))},
		{op: "Div", in: list(whole(i, least, least), whole(i, -1, 2)), want: list(whole(i, least, least/2))},
		{op: "Div", in: list(whole(i8, -128), whole(i8, -1)), want: list(whole(i8, -128))},
		{name: "large", op: "Div", in: list(tensor.Of([]uint64{math.MaxUint64}), tensor.Of([]uint64{2})), want: list(tensor.Of([]uint64{math.MaxInt64}))},
		{name: "large", op: "Max", in: list(tensor.Of([]uint64{math.MaxUint64}), whole(u, 1)), want: list(tensor.Of([]uint64{math.MaxUint64}))},
		{op: "Sign", in: list(whole(i8, -128, 0, 9)), want: list(whole(i8, -1, 0, 1))},
		{name: "large", op: "Sign", in: list(tensor.Of([]uint64{math.MaxUint64, 0})), want: list(whole(u, 1, 0))},
	})
}

func TestDivisionOfIntegers(t *testing.T) {
	i := tensor.Int32
	x, y := whole(i, 7, -7, 7, -7, 6, 0), whole(i, 3, 3, -3, -3, -3, -3)
	fmod := attrs(graph.A("fmod", int64(1)))
	u := tensor.Uint16
	meet(t, []expectation{
		{name: "towards zero", op: "Div", in: list(x, y), want: list(whole(i, 2, -2, -2, 2, -2, 0))},
		{name: "sign of the divisor", op: "Mod", in: list(x, y), want: list(whole(i, 1, 2, -2, -1, 0, 0))},
		{name: "sign of the dividend", op: "Mod", attrs: fmod, in: list(x, y), want: list(whole(i, 1, -1, 1, -1, 0, 0))},
		{name: "unsigned", op: "Mod", in: list(whole(u, 65535, 4), whole(u, 10, 5)), want: list(whole(u, 5, 4))},
		{name: "least by -1", op: "Mod", in: list(i64(math.MinInt64), i64(-1)), want: list(i64(0))},
		{name: "by zero", op: "Div", in: list(x, whole(i, 1, 1, 1, 0, 1, 1)), err: "element 3 of the divisor, of shape [6], is 0"},
		{name: "by zero", op: "Mod", in: list(x, whole(i, 0)), err: "integer division by zero"},
		{name: "by zero", op: "Mod", attrs: fmod, in: list(whole(u, 1), whole(u, 0)), err: "integer division by zero"},
		{name: "real without fmod", op: "Mod", in: list(f32s(1), f32s(1)), err: "fmod must be 1"},
	})
}

func TestDivisionOfReals(t *testing.T) {
	fmod := attrs(graph.A("fmod", int64(1)))
	d := tensor.Float64
	meet(t, []expectation{
		{op: "Div", in: list(f32s(1, -1, 0, 1), f32s(0, 0, 0, 4)), want: list(floats(tensor.Float32, inf, -inf, nan, 0.25))},
		{op: "Reciprocal", in: list(floats(d, 0, negZero, inf, -4)), want: list(floats(d, inf, -inf, 0, -0.25))},
		{op: "Mod", attrs: fmod, in: list(floats(d, 5.5, -5.5, inf, 1, 3, nan, -2), floats(d, 2, 2, 2, 0, inf, 1, -inf)),
			want: list(floats(d, 1.5, -1.5, nan, nan, 3, nan, -2))},
	})
}

func TestPow(t *testing.T) {
	i, u := tensor.Int32, tensor.Uint8
	meet(t, []expectation{
		{op: "Pow", in: list(f32s(2, 2, -8, 0, 4, -2), f32s(3, -1, 1.0/3, 0, 0.5, 2)), want: list(floats(tensor.Float32, 8, 0.5, nan, 1, 2, 4))},
		{name: "broadcast", op: "Pow", in: list(shaped(f64(1, 2, 3, 4), 2, 2), f64(2, 3)), want: list(shaped(f64(1, 8, 9, 64), 2, 2))},
		{name: "type of the base", op: "Pow", in: list(whole(i, 2, 3, 10), f32s(3, 2, 0.5)), want: list(whole(i, 8, 9, 3))},
		{name: "real base", op: "Pow", in: list(f32s(1.5, 4), whole(i, 2, -1)), want: list(f32s(2.25, 0.25))},
		{name: "unsigned exponent", op: "Pow", in: list(whole(i, -3, 2), whole(u, 3, 31)), want: list(whole(i, -27, math.MinInt32))},
		{name: "exact beyond 2^53", op: "Pow", in: list(i64(3, -7), f64(39, 21)), want: list(i64(4052555153018976267, -558545864083284007))},
		{name: "negative exponent", op: "Pow", in: list(whole(i, 1, -1, -1, 5), whole(i, -3, -3, -4, -1)), want: list(whole(i, 1, -1, 1, 0))},
		{name: "wraps", op: "Pow", in: list(whole(i, 2, 3), whole(i, 32, 21)), want: list(whole(i, 0, 10460353203))},
		{name: "no value", op: "Pow", in: list(whole(i, 0), whole(i, -1)), err: "0 is raised to a negative power"},
		{name: "unsigned base", op: "Pow", in: list(whole(u, 2), whole(u, 2)), err: "a base of type uint8 with an exponent of type uint8"},
	})
}

func TestRounding(t *testing.T) {
	d := tensor.Float32
	meet(t, []expectation{
		{name: "half to even", op: "Round", in: list(f32s(0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6)), want: list(f32s(0, 2, 2, 0, -2, 2, -3))},
		{op: "Round", in: list(floats(d, inf, nan)), want: list(floats(d, inf, nan))},
		{op: "Floor", in: list(f32s(1.5, -1.5, 2)), want: list(f32s(1, -2, 2))},
		{op: "Ceil", in: list(f32s(1.5, -1.5, 2)), want: list(f32s(2, -1, 2))},
		{name: "half precision", op: "Add", in: list(floats(tensor.Float16, 2048), floats(tensor.Float16, 1)), want: list(floats(tensor.Float16, 2048))},
		{name: "bfloat16", op: "Mul", in: list(floats(tensor.BFloat16, 1.0078125), floats(tensor.BFloat16, 1.0078125)), want: list(floats(tensor.BFloat16, 1.015625))},
		{name: "overflow", op: "Mul", in: list(floats(tensor.Float16, 60000), floats(tensor.Float16, 2)), want: list(floats(tensor.Float16, inf))},
	})
	got, err := operate("Round", 1, nil, floats(tensor.Float64, -0.25))
	require.NoError(t, err)
	assert.True(t, math.Signbit(got[0].(*tensor.Tensor).Float64s()[0]), "-0.25 rounds to -0")
}

func TestExtremesAndSums(t *testing.T) {
	d := tensor.Float32
	a, b := floats(d, 1, nan, inf, -inf), floats(d, 2, 1, nan, nan)
	meet(t, []expectation{
		{name: "NaN passes", op: "Max", in: list(a, b), want: list(floats(d, 2, nan, nan, nan))},
		{name: "NaN passes", op: "Min", in: list(a, b), want: list(floats(d, 1, nan, nan, nan))},
		{name: "one operand", op: "Max", in: list(a), want: list(a)},
		{name: "broadcast", op: "Min", in: list(shaped(f64(1, 5), 2, 1), f64(3, 4), tensor.Scalar(3.5)), want: list(shaped(f64(1, 1, 3, 3.5), 2, 2))},
		{name: "integers", op: "Max", in: list(whole(tensor.Int8, -5, 5), whole(tensor.Int8, 0)), want: list(whole(tensor.Int8, 0, 5))},
		{name: "rounds once", op: "Sum", in: list(floats(tensor.Float16, 2048), floats(tensor.Float16, 1), floats(tensor.Float16, 1)), want: list(floats(tensor.Float16, 2050))},
		{name: "does not overflow", op: "Mean", in: list(floats(tensor.Float16, 60000), floats(tensor.Float16, 60000)), want: list(floats(tensor.Float16, 60000))},
		{name: "broadcast", op: "Sum", in: list(f64(1, 2), shaped(f64(10, 20), 2, 1)), want: list(shaped(f64(11, 12, 21, 22), 2, 2))},
		{name: "empty", op: "Sum", in: list(nothing(0, 3), counting(1, 3)), want: list(nothing(0, 3))},
		{name: "mixed types", op: "Sum", in: list(f32s(1), f64(1)), err: "input 1 is of type float64"},
		{name: "mixed types", op: "Max", in: list(f32s(1), f64(1)), err: "different types, float32 and float64"},
	})
}

func TestBitShift(t *testing.T) {
	left, right := attrs(graph.A("direction", "LEFT")), attrs(graph.A("direction", "RIGHT"))
	u := tensor.Uint8
	meet(t, []expectation{
		{op: "BitShift", attrs: left, in: list(whole(u, 1, 129, 255, 1), whole(u, 3, 1, 8, 200)), want: list(whole(u, 8, 2, 0, 0))},
		{op: "BitShift", attrs: right, in: list(whole(u, 255, 8, 255), whole(u, 4, 3, 8)), want: list(whole(u, 15, 1, 0))},
		{name: "64 bits", op: "BitShift", attrs: right, in: list(tensor.Of([]uint64{1 << 63, 1 << 63}), tensor.Of([]uint64{63, 64})), want: list(tensor.Of([]uint64{1, 0}))},
		{op: "BitShift", attrs: attrs(graph.A("direction", "UP")), in: list(whole(u, 1), whole(u, 1)), err: `direction is "UP"`},
	})
}

func TestElementaryFunctions(t *testing.T) {
	tests := []struct {
		op      string
		x, want float64
	}{
		{"Sqrt", 2, math.Sqrt2}, {"Sqrt", -1, nan}, {"Exp", 1, math.E}, {"Exp", -inf, 0}, {"Log", math.E, 1}, {"Log", 0, -inf}, {"Log", -1, nan},
		{"Erf", 0.5, 0.5204998778130465}, {"Erf", -inf, -1}, {"Neg", 2, -2}, {"Abs", -2, 2}, {"Sign", -0.1, -1}, {"Sign", nan, nan},
		{"Sin", math.Pi / 6, 0.5}, {"Cos", math.Pi / 3, 0.5}, {"Tan", math.Pi / 4, 1}, {"Asin", 0.5, math.Pi / 6}, {"Asin", 2, nan},
		{"Acos", 0.5, math.Pi / 3}, {"Atan", inf, math.Pi / 2}, {"Sinh", 1, (math.E - 1/math.E) / 2}, {"Cosh", 1, (math.E + 1/math.E) / 2},
		{"Tanh", math.Log(2), 0.6}, {"Asinh", 0.75, math.Log(2)}, {"Acosh", 1.25, math.Log(2)}, {"Acosh", 0.5, nan},
		{"Atanh", 0.6, math.Log(2)}, {"Atanh", 1, inf},
	}
	for _, c := range tests {
		for d, tolerance := range map[tensor.DType]float64{tensor.Float64: 1e-14, tensor.Float32: 2e-7, tensor.Float16: 2e-3, tensor.BFloat16: 2e-2} {
			got, err := operate(c.op, 1, nil, floats(d, c.x))
			require.NoError(t, err)
			out := got[0].(*tensor.Tensor)
			assert.Equal(t, d, out.DType())
			switch v := out.Float64s()[0]; {
			case math.IsNaN(c.want):
				assert.True(t, math.IsNaN(v), "%s(%v) of %v", c.op, c.x, d)
			case math.IsInf(c.want, 0):
				assert.Equal(t, c.want, v, "%s(%v) of %v", c.op, c.x, d)
			default:
				assert.InDelta(t, c.want, v, tolerance*3, "%s(%v) of %v", c.op, c.x, d)
			}
		}
	}
	meet(t, []expectation{
		{name: "integers", op: "Sqrt", in: list(i64(4)), err: "elements of type int64 are not defined"},
		{name: "scalar", op: "Exp", in: list(tensor.Scalar(float32(0))), want: list(tensor.Scalar(float32(1)))},
		{name: "empty", op: "Exp", in: list(nothing(2, 0)), want: list(nothing(2, 0))},
		{name: "extents", op: "Add", in: list(counting(2), counting(3)), err: "extents 2 and 3 disagree"},
	})
}
