package onnxgo_test

import (
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	gtensor "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/frameworks/onnxgo"
	midonnx "example.com/midplane/operators/onnx"
)

// file is a model to be encoded, part by part as ONNX's onnx.proto3 has them, so
// that it may say what no sound exporter would.
type file struct {
	nodes, initializers, sparse, inputs, outputs, infos [][]byte
}

// encode returns the ModelProto.
func (f file) encode() []byte {
	var graph []byte
	for number, parts := range map[protowire.Number][][]byte{
		1: f.nodes, 5: f.initializers, 11: f.inputs, 12: f.outputs, 13: f.infos, 15: f.sparse,
	} {
		for _, part := range parts {
			graph = message(graph, number, part)
		}
	}
	opset := integer(nil, 2, 13)
	return message(message(integer(nil, 1, 8), 7, graph), 8, opset)
}

func message(to []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(to, number, protowire.BytesType), content)
}

func integer(to []byte, number protowire.Number, v int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, number, protowire.VarintType), uint64(v))
}

// node returns a NodeProto.
func node(op string, inputs, outputs []string, attributes ...[]byte) []byte {
	var b []byte
	for _, name := range inputs {
		b = message(b, 1, []byte(name))
	}
	for _, name := range outputs {
		b = message(b, 2, []byte(name))
	}
	b = message(b, 4, []byte(op))
	for _, a := range attributes {
		b = message(b, 5, a)
	}
	return b
}

// ints returns an AttributeProto of integers, or of one. Without a type it is as
// the first exporters wrote them.
func ints(name string, typed bool, values ...int) []byte {
	const one, many = 2, 7
	b, number, typ := message(nil, 1, []byte(name)), protowire.Number(8), many
	if len(values) == 1 {
		number, typ = 3, one
	}
	for _, v := range values {
		b = integer(b, number, v)
	}
	if typed {
		b = integer(b, 20, typ)
	}
	return b
}

// texts returns an AttributeProto of strings.
func texts(name string, values ...string) []byte {
	b := message(nil, 1, []byte(name))
	for _, v := range values {
		b = message(b, 9, []byte(v))
	}
	return integer(b, 20, 8)
}

// value returns a ValueInfoProto of a tensor. An extent is a number or a name.
func value(name string, dtype tensor.DType, extents ...any) []byte {
	var shape []byte
	for _, extent := range extents {
		var dim []byte
		switch e := extent.(type) {
		case int:
			dim = integer(nil, 1, e)
		case string:
			dim = message(nil, 2, []byte(e))
		}
		shape = message(shape, 1, dim)
	}
	typ := message(integer(nil, 1, int(dtype)), 2, shape)
	return message(message(nil, 1, []byte(name)), 2, message(nil, 1, typ))
}

// untyped returns a ValueInfoProto that has no type.
func untyped(name string) []byte { return message(nil, 1, []byte(name)) }

// constant returns a TensorProto.
func constant(name string, t *tensor.Tensor) []byte {
	b, err := midonnx.EncodeTensor(t)
	if err != nil {
		panic(err)
	}
	return message(b, 8, []byte(name))
}

// floats returns a TensorProto of rank 1.
func floats(name string, values ...float32) []byte { return constant(name, tensor.Of(values)) }

// vector returns a dense tensor of rank 1.
func vector(values ...float32) gtensor.Tensor {
	return gtensor.New(gtensor.WithShape(len(values)), gtensor.WithBacking(values))
}

// matrix returns a dense tensor with rows of two.
func matrix(values ...float32) gtensor.Tensor {
	return gtensor.New(gtensor.WithShape(len(values)/2, 2), gtensor.WithBacking(values))
}

// open decodes a file into a Backend on the processor.
func open(t *testing.T, f file) (*onnx.Model, *onnxgo.Backend) {
	t.Helper()
	b := onnxgo.New("cpu")
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	m := onnx.NewModel(b)
	require.NoError(t, m.UnmarshalBinary(f.encode()))
	return m, b
}

// run sets the inputs that are there, runs, and returns the elements of each
// output.
func run(t *testing.T, m *onnx.Model, b *onnxgo.Backend, inputs ...gtensor.Tensor) []any {
	t.Helper()
	for i, in := range inputs {
		if in != nil {
			require.NoError(t, m.SetInput(i, in))
		}
	}
	require.NoError(t, b.Run())
	outputs, err := m.GetOutputTensors()
	require.NoError(t, err)
	var data []any
	for _, out := range outputs {
		require.NotNil(t, out)
		data = append(data, out.Data())
	}
	return data
}
