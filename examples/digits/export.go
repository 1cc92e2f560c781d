package main

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Versions the exported model declares.
const (
	irVersion    = 10
	opsetVersion = 21
)

// Codes of onnx.proto: element types, and types of attribute values.
const (
	elemFloat = 1
	attrInt   = 2
	attrInts  = 7
)

// message is an encoded protobuf message.
type message []byte

// text appends a string field.
func (m message) text(field protowire.Number, s string) message {
	return m.bytes(field, []byte(s))
}

// bytes appends a bytes field or an embedded message.
func (m message) bytes(field protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), b)
}

// int appends an integer field.
func (m message) int(field protowire.Number, v int) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

// ExportONNX encodes a network as an ONNX model. It maps the input image,
// (batch, 1, 28, 28) with white as 1 and black as 0, to the output
// probabilities, (batch, 10).
func ExportONNX(n *Network) []byte {
	graph := message{}
	for _, node := range nodes(n) {
		graph = graph.bytes(1, node)
	}
	graph = graph.text(2, "digits")
	for _, p := range n.Parameters() {
		graph = graph.bytes(5, initializer(p))
	}
	graph = graph.bytes(11, valueInfo("image", 1, side, side))
	graph = graph.bytes(12, valueInfo("probabilities", digits))
	return message{}.
		int(1, irVersion).
		text(2, "midplane").
		text(6, "Classifies a digit, white ink (1) on black (0), 28×28 pixels.").
		bytes(7, graph).
		bytes(8, message{}.text(1, "").int(2, opsetVersion))
}

// nodes returns the operators of the model; each is named after its output.
func nodes(n *Network) []message {
	pads, kernel := ints("pads", 1, 1, 1, 1), ints("kernel_shape", kernel, kernel)
	pool, strides := ints("kernel_shape", 2, 2), ints("strides", 2, 2)
	return []message{
		node("Conv", "conv1", []string{"image", n.Conv1.Name, n.Bias1.Name}, kernel, pads),
		node("Relu", "relu1", []string{"conv1"}),
		node("MaxPool", "pool1", []string{"relu1"}, pool, strides),
		node("Conv", "conv2", []string{"pool1", n.Conv2.Name, n.Bias2.Name}, kernel, pads),
		node("Relu", "relu2", []string{"conv2"}),
		node("MaxPool", "pool2", []string{"relu2"}, pool, strides),
		node("Flatten", "flatten", []string{"pool2"}, integer("axis", 1)),
		node("Gemm", "fc", []string{"flatten", n.Full.Name, n.BiasF.Name}),
		node("Softmax", "probabilities", []string{"fc"}, integer("axis", 1)),
	}
}

// node encodes a NodeProto whose name is that of its output.
func node(opType, output string, inputs []string, attributes ...message) message {
	m := message{}
	for _, in := range inputs {
		m = m.text(1, in)
	}
	m = m.text(2, output).text(3, output).text(4, opType)
	for _, a := range attributes {
		m = m.bytes(5, a)
	}
	return m
}

// ints encodes an AttributeProto holding a list of integers.
func ints(name string, values ...int) message {
	m := message{}.text(1, name)
	for _, v := range values {
		m = m.int(8, v)
	}
	return m.int(20, attrInts)
}

// integer encodes an AttributeProto holding an integer.
func integer(name string, value int) message {
	return message{}.text(1, name).int(3, value).int(20, attrInt)
}

// initializer encodes a parameter as a TensorProto.
func initializer(p Parameter) message {
	m := message{}
	for _, d := range p.Value.Shape() {
		m = m.int(1, d)
	}
	var raw []byte
	for _, v := range p.Value.Data().([]float32) {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return m.int(2, elemFloat).text(8, p.Name).bytes(9, raw)
}

// valueInfo encodes a ValueInfoProto of float32 tensors whose first dimension
// is symbolic and named batch.
func valueInfo(name string, dims ...int) message {
	shape := message{}.bytes(1, message{}.text(2, "batch"))
	for _, d := range dims {
		shape = shape.bytes(1, message{}.int(1, d))
	}
	tensorType := message{}.int(1, elemFloat).bytes(2, shape)
	return message{}.text(1, name).bytes(2, message{}.bytes(1, tensorType))
}
