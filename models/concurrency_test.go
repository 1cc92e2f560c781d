package models_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/operators/graph"
)

// long says that tests are to take their time.
var long = os.Getenv("MIDPLANE_LONG") != ""

// noisy adds a constant of numbers at random.
func (s *sketch) noisy(dims ...int) *graph.Value {
	t := tensor.Zeros(tensor.Float32, dims)
	r := rand.New(rand.NewPCG(uint64(t.Len()), 3))
	for i := range tensor.Slice[float32](t) {
		tensor.Slice[float32](t)[i] = r.Float32() - 0.5
	}
	return s.Const(t)
}

// busy is a model of all that a run may meet: packed weights, scratch, an arena,
// shapes found while running, bodies, values on the host.
func busy(t *testing.T) []byte {
	t.Helper()
	s := newSketch("busy")
	x := s.input("x", tensor.Float32, "n", 2, 12, 12)
	y := s.Op("Conv", []*graph.Value{x, s.noisy(8, 2, 3, 3), s.noisy(8)}, graph.A("pads", []int64{1, 1, 1, 1}))
	y = s.Op("MaxPool", []*graph.Value{s.Op("Relu", []*graph.Value{y})}, graph.A("kernel_shape", []int64{2, 2}), graph.A("strides", []int64{2, 2}))
	y = s.Op("Gemm", []*graph.Value{s.Op("Flatten", []*graph.Value{y}), s.noisy(288, 10), s.noisy(10)})
	steps := s.Op("Unsqueeze", []*graph.Value{y, s.Ints(1)})
	state := s.Node("", "LSTM", []*graph.Value{steps, s.noisy(1, 12, 10), s.noisy(1, 12, 3)}, 1, graph.A("hidden_size", int64(3)))[0]
	s.output("state", state)
	s.output("probabilities", s.Op("Softmax", []*graph.Value{y}))
	s.output("positive", s.Op("NonZero", []*graph.Value{s.Op("Relu", []*graph.Value{y})}))

	body := newSketch("body")
	i := body.input("i", tensor.Int64)
	cond := body.input("go", tensor.Bool)
	sum := &graph.Value{Name: "sum", Type: tensor.TensorType(tensor.Float32, tensor.UnknownDims(2))}
	body.graph.Inputs = append(body.graph.Inputs, sum)
	body.output("again", body.Op("Identity", []*graph.Value{cond}))
	scaled := body.Op("Mul", []*graph.Value{y, body.Op("Cast", []*graph.Value{i}, graph.A("to", int64(tensor.Float32)))})
	body.output("next", body.Op("Add", []*graph.Value{sum, scaled}))
	s.output("looped", s.Op("Loop", []*graph.Value{s.Const(tensor.Scalar(int64(3))), nil, y}, graph.A("body", body.done())))
	s.output("words", s.Op("Cast", []*graph.Value{s.Op("ArgMax", []*graph.Value{y}, graph.A("axis", int64(1)))}, graph.A("to", int64(tensor.String))))
	return s.bytes(t)
}

// pictures returns inputs of several batch sizes for busy.
func pictures() []values {
	var list []values
	r := rand.New(rand.NewPCG(5, 5))
	for n := range 4 {
		x := tensor.Zeros(tensor.Float32, tensor.Shape{n + 1, 2, 12, 12})
		for i := range tensor.Slice[float32](x) {
			tensor.Slice[float32](x)[i] = r.Float32()*2 - 1
		}
		list = append(list, values{"x": x})
	}
	return list
}

// alone returns what runs one at a time give.
func alone(t *testing.T, model []byte, o *models.Options, inputs []values) []values {
	t.Helper()
	s, err := models.LoadBytes(t.Context(), model, o)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	want := make([]values, len(inputs))
	for i, in := range inputs {
		want[i], err = s.Run(t.Context(), in)
		require.NoError(t, err)
	}
	return want
}

// sameBits returns how outputs differ from what they should be.
func sameBits(want, got values) error {
	for name, w := range want {
		w, g := w.(*tensor.Tensor), got[name].(*tensor.Tensor)
		if !w.Shape().Equal(g.Shape()) || string(w.Bytes()) != string(g.Bytes()) || fmt.Sprint(w.Strings()) != fmt.Sprint(g.Strings()) {
			return fmt.Errorf("%s: %v beside other runs, %v alone", name, g, w)
		}
	}
	return nil
}

// A hundred goroutines on one session get the bits that each would get alone:
// some into tensors of their own, some cancelled on the way.
func TestConcurrentRunsGiveTheSameBits(t *testing.T) {
	model, inputs := busy(t), pictures()
	lasts := 300 * time.Millisecond
	if long {
		lasts = 10 * time.Second
	}
	on(t, func(t *testing.T, device string) {
		o := &models.Options{Devices: []string{device}, Threads: 2}
		want := alone(t, model, o, inputs)
		s, err := models.LoadBytes(t.Context(), model, o)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(context.Background(), lasts)
		defer cancel()
		var wait sync.WaitGroup
		var runs atomic.Int64
		for g := range 100 {
			wait.Go(func() {
				for i := g; i == g || ctx.Err() == nil; i++ {
					which := i % len(inputs)
					if err := oneOfMany(s, inputs[which], want[which], i%7); err != nil {
						assert.NoError(t, err)
						return
					}
					runs.Add(1)
				}
			})
		}
		wait.Wait()
		require.NoError(t, s.Close())
		assert.GreaterOrEqual(t, runs.Load(), int64(100))
		t.Logf("%d runs", runs.Load())
	})
}

// oneOfMany runs a session in one of several ways and compares.
func oneOfMany(s *models.Session, in, want values, way int) error {
	ctx := context.Background()
	switch way {
	case 0:
		into := values{"probabilities": tensor.Zeros(tensor.Float32, want["probabilities"].(*tensor.Tensor).Shape())}
		if err := s.RunInto(ctx, in, into); err != nil {
			return err
		}
		return sameBits(values{"probabilities": want["probabilities"]}, into)
	case 1:
		ctx, cancel := context.WithTimeout(ctx, 100*time.Microsecond)
		defer cancel()
		out, err := s.Run(ctx, in)
		if err == nil {
			return sameBits(want, out)
		}
		if errors.Is(err, adapter.Canceled) {
			return nil
		}
		return err
	}
	out, err := s.Run(ctx, in)
	if err != nil {
		return err
	}
	return sameBits(want, out)
}

// Close waits for the runs under way, which end as they would have; those that
// come later are refused.
func TestCloseWhileRunning(t *testing.T) {
	model, inputs := busy(t), pictures()
	rounds := 5
	if long {
		rounds = 100
	}
	on(t, func(t *testing.T, device string) {
		o := &models.Options{Devices: []string{device}, Threads: 2}
		want := alone(t, model, o, inputs)
		for round := range rounds {
			s, err := models.LoadBytes(t.Context(), model, o)
			require.NoError(t, err)
			var wait sync.WaitGroup
			for g := range 8 {
				wait.Go(func() {
					for {
						which := g % len(inputs)
						out, err := s.Run(context.Background(), inputs[which])
						if errors.Is(err, models.ErrClosed) {
							return
						}
						if !assert.NoError(t, err) || !assert.NoError(t, sameBits(want[which], out)) {
							return
						}
					}
				})
			}
			time.Sleep(time.Duration(round) * time.Millisecond)
			require.NoError(t, s.Close())
			_, err = s.Run(t.Context(), inputs[0])
			require.ErrorIs(t, err, models.ErrClosed)
			require.Zero(t, s.MemoryInUse())
			wait.Wait()
		}
	})
}

func TestCloseWaitsAndRefuses(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		o, running := one(device), make(chan struct{})
		begun := sync.OnceFunc(func() { close(running) })
		o.Hook = func(models.NodeEvent) { begun() }
		s, err := models.LoadBytes(t.Context(), endless(t), o)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := s.Run(ctx, nil)
			ended <- err
		}()
		<-running
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		select {
		case <-closed:
			t.Fatal("Close returned while a run was under way")
		case <-time.After(30 * time.Millisecond):
		}
		cancel()
		require.ErrorIs(t, <-ended, adapter.Canceled)
		require.NoError(t, <-closed)
		_, err = s.Run(t.Context(), nil)
		require.ErrorIs(t, err, models.ErrClosed)
		require.NoError(t, s.Close())
	})
}
