package onnx_test

import (
	"errors"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// message is a Protocol Buffers message under construction, field by field.
type message []byte

func (m message) int(num protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), uint64(v))
}

func (m message) float(num protowire.Number, v float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, num, protowire.Fixed32Type), math.Float32bits(v))
}

func (m message) double(num protowire.Number, v float64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, num, protowire.Fixed64Type), math.Float64bits(v))
}

func (m message) bytes(num protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, num, protowire.BytesType), b)
}

func (m message) text(num protowire.Number, texts ...string) message {
	for _, s := range texts {
		m = m.bytes(num, []byte(s))
	}
	return m
}

// packed adds varints as one packed field.
func (m message) packed(num protowire.Number, values ...int64) message {
	var b []byte
	for _, v := range values {
		b = protowire.AppendVarint(b, uint64(v))
	}
	return m.bytes(num, b)
}

// node makes a NodeProto.
func node(op string, inputs, outputs []string) message {
	return message{}.text(1, inputs...).text(2, outputs...).text(4, op)
}

// value makes a ValueInfoProto of a float32 vector.
func value(name string) message {
	shape := message{}.bytes(1, message{}.text(2, "N"))
	return message{}.text(1, name).bytes(2, message{}.bytes(1, message{}.int(1, 1).bytes(2, shape)))
}

// floats makes a TensorProto.
func floats(name string, values ...float32) message {
	m := message{}.int(1, int64(len(values))).int(2, 1).text(8, name)
	for _, v := range values {
		m = m.float(4, v)
	}
	return m
}

// model makes a ModelProto of operator set 20 around a GraphProto.
func model(g message) message {
	return message{}.int(1, 9).bytes(8, message{}.int(2, 20)).bytes(7, g)
}

// relu is a graph that writes y.
func relu() message {
	return message{}.bytes(1, node("Relu", []string{"x"}, []string{"y"})).text(2, "g").
		bytes(11, value("x")).bytes(12, value("y"))
}

func decode(t *testing.T, m message) *graph.Model {
	t.Helper()
	decoded, err := onnx.Decode(m, nil, nil)
	require.NoError(t, err)
	return decoded
}

// requireError checks an error's kind, path and a piece of its reason.
func requireError(t *testing.T, err error, kind error, path, reason string) {
	t.Helper()
	require.ErrorIs(t, err, kind)
	var e *onnx.Error
	require.True(t, errors.As(err, &e))
	assert.Equal(t, path, e.Path)
	assert.Contains(t, e.Reason, reason)
}

func TestNotAModel(t *testing.T) {
	tests := map[string][]byte{
		"nothing":      {},
		"text":         []byte("hello, world"),
		"page":         []byte("<!DOCTYPE html><html></html>"),
		"LFS pointer":  []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
		"zeros":        make([]byte, 100),
		"no graph":     message{}.int(1, 9).bytes(8, message{}.int(2, 20)),
		"other fields": message{}.text(100, "x"),
	}
	for name, b := range tests {
		_, err := onnx.Decode(b, nil, nil)
		assert.ErrorIs(t, err, onnx.ErrNotModel, name)
	}
}

// A model cut anywhere in its graph says so; the byte is that where the field
// starts which is not whole.
func TestTruncated(t *testing.T) {
	whole := model(relu())
	start := len(whole) - len(message{}.bytes(7, relu()))
	for n := start + 1; n < len(whole); n++ {
		_, err := onnx.Decode(whole[:n], nil, nil)
		require.ErrorIs(t, err, onnx.ErrTruncated)
		var e *onnx.Error
		require.True(t, errors.As(err, &e))
		assert.EqualValues(t, start, e.Offset)
	}
	_, err := onnx.Decode(whole, nil, nil)
	require.NoError(t, err)
}

func TestOffsetsCountFromTheStartOfTheFile(t *testing.T) {
	bad := message{}.text(1, "x").text(2, "y").int(4, 7) // op_type is a string
	g := message{}.text(2, "g").bytes(1, bad)
	b := model(g)
	_, err := onnx.Decode(b, nil, nil)
	requireError(t, err, onnx.ErrInvalid, `graph "g" node 0 ""`, "field 4 is a varint on the wire, should be length-delimited")
	var e *onnx.Error
	require.True(t, errors.As(err, &e))
	assert.EqualValues(t, len(b)-len(message{}.int(4, 7)), e.Offset)
	assert.Contains(t, err.Error(), "at byte")
}

// Every known field of every message is refused under another wire type, and
// unknown fields of every wire type are skipped.
func TestWireTypes(t *testing.T) {
	_, err := onnx.Decode(model(relu()).float(1, 3), nil, nil)
	requireError(t, err, onnx.ErrInvalid, "", "field 1 is 32 bits on the wire, should be a varint")
	_, err = onnx.Decode(model(relu()).int(25, 3), nil, nil)
	requireError(t, err, onnx.ErrInvalid, "", "field 25 is a varint")
	_, err = onnx.DecodeTensor(floats("t", 1).double(4, 1))
	requireError(t, err, onnx.ErrInvalid, "", "field 4 is 64 bits")

	for _, num := range []protowire.Number{20, 26} { // fields that are passed over
		_, err = onnx.Decode(model(relu()).int(num, 1), nil, nil)
		requireError(t, err, onnx.ErrInvalid, "", "should be length-delimited")
	}

	group := protowire.AppendTag(nil, 90, protowire.StartGroupType)
	group = message(group).int(1, 1)
	group = protowire.AppendTag(group, 90, protowire.EndGroupType)
	unknown := append(message{}.int(91, 1).float(92, 1).double(93, 1).text(94, "x"), group...)
	m := decode(t, append(model(append(relu(), unknown...)), unknown...))
	assert.Len(t, m.Graph.Nodes, 1)

	_, err = onnx.Decode(append(model(relu()), protowire.AppendTag(nil, 90, protowire.EndGroupType)...), nil, nil)
	assert.ErrorIs(t, err, onnx.ErrInvalid)
}

func TestAMessageThatMayBeGivenOnceIsNotMerged(t *testing.T) {
	_, err := onnx.Decode(model(relu()).bytes(7, relu()), nil, nil)
	requireError(t, err, onnx.ErrInvalid, "", "field 7 is given twice")
}

func TestDecodingTakesMemoryInProportion(t *testing.T) {
	repeated := func(num protowire.Number, b message) message {
		var m message
		for range 20000 {
			m = m.bytes(num, b)
		}
		return m
	}
	tests := map[string]message{
		"nodes":             model(repeated(1, node("R", nil, nil))),
		"declarations":      model(repeated(13, nil)),
		"operator sets":     append(message{}.int(1, 9).bytes(7, nil), repeated(8, message{}.text(1, "d"))...),
		"metadata":          append(message{}.int(1, 9).bytes(7, nil), repeated(14, nil)...),
		"extents of a type": model(message{}.bytes(11, message{}.text(1, "x").bytes(2, message{}.bytes(1, message{}.bytes(2, repeated(1, nil)))))),
		"types": model(message{}.bytes(1, node("R", nil, nil).bytes(5,
			append(message{}.text(1, "a").int(20, 14), repeated(15, nil)...)))),
		"a large tensor without elements": model(message{}.bytes(5, message{}.int(1, 1<<40).int(2, 1).text(8, "w"))),
		"a tensor of one element short":   model(message{}.bytes(5, message{}.int(1, 1<<30).int(2, 8).text(8, "w").text(6, "x"))),
	}
	for name, b := range tests {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = onnx.Decode(b, nil, nil)
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		assert.Less(t, took, uint64(100*len(b)+1<<14), "%s: %d bytes", name, len(b))
	}
}
