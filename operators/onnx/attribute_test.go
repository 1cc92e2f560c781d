package onnx_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// attribute starts an AttributeProto.
func attribute(typ int64) message {
	m := message{}.text(1, "a")
	if typ != 0 {
		m = m.int(20, typ)
	}
	return m
}

func decodeAttribute(a message) (any, error) {
	m, err := onnx.Decode(model(message{}.text(2, "g").bytes(1, node("Op", nil, nil).bytes(5, a))), nil, nil)
	if err != nil {
		return nil, err
	}
	return m.Graph.Nodes[0].Attributes[0].Value, nil
}

func TestDecodeAttribute(t *testing.T) {
	one := floats("", 1)
	sparse := sparseOf(one, tensorOf(7, 1).packed(7, 1), 2)
	typ := message{}.bytes(1, message{}.int(1, 7))
	tests := map[string]struct {
		proto message
		want  any
	}{
		"float":          {attribute(1).float(2, 1.5), float32(1.5)},
		"int":            {attribute(2).int(3, -7), int64(-7)},
		"string":         {attribute(3).text(4, "s\xff"), "s\xff"},
		"tensor":         {attribute(4).bytes(5, one), tensor.Of([]float32{1})},
		"sparse":         {attribute(11).bytes(22, sparse), tensor.Of([]float32{0, 1})},
		"type":           {attribute(13).bytes(14, typ), tensor.TensorType(tensor.Int64, nil)},
		"floats":         {attribute(6).float(7, 1).float(7, 2), []float32{1, 2}},
		"packed floats":  {attribute(6).bytes(7, []byte{0, 0, 0x80, 0x3f}), []float32{1}},
		"ints":           {attribute(7).int(8, 1).int(8, -2), []int64{1, -2}},
		"packed ints":    {attribute(7).packed(8, 1, -2), []int64{1, -2}},
		"strings":        {attribute(8).text(9, "a", ""), []string{"a", ""}},
		"tensors":        {attribute(9).bytes(10, one).bytes(10, one), []*tensor.Tensor{tensor.Of([]float32{1}), tensor.Of([]float32{1})}},
		"sparse tensors": {attribute(12).bytes(23, sparse), []*tensor.Tensor{tensor.Of([]float32{0, 1})}},
		"types":          {attribute(14).bytes(15, typ), []tensor.Type{tensor.TensorType(tensor.Int64, nil)}},
		"graph":          {attribute(5).bytes(6, message{}.text(2, "b")), &graph.Graph{Name: "b", Nodes: []*graph.Node{}}},
		"graphs":         {attribute(10).bytes(11, message{}.text(2, "b")), []*graph.Graph{{Name: "b", Nodes: []*graph.Node{}}}},

		"zero of proto3":  {attribute(2), int64(0)},
		"empty list":      {attribute(7), []int64{}},
		"empty floats":    {attribute(6), []float32{}},
		"empty strings":   {attribute(8), []string{}},
		"empty tensors":   {attribute(9), []*tensor.Tensor{}},
		"untyped int":     {attribute(0).int(3, 5), int64(5)},
		"untyped ints":    {attribute(0).int(8, 5), []int64{5}},
		"untyped strings": {attribute(0).text(9, "a"), []string{"a"}},
		"last of many":    {attribute(2).int(3, 5).int(3, 6), int64(6)},
	}
	for name, c := range tests {
		got, err := decodeAttribute(c.proto)
		if assert.NoError(t, err, name) {
			assert.Equal(t, c.want, got, name)
		}
	}
}

func TestAttributeErrors(t *testing.T) {
	tests := map[string]struct {
		proto  message
		path   string
		reason string
	}{
		"no value":       {attribute(0), `attribute "a"`, "neither a type nor a value"},
		"no tensor":      {attribute(4), `attribute "a"`, "its type is TENSOR, the value is missing"},
		"no graph":       {attribute(5), `attribute "a"`, "its type is GRAPH, the value is missing"},
		"another type":   {attribute(2).float(2, 1), `attribute "a"`, "its type is INT, it holds a value of another type"},
		"two types":      {attribute(2).float(2, 1).int(3, 1), `attribute "a"`, "another type"},
		"unknown type":   {attribute(15), `attribute "a"`, "no attribute has the type 15"},
		"two tensors":    {attribute(4).bytes(5, floats("", 1)).bytes(5, floats("", 1)), `attribute "a"`, "field 5 is given twice"},
		"no name":        {message{}.int(3, 1), `attribute ""`, "needs a name"},
		"ref and value":  {attribute(2).text(21, "b").int(3, 1), `attribute "a"`, `refers to attribute "b"`},
		"in a list":      {attribute(9).bytes(10, floats("", 1)).bytes(10, message{}), `attribute "a" element 1`, "needs an element type"},
		"odd floats":     {attribute(6).bytes(7, make([]byte, 6)), `attribute "a"`, "multiple of 4 bytes, field 7 has 6"},
		"open varint":    {attribute(7).bytes(8, []byte{0x80}), `attribute "a"`, "end in the middle of field 8"},
		"float as int":   {attribute(1).int(2, 1), `attribute "a"`, "field 2 is a varint"},
		"string as ints": {attribute(7).float(8, 1), `attribute "a"`, "field 8 is 32 bits"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := decodeAttribute(c.proto)
			var e *onnx.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, `graph "g" node 0 "" `+c.path, e.Path)
			assert.Contains(t, e.Reason, c.reason)
		})
	}
	_, err := onnx.Decode(model(message{}.bytes(1, node("Op", nil, nil).bytes(5, attribute(2)).bytes(5, attribute(2)))), nil, nil)
	requireError(t, err, onnx.ErrInvalid, `graph "" node 0 "" attribute "a"`, "two of this name")
}

// What a decoded attribute holds is encoded and decoded to the same.
func TestAttributeRoundTrip(t *testing.T) {
	for _, want := range []graph.Attribute{
		graph.A("a", float32(0)), graph.A("a", int64(0)), graph.A("a", ""), graph.A("a", []float32{}), graph.A("a", []int64{3, -1}),
		graph.A("a", []string{""}), graph.A("a", tensor.Of([]string{"x"})), graph.A("a", []*tensor.Tensor{tensor.Scalar(true)}),
		graph.A("a", tensor.Type{}), graph.A("a", []tensor.Type{tensor.TensorType(tensor.Int4, tensor.Dims{})}),
		graph.A("a", &graph.Graph{Nodes: []*graph.Node{}}), graph.A("a", []*graph.Graph{}), {Name: "a", Value: int64(1), Doc: "doc"}, {Name: "a", Ref: "b"},
	} {
		n := &graph.Node{Op: "Op", Attributes: []graph.Attribute{want}}
		b, err := onnx.Encode(&graph.Model{Graph: &graph.Graph{Nodes: []*graph.Node{n}}})
		require.NoError(t, err)
		assert.Equal(t, want, decode(t, b).Graph.Nodes[0].Attributes[0])
	}
	n := &graph.Node{Op: "Op", Name: "n", Attributes: []graph.Attribute{{Name: "a", Value: 3}}}
	_, err := onnx.Encode(&graph.Model{Graph: &graph.Graph{Name: "g", Nodes: []*graph.Node{n}}})
	requireError(t, err, onnx.ErrInvalid, `graph "g" node 0 "n" attribute "a"`, "no attribute holds a int")
}
