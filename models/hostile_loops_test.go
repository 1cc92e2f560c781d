package models_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// looping builds a loop of 2^62 trips around what body does with its state.
func looping(state func(s *sketch) *graph.Value, body func(b *sketch, i, x *graph.Value) (next, scan *graph.Value)) *sketch {
	b := newSketch("body")
	i := b.input("i", tensor.Int64)
	cond := b.input("go", tensor.Bool)
	s := newSketch("loop")
	first := state(s)
	x := &graph.Value{Name: "x", Type: first.Type}
	if first.Type.IsTensor() {
		x.Type.Dims = tensor.UnknownDims(len(first.Type.Dims))
	}
	b.graph.Inputs = append(b.graph.Inputs, x)
	next, scan := body(b, i, x)
	b.output("again", b.Op("Identity", []*graph.Value{cond}))
	b.output("next", next)
	outputs := 1
	if scan != nil {
		b.output("scan", scan)
		outputs = 2
	}
	out := s.Node("", "Loop", []*graph.Value{s.Const(tensor.Scalar(int64(1) << 62)), nil, first}, outputs, graph.A("body", b.done()))
	for k, v := range out {
		s.output(fmt.Sprint("y", k), v)
	}
	return s
}

// floatState is a loop's first state: the input first, of n numbers.
func floatState(n int) func(s *sketch) *graph.Value {
	return func(s *sketch) *graph.Value { return s.input("first", tensor.Float32, n) }
}

// firstOf returns what a session takes as first state.
func firstOf(s *models.Session) values {
	in := make(values)
	for _, v := range s.Inputs() {
		shape, _ := v.Shape.Shape()
		in[v.Name] = tensor.Zeros(v.DType, shape)
	}
	return in
}

// endlessLoop is a loop that goes on for ever.
type endlessLoop struct {
	sketch *sketch
	full   bool // memory runs out
}

func endlessLoops() map[string]endlessLoop {
	sequence := func(s *sketch) *graph.Value {
		v := s.Op("SequenceEmpty", nil)
		v.Type = tensor.SequenceType(tensor.TensorType(tensor.Float32, nil))
		return v
	}
	return map[string]endlessLoop{
		"nothing": {looping(floatState(1), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) { return x, nil }), false},
		"work": {looping(floatState(100), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return b.Op("Sin", []*graph.Value{x}), nil
		}), false},
		"state that grows": {looping(floatState(1000), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return b.Op("Concat", []*graph.Value{x, b.floats(1000)}, graph.A("axis", int64(0))), nil
		}), true},
		"state that doubles": {looping(floatState(1), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return b.Op("Concat", []*graph.Value{x, x}, graph.A("axis", int64(0))), nil
		}), true},
		"scan output": {looping(floatState(1), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return x, b.Op("Concat", []*graph.Value{b.floats(1000), x}, graph.A("axis", int64(0)))
		}), true},
		"scan output of numbers": {looping(floatState(1), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return x, b.Op("Identity", []*graph.Value{i})
		}), true},
		"scan output of strings": {looping(floatState(1), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return x, b.Op("Cast", []*graph.Value{i}, graph.A("to", int64(tensor.String)))
		}), true},
		"scan output of nothing": {looping(floatState(0), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return x, b.Op("Identity", []*graph.Value{x})
		}), false},
		"sequence": {looping(sequence, func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			next = b.Op("SequenceInsert", []*graph.Value{x, b.floats(10_000)})
			return next, nil
		}), true},
		"sequence of nothing": {looping(sequence, func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			next = b.Op("SequenceInsert", []*graph.Value{x, b.floats(0)})
			return next, nil
		}), true},
	}
}

// Loops that go on for ever end with the context, or where what they pile up
// passes the session's limit.
func TestEndlessLoops(t *testing.T) {
	loops, encoded := endlessLoops(), make(map[string][]byte)
	for name, c := range loops {
		encoded[name] = c.sketch.bytes(t)
	}
	on(t, func(t *testing.T, device string) {
		for name, c := range loops {
			t.Run(name, func(t *testing.T) {
				o := one(device)
				o.MemoryLimit = max(16<<10, 4*int64(os.Getpagesize())) // emu gives whole pages
				s, err := models.LoadBytes(t.Context(), encoded[name], o)
				require.NoError(t, err)
				defer func() { require.NoError(t, s.Close()) }()
				within(t, bound{20 * time.Second, 128 << 20}, func() {
					ctx, cancel := context.WithCancel(t.Context())
					timer := time.AfterFunc(100*time.Millisecond, cancel)
					if c.full {
						timer.Reset(15 * time.Second)
					}
					_, err = s.Run(ctx, firstOf(s))
					cancel()
				})
				refused(t, err)
				if c.full {
					assert.ErrorIs(t, err, adapter.OutOfMemory)
				} else {
					assert.ErrorIs(t, err, adapter.Canceled)
				}
			})
		}
	})
}

// A run leaves nothing behind where it fails: the memory in use is what it was.
func TestFailedRunsGiveMemoryBack(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		o := one(device)
		o.MemoryLimit = 1 << 20
		s := looping(floatState(1), func(b *sketch, i, x *graph.Value) (next, scan *graph.Value) {
			return b.Op("Concat", []*graph.Value{x, x}, graph.A("axis", int64(0))), b.Op("Identity", []*graph.Value{i})
		}).load(t, o)
		run := func() int64 {
			_, err := s.Run(t.Context(), firstOf(s))
			require.ErrorIs(t, err, adapter.OutOfMemory)
			return s.MemoryInUse()
		}
		run()
		after := run()
		for range 10 {
			assert.Equal(t, after, run())
		}
	})
}
