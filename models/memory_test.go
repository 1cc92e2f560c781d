package models_test

import (
	"testing"
	"time"

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

// The header of an image that says it is larger than what the limit allows is
// refused before any pixels are made.
func TestImagesCountTowardsTheLimit(t *testing.T) {
	const header = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x10\x00\x00\x00\x10\x00\x10\x06\x00\x00\x00\xa2\x33\xf8\x54" // 4096 × 4096, 16 bits
	s := newSketch("picture")
	s.output("y", s.Op("ImageDecoder", []*graph.Value{s.input("x", tensor.Uint8, "n")}))
	model := s.bytes(t)
	on(t, func(t *testing.T, device string) {
		within(t, bound{2 * time.Second, 16 << 20}, func() {
			err := loadAndRun(model, &models.Options{Devices: []string{device}, MemoryLimit: 1 << 20}, values{"x": tensor.Of([]byte(header))})
			require.ErrorIs(t, err, adapter.OutOfMemory)
			assert.ErrorContains(t, err, "an image of 4096 × 4096 pixels")
			assert.ErrorContains(t, err, "limit of 1048576")
		})
	})
}

// Where a kernel finds an output's shape while it runs and there is no memory
// for it, idle memory goes first, and only then the run fails; on a device that
// works asynchronously it is the device that asks.
func TestOutputsFoundWhileRunningCountTowardsTheLimit(t *testing.T) {
	s := newSketch("indexes")
	s.output("y", s.Op("NonZero", []*graph.Value{s.input("x", tensor.Bool, "n")}))
	model := s.bytes(t)
	ones := func(n int) values {
		x := tensor.Zeros(tensor.Bool, tensor.Shape{n})
		for i := range x.Bytes() {
			x.Bytes()[i] = 1
		}
		return values{"x": x}
	}
	on(t, func(t *testing.T, device string) {
		session, err := models.LoadBytes(t.Context(), model, &models.Options{Devices: []string{device}, MemoryLimit: 400 << 10})
		require.NoError(t, err)
		defer func() { require.NoError(t, session.Close()) }()
		for _, n := range []int{1 << 14, 1 << 15, 1 << 14} { // 128 KiB of indexes, 256 KiB, 128 KiB
			out, err := session.Run(t.Context(), ones(n))
			require.NoError(t, err)
			require.Equal(t, n, out["y"].(*tensor.Tensor).Len())
		}
		within(t, bound{2 * time.Second, 16 << 20}, func() {
			_, err := session.Run(t.Context(), ones(1<<16))
			require.ErrorIs(t, err, adapter.OutOfMemory)
			assert.ErrorContains(t, err, "NonZero")
		})
		_, err = session.Run(t.Context(), ones(1<<15))
		require.NoError(t, err)
	})
}
