package tensor_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

func TestDTypes(t *testing.T) {
	for d := tensor.Float32; d <= tensor.Int2; d++ {
		require.True(t, d.Valid())
		for _, name := range []string{d.String(), d.ONNXName()} {
			got, err := tensor.ParseDType(name)
			require.NoError(t, err)
			assert.Equal(t, d, got)
		}
		kinds := 0
		for _, is := range []bool{d.IsFloat(), d.IsInteger(), d.IsComplex(), d == tensor.Bool, d == tensor.String} {
			if is {
				kinds++
			}
		}
		assert.Equal(t, 1, kinds, "%v is of one kind", d)
	}
	assert.False(t, tensor.Undefined.Valid())
	assert.False(t, tensor.DType(27).Valid())
	_, err := tensor.ParseDType("float7")
	require.ErrorContains(t, err, "float7")
	assert.Equal(t, 3, tensor.Int4.Bytes(5))
	assert.Equal(t, 2, tensor.Uint2.Bytes(5))
	assert.Equal(t, 16, tensor.Complex128.Bytes(1))
}

func TestShapeElements(t *testing.T) {
	tests := []struct {
		shape tensor.Shape
		want  int
		fails string
	}{
		{tensor.Shape{}, 1, ""},
		{nil, 1, ""},
		{tensor.Shape{2, 3}, 6, ""},
		{tensor.Shape{math.MaxInt, 0, math.MaxInt}, 0, ""},
		{tensor.Shape{math.MaxInt, 2}, 0, "too large"},
		{tensor.Shape{2, -1}, 0, "axis 1"},
	}
	for _, c := range tests {
		n, err := c.shape.Elements()
		if c.fails != "" {
			require.ErrorContains(t, err, c.fails)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.want, n)
	}
	assert.Equal(t, []int{12, 4, 1}, tensor.Shape{2, 3, 4}.Strides())
}

func TestDims(t *testing.T) {
	batch := tensor.Dims{tensor.Symbol("batch"), tensor.Known(3), tensor.Symbol("")}
	assert.Equal(t, "[batch,3,?]", batch.String())
	assert.Equal(t, "[...]", tensor.Dims(nil).String())
	assert.True(t, batch.Accepts(tensor.Shape{7, 3, 0}))
	assert.False(t, batch.Accepts(tensor.Shape{7, 4, 0}))
	assert.False(t, batch.Accepts(tensor.Shape{7, 3}))
	assert.True(t, tensor.Dims(nil).Accepts(tensor.Shape{1, 2}))
	_, known := batch.Shape()
	assert.False(t, known)
	scalar, known := tensor.KnownDims(tensor.Shape{}).Shape()
	assert.True(t, known)
	assert.Empty(t, scalar)
	assert.True(t, tensor.Symbol("n").Same(tensor.Symbol("n")))
	assert.False(t, tensor.Symbol("").Same(tensor.Symbol("")))
	assert.False(t, tensor.Known(1).Same(tensor.Symbol("n")))
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		axis       int64
		rank, want int // want -1: outside
	}{{0, 3, 0}, {2, 3, 2}, {-1, 3, 2}, {-3, 3, 0}, {3, 3, -1}, {-4, 3, -1}, {0, 0, -1}, {-1, 0, -1}, {1 << 62, 3, -1}} {
		axis, err := tensor.Axis(c.axis, c.rank)
		if c.want < 0 {
			assert.ErrorContains(t, err, fmt.Sprintf("axis %d is outside [%d, %d)", c.axis, -c.rank, c.rank))
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, c.want, axis)
	}
}

func TestSliceSharesMemory(t *testing.T) {
	data := []float32{1, 2, 3, 4}
	x, err := tensor.FromSlice(tensor.Shape{2, 2}, data)
	require.NoError(t, err)
	tensor.Slice[float32](x)[3] = 9
	assert.Equal(t, float32(9), data[3])
	assert.Len(t, x.Bytes(), 16)
	assert.Panics(t, func() { tensor.Slice[float64](x) })
	_, err = tensor.FromSlice(tensor.Shape{3}, data)
	require.ErrorContains(t, err, "[3]")

	c := x.Clone()
	tensor.Slice[float32](c)[0] = -1
	assert.Equal(t, float32(1), data[0])
	r, err := x.Reshape(tensor.Shape{4})
	require.NoError(t, err)
	tensor.Slice[float32](r)[0] = 7
	assert.Equal(t, float32(7), data[0])
	_, err = x.Reshape(tensor.Shape{5})
	require.Error(t, err)
}

func TestFromBytes(t *testing.T) {
	raw := make([]byte, 9)
	raw[1] = 5
	x, err := tensor.FromBytes(tensor.Int32, tensor.Shape{2}, raw[1:]) // off alignment
	require.NoError(t, err)
	assert.Equal(t, []int64{5, 0}, x.Int64s())
	_, err = tensor.FromBytes(tensor.Int32, tensor.Shape{3}, raw[1:])
	require.ErrorContains(t, err, "12 bytes")
	_, err = tensor.FromBytes(tensor.String, tensor.Shape{0}, nil)
	require.Error(t, err)
	_, err = tensor.FromBytes(tensor.DType(99), tensor.Shape{0}, nil)
	require.Error(t, err)
}

func TestNewRefusesWhatCannotBe(t *testing.T) {
	for _, shape := range []tensor.Shape{{-1}, {math.MaxInt, 3}, {math.MaxInt}, {math.MaxInt / 8}} {
		_, err := tensor.New(tensor.Float64, shape)
		require.Error(t, err, shape)
		_, err = tensor.New(tensor.String, shape)
		require.Error(t, err, shape)
	}
	_, err := tensor.New(tensor.Undefined, tensor.Shape{1})
	require.Error(t, err)
}

// Integers of every width survive the way to int64 and back, packed ones too.
func TestIntegersConvert(t *testing.T) {
	for _, d := range []tensor.DType{
		tensor.Int2, tensor.Int4, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64,
		tensor.Uint2, tensor.Uint4, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64,
	} {
		values := []int64{0, 1, 1, 0, 1}
		if d.IsSigned() {
			low := int64(-1) << (d.Bits() - 1)
			values = []int64{0, low, -low - 1, -1, 1}
		} else {
			values[3] = int64(uint64(1)<<d.Bits() - 1) // all ones; uint64 keeps its bits
		}
		x := tensor.FromInt64s(d, tensor.Shape{5}, values)
		assert.Equal(t, values, x.Int64s(), d)
		assert.Len(t, x.Bytes(), d.Bytes(5))
	}
	wrapped := tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{8, -9, 17})
	assert.Equal(t, []int64{-8, 7, 1}, wrapped.Int64s())
	assert.Equal(t, []byte{0x78, 0x01}, wrapped.Bytes())
}

func TestFloatsConvert(t *testing.T) {
	values := []float64{0, 1, -2.5, math.Inf(1), 1e300}
	for d, want := range map[tensor.DType][]float64{
		tensor.Float64:  values,
		tensor.Float32:  {0, 1, -2.5, math.Inf(1), math.Inf(1)},
		tensor.Float16:  {0, 1, -2.5, math.Inf(1), math.Inf(1)},
		tensor.BFloat16: {0, 1, -2.5, math.Inf(1), math.Inf(1)},
	} {
		assert.Equal(t, want, tensor.FromFloat64s(d, tensor.Shape{5}, values).Float64s(), d)
	}
	assert.Equal(t, []float64{0, 1, 1}, tensor.FromFloat64s(tensor.Bool, tensor.Shape{3}, []float64{0, -1, 0.5}).Float64s())
	assert.Equal(t, []int64{-1, 1}, tensor.Of([]float32{-1.9, 1.9}).Int64s())
	assert.Equal(t, []float64{math.MaxUint64}, tensor.Of([]uint64{math.MaxUint64}).Float64s())
	assert.Panics(t, func() { tensor.Of([]string{"x"}).Float64s() })
}

func TestHalfPrecisionValues(t *testing.T) {
	for code := range 1 << 16 {
		want := tensor.DecodeFloat(tensor.Float16, code)
		got := float64(tensor.F16(code).Float32())
		if math.IsNaN(want) {
			require.True(t, math.IsNaN(got), "%#x", code)
			continue
		}
		require.Equal(t, want, got, "%#x", code)
		require.Equal(t, tensor.F16(code), tensor.NewF16(float32(got)))
		wide := tensor.BF16(code).Float32()
		if wide == wide {
			require.Equal(t, tensor.BF16(code), tensor.NewBF16(wide))
		}
	}
}

func TestTypesOfValues(t *testing.T) {
	x := tensor.Of([]float32{1, 2})
	seq := &tensor.Sequence{Elem: x.Type(), Items: []tensor.Value{x}}
	m := &tensor.Map{Keys: tensor.Of([]string{"a", "b"}), Values: x}
	for want, v := range map[string]tensor.Value{
		"float32[2]":                     x,
		"sequence(float32[2])":           seq,
		"optional(sequence(float32[2]))": &tensor.Optional{Elem: seq.Type(), Item: seq},
		"map(string, float32[])":         m,
	} {
		assert.Equal(t, want, v.Type().String())
		assert.Equal(t, v != tensor.Value(x), v.Type().HostOnly())
	}
	assert.True(t, tensor.Of([]string{"a"}).Type().HostOnly())
}

func Example() {
	x := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	fmt.Println(x.DType(), x.Shape(), tensor.Slice[float32](x)[4])
	half := tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{0.1, 65520})
	fmt.Println(half)
	// Output:
	// float32 [2,3] 5
	// float16[2][0.0999755859375 +Inf]
}
