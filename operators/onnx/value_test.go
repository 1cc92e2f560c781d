package onnx_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/onnx"
)

var (
	unranked = tensor.TensorType(tensor.Float32, nil)
	pair     = tensor.Of([]float32{1, 2})
	single   = tensor.Of([]float32{3})
)

// Values are encoded to messages that decode to the same values, with the type
// that the model declares and without it.
func TestValueRoundTrip(t *testing.T) {
	list := func(elem tensor.Type, items ...tensor.Value) *tensor.Sequence {
		return &tensor.Sequence{Elem: elem, Items: append([]tensor.Value{}, items...)}
	}
	inner := tensor.SequenceType(unranked)
	scores := tensor.MapType(tensor.Int64, tensor.TensorType(tensor.Float32, tensor.Dims{}))
	byID := &tensor.Map{Keys: tensor.Of([]int64{5, -1}), Values: pair}
	byName := &tensor.Map{Keys: tensor.Of([]string{"a", ""}), Values: list(unranked, pair, single)}
	for name, v := range map[string]tensor.Value{
		"tensor":               pair,
		"strings":              tensor.Of([]string{"a"}),
		"sequence":             list(unranked, pair, single),
		"sequence of nothing":  list(unranked),
		"sequence of lists":    list(inner, list(unranked, pair), list(unranked)),
		"sequence of maps":     list(scores, byID),
		"optional":             &tensor.Optional{Elem: pair.Type(), Item: pair},
		"absent":               &tensor.Optional{Elem: unranked},
		"optional list":        &tensor.Optional{Elem: inner, Item: list(unranked, pair)},
		"absent list":          &tensor.Optional{Elem: inner},
		"map of numbers":       byID,
		"map of tensors":       byName,
		"map of small numbers": &tensor.Map{Keys: tensor.Of([]int8{1}), Values: tensor.FromInt64s(tensor.Int4, tensor.Shape{1}, []int64{-3})},
		"map of words":         &tensor.Map{Keys: tensor.Of([]uint16{1}), Values: tensor.Of([]string{"w"})},
	} {
		b, err := onnx.EncodeValue(v)
		require.NoError(t, err, name)
		got, err := onnx.DecodeValue(b, v.Type())
		if assert.NoError(t, err, name) {
			assert.Equal(t, v, got, name)
		}
	}
}

func TestTypesOfContainersAreFound(t *testing.T) {
	b, err := onnx.EncodeValue(&tensor.Sequence{Items: []tensor.Value{pair, single}})
	require.NoError(t, err)
	s, err := onnx.DecodeSequence(b, tensor.Type{})
	require.NoError(t, err)
	assert.Equal(t, &tensor.Sequence{Elem: unranked, Items: []tensor.Value{pair, single}}, s)

	b, err = onnx.EncodeValue(&tensor.Optional{Item: s})
	require.NoError(t, err)
	o, err := onnx.DecodeOptional(b, tensor.Type{})
	require.NoError(t, err)
	assert.Equal(t, &tensor.Optional{Elem: tensor.SequenceType(unranked), Item: s}, o)

	sparse := sparseOf(floats("", 7), tensorOf(7, 1).packed(7, 1), 2)
	s, err = onnx.DecodeSequence(message{}.int(2, 2).bytes(4, sparse), tensor.Type{})
	require.NoError(t, err)
	assert.Equal(t, &tensor.Sequence{Elem: unranked, Items: []tensor.Value{tensor.Of([]float32{0, 7})}}, s)

	m, err := onnx.DecodeMap(message{}.int(2, 7).packed(3, 4).bytes(5, message{}.bytes(3, floats("", 1))))
	require.NoError(t, err)
	assert.Equal(t, &tensor.Map{
		Keys:   tensor.Of([]int64{4}),
		Values: &tensor.Sequence{Elem: unranked, Items: []tensor.Value{tensor.Of([]float32{1})}},
	}, m, "vectors of one element are no scalars")
}

func TestDecodeValueErrors(t *testing.T) {
	sequence, optional := tensor.SequenceType(unranked), tensor.OptionalType(unranked)
	integers := tensorOf(7, 1).packed(7, 1)
	deep := message{}
	for range 100 {
		deep = message{}.bytes(5, deep)
	}
	tests := map[string]struct {
		proto  message
		typ    tensor.Type
		kind   error
		reason string
	}{
		"kind of elements":   {message{}.int(2, 6), sequence, onnx.ErrInvalid, "no kind of value 6"},
		"two kinds":          {message{}.bytes(3, floats("")).bytes(5, nil), sequence, onnx.ErrInvalid, "two kinds"},
		"kind and field":     {message{}.int(2, 3).bytes(3, floats("")), sequence, onnx.ErrInvalid, "elem_type says sequence, there is a tensor"},
		"expected a tensor":  {message{}.bytes(5, nil), sequence, onnx.ErrInvalid, "a tensor is expected, there is a sequence"},
		"type of an element": {message{}.bytes(3, floats("")).bytes(3, integers), sequence, onnx.ErrInvalid, "a value of type int64[1] where float32"},
		"type of the value":  {message{}.bytes(3, integers), optional, onnx.ErrInvalid, "a value of type int64[1]"},
		"broken element":     {message{}.bytes(3, floats("")).bytes(3, nil), sequence, onnx.ErrInvalid, "element 1: a tensor needs"},
		"two values":         {message{}.bytes(3, floats("")).bytes(3, floats("")), optional, onnx.ErrInvalid, "one value at most, there are 2"},
		"depth":              {deep, tensor.Type{Kind: tensor.KindSequence}, onnx.ErrLimit, "nested more than 64 deep"},
		"keys":               {message{}.int(2, 1).packed(3, 1), tensor.Type{Kind: tensor.KindMap}, onnx.ErrInvalid, "float32 with 1 integers"},
		"two sorts of keys":  {message{}.int(2, 7).packed(3, 1).text(4, "k"), tensor.Type{Kind: tensor.KindMap}, onnx.ErrInvalid, "1 integers and 1 strings"},
		"missing values":     {message{}.int(2, 7).packed(3, 1), tensor.Type{Kind: tensor.KindMap}, onnx.ErrInvalid, "1 keys and 0 values"},
	}
	for name, c := range tests {
		_, err := onnx.DecodeValue(c.proto, c.typ)
		if assert.ErrorIs(t, err, c.kind, name) {
			assert.ErrorContains(t, err, c.reason, name)
		}
	}
}

// foreign is a value that no file represents.
type foreign struct{}

func (foreign) Type() tensor.Type { return tensor.Type{} }

func TestEncodeValueErrors(t *testing.T) {
	_, err := onnx.EncodeValue(foreign{})
	assert.ErrorIs(t, err, onnx.ErrInvalid)
	_, err = onnx.EncodeValue(&tensor.Sequence{Items: []tensor.Value{pair, &tensor.Sequence{}}})
	assert.ErrorContains(t, err, "a container of tensors holds a sequence")
}
