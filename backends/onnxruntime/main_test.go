package onnxruntime_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/onnxruntime"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// needLibrary skips a test that cannot run without ONNX Runtime.
func needLibrary(t testing.TB) {
	t.Helper()
	if os.Getenv(onnxruntime.Variable) == "" {
		t.Skipf("%s is not set: nothing ran on ONNX Runtime", onnxruntime.Variable)
	}
}

// open opens the processor's provider.
func open(t testing.TB, o *driver.Options) driver.Device {
	t.Helper()
	needLibrary(t)
	if o == nil {
		o = &driver.Options{}
	}
	d, err := onnxruntime.Driver{}.Open(t.Context(), 0, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// load loads a model on the processor's provider.
func load(t testing.TB, m *graph.Model, o *driver.Options) *models.Session {
	t.Helper()
	dev := adapter.New("onnxruntime:0", open(t, o))
	s, err := models.LoadModel(t.Context(), m, &models.Options{Opened: []*adapter.Device{dev}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// value is an input of a graph.
func value(name string, d tensor.DType, dims ...int) *graph.Value {
	return &graph.Value{Name: name, Type: tensor.TensorType(d, tensor.KnownDims(dims))}
}

// model makes a model of one node whose outputs have the given types.
func model(opset int, n *graph.Node, inputs []*graph.Value, outputs ...*graph.Value) *graph.Model {
	n.Inputs, n.Outputs, n.Version = inputs, outputs, opset
	for _, v := range outputs {
		v.Producer = n
	}
	g := &graph.Graph{Name: "test", Nodes: []*graph.Node{n}, Outputs: outputs}
	for _, v := range inputs {
		if v.Const != nil {
			g.Initializers = append(g.Initializers, v)
		} else {
			g.Inputs = append(g.Inputs, v)
		}
	}
	return &graph.Model{IRVersion: 10, Opsets: map[string]int{"": opset}, Graph: g}
}

// relu is a model with one Relu over n floats.
func relu(n int) *graph.Model {
	return model(14, &graph.Node{Name: "relu", Op: "Relu"}, []*graph.Value{value("x", tensor.Float32, n)}, value("y", tensor.Float32, n))
}
