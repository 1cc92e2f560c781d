package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// What a rule emits is folded where it moves constants or finds shapes, and
// nowhere else.
func TestRewriteFolds(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims([]int{2, 3}))}
	w := &graph.Value{Name: "w", Const: tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3)}
	w.Type = w.Const.Type()
	n := &graph.Node{Name: "n", Op: "MatMul", Inputs: []*graph.Value{x, w}, Outputs: []*graph.Value{{Name: "y"}}}
	rule := func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		turned := b.Op("Transpose", n.Inputs[1:], graph.A("perm", []int64{1, 0}))
		product := b.Op("MatMul", []*graph.Value{n.Inputs[0], turned})
		shape := b.Op("Shape", []*graph.Value{product})
		return []*graph.Value{b.Op("Reshape", []*graph.Value{product, shape})}, nil
	}
	b, out, err := infer.Rewrite(t.Context(), rule, n)
	require.NoError(t, err)
	require.Len(t, b.Nodes, 2)
	assert.Equal(t, "MatMul", b.Nodes[0].Op)
	assert.Equal(t, tensor.Of([]float32{1, 4, 2, 5, 3, 6}, 3, 2), b.Nodes[0].Inputs[1].Const)
	assert.Equal(t, "Reshape", b.Nodes[1].Op)
	assert.Equal(t, tensor.Of([]int64{2, 2}), b.Nodes[1].Inputs[1].Const)
	assert.Same(t, b.Nodes[1].Outputs[0], out[0])
}
