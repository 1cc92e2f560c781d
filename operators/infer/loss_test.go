package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestLosses(t *testing.T) {
	none := with(graph.A("reduction", "none"))
	target := func(extents ...any) infer.Fact { return typed(tensor.Int64, extents...) }
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []infer.Fact
		want  []string
	}{
		{"mean", nil, []infer.Fact{f32("n", 3, 5), target("n", 5)}, []string{"float32[]", "float32[n,3,5]"}},
		{"none", none, []infer.Fact{f32("n", 3, "?"), target("?", 5)}, []string{"float32[n,5]", "float32[n,3,?]"}},
		{"by the targets", none, []infer.Fact{unranked(tensor.Float32), target("n", 5)}, []string{"float32[n,5]", "float32[...]"}},
		{"nothing known", none, []infer.Fact{unranked(tensor.Float32), unranked(tensor.Int64)}, []string{"float32[...]", "float32[...]"}},
	} {
		got, err := inferred("SoftmaxCrossEntropyLoss", 2, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
	for _, c := range []struct {
		in   []infer.Fact
		want string
	}{
		{[]infer.Fact{f32(4), target(4)}, "rank must be 2 or more"},
		{[]infer.Fact{f32(4, 3), target(5)}, "extents 4 and 5 differ"},
		{[]infer.Fact{f32(4, 3), target(4, 1)}, "their rank must be 1"},
		{[]infer.Fact{f32(4, 3), target(4), f32(2)}, "extents 2 and 3 differ"},
	} {
		_, err := inferred("NegativeLogLikelihoodLoss", 1, nil, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestOptimizers(t *testing.T) {
	g := &graph.Graph{}
	n := &graph.Node{Domain: "ai.onnx.preview.training", Op: "Adam"}
	for _, f := range []infer.Fact{f32(), typed(tensor.Int64), f32(2), f32("n"), f32(2), f32("n"), f32(2), f32("n"), f32(2), f32("n")} {
		v := &graph.Value{Type: f.Type}
		g.Inputs, n.Inputs = append(g.Inputs, v), append(n.Inputs, v)
	}
	for range 6 {
		n.Outputs = append(n.Outputs, &graph.Value{})
	}
	g.Nodes = []*graph.Node{n}
	facts, err := infer.Run(t.Context(), g, nil)
	require.NoError(t, err)
	for i, want := range []string{"float32[2]", "float32[n]", "float32[2]", "float32[n]", "float32[2]", "float32[n]"} {
		assert.Equal(t, want, facts[n.Outputs[i]].Type.String())
	}
	n.Inputs = n.Inputs[:9]
	_, err = infer.Run(t.Context(), g, nil)
	assert.ErrorContains(t, err, "7 inputs behind the update count are not 4 for each tensor")
}
