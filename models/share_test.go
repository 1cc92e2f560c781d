package models_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// What a container among the outputs holds belongs to the caller too: neither a
// constant of the model nor an input is in it.
func TestContainersOfOutputsShareNothing(t *testing.T) {
	weight := tensor.Of([]float32{1, 2})
	w := &graph.Value{Name: "w", Type: weight.Type(), Const: weight}
	x := &graph.Value{Name: "x", Type: weight.Type()}
	y := &graph.Value{Name: "y"}
	n := &graph.Node{Op: "SequenceConstruct", Version: 11, Inputs: []*graph.Value{w, x}, Outputs: []*graph.Value{y}}
	y.Producer = n
	g := &graph.Graph{Inputs: []*graph.Value{x}, Initializers: []*graph.Value{w}, Outputs: n.Outputs, Nodes: []*graph.Node{n}}
	s, err := models.LoadModel(context.Background(), &graph.Model{Opsets: map[string]int{"": 11}, Graph: g}, nil)
	require.NoError(t, err)
	defer s.Close()
	input := tensor.Of([]float32{3, 4})
	out, err := s.Run(context.Background(), map[string]tensor.Value{"x": input})
	require.NoError(t, err)
	items := out["y"].(*tensor.Sequence).Items
	require.Len(t, items, 2)
	tensor.Slice[float32](items[0].(*tensor.Tensor))[0] = 9
	tensor.Slice[float32](items[1].(*tensor.Tensor))[0] = 9
	assert.Equal(t, []float32{1, 2}, tensor.Slice[float32](weight))
	assert.Equal(t, []float32{3, 4}, tensor.Slice[float32](input))
}
