package models_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// An If whose branches give different shapes and read values around them.
func TestIf(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("if")
		cond := s.input("cond", tensor.Bool)
		x := s.input("x", tensor.Float32, "n")
		twice := s.Op("Add", []*graph.Value{x, x})
		then := newSketch("then")
		then.output("t", then.Op("Neg", []*graph.Value{twice}))
		els := newSketch("else")
		els.output("e", els.Op("Concat", []*graph.Value{x, twice}, graph.A("axis", int64(0))))
		s.output("y", s.Op("If", []*graph.Value{cond}, graph.A("then_branch", then.done()), graph.A("else_branch", els.done())))
		session := s.load(t, one(device))
		in := tensor.Of([]float32{1, 2})
		for range 2 {
			out, err := session.Run(t.Context(), values{"cond": tensor.Scalar(true), "x": in})
			require.NoError(t, err)
			assert.Equal(t, []float32{-2, -4}, floats(t, out["y"]))
			out, err = session.Run(t.Context(), values{"cond": tensor.Scalar(false), "x": in})
			require.NoError(t, err)
			assert.Equal(t, []float32{1, 2, 2, 4}, floats(t, out["y"]))
		}
	})
}

// A branch may hand on what it captures without touching it.
func TestIfPassesThrough(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("pass")
		cond := s.input("cond", tensor.Bool)
		x := s.input("x", tensor.Float32, 3)
		neg := s.Op("Neg", []*graph.Value{x})
		then := newSketch("then")
		then.output("", neg)
		els := newSketch("else")
		els.output("", els.Const(tensor.Of([]float32{9, 9, 9})))
		y := s.Op("If", []*graph.Value{cond}, graph.A("then_branch", then.done()), graph.A("else_branch", els.done()))
		// neg's place in the arena is free from here on, but y may still be it.
		z := s.Op("Exp", []*graph.Value{s.Op("Cos", []*graph.Value{s.Op("Sin", []*graph.Value{x})})})
		s.output("y", y)
		s.output("z", z)
		session := s.load(t, one(device))
		out, err := session.Run(t.Context(), values{"cond": tensor.Scalar(true), "x": tensor.Of([]float32{1, 2, 3})})
		require.NoError(t, err)
		assert.Equal(t, []float32{-1, -2, -3}, floats(t, out["y"]))
		out, err = session.Run(t.Context(), values{"cond": tensor.Scalar(false), "x": tensor.Of([]float32{1, 2, 3})})
		require.NoError(t, err)
		assert.Equal(t, []float32{9, 9, 9}, floats(t, out["y"]))
	})
}

// power is a loop that doubles its state and collects it: state and scan.
func power() *sketch {
	body := newSketch("body")
	i := body.input("i", tensor.Int64)
	cond := body.input("go", tensor.Bool)
	x := body.input("x", tensor.Float32, 2)
	body.output("again", body.Op("Identity", []*graph.Value{cond}))
	y := body.Op("Add", []*graph.Value{x, x})
	body.output("y", y)
	body.output("scan", body.Op("Mul", []*graph.Value{y, body.Op("Cast", []*graph.Value{i}, graph.A("to", int64(tensor.Float32)))}))
	s := newSketch("power")
	trips := s.input("trips", tensor.Int64)
	start := s.input("start", tensor.Float32, 2)
	out := s.Node("", "Loop", []*graph.Value{trips, nil, start}, 2, graph.A("body", body.done()))
	s.output("final", out[0])
	s.output("all", out[1])
	return s
}

func TestLoop(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		session := power().load(t, one(device))
		start := tensor.Of([]float32{1, 3})
		for _, trips := range []int64{3, 0, 1, 3} {
			out, err := session.Run(t.Context(), values{"trips": tensor.Scalar(trips), "start": start})
			require.NoError(t, err)
			scale := float32(int64(1) << trips)
			assert.Equal(t, []float32{scale, 3 * scale}, floats(t, out["final"]), "%d trips", trips)
			all := out["all"].(*tensor.Tensor)
			require.Equal(t, tensor.Shape{int(trips), 2}, all.Shape())
			if trips == 3 {
				assert.Equal(t, []float32{0, 0, 4, 12, 16, 48}, floats(t, all))
			}
		}
	})
}

// receiving is the processor, counting the bytes that are copied to it.
type receiving struct {
	*cpu.Device
	bytes *atomic.Int64
}

func (r receiving) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	r.bytes.Add(int64(len(src)))
	return r.Device.CopyIn(ctx, dst, src)
}

// An input that the body of a loop reads is copied to its device once.
func TestLoopsCopyWhatTheyCaptureOnce(t *testing.T) {
	body := newSketch("body")
	body.input("i", tensor.Int64)
	cond, sum := body.input("go", tensor.Bool), body.input("sum", tensor.Float32, 1000)
	s := newSketch("captured")
	trips, x := s.input("trips", tensor.Int64), s.input("x", tensor.Float32, 1000)
	body.output("again", body.Op("Identity", []*graph.Value{cond}))
	body.output("more", body.Op("Add", []*graph.Value{sum, x}))
	start := s.Op("Neg", []*graph.Value{s.input("start", tensor.Float32, 1000)})
	s.output("y", s.Op("Loop", []*graph.Value{trips, nil, start}, graph.A("body", body.done())))
	var bytes atomic.Int64
	session := s.load(t, &models.Options{Opened: []*adapter.Device{adapter.New("receiving:0", receiving{cpu.New(nil), &bytes})}})
	in := tensor.Zeros(tensor.Float32, tensor.Shape{1000})
	tensor.Slice[float32](in)[999] = 3
	out, err := session.Run(t.Context(), values{"trips": tensor.Scalar(int64(20)), "x": in, "start": in})
	require.NoError(t, err)
	assert.Equal(t, float32(57), floats(t, out["y"])[999])
	assert.Less(t, bytes.Load(), int64(3*4000), "two inputs, and little else")
}

// A loop whose state grows has another shape in every iteration: plans per
// shape give way to one that leaves the extent open.
func TestLoopWithGrowingState(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		body := newSketch("body")
		i := body.input("i", tensor.Int64)
		cond := body.input("go", tensor.Bool)
		x := body.input("x", tensor.Int64, "n")
		body.output("again", body.Op("Identity", []*graph.Value{cond}))
		body.output("y", body.Op("Concat", []*graph.Value{x, body.Op("Unsqueeze", []*graph.Value{i, body.Ints(0)})}, graph.A("axis", int64(0))))
		s := newSketch("grow")
		trips := s.input("trips", tensor.Int64)
		empty := s.Const(tensor.Of([]int64{}, 0))
		s.output("z", s.Op("Loop", []*graph.Value{trips, nil, empty}, graph.A("body", body.done())))
		session := s.load(t, one(device))
		out, err := session.Run(t.Context(), values{"trips": tensor.Scalar(int64(100))})
		require.NoError(t, err)
		got := tensor.Slice[int64](out["z"].(*tensor.Tensor))
		require.Len(t, got, 100)
		for k, v := range got {
			assert.Equal(t, int64(k), v)
		}
	})
}

// The loop's condition is computed, the loop nested in an If, both capture.
func TestNestedControl(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("nested")
		limit := s.input("limit", tensor.Float32)
		x := s.input("x", tensor.Float32)
		body := newSketch("body")
		body.input("i", tensor.Int64)
		body.input("go", tensor.Bool)
		v := body.input("v", tensor.Float32)
		next := body.Op("Add", []*graph.Value{v, x}) // captured from two levels up
		body.output("again", body.Op("Less", []*graph.Value{next, limit}))
		body.output("next", next)
		then := newSketch("then")
		then.output("sum", then.Op("Loop", []*graph.Value{nil, then.Const(tensor.Scalar(true)), x}, graph.A("body", body.done())))
		els := newSketch("else")
		els.output("same", els.Op("Identity", []*graph.Value{limit}))
		cond := s.Op("Greater", []*graph.Value{limit, x})
		s.output("y", s.Op("If", []*graph.Value{cond}, graph.A("then_branch", then.done()), graph.A("else_branch", els.done())))
		session := s.load(t, one(device))
		for limit, want := range map[float32]float32{10: 12, 2: 2, 3.5: 6} {
			out, err := session.Run(t.Context(), values{"limit": tensor.Scalar(limit), "x": tensor.Scalar(float32(3))})
			require.NoError(t, err)
			assert.Equal(t, []float32{want}, floats(t, out["y"]), "limit %v", limit)
		}
	})
}

// What NonZero finds decides the shapes of everything after it.
func TestShapesThatDependOnData(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("nonzero")
		x := s.input("x", tensor.Float32, "n")
		at := s.Op("Transpose", []*graph.Value{s.Op("NonZero", []*graph.Value{x})})
		found := s.Op("GatherND", []*graph.Value{x, at})
		s.output("y", s.Op("Mul", []*graph.Value{found, found}))
		count := s.Op("Shape", []*graph.Value{found})
		s.output("ramp", s.Op("Expand", []*graph.Value{s.Const(tensor.Of([]float32{5})), count}))
		session := s.load(t, one(device))
		for _, c := range []struct{ in, squares []float32 }{
			{[]float32{0, 2, 0, 3}, []float32{4, 9}},
			{[]float32{1, 2, 3, 4}, []float32{1, 4, 9, 16}},
			{[]float32{0, 0}, []float32{}},
		} {
			out, err := session.Run(t.Context(), values{"x": tensor.Of(c.in)})
			require.NoError(t, err)
			assert.Equal(t, c.squares, floats(t, out["y"]))
			assert.Len(t, floats(t, out["ramp"]), len(c.squares))
		}
	})
}

// Sequences and strings live on the host, their tensors come and go.
func TestContainersAndStrings(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("containers")
		x := s.input("x", tensor.Float32, 4)
		words := s.input("words", tensor.String, 2)
		parts := s.Op("SplitToSequence", []*graph.Value{x, s.Const(tensor.Scalar(int64(2)))})
		second := s.Op("SequenceAt", []*graph.Value{parts, s.Const(tensor.Scalar(int64(-1)))})
		s.output("y", s.Op("Neg", []*graph.Value{second}))
		s.output("parts", parts)
		s.output("twice", s.Op("StringConcat", []*graph.Value{words, words}))
		session := s.load(t, one(device))
		out, err := session.Run(t.Context(), values{"x": tensor.Of([]float32{1, 2, 3, 4}), "words": tensor.Of([]string{"a", "b"})})
		require.NoError(t, err)
		assert.Equal(t, []float32{-3, -4}, floats(t, out["y"]))
		require.Len(t, out["parts"].(*tensor.Sequence).Items, 2)
		assert.Equal(t, []string{"aa", "bb"}, out["twice"].(*tensor.Tensor).Strings())
		for _, a := range session.Placement().Nodes {
			want := "host"
			if a.Node.Op == "Neg" {
				want = device + ":0"
			}
			assert.Equal(t, want, session.Placement().DeviceName(a.Device), a.Node.Op)
		}
	})
}

// A loop stacks what lives on the host too.
func TestLoopStacksStrings(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		body := newSketch("body")
		i := body.input("i", tensor.Int64)
		cond := body.input("go", tensor.Bool)
		body.output("again", body.Op("Identity", []*graph.Value{cond}))
		text := body.Op("Cast", []*graph.Value{i}, graph.A("to", int64(tensor.String)))
		body.output("pair", body.Op("StringConcat", []*graph.Value{body.Const(tensor.Of([]string{"a", "b"})), text}))
		s := newSketch("stack")
		trips := s.input("trips", tensor.Int64)
		s.output("y", s.Op("Loop", []*graph.Value{trips, nil}, graph.A("body", body.done())))
		session := s.load(t, one(device))
		out, err := session.Run(t.Context(), values{"trips": tensor.Scalar(int64(3))})
		require.NoError(t, err)
		assert.Equal(t, tensor.Of([]string{"a0", "b0", "a1", "b1", "a2", "b2"}, 3, 2), out["y"])
		out, err = session.Run(t.Context(), values{"trips": tensor.Scalar(int64(0))})
		require.NoError(t, err)
		assert.Equal(t, tensor.Shape{0, 2}, out["y"].(*tensor.Tensor).Shape())
	})
}
