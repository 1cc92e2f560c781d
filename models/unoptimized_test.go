package models_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// An unoptimized model has every node that its file has, each with a kernel of
// its own, and the same outputs.
func TestUnoptimized(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		for _, plain := range []bool{false, true} {
			s := newSketch("model")
			x := s.input("x", tensor.Float32, 2, 2)
			same := s.Op("Identity", []*graph.Value{x})
			w := s.Const(tensor.Of([]float32{1, 2, 3, 4}, 2, 2))
			product := s.Op("MatMul", []*graph.Value{same, w})
			s.output("y", s.Op("Relu", []*graph.Value{product}))
			session := s.load(t, &models.Options{Devices: []string{device}, Unoptimized: plain})
			var nodes []string
			for _, n := range session.Placement().Nodes {
				nodes = append(nodes, n.Node.Op)
				assert.False(t, plain && n.Group != nil, n.Node.Op)
			}
			if plain {
				assert.Equal(t, []string{"Identity", "MatMul", "Relu"}, nodes)
			} else {
				assert.Equal(t, []string{"MatMul", "Relu"}, nodes)
			}
			out, err := session.Run(t.Context(), values{"x": tensor.Of([]float32{1, 0, -1, 0}, 2, 2)})
			require.NoError(t, err)
			assert.Equal(t, []float32{1, 2, 0, 0}, floats(t, out["y"]))
		}
	})
}
