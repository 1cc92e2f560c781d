package models_test

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// message is a Protocol Buffers message under construction, for models that the
// encoder would not write.
type message []byte

func (m message) int(num protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), uint64(v))
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

// node makes a NodeProto.
func node(op string, inputs, outputs []string, attributes ...message) message {
	m := message{}.text(1, inputs...).text(2, outputs...).text(3, "the "+op).text(4, op)
	for _, a := range attributes {
		m = m.bytes(5, a)
	}
	return m
}

// graphAttribute makes an AttributeProto of a GraphProto.
func graphAttribute(name string, g message) message {
	return message{}.text(1, name).bytes(6, g).int(20, 5)
}

// list makes a GraphProto of nodes.
func list(nodes ...message) message {
	m := message{}.text(2, "g")
	for _, n := range nodes {
		m = m.bytes(1, n)
	}
	return m
}

// vectorInfo makes a ValueInfoProto of a float32 vector.
func vectorInfo(name string) message {
	shape := message{}.bytes(1, message{}.text(2, "N"))
	return message{}.text(1, name).bytes(2, message{}.bytes(1, message{}.int(1, 1).bytes(2, shape)))
}

// model makes a ModelProto of operator set 21 around a GraphProto.
func model(g message, functions ...message) message {
	m := message{}.int(1, 10).bytes(8, message{}.int(2, 21)).bytes(8, message{}.text(1, "f").int(2, 1)).bytes(7, g)
	for _, f := range functions {
		m = m.bytes(25, f)
	}
	return m
}

// function makes a FunctionProto of domain f with input x and output y.
func function(name string, nodes ...message) message {
	m := message{}.text(1, name).text(4, "x").text(5, "y").text(10, "f").
		bytes(9, message{}.int(2, 21)).bytes(9, message{}.text(1, "f").int(2, 1))
	for _, n := range nodes {
		m = m.bytes(7, n)
	}
	return m
}

// call makes a NodeProto that calls a function of domain f.
func call(name, input, output string) message {
	return node(name, []string{input}, []string{output}).text(7, "f")
}
