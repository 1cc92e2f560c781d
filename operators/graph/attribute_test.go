package graph_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestAttributes(t *testing.T) {
	body := &graph.Graph{Nodes: []*graph.Node{{Op: "Relu"}}}
	weight := tensor.Of([]float32{1, 2})
	n := &graph.Node{Op: "Every", Attributes: []graph.Attribute{
		graph.A("i", int64(-3)), graph.A("f", float32(0.5)), graph.A("s", "text"), graph.A("is", []int64{1, 2}), graph.A("fs", []float32{3}),
		graph.A("ss", []string{"a", "b"}), graph.A("t", weight), graph.A("g", body), graph.A("type", int64(tensor.Int64)), graph.A("zero", int64(0)),
	}}
	assert.EqualValues(t, -3, n.Int("i", 7))
	assert.EqualValues(t, 7, n.Int("none", 7))
	assert.EqualValues(t, 7, n.Int("s", 7), "an attribute of another type is not there")
	assert.True(t, n.Bool("i", false))
	assert.False(t, n.Bool("zero", true))
	assert.True(t, n.Bool("none", true))
	assert.Equal(t, float32(0.5), n.Float("f", 1))
	assert.Equal(t, float32(1), n.Float("i", 1))
	assert.Equal(t, "text", n.Text("s", ""))
	assert.Equal(t, "default", n.Text("none", "default"))
	assert.Equal(t, []int64{1, 2}, n.Ints("is"))
	assert.Nil(t, n.Ints("i"))
	assert.Equal(t, []float32{3}, n.Floats("fs"))
	assert.Equal(t, []string{"a", "b"}, n.Texts("ss"))
	assert.Same(t, weight, n.Tensor("t"))
	assert.Same(t, body, n.Body("g"))
	assert.Nil(t, n.Body("t"))
	assert.True(t, n.Has("zero"))
	assert.False(t, n.Has("none"))
}

// Numbers that are no element type do not become one by losing their upper bits.
func TestDTypeAttribute(t *testing.T) {
	for v, want := range map[int64]tensor.DType{1: tensor.Float32, int64(tensor.Int4): tensor.Int4} {
		n := &graph.Node{Attributes: []graph.Attribute{graph.A("to", v)}}
		assert.Equal(t, want, n.DType("to", tensor.Bool))
		assert.True(t, n.DType("to", tensor.Bool).Valid())
	}
	for _, v := range []int64{-1, 99, 256 + 1, 1 << 40} {
		n := &graph.Node{Attributes: []graph.Attribute{graph.A("to", v)}}
		assert.False(t, n.DType("to", tensor.Bool).Valid(), "%d", v)
	}
	assert.Equal(t, tensor.Bool, (&graph.Node{}).DType("to", tensor.Bool))
}

func TestSetAndWithout(t *testing.T) {
	n := &graph.Node{}
	n.Set(graph.A("a", int64(1)))
	n.Set(graph.A("b", int64(2)))
	n.Set(graph.A("a", "one"))
	assert.Equal(t, []graph.Attribute{graph.A("a", "one"), graph.A("b", int64(2))}, n.Attributes)
	assert.Equal(t, []graph.Attribute{graph.A("b", int64(2))}, n.Without("a", "none"))
	assert.Empty(t, n.Without("a", "b"))
	assert.Len(t, n.Attributes, 2, "the node keeps its own")
}

func TestAttributesInWords(t *testing.T) {
	for want, a := range map[string]graph.Attribute{
		"axis=-1":             graph.A("axis", int64(-1)),
		`mode="wrap"`:         graph.A("mode", "wrap"),
		"pads=[0 1]":          graph.A("pads", []int64{0, 1}),
		"body=graph(1 nodes)": graph.A("body", &graph.Graph{Nodes: []*graph.Node{{}}}),
		"branches=2 graphs":   graph.A("branches", []*graph.Graph{{}, {}}),
		"alpha=@beta":         {Name: "alpha", Ref: "beta"},
	} {
		assert.Equal(t, want, a.String())
	}
}
