package models_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// affine is y = relu(x × w + b) over x [n,2], with w and b inside.
func affine() *sketch {
	s := newSketch("affine")
	x := s.input("x", tensor.Float32, "n", 2)
	w := s.Const(tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3))
	b := s.Const(tensor.Of([]float32{0.5, -100, 0}, 3))
	y := s.Op("Relu", []*graph.Value{s.Op("Add", []*graph.Value{s.Op("MatMul", []*graph.Value{x, w}), b})})
	s.output("y", y)
	return s
}

func TestRun(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := affine().load(t, one(device))
		require.Len(t, s.Inputs(), 1)
		assert.Equal(t, "float32[n,2]", s.Inputs()[0].Type.String())
		assert.Equal(t, "y", s.Outputs()[0].Name)
		for _, n := range []int{1, 2, 3, 1, 0} { // a plan per batch size, the first one again, an empty batch
			x := tensor.Zeros(tensor.Float32, tensor.Shape{n, 2})
			for i := range tensor.Slice[float32](x) {
				tensor.Slice[float32](x)[i] = 1
			}
			out, err := s.Run(t.Context(), values{"x": x})
			require.NoError(t, err)
			y := out["y"].(*tensor.Tensor)
			assert.Equal(t, tensor.Shape{n, 3}, y.Shape())
			for i, v := range floats(t, y) {
				assert.Equal(t, []float32{5.5, 0, 9}[i%3], v)
			}
		}
	})
}

func TestOutputsBelongToTheCaller(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("aliases")
		x := s.input("x", tensor.Float32, 2)
		k := s.Const(tensor.Of([]float32{7, 8}))
		s.output("x", x) // an input that is an output
		s.output("k", s.Op("Identity", []*graph.Value{k}))
		s.output("y", s.Op("Neg", []*graph.Value{x}))
		session := s.load(t, one(device))
		in := tensor.Of([]float32{1, 2})
		first, err := session.Run(t.Context(), values{"x": in})
		require.NoError(t, err)
		for _, v := range first {
			floats(t, v)[0] = 99
		}
		second, err := session.Run(t.Context(), values{"x": in})
		require.NoError(t, err)
		assert.Equal(t, []float32{1, 2}, floats(t, second["x"]))
		assert.Equal(t, []float32{7, 8}, floats(t, second["k"]))
		assert.Equal(t, []float32{-1, -2}, floats(t, second["y"]))
		assert.Equal(t, []float32{1, 2}, tensor.Slice[float32](in))
	})
}

func TestBadInputs(t *testing.T) {
	s := affine().load(t, one("cpu"))
	good := tensor.Zeros(tensor.Float32, tensor.Shape{1, 2})
	tests := []struct {
		name   string
		inputs values
		says   []string
	}{
		{"missing", values{}, []string{`"x"`, "missing", "float32[n,2]"}},
		{"unknown", values{"x": good, "z": good}, []string{`"z"`, "no such input", "[x]"}},
		{"element type", values{"x": tensor.Zeros(tensor.Float64, tensor.Shape{1, 2})}, []string{`"x"`, "float32[n,2]", "float64[1,2]"}},
		{"extent", values{"x": tensor.Zeros(tensor.Float32, tensor.Shape{1, 3})}, []string{`"x"`, "[n,2]", "[1,3]"}},
		{"rank", values{"x": tensor.Zeros(tensor.Float32, tensor.Shape{2})}, []string{`"x"`, "[n,2]", "[2]"}},
		{"kind", values{"x": &tensor.Sequence{Elem: good.Type()}}, []string{`"x"`, "sequence"}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Run(t.Context(), c.inputs)
			require.ErrorIs(t, err, models.ErrInput)
			for _, word := range c.says {
				assert.ErrorContains(t, err, word)
			}
			var e *models.Error
			require.ErrorAs(t, err, &e)
			assert.NotEmpty(t, e.Input)
		})
	}
}

func TestEverythingMissingIsReportedAtOnce(t *testing.T) {
	s := newSketch("missing")
	x := s.input("x", tensor.Float32, 2)
	a := s.Node("com.example", "Frobnicate", []*graph.Value{x}, 1)[0]
	b := s.Node("com.example", "Grind", []*graph.Value{a}, 1)[0]
	s.output("y", s.Node("com.example", "Frobnicate", []*graph.Value{b}, 1)[0])
	_, err := models.LoadBytes(t.Context(), s.bytes(t), one("cpu"))
	require.ErrorIs(t, err, adapter.Unsupported)
	var missing *partition.UnsupportedError
	require.ErrorAs(t, err, &missing)
	assert.Len(t, missing.Nodes, 3)
	for _, word := range []string{"3 nodes", "com.example.Frobnicate-1", "com.example.Grind-1", "cpu:0: no kernel"} {
		assert.ErrorContains(t, err, word)
	}
}

func TestPlacementOverTwoDevices(t *testing.T) {
	s := newSketch("mixed")
	x := s.input("x", tensor.Float32, 1, 4)
	r := s.Op("Relu", []*graph.Value{x})
	f := s.Op("Cos", []*graph.Value{r}) // emu:1 has no Cos
	s.output("y", s.Op("Mul", []*graph.Value{f, r}))
	model := s.bytes(t)
	x1 := values{"x": tensor.Of([]float32{-1, 0, 1, 2}, 1, 4)}

	_, err := models.LoadBytes(t.Context(), model, one("emu:1"))
	require.ErrorIs(t, err, adapter.Unsupported)
	_, err = models.LoadBytes(t.Context(), model, &models.Options{Devices: []string{"emu:1", "cpu"}, Fallback: models.FallbackNever})
	require.ErrorIs(t, err, adapter.Unsupported)

	var log strings.Builder
	alone, err := affineAlone(t, model).Run(t.Context(), x1)
	require.NoError(t, err)
	for _, o := range []*models.Options{
		{Devices: []string{"emu:1", "cpu"}, Logger: slog.New(slog.NewTextHandler(&log, nil))},
		{Devices: []string{"emu:1"}, Fallback: models.FallbackAny},
	} {
		session, err := models.LoadBytes(t.Context(), model, o)
		require.NoError(t, err)
		out, err := session.Run(t.Context(), x1)
		require.NoError(t, err)
		assert.Equal(t, floats(t, alone["y"]), floats(t, out["y"]))
		on := make(map[string]string)
		for _, a := range session.Placement().Nodes {
			on[a.Node.Op] = session.Placement().DeviceName(a.Device) + " " + a.Reason
		}
		assert.Equal(t, "emu:1 ", on["Relu"])
		assert.Equal(t, "emu:1 ", on["Mul"])
		assert.Equal(t, "cpu:0 emu:1: no kernel", on["Cos"])
		require.NoError(t, session.Close())
	}
	assert.Contains(t, log.String(), "node not on the first device")
}

func affineAlone(t *testing.T, model []byte) *models.Session {
	s, err := models.LoadBytes(context.Background(), model, one("cpu"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestHookSeesEveryNode(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		var events []models.NodeEvent
		o := one(device)
		o.Hook = func(e models.NodeEvent) { events = append(events, e) }
		s := affine().load(t, o)
		_, err := s.Run(t.Context(), values{"x": tensor.Zeros(tensor.Float32, tensor.Shape{1, 2})})
		require.NoError(t, err)
		var seen []string
		for _, e := range events {
			seen = append(seen, e.Node.Op)
			assert.Equal(t, device+":0", e.Device)
			assert.Equal(t, partition.Kernel, e.Route)
			if e.Kernel == "gemm+Add+Relu" && e.Node.Op != "MatMul" {
				assert.Zero(t, e.Duration, "the first node of a group takes all the time")
				continue
			}
			assert.Positive(t, e.Duration)
		}
		assert.Equal(t, []string{"MatMul", "Add", "Relu"}, seen)
	})
}

func TestRunInto(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("counter")
		x := s.input("x", tensor.Float32, 3)
		s.output("y", s.Op("Add", []*graph.Value{x, s.Const(tensor.Of([]float32{1, 2, 3}))}))
		session := s.load(t, one(device))
		host := tensor.Of([]float32{0, 0, 0})
		require.NoError(t, session.RunInto(t.Context(), values{"x": host}, values{"y": host})) // in place
		assert.Equal(t, []float32{1, 2, 3}, tensor.Slice[float32](host))

		state, err := session.Devices()[0].Upload(t.Context(), host) // stays on the device between runs
		require.NoError(t, err)
		for range 3 {
			require.NoError(t, session.RunInto(t.Context(), values{"x": state}, values{"y": state}))
		}
		got, err := state.Download(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []float32{4, 8, 12}, tensor.Slice[float32](got))
		require.NoError(t, state.Free())

		err = session.RunInto(t.Context(), values{"x": host}, values{"y": tensor.Of([]float32{0})})
		require.ErrorIs(t, err, models.ErrInput)
		err = session.RunInto(t.Context(), values{"x": host}, values{"nope": host})
		require.ErrorIs(t, err, models.ErrInput)
	})
}

func TestDefaultsCanBeOverridden(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("defaults")
		x := s.input("x", tensor.Float32, 2)
		k := s.input("k", tensor.Float32, 2)
		k.Const = tensor.Of([]float32{10, 20})
		s.graph.Initializers = append(s.graph.Initializers, k)
		s.output("y", s.Op("Mul", []*graph.Value{x, k}))
		session := s.load(t, one(device))
		assert.True(t, session.Inputs()[1].Optional)
		x1 := tensor.Of([]float32{1, 2})
		for range 2 {
			out, err := session.Run(t.Context(), values{"x": x1})
			require.NoError(t, err)
			assert.Equal(t, []float32{10, 40}, floats(t, out["y"]))
			out, err = session.Run(t.Context(), values{"x": x1, "k": tensor.Of([]float32{-1, 0})})
			require.NoError(t, err)
			assert.Equal(t, []float32{-1, 0}, floats(t, out["y"]))
		}
	})
}

// endless is a loop that never ends by itself.
func endless(t *testing.T) []byte {
	body := newSketch("body")
	body.input("i", tensor.Int64)
	cond := body.input("go", tensor.Bool)
	x := body.input("x", tensor.Float32, 1)
	body.output("again", body.Op("Identity", []*graph.Value{cond}))
	body.output("y", body.Op("Add", []*graph.Value{x, body.Const(tensor.Of([]float32{1}))}))
	s := newSketch("endless")
	start := s.Const(tensor.Of([]float32{0}))
	s.output("z", s.Op("Loop", []*graph.Value{nil, s.Const(tensor.Scalar(true)), start}, graph.A("body", body.done())))
	return s.bytes(t)
}

func TestCancelEndsARun(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s, err := models.LoadBytes(t.Context(), endless(t), one(device))
		require.NoError(t, err)
		defer s.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err = s.Run(ctx, nil)
		require.ErrorIs(t, err, adapter.Canceled)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, time.Since(start), 10*time.Second, "the model has no end of its own")
	})
}

func TestMemoryLimit(t *testing.T) {
	o := one("cpu")
	o.MemoryLimit = 1 << 20
	s := newSketch("large")
	x := s.input("x", tensor.Float32, 1)
	shape := s.input("shape", tensor.Int64, 1)
	s.output("y", s.Op("Expand", []*graph.Value{x, shape}))
	session := s.load(t, o)
	_, err := session.Run(t.Context(), values{"x": tensor.Of([]float32{1}), "shape": tensor.Of([]int64{1000})})
	require.NoError(t, err)
	_, err = session.Run(t.Context(), values{"x": tensor.Of([]float32{1}), "shape": tensor.Of([]int64{1 << 26})})
	require.ErrorIs(t, err, adapter.OutOfMemory)
	assert.ErrorContains(t, err, "session's limit of 1048576")
}

// A shape that no machine holds is refused before anything is allocated.
func TestImpossibleShapes(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		s := newSketch("impossible")
		shape := s.input("shape", tensor.Int64, 1)
		words := s.input("words", tensor.String, 1)
		s.output("y", s.Op("Expand", []*graph.Value{s.Const(tensor.Of([]float32{1})), shape}))
		s.output("w", s.Op("Expand", []*graph.Value{words, shape}))
		session := s.load(t, one(device))
		_, err := session.Run(t.Context(), values{"shape": tensor.Of([]int64{1 << 40}), "words": tensor.Of([]string{"a"})})
		require.Error(t, err)
		assert.ErrorContains(t, err, "Expand")
	})
}

func TestNoDeviceSaysHowToLinkOne(t *testing.T) {
	_, err := models.LoadBytes(t.Context(), affine().bytes(t), one("warp"))
	require.ErrorIs(t, err, adapter.NotFound)
	assert.ErrorContains(t, err, `_ "example.com/midplane/backends/warp"`)
}

func TestWarm(t *testing.T) {
	s := affine().load(t, one("cpu"))
	require.NoError(t, s.Warm(t.Context(), map[string]tensor.Shape{"x": {4, 2}}))
	err := s.Warm(t.Context(), nil)
	require.ErrorIs(t, err, models.ErrInput)
	assert.ErrorContains(t, err, `"x"`)
}

// exampleModel is y = relu(x).
var exampleModel = func() []byte {
	s := newSketch("example")
	s.output("y", s.Op("Relu", []*graph.Value{s.input("x", tensor.Float32, "n", 2)}))
	b, err := onnx.Encode(&graph.Model{IRVersion: 10, Opsets: map[string]int{"": 21}, Graph: s.done()})
	if err != nil {
		panic(err)
	}
	return b
}()

func ExampleLoadBytes() {
	ctx := context.Background()
	s, err := models.LoadBytes(ctx, exampleModel, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	out, err := s.Run(ctx, map[string]tensor.Value{"x": tensor.Of([]float32{-1, 2}, 1, 2)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out["y"])
	fmt.Println(s.Placement().Counts())
	// Output:
	// float32[1,2][0 2]
	// [{cpu:0 kernel 1}]
}
