package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// to lists the attributes of a Cast.
func to(d tensor.DType, more ...graph.Attribute) []graph.Attribute {
	return append(attrs(graph.A("to", int64(d))), more...)
}

func TestCastBetweenNumbers(t *testing.T) {
	i8, u8, i16, b := tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Bool
	f, h, bf, d := tensor.Float32, tensor.Float16, tensor.BFloat16, tensor.Float64
	meet(t, []expectation{
		{name: "towards zero", op: "Cast", attrs: to(i8), in: list(f32s(1.9, -1.9, 127)), want: list(whole(i8, 1, -1, 127))},
		{name: "higher bits go", op: "Cast", attrs: to(i8), in: list(whole(i16, 200, -129)), want: list(whole(i8, -56, 127))},
		{name: "higher bits of reals go", op: "Cast", attrs: to(u8), in: list(f32s(-1, 256, 1e10)), want: list(whole(u8, 255, 0, 0))},
		{name: "no integer", op: "Cast", attrs: to(tensor.Int64), in: list(floats(d, nan, inf, -inf)), want: list(i64(0, 0, 0))},
		{name: "beyond 64 bits", op: "Cast", attrs: to(tensor.Int64), in: list(floats(d, 0x1p64+0x1p13, -0x1p63)), want: list(i64(0x1p13, math.MinInt64))},
		{name: "large", op: "Cast", attrs: to(tensor.Uint64), in: list(floats(d, 0x1p63)), want: list(tensor.Of([]uint64{1 << 63}))},
		{name: "large", op: "Cast", attrs: to(d), in: list(tensor.Of([]uint64{math.MaxUint64})), want: list(floats(d, 0x1p64))},
		{name: "rounded once", op: "Cast", attrs: to(f), in: list(i64(1<<54+1<<30+1, -(1<<54 + 1<<30 + 1), 1<<54+1<<30)), want: list(floats(f, 0x1p54+0x1p31, -0x1p54-0x1p31, 0x1p54))},
		{name: "rounded once", op: "Cast", attrs: to(f), in: list(tensor.Of([]uint64{1<<63 + 1<<39 + 1})), want: list(floats(f, 0x1p63+0x1p40))},
		{name: "rounded once", op: "Cast", attrs: to(h), in: list(floats(d, 1+0x1p-11+0x1p-40)), want: list(floats(h, 1+0x1p-10))},
		{name: "beyond half", op: "Cast", attrs: to(h), in: list(whole(tensor.Int32, 65519, 65520, -70000)), want: list(floats(h, 65504, inf, -inf))},
		{name: "exact", op: "Cast", attrs: to(f), in: list(floats(bf, 0.15625, nan, -inf)), want: list(floats(f, 0.15625, nan, -inf))},
		{name: "to truth", op: "Cast", attrs: to(b), in: list(f32s(0, float32(negZero), 0.1, float32(nan))), want: list(bools(false, false, true, true))},
		{name: "to truth", op: "Cast", attrs: to(b), in: list(whole(i16, 0, 256, -1)), want: list(bools(false, true, true))},
		{name: "from truth", op: "Cast", attrs: to(bf), in: list(bools(true, false)), want: list(floats(bf, 1, 0))},
		{name: "from truth", op: "Cast", attrs: to(i8), in: list(bools(true, false)), want: list(whole(i8, 1, 0))},
		{name: "same type", op: "Cast", attrs: to(f), in: list(f32s(1)), want: list(f32s(1))},
		{name: "empty", op: "Cast", attrs: to(i8), in: list(nothing(0, 2)), want: list(tensor.Zeros(i8, tensor.Shape{0, 2}))},
		{name: "complex", op: "Cast", attrs: to(tensor.Complex64), in: list(f32s(1)), err: "a cast from float32 to complex64 is not defined"},
		{name: "no type", op: "Cast", attrs: to(99), in: list(f32s(1)), err: "not defined"},
	})
}

func TestCastToPackedIntegers(t *testing.T) {
	i4, u4, i2, u2 := tensor.Int4, tensor.Uint4, tensor.Int2, tensor.Uint2
	meet(t, []expectation{
		{name: "half to even", op: "Cast", attrs: to(i4), in: list(f32s(0.5, 1.5, 2.5, -0.5, -2.5)), want: list(whole(i4, 0, 2, 2, 0, -2))},
		{name: "higher bits go", op: "Cast", attrs: to(i4), in: list(f32s(8, -9, 7.5)), want: list(whole(i4, -8, 7, -8))},
		{op: "Cast", attrs: to(u4), in: list(whole(tensor.Int8, -1, 16, 15)), want: list(whole(u4, 15, 0, 15))},
		{op: "Cast", attrs: to(i2), in: list(f32s(-2, -1, 1, 2, 3)), want: list(whole(i2, -2, -1, 1, -2, -1))},
		{op: "Cast", attrs: to(u2), in: list(f32s(3, 4, 5)), want: list(whole(u2, 3, 0, 1))},
		{name: "back", op: "Cast", attrs: to(tensor.Float32), in: list(whole(i4, -8, 7, 0)), want: list(f32s(-8, 7, 0))},
		{name: "back", op: "Cast", attrs: to(tensor.Int64), in: list(whole(u2, 3, 1, 2, 0, 3)), want: list(i64(3, 1, 2, 0, 3))},
	})
}

// The tables of the Cast specification, row by row: 0, -0, NaN, Inf, -Inf,
// beyond the largest value on either side, and a value that rounds.
func TestCastToFloat8(t *testing.T) {
	x := floats(tensor.Float32, 0, negZero, nan, inf, -inf, 1e6, -1e6, 1.1875)
	wrap := graph.A("saturate", int64(0))
	tests := []struct {
		d               tensor.DType
		saturated, free []float64
	}{
		{tensor.Float8E4M3FN, []float64{0, negZero, nan, 448, -448, 448, -448, 1.25}, []float64{0, negZero, nan, nan, nan, nan, nan, 1.25}},
		{tensor.Float8E4M3FNUZ, []float64{0, 0, nan, 240, -240, 240, -240, 1.25}, []float64{0, 0, nan, nan, nan, nan, nan, 1.25}},
		{tensor.Float8E5M2, []float64{0, negZero, nan, 57344, -57344, 57344, -57344, 1.25}, []float64{0, negZero, nan, inf, -inf, inf, -inf, 1.25}},
		{tensor.Float8E5M2FNUZ, []float64{0, 0, nan, 57344, -57344, 57344, -57344, 1.25}, []float64{0, 0, nan, nan, nan, nan, nan, 1.25}},
	}
	for _, c := range tests {
		meet(t, []expectation{
			{name: c.d.String(), op: "Cast", attrs: to(c.d), in: list(x), want: list(floats(c.d, c.saturated...))},
			{name: c.d.String() + " unsaturated", op: "Cast", attrs: to(c.d, wrap), in: list(x), want: list(floats(c.d, c.free...))},
			{name: c.d.String(), op: "CastLike", in: list(x, floats(c.d)), want: list(floats(c.d, c.saturated...))},
		})
	}
	f4 := tensor.Float4E2M1
	meet(t, []expectation{
		{name: "saturates", op: "Cast", attrs: to(f4), in: list(floats(tensor.Float32, 5, 100, -inf, 2.5, 0.25)), want: list(floats(f4, 4, 6, -6, 2, 0))},
	})
}

func TestCastToScale(t *testing.T) {
	d := tensor.Float8E8M0
	most, least := 0x1p127, 0x1p-127
	x := floats(tensor.Float64, 0, 1, 1.1, 1.5, 1.9, 2, 0x1p127*1.9, inf, nan, 0x1p-130)
	mode := func(m string) graph.Attribute { return graph.A("round_mode", m) }
	wrap := graph.A("saturate", int64(0))
	tests := []struct {
		name  string
		attrs []graph.Attribute
		want  []float64
	}{
		{"up", nil, []float64{least, 1, 2, 2, 2, 2, most, most, nan, least}},
		{"down", attrs(mode("down")), []float64{least, 1, 1, 1, 1, 2, most, most, nan, least}},
		{"nearest", attrs(mode("nearest")), []float64{least, 1, 1, 2, 2, 2, most, most, nan, least}},
		{"nearest unsaturated", attrs(mode("nearest"), wrap), []float64{nan, 1, 1, 2, 2, 2, nan, nan, nan, nan}},
		{"down unsaturated", attrs(mode("down"), wrap), []float64{nan, 1, 1, 1, 1, 2, most, nan, nan, nan}},
	}
	for _, c := range tests {
		got, err := operate("Cast", 1, to(d, c.attrs...), x)
		require.NoError(t, err)
		for i, v := range got[0].(*tensor.Tensor).Float64s() {
			if math.IsNaN(c.want[i]) {
				assert.True(t, math.IsNaN(v), "%s of %v is %v", c.name, x.Float64s()[i], v)
			} else {
				assert.Equal(t, c.want[i], v, "%s of %v", c.name, x.Float64s()[i])
			}
		}
	}
	_, err := operate("Cast", 1, to(d, mode("sideways")), x)
	assert.ErrorContains(t, err, `round_mode is "sideways"`)
}

func TestCastOfStrings(t *testing.T) {
	text := func(v ...string) *tensor.Tensor { return tensor.Of(v, len(v)) }
	f, d, s := tensor.Float32, tensor.Float64, tensor.String
	meet(t, []expectation{
		{name: "reals", op: "Cast", attrs: to(f), in: list(text("3.14", "-1e-5", "1E8", "+INF", "inf", "-Inf", "nan", "1e99")),
			want: list(floats(f, 3.14, -1e-5, 1e8, inf, inf, -inf, nan, inf))},
		{name: "rounded once", op: "Cast", attrs: to(f), in: list(text("1.00000005960464477540")), want: list(floats(f, 1+0x1p-23))},
		{name: "integers", op: "Cast", attrs: to(tensor.Int64), in: list(text("-9223372036854775808", "100.5", "1e3")), want: list(i64(math.MinInt64, 100, 1000))},
		{name: "large", op: "Cast", attrs: to(tensor.Uint64), in: list(text("18446744073709551615")), want: list(tensor.Of([]uint64{math.MaxUint64}))},
		{name: "truth", op: "Cast", attrs: to(tensor.Bool), in: list(text("0", "1", "-7")), want: list(bools(false, true, true))},
		{name: "narrow", op: "Cast", attrs: to(tensor.Float8E5M2), in: list(text("1e9", "0.25")), want: list(floats(tensor.Float8E5M2, 57344, 0.25))},
		{name: "no number", op: "Cast", attrs: to(f), in: list(text("Hello World!")), err: `the string "Hello World!" is no number`},
		{name: "no number", op: "Cast", attrs: to(tensor.Int8), in: list(text("")), err: `the string "" is no number`},

		{name: "from reals", op: "Cast", attrs: to(s), in: list(floats(d, 314.15926, -0.5, 3, 1e21, 1e-7, nan, inf, -inf)),
			want: list(text("314.15926", "-0.5", "3", "1000000000000000000000", "0.0000001", "NaN", "INF", "-INF"))},
		{name: "fewest digits", op: "Cast", attrs: to(s), in: list(f32s(0.1)), want: list(text("0.1"))},
		{name: "fewest digits", op: "Cast", attrs: to(s), in: list(floats(tensor.Float16, 0.1, 65504, 3)), want: list(text("0.1", "65500", "3"))},
		{name: "fewest digits", op: "Cast", attrs: to(s), in: list(floats(tensor.Float8E4M3FN, 0.1, nan, 448)), want: list(text("0.1", "NaN", "450"))},
		{name: "from integers", op: "Cast", attrs: to(s), in: list(tensor.Of([]uint64{math.MaxUint64, 0})), want: list(text("18446744073709551615", "0"))},
		{name: "from integers", op: "Cast", attrs: to(s), in: list(whole(tensor.Int4, -8, 7)), want: list(text("-8", "7"))},
		{name: "from truth", op: "Cast", attrs: to(s), in: list(bools(true, false)), want: list(text("1", "0"))},
	})
}

func TestBitCast(t *testing.T) {
	bits := int64(math.Float64bits(-2.5))
	meet(t, []expectation{
		{op: "BitCast", attrs: to(tensor.Int32), in: list(f32s(1, float32(negZero))), want: list(whole(tensor.Int32, 0x3F800000, math.MinInt32))},
		{op: "BitCast", attrs: to(tensor.Float64), in: list(i64(bits)), want: list(f64(-2.5))},
		{op: "BitCast", attrs: to(tensor.Uint8), in: list(bools(true, false)), want: list(whole(tensor.Uint8, 1, 0))},
		{op: "BitCast", attrs: to(tensor.Bool), in: list(whole(tensor.Uint8, 0, 1, 2)), want: list(bools(false, true, true))},
		{op: "BitCast", attrs: to(tensor.BFloat16), in: list(whole(tensor.Uint16, 0x3F80)), want: list(floats(tensor.BFloat16, 1))},
		{name: "packed", op: "BitCast", attrs: to(tensor.Uint4), in: list(whole(tensor.Int4, -1, 7, -8)), want: list(whole(tensor.Uint4, 15, 7, 8))},
		{name: "complex", op: "BitCast", attrs: to(tensor.Int64), in: list(tensor.Of([]complex64{0})), want: list(i64(0))},
		{name: "same type", op: "BitCast", attrs: to(tensor.Bool), in: list(bools(true)), want: list(bools(true))},
		{name: "widths", op: "BitCast", attrs: to(tensor.Int64), in: list(f32s(1)), err: "float32 (32 wide) as int64 (64 wide)"},
		{name: "strings", op: "BitCast", attrs: to(tensor.String), in: list(tensor.Of([]string{"a"})), err: "cannot read the bits of string"},
	})
}
