package codec_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/codec"
)

// values are of every kind.
func values() []tensor.Value {
	numbers := tensor.Of([]float32{1, -2.5}, 2, 1)
	return []tensor.Value{
		numbers, tensor.Scalar(int64(7)), tensor.Of([]string{"a", "", "über"}), tensor.Zeros(tensor.Float64, tensor.Shape{0, 3}),
		tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 7, 1}), tensor.Of([]complex64{1 + 2i}),
		&tensor.Sequence{Elem: tensor.TensorType(tensor.Float32, nil), Items: []tensor.Value{numbers, numbers}},
		&tensor.Optional{}, &tensor.Optional{Elem: numbers.Type(), Item: numbers},
		&tensor.Map{Keys: tensor.Of([]int64{3, 4}), Values: tensor.Of([]float32{5, 6})}, nil,
	}
}

func TestRoundTrip(t *testing.T) {
	b := codec.All(values())
	got, err := codec.DecodeAll(b)
	require.NoError(t, err)
	assert.Equal(t, values(), got)
	for n := range b {
		_, err := codec.DecodeAll(b[:n])
		assert.Error(t, err, "cut at %d", n)
	}
	_, err = codec.DecodeAll(append(b, 0))
	assert.ErrorContains(t, err, "1 bytes behind the last value")
}

// The bytes are what the package says: here by hand.
func TestBytes(t *testing.T) {
	assert.Equal(t, []byte{1, 1, 5, 2, 1, 2, 1, 0, 255, 255}, codec.All([]tensor.Value{tensor.Of([]int16{1, -1}, 1, 2)}))
	assert.Equal(t, []byte{1, 1, 8, 0, 2, 'h', 'i'}, codec.All([]tensor.Value{tensor.Scalar("hi")}))
}

// Bytes that nobody wrote are an error, however deep and however large what they
// announce is.
func TestHostileBytes(t *testing.T) {
	deep := append([]byte{1}, bytes.Repeat([]byte{byte(tensor.KindSequence), 1}, 1<<20)...)
	_, err := codec.DecodeAll(deep)
	assert.ErrorContains(t, err, "more than 32 deep")
	for name, b := range map[string][]byte{
		"nothing": {}, "many values": {0xff, 0xff, 0xff, 0xff, 0x0f}, "no kind": {1, 99}, "no type": {1, 1, 99, 0},
		"a large tensor": {1, 1, 1, 2, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f, 0}, "a number too long": bytes.Repeat([]byte{0xff}, 20),
		"a map of nothing": {1, byte(tensor.KindMap), 0, 0}, "an optional of nothing": {1, byte(tensor.KindOptional), 1, 0}, "many strings": {1, 1, 8, 1, 0xff, 0xff, 0x7f},
	} {
		_, err := codec.DecodeAll(b)
		assert.Error(t, err, name)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(codec.All(values()))
	for _, v := range values() {
		f.Add(codec.All([]tensor.Value{v}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := codec.DecodeAll(b)
		if err != nil {
			return
		}
		again, err := codec.DecodeAll(codec.All(values))
		require.NoError(t, err)
		assert.Len(t, again, len(values))
	})
}
