package onnxruntime_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/onnxruntime"
)

// dtypes are all element types but strings and the complex ones, which ONNX
// Runtime has no tensors of.
func dtypes() []tensor.DType {
	var list []tensor.DType
	for d := tensor.Float32; d <= tensor.Int2; d++ {
		if d != tensor.String && !d.IsComplex() {
			list = append(list, d)
		}
	}
	return list
}

// filled is a tensor whose bytes count up, with the unused bits of the last one
// zero.
func filled(d tensor.DType, shape ...int) *tensor.Tensor {
	t := tensor.Zeros(d, shape)
	b := t.Bytes()
	for i := range b {
		b[i] = byte(i + 1)
		if d == tensor.Bool {
			b[i] &= 1
		}
	}
	if unused := (t.Len() * d.Bits()) % 8; d.Packed() && unused != 0 && len(b) > 0 {
		b[len(b)-1] &= 1<<unused - 1
	}
	return t
}

func TestTensorsOfEveryType(t *testing.T) {
	dev := open(t, nil)
	for _, d := range dtypes() {
		for _, shape := range []tensor.Shape{{}, {7}, {2, 0, 3}, {1, 2, 3, 1, 1}} {
			in := filled(d, shape...)
			out, err := onnxruntime.RoundTrip(dev, in, in.Type())
			if assert.NoError(t, err, "%v", in.Type()) {
				assert.Equal(t, in, out, "%v", in.Type())
			}
		}
	}
}

func TestComplexTensorsAreRefused(t *testing.T) {
	for _, in := range []*tensor.Tensor{tensor.Of([]complex64{1i}), tensor.Of([]complex128{1i})} {
		_, err := onnxruntime.RoundTrip(open(t, nil), in, in.Type())
		assert.ErrorContains(t, err, "CreateTensorWithDataAsOrtValue", "%v", in.Type())
	}
}

func TestStrings(t *testing.T) {
	dev := open(t, nil)
	for _, in := range []*tensor.Tensor{
		tensor.Of([]string{"a", "", "naïve", "zero\x00inside", "\xff no UTF-8"}),
		tensor.Of([]string{"a", "b", "c", "d"}, 2, 2),
		tensor.Of([]string{}, 0, 3),
		tensor.Of([]string{""}),
		tensor.Scalar("one"),
	} {
		out, err := onnxruntime.RoundTrip(dev, in, in.Type())
		require.NoError(t, err, "%v", in)
		assert.Equal(t, in, out)
	}
}

func TestSequences(t *testing.T) {
	dev := open(t, nil)
	for _, d := range append(dtypes(), tensor.String) {
		elem := tensor.TensorType(d, nil)
		in := &tensor.Sequence{Elem: elem, Items: []tensor.Value{tensor.Zeros(d, tensor.Shape{2}), tensor.Zeros(d, tensor.Shape{}), tensor.Zeros(d, tensor.Shape{0, 1})}}
		out, err := onnxruntime.RoundTrip(dev, in, in.Type())
		if assert.NoError(t, err, "%v", in.Type()) {
			assert.Equal(t, in, out)
		}
	}
}

func TestEmptySequences(t *testing.T) {
	dev := open(t, nil)
	for _, d := range []tensor.DType{tensor.Float32, tensor.Int64, tensor.String, tensor.Bool} {
		in := &tensor.Sequence{Elem: tensor.TensorType(d, nil)}
		out, err := onnxruntime.RoundTrip(dev, in, in.Type())
		require.NoError(t, err, "%v", in.Type())
		assert.Equal(t, in, out)
	}
	_, err := onnxruntime.RoundTrip(dev, &tensor.Sequence{}, tensor.Type{})
	assert.ErrorContains(t, err, "cannot make an empty sequence(unknown)")
}

func TestMaps(t *testing.T) {
	dev := open(t, nil)
	for _, in := range []*tensor.Map{
		{Keys: tensor.Of([]int64{1, 2, 9}), Values: tensor.Of([]float32{3, 4, 5})},
		{Keys: tensor.Of([]string{"a", "b"}), Values: tensor.Of([]int64{3, 4})},
		{Keys: tensor.Of([]string{"a", "b"}), Values: tensor.Of([]string{"x", ""})},
		{Keys: tensor.Of([]int64{-1}), Values: tensor.Of([]float64{0.5})},
	} {
		out, err := onnxruntime.RoundTrip(dev, in, in.Type())
		require.NoError(t, err, "%v", in.Type())
		assert.Equal(t, in, out)
	}
	list := &tensor.Sequence{Elem: tensor.MapType(tensor.Int64, tensor.TensorType(tensor.Float32, tensor.Dims{})), Items: []tensor.Value{
		&tensor.Map{Keys: tensor.Of([]int64{1, 2}), Values: tensor.Of([]float32{3, 4})},
		&tensor.Map{Keys: tensor.Of([]int64{7}), Values: tensor.Of([]float32{8})},
	}}
	out, err := onnxruntime.RoundTrip(dev, list, list.Type())
	require.NoError(t, err)
	assert.Equal(t, list, out)
}

func TestOptionals(t *testing.T) {
	dev := open(t, nil)
	elem := tensor.TensorType(tensor.Float32, nil)
	in := &tensor.Optional{Elem: elem, Item: tensor.Of([]float32{1, 2})}
	out, err := onnxruntime.RoundTrip(dev, in, in.Type())
	require.NoError(t, err)
	assert.Equal(t, in, out)
}
