package models_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// Reshapes of an input, of a value in the arena, of one whose size is found
// while running, and of each other, read by nodes and as outputs.
func TestViews(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("views")
		x := s.input("x", tensor.Float32, 2, 3)
		column := s.Op("Reshape", []*graph.Value{x, s.Ints(6, 1)})
		neg := s.Op("Neg", []*graph.Value{column})
		flat := s.Op("Flatten", []*graph.Value{s.Op("Unsqueeze", []*graph.Value{neg, s.Ints(0)})})
		found := s.Op("NonZero", []*graph.Value{neg}) // [2, n]
		back := s.Op("Squeeze", []*graph.Value{s.Op("Unsqueeze", []*graph.Value{found, s.Ints(1)}), s.Ints(1)})
		// What is computed after flat was last read may take neg's place in the
		// arena, but not while flat is an output.
		s.output("column", column)
		s.output("flat", flat)
		s.output("sum", s.Op("Add", []*graph.Value{flat, s.Op("Abs", []*graph.Value{s.Op("Reshape", []*graph.Value{x, s.Ints(1, -1)})})}))
		s.output("back", back)
		session := s.load(t, one(device))
		for range 2 {
			out, err := session.Run(t.Context(), values{"x": tensor.Of([]float32{1, 0, 3, -4, 5, 6}, 2, 3)})
			require.NoError(t, err)
			assert.Equal(t, tensor.Shape{6, 1}, out["column"].(*tensor.Tensor).Shape())
			assert.Equal(t, []float32{1, 0, 3, -4, 5, 6}, floats(t, out["column"]))
			assert.Equal(t, tensor.Shape{1, 6}, out["flat"].(*tensor.Tensor).Shape())
			assert.Equal(t, []float32{-1, 0, -3, 4, -5, -6}, floats(t, out["flat"]))
			assert.Equal(t, []float32{0, 0, 0, 8, 0, 0}, floats(t, out["sum"]))
			assert.Equal(t, tensor.Shape{2, 5}, out["back"].(*tensor.Tensor).Shape())
		}
	})
}

// Parts are made in the whole that they are joined to, wholes in greater ones, and
// read where they lie; what cannot lie there is copied, and what comes out is the
// same as where everything has memory of its own.
func TestJoinsAndSplits(t *testing.T) {
	axis := graph.A("axis", int64(1))
	concat := func(s *sketch, parts ...*graph.Value) *graph.Value { return s.Op("Concat", parts, axis) }
	for name, c := range map[string]struct {
		build func(s *sketch, x *graph.Value) *graph.Value
		views int // nodes for which nothing runs
	}{
		"dense layers": {func(s *sketch, x *graph.Value) *graph.Value {
			y := s.Op("Exp", []*graph.Value{x})
			for range 3 {
				part := s.Op("Softmax", []*graph.Value{s.Op("ReduceMean", []*graph.Value{s.Op("Tanh", []*graph.Value{y}), s.Ints(1)})})
				y = concat(s, y, part)
			}
			return s.Op("Abs", []*graph.Value{y})
		}, 3},
		"all of it again and again": {func(s *sketch, x *graph.Value) *graph.Value {
			all := []*graph.Value{s.Op("Exp", []*graph.Value{x})}
			for range 3 {
				all = append(all, s.Op("ReduceMax", []*graph.Value{concat(s, all...), s.Ints(1)}))
			}
			return s.Op("Neg", []*graph.Value{concat(s, all...)})
		}, 4},
		"the same twice, a constant, an input": {func(s *sketch, x *graph.Value) *graph.Value {
			y := s.Op("Exp", []*graph.Value{x})
			long := concat(s, y, s.noisy(1, 1, 16), s.Op("Sin", []*graph.Value{concat(s, y, y)}), x, y)
			return s.Op("Relu", []*graph.Value{long})
		}, 2},
		"a part that is read and written over": {func(s *sketch, x *graph.Value) *graph.Value {
			y := s.Op("Exp", []*graph.Value{x})
			joined := concat(s, y, s.Op("Cos", []*graph.Value{x}))
			over := s.Op("Softmax", []*graph.Value{y}) // may not lie where y lies, in joined
			return concat(s, s.Op("Sqrt", []*graph.Value{s.Op("Abs", []*graph.Value{over})}), s.Op("Neg", []*graph.Value{joined}))
		}, 2},
		"split, changed and joined": {func(s *sketch, x *graph.Value) *graph.Value {
			parts := s.Node("", "Split", []*graph.Value{s.Op("Exp", []*graph.Value{x}), s.Ints(1, 2)}, 2, axis)
			tail := s.Op("Slice", []*graph.Value{s.Op("Cos", []*graph.Value{x}), s.Ints(2), s.Ints(3), s.Ints(1)})
			return concat(s, s.Op("Neg", parts[1:]), parts[0], tail)
		}, 3},
		"in rows that are not aligned": {func(s *sketch, x *graph.Value) *graph.Value {
			y := s.Op("Slice", []*graph.Value{s.Op("Exp", []*graph.Value{x}), s.Ints(3), s.Ints(15), s.Ints(2)}) // of 12
			return concat(s, s.Op("Neg", []*graph.Value{y}), s.Op("Cos", []*graph.Value{y}), s.Op("Sin", []*graph.Value{y}))
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSketch("joins")
			y := c.build(s, s.input("x", tensor.Float32, 1, 3, 16))
			s.output("y", y)
			model := s.bytes(t)
			x := tensor.Zeros(tensor.Float32, tensor.Shape{1, 3, 16})
			for i := range tensor.Slice[float32](x) {
				tensor.Slice[float32](x)[i] = float32(i%7)/4 - 0.5
			}
			var want tensor.Value
			for _, device := range []string{"emu", "cpu"} {
				for _, unoptimized := range []bool{true, false} {
					views := 0
					hook := func(e models.NodeEvent) {
						if e.Kernel == "view" {
							views++
						}
					}
					session, err := models.LoadBytes(t.Context(), model, &models.Options{Devices: []string{device}, Unoptimized: unoptimized, Hook: hook})
					require.NoError(t, err)
					for range 2 {
						views = 0
						out, err := session.Run(t.Context(), values{"x": x})
						require.NoError(t, err)
						if want == nil {
							want = out["y"]
						}
						assert.InDeltaSlice(t, floats(t, want), floats(t, out["y"]), 1e-6, "%s, unoptimized: %v", device, unoptimized)
					}
					if unoptimized {
						assert.Zero(t, views)
					} else if device == "cpu" {
						assert.Equal(t, c.views, views)
					}
					require.NoError(t, session.Close())
				}
			}
		})
	}
}

// inPlace is the processor with elementwise kernels that work in place, which
// the reference's do, since they write after they have computed.
type inPlace struct{ *cpu.Device }

func (inPlace) InPlace(n *graph.Node) []int {
	switch n.Op {
	case "Relu", "Neg":
		return []int{0}
	case "Add":
		return []int{0, 1}
	}
	return nil
}

func TestInPlaceKernelsKeepWhatIsStillNeeded(t *testing.T) {
	s := newSketch("inplace")
	x := s.input("x", tensor.Float32, 4)
	a := s.Op("Relu", []*graph.Value{x}) // x is the caller's
	b := s.Op("Neg", []*graph.Value{a})  // a is needed below
	c := s.Op("Relu", []*graph.Value{s.Op("Add", []*graph.Value{b, b})})
	d := s.Op("Add", []*graph.Value{a, s.Op("Reshape", []*graph.Value{a, s.Ints(4)})}) // a and its view
	s.output("y", s.Op("Add", []*graph.Value{c, d}))
	s.output("b", b)
	model := s.bytes(t)
	in := tensor.Of([]float32{1, -2, 3, -4})
	for _, dev := range []*adapter.Device{adapter.New("cpu:0", cpu.New(nil)), adapter.New("inplace:0", inPlace{cpu.New(nil)})} {
		session, err := models.LoadBytes(t.Context(), model, &models.Options{Opened: []*adapter.Device{dev}})
		require.NoError(t, err)
		for range 2 {
			out, err := session.Run(t.Context(), values{"x": in})
			require.NoError(t, err)
			assert.Equal(t, []float32{2, 0, 6, 0}, floats(t, out["y"]), dev.Name())
			assert.Equal(t, []float32{-1, 0, -3, 0}, floats(t, out["b"]), dev.Name())
			assert.Equal(t, []float32{1, -2, 3, -4}, tensor.Slice[float32](in))
		}
		require.NoError(t, session.Close())
		require.NoError(t, dev.Close())
	}
}

// What a group's later nodes read is not overwritten by its first.
func TestGroupsInPlace(t *testing.T) {
	s := newSketch("groups")
	x := s.input("x", tensor.Float32, 3)
	a := s.Op("Transpose", []*graph.Value{s.Op("Abs", []*graph.Value{x})})
	b := s.Op("Softmax", []*graph.Value{x})
	s.output("y", s.Op("Mul", []*graph.Value{s.Op("Neg", []*graph.Value{a}), a}))
	s.output("z", s.Op("Softmax", []*graph.Value{s.Op("Mul", []*graph.Value{s.Op("Neg", []*graph.Value{b}), s.Op("Transpose", []*graph.Value{x})})}))
	for _, unoptimized := range []bool{false, true} {
		session, err := models.LoadBytes(t.Context(), s.bytes(t), &models.Options{Unoptimized: unoptimized})
		require.NoError(t, err)
		out, err := session.Run(t.Context(), values{"x": tensor.Of([]float32{1, -2, 3})})
		require.NoError(t, err)
		assert.Equal(t, []float32{-1, -4, -9}, floats(t, out["y"]))
		// softmax(x) = [0.1185, 0.0059, 0.8756], times -x: [-0.1185, 0.0118, -2.6267]
		assert.InDeltaSlice(t, []float32{0.45033, 0.51301, 0.03666}, floats(t, out["z"]), 1e-4)
		require.NoError(t, session.Close())
	}
}

// A group that begins with a node that can work in place, but moves what it computes
// further on, has a result beside its operands.
func TestGroupsThatMoveAreNotInPlace(t *testing.T) {
	s := newSketch("heads")
	x := s.input("x", tensor.Float32, 1, 2, 4, 2) // (batch, heads, steps, size)
	q, k, v := s.Op("Abs", []*graph.Value{x}), s.Op("Sin", []*graph.Value{x}), s.Op("Exp", []*graph.Value{x})
	scaled := s.Op("Mul", []*graph.Value{q, s.Const(tensor.Scalar(float32(0.5)))})
	scores := s.Op("MatMul", []*graph.Value{scaled, s.Op("Transpose", []*graph.Value{k}, graph.A("perm", []int64{0, 1, 3, 2}))})
	heads := s.Op("MatMul", []*graph.Value{s.Op("Softmax", []*graph.Value{scores}), v})
	s.output("y", s.Op("Neg", []*graph.Value{s.Op("Transpose", []*graph.Value{heads}, graph.A("perm", []int64{0, 2, 1, 3}))}))
	in := tensor.Of([]float32{1, -2, 3, -4, 0.5, 2, -1, 4, 2, 2, -3, 1, -0.5, 0.25, 5, -2}, 1, 2, 4, 2)
	model := s.bytes(t)
	var results [2][]float32
	for i, device := range []string{"cpu", "emu:0"} {
		session, err := models.LoadBytes(t.Context(), model, one(device))
		require.NoError(t, err)
		out, err := session.Run(t.Context(), values{"x": in})
		require.NoError(t, err)
		results[i] = floats(t, out["y"])
		require.NoError(t, session.Close())
	}
	assert.InDeltaSlice(t, results[1], results[0], 1e-4)
}

// Shapes that follow from values are found anew when these change, and only then
// looked for.
func TestShapesFollowValues(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("follow")
		x, shape := s.input("x", tensor.Float32, 1, 2), s.input("shape", tensor.Int64, 2)
		wide := s.Op("Expand", []*graph.Value{x, s.Op("Mul", []*graph.Value{shape, s.Ints(2, 1)})})
		s.output("y", s.Op("Neg", []*graph.Value{wide}))
		session := s.load(t, one(device))
		in := values{"x": tensor.Of([]float32{1, 2}, 1, 2)}
		for _, rows := range []int64{1, 1, 3, 1, 0, 2, 2} {
			in["shape"] = tensor.Of([]int64{rows, 2})
			out, err := session.Run(t.Context(), in)
			require.NoError(t, err)
			require.Equal(t, tensor.Shape{2 * int(rows), 2}, out["y"].(*tensor.Tensor).Shape())
			for i, v := range floats(t, out["y"]) {
				assert.Equal(t, float32(-1-i%2), v)
			}
		}
	})
}
