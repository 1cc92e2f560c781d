package models_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// limited runs a sketch on cpu within a limit.
func limited(t *testing.T, s []byte, limit int64, in values) error {
	t.Helper()
	return loadAndRun(s, &models.Options{Devices: []string{"cpu"}, Threads: 1, MemoryLimit: limit}, in)
}

// Weights that a kernel packs count towards the limit: 256 KiB here, next to an
// arena of a few.
func TestPackedWeightsCountTowardsTheLimit(t *testing.T) {
	const n = 256
	nodes := map[string]func(s *sketch, x *graph.Value) *graph.Value{
		"MatMul": func(s *sketch, x *graph.Value) *graph.Value {
			return s.Op("MatMul", []*graph.Value{s.Op("Flatten", []*graph.Value{x}), s.floats(n, n)})
		},
		"Conv": func(s *sketch, x *graph.Value) *graph.Value {
			return s.Op("Conv", []*graph.Value{x, s.floats(n, n, 1, 1)})
		},
		"ConvTranspose": func(s *sketch, x *graph.Value) *graph.Value {
			return s.Op("ConvTranspose", []*graph.Value{x, s.floats(n, n, 1, 1)})
		},
		"GRU": func(s *sketch, x *graph.Value) *graph.Value {
			flat := s.Op("Reshape", []*graph.Value{x, s.Ints(1, 1, n)})
			return s.Op("GRU", []*graph.Value{flat, s.floats(1, 3*n/4, n), s.floats(1, 3*n/4, n/4)}, graph.A("hidden_size", int64(n/4)))
		},
	}
	for name, build := range nodes {
		t.Run(name, func(t *testing.T) {
			s := newSketch(name)
			s.output("y", build(s, s.input("x", tensor.Float32, 1, n, 1, 1)))
			model, in := s.bytes(t), values{"x": tensor.Zeros(tensor.Float32, tensor.Shape{1, n, 1, 1})}
			require.NoError(t, limited(t, model, 1<<20, in))
			err := limited(t, model, 128<<10, in)
			require.ErrorIs(t, err, adapter.OutOfMemory)
			assert.ErrorContains(t, err, "bytes of packed weights")
			assert.ErrorContains(t, err, "limit of 131072")
			assert.ErrorContains(t, err, name)
		})
	}
}

// Memory in which a kernel works counts towards the limit: here a copy of the
// picture with a margin, next to the output.
func TestScratchCountsTowardsTheLimit(t *testing.T) {
	const side = 400
	s := newSketch("picture")
	x := s.input("x", tensor.Float32, 1, 1, side, side)
	s.output("y", s.Op("Conv", []*graph.Value{x, s.floats(4, 1, 3, 3)}, graph.A("pads", []int64{1, 1, 1, 1})))
	model, in := s.bytes(t), values{"x": tensor.Zeros(tensor.Float32, tensor.Shape{1, 1, side, side})}

	session, err := models.LoadBytes(t.Context(), model, one("cpu"))
	require.NoError(t, err)
	_, err = session.Run(t.Context(), in)
	require.NoError(t, err)
	buffers := session.MemoryInUse()
	require.NoError(t, session.Close())
	require.Positive(t, buffers)
	const picture = side * side * 4
	require.NoError(t, limited(t, model, buffers+4*picture, in))
	err = limited(t, model, buffers+picture/2, in)
	require.ErrorIs(t, err, adapter.OutOfMemory)
	assert.ErrorContains(t, err, "bytes of scratch")
	assert.ErrorContains(t, err, "Conv")
}
