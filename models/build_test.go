package models_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// devices are the unlike devices that every behaviour is tested on.
var devices = []string{"cpu", "emu"}

// on runs a test on each device.
func on(t *testing.T, test func(t *testing.T, device string)) {
	for _, device := range devices {
		t.Run(device, func(t *testing.T) { test(t, device) })
	}
}

// sketch builds small graphs.
type sketch struct {
	*graph.Builder
	graph *graph.Graph
}

func newSketch(name string) *sketch {
	g := &graph.Graph{Name: name}
	return &sketch{graph.NewBuilder(&graph.Node{Name: name}), g}
}

func (s *sketch) input(name string, d tensor.DType, dims ...any) *graph.Value {
	v := &graph.Value{Name: name, Type: tensor.TensorType(d, dimsOf(dims))}
	s.graph.Inputs = append(s.graph.Inputs, v)
	return v
}

func dimsOf(list []any) tensor.Dims {
	dims := tensor.Dims{}
	for _, d := range list {
		switch x := d.(type) {
		case int:
			dims = append(dims, tensor.Known(x))
		case string:
			dims = append(dims, tensor.Symbol(x))
		}
	}
	return dims
}

// output names a value and makes it an output.
func (s *sketch) output(name string, v *graph.Value) {
	if v.Producer != nil {
		v.Name = name
	}
	s.graph.Outputs = append(s.graph.Outputs, v)
}

func (s *sketch) done() *graph.Graph {
	s.graph.Nodes, s.graph.Initializers = s.Nodes, append(s.graph.Initializers, s.Initializers...)
	return s.graph
}

// bytes encodes the graph as a model file.
func (s *sketch) bytes(t testing.TB) []byte {
	t.Helper()
	m := &graph.Model{IRVersion: 10, Opsets: map[string]int{"": 24, "ai.onnx.ml": 3, "com.example": 1}, Graph: s.done()}
	b, err := onnx.Encode(m)
	require.NoError(t, err)
	return b
}

func (s *sketch) load(t *testing.T, o *models.Options) *models.Session {
	t.Helper()
	session, err := models.LoadBytes(context.Background(), s.bytes(t), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, session.Close()) })
	return session
}

func one(device string) *models.Options { return &models.Options{Devices: []string{device}} }

func floats(t *testing.T, v tensor.Value) []float32 {
	t.Helper()
	require.IsType(t, &tensor.Tensor{}, v)
	return tensor.Slice[float32](v.(*tensor.Tensor))
}

type values = map[string]tensor.Value
