package gorgonia_test

import (
	"errors"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gtensor "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/gorgonia"
)

// shares fails the test unless d and t, both made of the memory of backing,
// still see it.
func shares[T comparable](t *testing.T, backing []T, got []T) {
	t.Helper()
	require.Len(t, got, len(backing))
	assert.Same(t, unsafe.SliceData(backing), unsafe.SliceData(got))
}

// there and back converts a Dense of two elements, and a scalar.
func thereAndBack[T tensor.Element](t *testing.T, a, b T) {
	want := tensor.DTypeOf[T]()
	t.Run(want.String(), func(t *testing.T) {
		backing := []T{a, b}
		x, err := gorgonia.Tensor(gtensor.New(gtensor.WithShape(1, 2), gtensor.WithBacking(backing)))
		require.NoError(t, err)
		assert.Equal(t, want, x.DType())
		assert.Equal(t, tensor.Shape{1, 2}, x.Shape())
		shares(t, backing, tensor.Slice[T](x))

		d, err := gorgonia.Dense(x)
		require.NoError(t, err)
		assert.Equal(t, gtensor.Shape{1, 2}, d.Shape())
		shares(t, backing, d.Data().([]T))
		backing[1] = a
		assert.Equal(t, []T{a, a}, d.Data())

		scalar, err := gorgonia.Dense(tensor.Scalar(b))
		require.NoError(t, err)
		assert.Equal(t, b, scalar.ScalarValue())
		x, err = gorgonia.Tensor(scalar)
		require.NoError(t, err)
		assert.Equal(t, tensor.Scalar(b), x)
	})
}

func TestTypes(t *testing.T) {
	thereAndBack(t, true, false)
	thereAndBack[int8](t, math.MinInt8, 1)
	thereAndBack[int16](t, math.MinInt16, 1)
	thereAndBack[int32](t, math.MinInt32, 1)
	thereAndBack[int64](t, math.MinInt64, 1)
	thereAndBack[uint8](t, math.MaxUint8, 1)
	thereAndBack[uint16](t, math.MaxUint16, 1)
	thereAndBack[uint32](t, math.MaxUint32, 1)
	thereAndBack[uint64](t, math.MaxUint64, 1)
	thereAndBack(t, float32(math.Inf(1)), -0.5)
	thereAndBack(t, math.Inf(-1), 0.5)
	thereAndBack[complex64](t, 1-2i, 3)
	thereAndBack[complex128](t, 1-2i, 3)
	thereAndBack(t, "né", "")
}

// Go's own integers are those of 64 bits in the same memory, where they have as
// many.
func TestMachineIntegers(t *testing.T) {
	ints, uints := []int{-1, 2}, []uint{math.MaxUint, 2}
	x, err := gorgonia.Tensor(gtensor.New(gtensor.WithBacking(ints)))
	require.NoError(t, err)
	y, err := gorgonia.Tensor(gtensor.New(gtensor.WithBacking(uints)))
	require.NoError(t, err)
	if unsafe.Sizeof(0) == 4 {
		assert.Equal(t, tensor.Of([]int32{-1, 2}), x)
		assert.Equal(t, tensor.Of([]uint32{math.MaxUint32, 2}), y)
		return
	}
	assert.Equal(t, tensor.Of([]int64{-1, 2}), x)
	assert.Equal(t, tensor.Of([]uint64{math.MaxUint64, 2}), y)
	ints[0] = 7
	assert.Equal(t, int64(7), tensor.Slice[int64](x)[0])
}

func TestEmpty(t *testing.T) {
	for _, shape := range []tensor.Shape{{0}, {2, 0, 3}} {
		d, err := gorgonia.Dense(tensor.Zeros(tensor.Float32, shape))
		require.NoError(t, err)
		assert.Equal(t, []int(shape), []int(d.Shape()))
		x, err := gorgonia.Tensor(d)
		require.NoError(t, err)
		assert.Equal(t, shape, x.Shape())
		assert.Zero(t, x.Len())
	}
	x, err := gorgonia.Tensor(gtensor.New(gtensor.WithShape(0, 3), gtensor.Of(gtensor.Int64)))
	require.NoError(t, err)
	assert.Equal(t, tensor.Zeros(tensor.Int64, tensor.Shape{0, 3}), x)
}

// matrix is 0 1 2 3 / 10 11 12 13 / 20 21 22 23.
func matrix() *gtensor.Dense {
	return gtensor.New(gtensor.WithShape(3, 4), gtensor.WithBacking([]float32{0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}))
}

func slice(t *testing.T, d *gtensor.Dense, slices ...gtensor.Slice) *gtensor.Dense {
	t.Helper()
	v, err := d.Slice(slices...)
	require.NoError(t, err)
	return v.(*gtensor.Dense)
}

func TestLayouts(t *testing.T) {
	transposed, moved := matrix(), matrix()
	require.NoError(t, transposed.T())
	require.NoError(t, moved.T())
	require.NoError(t, moved.Transpose())
	cube := gtensor.New(gtensor.WithShape(2, 1, 3), gtensor.WithBacking([]float32{0, 1, 2, 3, 4, 5}))
	require.NoError(t, cube.T(2, 1, 0))
	tests := map[string]struct {
		from   *gtensor.Dense
		shape  []int
		want   []float32
		copied bool
	}{
		"whole":         {matrix(), []int{3, 4}, []float32{0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}, false},
		"row":           {slice(t, matrix(), gtensor.S(1)), []int{4}, []float32{10, 11, 12, 13}, false},
		"rows":          {slice(t, matrix(), gtensor.S(1, 3)), []int{2, 4}, []float32{10, 11, 12, 13, 20, 21, 22, 23}, false},
		"element":       {slice(t, matrix(), gtensor.S(1), gtensor.S(2)), []int{}, []float32{12}, false},
		"column":        {slice(t, matrix(), nil, gtensor.S(1)), []int{3}, []float32{1, 11, 21}, true},
		"columns":       {slice(t, matrix(), nil, gtensor.S(1, 3)), []int{3, 2}, []float32{1, 2, 11, 12, 21, 22}, true},
		"every other":   {slice(t, matrix(), nil, gtensor.S(0, 4, 2)), []int{3, 2}, []float32{0, 2, 10, 12, 20, 22}, true},
		"transposed":    {transposed, []int{4, 3}, []float32{0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23}, true},
		"moved":         {moved, []int{4, 3}, []float32{0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23}, false},
		"three axes":    {cube, []int{3, 1, 2}, []float32{0, 3, 1, 4, 2, 5}, true},
		"column-major":  {gtensor.New(gtensor.WithShape(2, 3), gtensor.AsFortran([]float32{1, 2, 3, 4, 5, 6})), []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}, true},
		"column vector": {gtensor.New(gtensor.WithShape(3, 1), gtensor.AsFortran([]float32{1, 2, 3})), []int{3, 1}, []float32{1, 2, 3}, false},
		"one element":   {gtensor.New(gtensor.WithShape(1, 1), gtensor.AsFortran([]float32{1})), []int{1, 1}, []float32{1}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			x, err := gorgonia.Tensor(test.from)
			require.NoError(t, err)
			assert.Equal(t, tensor.Of(test.want, test.shape...), x)
			same := uintptr(unsafe.Pointer(unsafe.SliceData(tensor.Slice[float32](x)))) == test.from.Uintptr()
			assert.Equal(t, !test.copied, same, "shares its memory")
		})
	}
}

// far is an engine whose memory Go cannot reach.
type far struct{ gtensor.StdEng }

func (far) AllocAccessible() bool { return false }

func TestNoCounterpart(t *testing.T) {
	type own float32
	csr := gtensor.CSRFromCoord(gtensor.Shape{2, 2}, []int{0, 1}, []int{0, 1}, []float32{1, 2})
	tests := map[string]struct {
		x    gtensor.Tensor
		says string
		typ  bool
	}{
		"uintptr": {gtensor.New(gtensor.WithShape(2), gtensor.Of(gtensor.Uintptr)), "uintptr", true},
		"own":     {gtensor.New(gtensor.WithBacking([]own{1})), "gorgonia_test.own", true},
		"struct":  {gtensor.New(gtensor.WithBacking([]struct{ a int }{{1}})), "struct", true},
		"masked":  {gtensor.New(gtensor.WithBacking([]float32{1, 2}, []bool{true, false})), "masked", false},
		"far":     {gtensor.New(gtensor.WithEngine(far{}), gtensor.WithBacking([]float32{1})), "cannot reach", false},
		"sparse":  {csr, "*tensor.CS", false},
		"nil":     {(*gtensor.Dense)(nil), "*tensor.Dense", false},
		"none":    {nil, "<nil>", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			x, err := gorgonia.Tensor(test.x)
			require.ErrorContains(t, err, test.says)
			assert.Nil(t, x)
			assert.Equal(t, test.typ, errors.Is(err, gorgonia.ErrType))
		})
	}
	for d := tensor.DType(0); d.Valid() || d == tensor.Undefined; d++ {
		switch {
		case d == tensor.Undefined, d <= tensor.Complex128 && d != tensor.Float16:
			continue
		}
		_, err := gorgonia.Dense(tensor.Zeros(d, tensor.Shape{2}))
		require.ErrorIs(t, err, gorgonia.ErrType)
		assert.ErrorContains(t, err, d.String())
	}
}

// A mask of which nothing is masked does not matter.
func TestEmptyMask(t *testing.T) {
	x, err := gorgonia.Tensor(gtensor.New(gtensor.WithBacking([]float32{1, 2}, []bool{false, false})))
	require.NoError(t, err)
	assert.Equal(t, tensor.Of([]float32{1, 2}), x)
}
