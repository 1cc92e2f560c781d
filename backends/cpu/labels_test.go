package cpu_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// A classifier of strings has the same strings and scores by way of their indexes.
func TestIndexedLabels(t *testing.T) {
	words := []string{"one", "two", "three"}
	x := random(1, tensor.Float32, 20, 4)
	for op, attributes := range map[string][]graph.Attribute{
		"LinearClassifier":       {graph.A("coefficients", numbers(2, 12)), graph.A("intercepts", numbers(3, 3))},
		"SVMClassifier":          classifierOf("RBF", []int64{3, 5, 2}, 4)[:6],
		"TreeEnsembleClassifier": grown(rand.New(rand.NewPCG(5, 6)), "class", 9, 5, 4, 3),
	} {
		b := newDrawing(20, 4)
		out := b.Node("ai.onnx.ml", op, []*graph.Value{b.x}, 2, append(attributes, graph.A("classlabels_strings", words), graph.A("post_transform", "SOFTMAX"))...)
		g := b.graph(out...)
		before, err := reference.Evaluate(t.Context(), g, []tensor.Value{x})
		require.NoError(t, err)
		facts, err := infer.Run(t.Context(), g, nil)
		require.NoError(t, err)
		infer.Annotate(g, facts)
		d := cpu.New(nil)
		changed, err := d.Optimize(t.Context(), g)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		assert.True(t, changed)
		assert.Equal(t, []string{op, "Gather"}, living(g))
		after, err := reference.Evaluate(t.Context(), g, []tensor.Value{x})
		require.NoError(t, err)
		assert.Equal(t, before[0].(*tensor.Tensor).Strings(), after[0].(*tensor.Tensor).Strings(), op)
		assert.Equal(t, before[1].(*tensor.Tensor).Bytes(), after[1].(*tensor.Tensor).Bytes(), op)
	}
}

// The label of a single class may be none at all, which no index stands for.
func TestSingleLabel(t *testing.T) {
	b := newDrawing(20, 4)
	out := b.Node("ai.onnx.ml", "LinearClassifier", []*graph.Value{b.x}, 2, graph.A("coefficients", numbers(2, 4)), graph.A("classlabels_strings", []string{"one"}))
	d := cpu.New(nil)
	changed, err := d.Optimize(t.Context(), b.graph(out...))
	require.NoError(t, err)
	require.NoError(t, d.Close())
	assert.False(t, changed)
}
