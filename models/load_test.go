package models_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// A model built in code runs, and stays as it was.
func TestLoadModel(t *testing.T) {
	ctx := context.Background()
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("n"), tensor.Known(2)})}
	w := &graph.Value{Name: "w", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)}), Const: tensor.Of([]float32{10, 20})}
	y := &graph.Value{Name: "y"}
	y.Producer = &graph.Node{Op: "Add", Inputs: []*graph.Value{x, w}, Outputs: []*graph.Value{y}}
	m := &graph.Model{
		Opsets: map[string]int{"": 13},
		Graph: &graph.Graph{
			Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y},
			Initializers: []*graph.Value{w}, Nodes: []*graph.Node{y.Producer},
		},
	}
	s, err := models.LoadModel(ctx, m, &models.Options{Devices: []string{"cpu"}})
	require.NoError(t, err)
	for _, rows := range [][]float32{{1, 2}, {1, 2, 3, 4}} {
		out, err := s.Run(ctx, map[string]tensor.Value{"x": tensor.Of(rows, len(rows)/2, 2)})
		require.NoError(t, err)
		want := make([]float32, len(rows))
		for i, v := range rows {
			want[i] = v + []float32{10, 20}[i%2]
		}
		assert.Equal(t, tensor.Of(want, len(rows)/2, 2), out["y"])
	}
	require.NoError(t, s.Close())
	assert.Same(t, m, s.Model())
	assert.Zero(t, y.Type, "loading must not change the model")
}

func TestLoadModelWithout(t *testing.T) {
	_, err := models.LoadModel(context.Background(), nil, nil)
	require.ErrorContains(t, err, "there is no model")
	_, err = models.LoadModel(context.Background(), &graph.Model{}, nil)
	require.ErrorIs(t, err, models.ErrModel)
	require.ErrorContains(t, err, "the model has no graph")
}
