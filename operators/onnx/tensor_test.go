package onnx_test

import (
	"math"
	"runtime"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// tensorOf starts a TensorProto.
func tensorOf(t tensor.DType, dims ...int64) message {
	var m message
	for _, d := range dims {
		m = m.int(1, d)
	}
	return m.int(2, int64(t))
}

// strs adds string_data.
func (m message) strs(texts ...string) message { return m.text(6, texts...) }

func TestDecodeTensor(t *testing.T) {
	tests := map[string]struct {
		proto message
		want  *tensor.Tensor
	}{
		"raw float32":     {tensorOf(1, 2).bytes(9, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}), tensor.Of([]float32{1, -2})},
		"raw int16":       {tensorOf(5, 1, 2).bytes(9, []byte{1, 2, 0xff, 0xff}), tensor.Of([]int16{0x201, -1}, 1, 2)},
		"raw bool":        {tensorOf(9, 3).bytes(9, []byte{0, 1, 7}), tensor.Of([]bool{false, true, true})},
		"raw complex64":   {tensorOf(14).bytes(9, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}), tensor.Scalar(complex64(1 + 2i))},
		"raw int4":        {tensorOf(22, 3).bytes(9, []byte{0x18, 0x07}), tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 1, 7})},
		"raw uint2":       {tensorOf(25, 5).bytes(9, []byte{0xe4, 0x02}), tensor.FromInt64s(tensor.Uint2, tensor.Shape{5}, []int64{0, 1, 2, 3, 2})},
		"raw int2":        {tensorOf(26, 4).bytes(9, []byte{0xe4}), tensor.FromInt64s(tensor.Int2, tensor.Shape{4}, []int64{0, 1, -2, -1})},
		"raw float4":      {tensorOf(23, 2).bytes(9, []byte{0xf2}), tensor.FromFloat64s(tensor.Float4E2M1, tensor.Shape{2}, []float64{1, -6})},
		"float_data":      {tensorOf(1, 2).float(4, 1).float(4, -2), tensor.Of([]float32{1, -2})},
		"packed floats":   {tensorOf(1, 2).bytes(4, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}), tensor.Of([]float32{1, -2})},
		"mixed floats":    {tensorOf(1, 2).bytes(4, []byte{0, 0, 0x80, 0x3f}).float(4, -2), tensor.Of([]float32{1, -2})},
		"complex floats":  {tensorOf(14, 1).float(4, 1).float(4, 2), tensor.Of([]complex64{1 + 2i})},
		"double_data":     {tensorOf(11, 1).double(10, math.Pi), tensor.Of([]float64{math.Pi})},
		"complex doubles": {tensorOf(15, 1).double(10, 1).double(10, 2), tensor.Of([]complex128{1 + 2i})},
		"int64_data":      {tensorOf(7, 2).packed(7, -1, math.MaxInt64), tensor.Of([]int64{-1, math.MaxInt64})},
		"uint64_data":     {tensorOf(13, 1).packed(11, -1), tensor.Of([]uint64{math.MaxUint64})},
		"uint32 data":     {tensorOf(12, 1).packed(11, math.MaxUint32), tensor.Of([]uint32{math.MaxUint32})},
		"int32_data":      {tensorOf(6, 2).int(5, -5).int(5, 5), tensor.Of([]int32{-5, 5})},
		"int8 data":       {tensorOf(3, 2).packed(5, -128, 127), tensor.Of([]int8{-128, 127})},
		"uint8 data":      {tensorOf(2, 2).packed(5, 255, 0), tensor.Of([]uint8{255, 0})},
		"int16 data":      {tensorOf(5, 1).packed(5, -300), tensor.Of([]int16{-300})},
		"uint16 data":     {tensorOf(4, 1).packed(5, 65535), tensor.Of([]uint16{65535})},
		"bool data":       {tensorOf(9, 3).packed(5, 0, 1, 2), tensor.Of([]bool{false, true, true})},
		"float16 data":    {tensorOf(10, 2).packed(5, 0x3c00, 0xc000), tensor.Of([]tensor.F16{tensor.NewF16(1), tensor.NewF16(-2)})},
		"bfloat16 data":   {tensorOf(16, 1).packed(5, 0x3f80), tensor.Of([]tensor.BF16{tensor.NewBF16(1)})},
		"float8 data":     {tensorOf(17, 1).packed(5, 0x38), tensor.Of([]tensor.F8E4M3FN{0x38})},
		"float8e8m0 data": {tensorOf(24, 1).packed(5, 127), tensor.Of([]tensor.F8E8M0{127})},
		"int4 data":       {tensorOf(22, 3).packed(5, 0x18, 0x07), tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-8, 1, 7})},
		"uint2 data":      {tensorOf(25, 5).packed(5, 0xe4, 0x02), tensor.FromInt64s(tensor.Uint2, tensor.Shape{5}, []int64{0, 1, 2, 3, 2})},
		"strings":         {tensorOf(8, 2, 1).strs("a", "\xff"), tensor.Of([]string{"a", "\xff"}, 2, 1)},
		"packed dims":     {message{}.packed(1, 1, 2).int(2, 6).packed(5, 3, 4), tensor.Of([]int32{3, 4}, 1, 2)},
		"no elements":     {tensorOf(1, 3, 0), tensor.Zeros(tensor.Float32, tensor.Shape{3, 0})},
		"empty raw":       {tensorOf(7, 0).bytes(9, nil), tensor.Zeros(tensor.Int64, tensor.Shape{0})},
		"no strings":      {tensorOf(8, 0), tensor.Zeros(tensor.String, tensor.Shape{0})},
	}
	for name, c := range tests {
		got, err := onnx.DecodeTensor(c.proto)
		if assert.NoError(t, err, name) {
			assert.Equal(t, c.want, got, name)
		}
	}
}

func TestDecodeTensorErrors(t *testing.T) {
	tests := map[string]struct {
		proto  message
		reason string
	}{
		"no type":           {message{}.int(1, 1), "a tensor needs an element type"},
		"unknown type":      {tensorOf(27, 1), "there is no element type 27"},
		"negative type":     {message{}.int(2, -1), "there is no element type -1"},
		"negative extent":   {tensorOf(1, -1), "dims[0] is -1"},
		"overflow":          {tensorOf(1, 1<<30, 1<<30, 1<<30), "shape"},
		"bytes overflow":    {tensorOf(15, math.MaxInt/8), "too large"},
		"packed overflow":   {tensorOf(22, math.MaxInt), "too large"},
		"too few bytes":     {tensorOf(1, 2).bytes(9, make([]byte, 7)), "float32[2] takes 8 bytes of raw_data, there are 7"},
		"too many bytes":    {tensorOf(22, 2).bytes(9, make([]byte, 2)), "int4[2] takes 1 bytes of raw_data, there are 2"},
		"too few floats":    {tensorOf(1, 2).float(4, 1), "float32[2] takes 8 bytes of float_data, there are 4"},
		"too many integers": {tensorOf(7, 1).packed(7, 1, 2), "int64[1] takes 1 elements of int64_data, there are 2"},
		"too few strings":   {tensorOf(8, 3).strs("a"), "string[3] takes 3 elements of string_data, there are 1"},
		"nothing":           {tensorOf(1, 3), "takes 3 elements of float_data, there are 0"},
		"wrong field":       {tensorOf(1, 1).packed(5, 1), "elements of type float32 are stored in float_data, not in int32_data"},
		"strings as floats": {tensorOf(1, 1).strs("a"), "elements of type float32 are stored in float_data, not in string_data"},
		"raw strings":       {tensorOf(8, 1).bytes(9, []byte("a")), "strings are stored in string_data, not in raw_data"},
		"two fields":        {tensorOf(1, 1).float(4, 1).packed(5, 1), "a tensor has elements in float_data and in int32_data"},
		"raw and typed":     {tensorOf(1, 1).float(4, 1).bytes(9, make([]byte, 4)), "a tensor has elements in raw_data and in float_data"},
		"segment":           {tensorOf(1, 1).bytes(3, message{}.int(1, 0)), "segments"},
		"broken varint":     {tensorOf(7, 1).bytes(7, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}), "element 0 of int64_data is no varint"},
		"open varint":       {tensorOf(7, 1).bytes(7, []byte{1, 0x80}), "no varint"},
		"open packed float": {tensorOf(1, 1).bytes(4, make([]byte, 5)), "takes 4 bytes of float_data, there are 5"},
	}
	for name, c := range tests {
		_, err := onnx.DecodeTensor(c.proto)
		if assert.ErrorIs(t, err, onnx.ErrInvalid, name) {
			assert.ErrorContains(t, err, c.reason, name)
		}
	}
	_, err := onnx.DecodeTensor(tensorOf(1, make([]int64, 65)...))
	assert.ErrorIs(t, err, onnx.ErrLimit)
	_, err = onnx.DecodeTensor(tensorOf(1, 1).int(14, 1).bytes(13, message{}.text(1, "location").text(2, "weights")))
	assert.ErrorIs(t, err, onnx.ErrExternalData)
}

// Every element type survives both ways, whatever its elements.
func TestTensorRoundTrip(t *testing.T) {
	for d := tensor.Float32; d.Valid(); d++ {
		for _, shape := range []tensor.Shape{{}, {5}, {2, 3}, {0}, {1, 0, 2}} {
			want := tensor.Zeros(d, shape)
			for i := range want.Bytes() {
				want.Bytes()[i] = byte(17*i + 1)
			}
			if d == tensor.Bool {
				want = tensor.FromInt64s(d, shape, make([]int64, shape.Size()))
			}
			for i := range want.Strings() {
				want.Strings()[i] = string(rune('a' + i))
			}
			b, err := onnx.EncodeTensor(want)
			require.NoError(t, err)
			got, err := onnx.DecodeTensor(b)
			require.NoError(t, err)
			assert.Equal(t, want, got, "%v%v", d, shape)
		}
	}
}

// Elements that the processor can read where they lie are not copied, unless
// Copy says so.
func TestElementsAliasTheBytesGiven(t *testing.T) {
	elements := tensor.Of([]float32{1, 2, 3, 4})
	proto, err := onnx.EncodeTensor(elements)
	require.NoError(t, err)
	b := make([]byte, len(proto)+4)
	data := len(proto) - len(elements.Bytes())
	for shift := range 4 {
		readable := uintptr(unsafe.Pointer(&b[shift+data]))%4 == 0 || readsAnywhere[runtime.GOARCH]
		copy(b[shift:], proto)
		got, err := onnx.DecodeTensor(b[shift : shift+len(proto)])
		require.NoError(t, err)
		assert.Equal(t, elements, got)
		assert.Equal(t, readable, unsafe.SliceData(got.Bytes()) == &b[shift+data])
	}

	whole := model(message{}.bytes(5, append(message{}.text(8, "w"), proto...)))
	m, err := onnx.Decode(whole, nil, &onnx.Options{Copy: true})
	require.NoError(t, err)
	clear(whole)
	assert.Equal(t, elements, m.Graph.Initializers[0].Const)
}

// readsAnywhere are the processors that read elements at any address.
var readsAnywhere = map[string]bool{"amd64": true, "arm64": true, "386": true, "wasm": true, "ppc64le": true, "s390x": true}

// sparseOf makes a SparseTensorProto.
func sparseOf(values, indices message, dims ...int64) message {
	m := message{}.bytes(1, values).bytes(2, indices)
	for _, d := range dims {
		m = m.int(3, d)
	}
	return m
}

func TestSparseTensors(t *testing.T) {
	sparse := tensor.Type{Kind: tensor.KindSparse}
	linear := tensorOf(7, 2).packed(7, 1, 5)
	tests := map[string]struct {
		proto message
		want  *tensor.Tensor
	}{
		"linear":      {sparseOf(floats("", 7, 8), linear, 2, 3), tensor.Of([]float32{0, 7, 0, 0, 0, 8}, 2, 3)},
		"coordinates": {sparseOf(floats("", 7, 8), tensorOf(7, 2, 2).packed(7, 0, 2, 1, 0), 2, 3), tensor.Of([]float32{0, 0, 7, 8, 0, 0}, 2, 3)},
		"strings":     {sparseOf(tensorOf(8, 2).strs("a", "b"), linear, 6), tensor.Of([]string{"", "a", "", "", "", "b"})},
		"packed": {sparseOf(tensorOf(22, 2).packed(5, 0x7f), linear, 6),
			tensor.FromInt64s(tensor.Int4, tensor.Shape{6}, []int64{0, -1, 0, 0, 0, 7})},
		"nothing": {sparseOf(floats(""), tensorOf(7, 0), 2), tensor.Of([]float32{0, 0})},
		"scalar":  {sparseOf(floats("", 3), tensorOf(7, 1, 0)), tensor.Scalar(float32(3))},
	}
	for name, c := range tests {
		got, err := onnx.DecodeValue(c.proto, sparse)
		if assert.NoError(t, err, name) {
			assert.Equal(t, c.want, got, name)
		}
	}
	failures := map[string]struct {
		proto  message
		reason string
	}{
		"repeated":     {sparseOf(floats("", 7, 8), tensorOf(7, 2).packed(7, 1, 1), 6), "ascend without repetition, number 1 stands for element 1 after 1"},
		"descending":   {sparseOf(floats("", 7, 8), tensorOf(7, 2).packed(7, 2, 1), 6), "ascend"},
		"outside":      {sparseOf(floats("", 7, 8), tensorOf(7, 2).packed(7, 1, 6), 6), "sparse tensor of 6 elements"},
		"negative":     {sparseOf(floats("", 7), tensorOf(7, 1).packed(7, -1), 6), "ascend"},
		"outside axis": {sparseOf(floats("", 7), tensorOf(7, 1, 2).packed(7, 0, 3), 2, 3), "indices[0,1] is 3, outside [0, 3)"},
		"too few":      {sparseOf(floats("", 7, 8), tensorOf(7, 1).packed(7, 1), 6), "have indices of shape [2] or [2,1], not [1]"},
		"int32":        {sparseOf(floats("", 7), tensorOf(6, 1).packed(5, 1), 6), "int64 indices"},
		"no values":    {message{}.bytes(2, linear).int(3, 6), "values"},
		"too large":    {sparseOf(floats("", 7), tensorOf(7, 1).packed(7, 1), 1<<30, 1<<30, 1<<30), "shape"},
	}
	for name, c := range failures {
		_, err := onnx.DecodeValue(c.proto, sparse)
		if assert.ErrorIs(t, err, onnx.ErrInvalid, name) {
			assert.ErrorContains(t, err, c.reason, name)
		}
	}
}

// The limit on dense tensors holds for all of a model together.
func TestDenseLimit(t *testing.T) {
	sparse := func(name string) message {
		return sparseOf(floats(name, 1), tensorOf(7, 1).packed(7, 0), 1000)
	}
	two := model(message{}.bytes(15, sparse("a")).bytes(15, sparse("b")))
	m, err := onnx.Decode(two, nil, &onnx.Options{MaxDense: 8000})
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{1000}, m.Graph.Initializers[1].Const.Shape())
	_, err = onnx.Decode(two, nil, &onnx.Options{MaxDense: 7999})
	requireError(t, err, onnx.ErrLimit, `graph "" initializer 1 "b"`, "more than 7999 bytes")
}

// A Constant keeps its sparse value sparse in the file.
func TestSparseConstant(t *testing.T) {
	for name, c := range map[string]*tensor.Tensor{
		"floats":  tensor.Of([]float32{0, 7, 0, 0, 0, 8}, 2, 3),
		"strings": tensor.Of([]string{"", "a"}),
		"packed":  tensor.FromInt64s(tensor.Int4, tensor.Shape{5}, []int64{0, -1, 0, 0, 7}),
	} {
		y := &graph.Value{Name: "y"}
		n := &graph.Node{Op: "Constant", Version: 13, Outputs: []*graph.Value{y}, Attributes: []graph.Attribute{graph.A("sparse_value", c)}}
		y.Producer = n
		b, err := onnx.Encode(&graph.Model{Graph: &graph.Graph{Nodes: []*graph.Node{n}, Outputs: []*graph.Value{y}}})
		require.NoError(t, err, name)
		assert.Contains(t, string(b), string(protowire.AppendTag(nil, 22, protowire.BytesType)), name)
		m, err := onnx.Decode(b, nil, nil)
		require.NoError(t, err, name)
		assert.Equal(t, c, m.Graph.Nodes[0].Tensor("sparse_value"), name)
	}
}
