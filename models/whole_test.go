package models_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// compiler is a processor that takes a whole model, or fails to.
type compiler struct {
	*cpu.Device
	err    error
	source operators.Source
	x      *executable
}

// Compile implements operators.Compiler.
func (c *compiler) Compile(_ context.Context, m operators.Source) (operators.Executable, error) {
	c.source, c.x = m, &executable{}
	return c.x, c.err
}

// executable returns its first input, and notes what it was given.
type executable struct {
	inputs []tensor.Value
	closed int
	err    error
}

// Run implements operators.Executable.
func (x *executable) Run(_ context.Context, inputs []tensor.Value) ([]tensor.Value, error) {
	x.inputs = inputs
	return inputs[:1], x.err
}

// Close implements operators.Executable.
func (x *executable) Close() error { x.closed++; return nil }

// Kernel implements operators.Located.
func (x *executable) Kernel(n *graph.Node) string { return "whole " + n.Op }

// addDefault is y = x + w, whose w has a default.
func addDefault(t *testing.T) []byte {
	t.Helper()
	s := newSketch("add")
	x, w := s.input("x", tensor.Float32, 2), s.input("w", tensor.Float32, 2)
	w.Const = tensor.Of([]float32{1, 2})
	s.graph.Initializers = append(s.graph.Initializers, w)
	s.output("y", s.Op("Add", []*graph.Value{x, w}))
	return s.bytes(t)
}

func loadWhole(t *testing.T, c *compiler) (*models.Session, []byte) {
	t.Helper()
	c.Device = cpu.New(nil)
	dev := adapter.New("whole", c)
	t.Cleanup(func() { require.NoError(t, dev.Close()) })
	b := addDefault(t)
	s, err := models.LoadBytes(t.Context(), b, &models.Options{Opened: []*adapter.Device{dev}})
	require.NoError(t, err)
	return s, b
}

func TestModelTakenAsAWhole(t *testing.T) {
	c := &compiler{}
	s, b := loadWhole(t, c)
	assert.Equal(t, b, c.source.Bytes, "the device sees the file")
	assert.Same(t, s.Model(), c.source.Model)
	require.Len(t, s.Placement().Nodes, 1)
	placed := s.Placement().Nodes[0]
	assert.Equal(t, partition.Graph, placed.Route)
	assert.Equal(t, "whole Add", placed.Kernel)
	assert.Equal(t, "graph", placed.Route.String())
	assert.Same(t, s.Model().Graph.Nodes[0], placed.Node, "it runs the nodes of the file")

	x := tensor.Of([]float32{3, 4})
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": x})
	require.NoError(t, err)
	assert.Equal(t, map[string]tensor.Value{"y": x}, out)
	assert.Equal(t, []tensor.Value{x, nil}, c.x.inputs, "what is left to its default is nil")

	_, err = s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]int32{1, 2})})
	assert.ErrorIs(t, err, models.ErrInput)
	c.x.err = driver.Errorf(driver.DeviceLost, "Run", "gone")
	_, err = s.Run(t.Context(), map[string]tensor.Value{"x": x})
	assert.ErrorIs(t, err, adapter.DeviceLost)
	_, err = s.Stage("canonical")
	assert.ErrorContains(t, err, "whole took the model as a whole")

	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	assert.Equal(t, 1, c.x.closed)
}

// Tensors on the device go in and come out where they lie.
func TestWholeModelOnTensorsOfTheDevice(t *testing.T) {
	c := &compiler{}
	s, _ := loadWhole(t, c)
	defer s.Close()
	x, err := s.Devices()[0].Upload(t.Context(), tensor.Of([]float32{3, 4}))
	require.NoError(t, err)
	y, err := s.Devices()[0].NewTensor(tensor.Float32, tensor.Shape{2})
	require.NoError(t, err)
	require.NoError(t, s.RunInto(t.Context(), map[string]tensor.Value{"x": x}, map[string]tensor.Value{"y": y}))
	host, err := y.Download(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []float32{3, 4}, tensor.Slice[float32](host))
}

// A device that declines the whole is offered the nodes.
func TestModelDeclinedAsAWhole(t *testing.T) {
	s, _ := loadWhole(t, &compiler{err: driver.Errorf(driver.Unsupported, "Compile", "too large")})
	defer s.Close()
	assert.Equal(t, partition.Kernel, s.Placement().Nodes[0].Route)
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]float32{3, 4})})
	require.NoError(t, err)
	assert.Equal(t, []float32{4, 6}, tensor.Slice[float32](out["y"].(*tensor.Tensor)))
}

// A failure is no answer: it ends loading.
func TestModelThatFailsAsAWhole(t *testing.T) {
	dev := adapter.New("whole", &compiler{Device: cpu.New(nil), err: errors.New("the device is on fire")})
	defer dev.Close()
	_, err := models.LoadBytes(t.Context(), addDefault(t), &models.Options{Opened: []*adapter.Device{dev}})
	assert.ErrorContains(t, err, "the device is on fire")
	var e *models.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "compile", e.Stage)
}
