package onnxruntime_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/onnxruntime"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
)

func TestWholeModel(t *testing.T) {
	s := load(t, relu(4), nil)
	require.Len(t, s.Placement().Nodes, 1)
	placed := s.Placement().Nodes[0]
	assert.Equal(t, partition.Graph, placed.Route)
	assert.Equal(t, "CPUExecutionProvider", placed.Kernel)
	assert.Equal(t, "onnxruntime:0", s.Placement().DeviceName(placed.Device))
	assert.Equal(t, "x", s.Inputs()[0].Name)
	assert.Equal(t, tensor.Float32, s.Outputs()[0].DType)

	x := tensor.Of([]float32{-1, 2, -3, 4})
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": x})
	require.NoError(t, err)
	assert.Equal(t, []float32{0, 2, 0, 4}, tensor.Slice[float32](out["y"].(*tensor.Tensor)))
	assert.Equal(t, []float32{-1, 2, -3, 4}, tensor.Slice[float32](x), "inputs are only read")

	require.NoError(t, s.Warm(t.Context(), nil))
	_, err = s.Stage("canonical")
	assert.ErrorContains(t, err, "onnxruntime:0 took the model as a whole")
}

// Inputs and outputs may lie on the device.
func TestTensorsOnTheDevice(t *testing.T) {
	s := load(t, relu(4), nil)
	dev := s.Devices()[0]
	x, err := dev.Upload(t.Context(), tensor.Of([]float32{-1, 2, -3, 4}))
	require.NoError(t, err)
	y, err := dev.NewTensor(tensor.Float32, tensor.Shape{4})
	require.NoError(t, err)
	require.NoError(t, s.RunInto(t.Context(), map[string]tensor.Value{"x": x}, map[string]tensor.Value{"y": y}))
	host, err := y.Download(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []float32{0, 2, 0, 4}, tensor.Slice[float32](host))

	short, err := dev.NewTensor(tensor.Float32, tensor.Shape{3})
	require.NoError(t, err)
	err = s.RunInto(t.Context(), map[string]tensor.Value{"x": x}, map[string]tensor.Value{"y": short})
	assert.ErrorContains(t, err, "what should take it is float32[3]")
}

// An output whose shape the model states wrongly is returned as it came out.
func TestOutputOfAnotherShape(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.UnknownDims(1))}
	m := model(14, &graph.Node{Op: "Relu"}, []*graph.Value{x}, value("y", tensor.Float32, 4))
	s := load(t, m, nil)
	for range 2 {
		out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]float32{1, -2, 3})})
		require.NoError(t, err)
		assert.Equal(t, []float32{1, 0, 3}, tensor.Slice[float32](out["y"].(*tensor.Tensor)))
	}
}

// Nothing is allocated on the word of a model that claims too much.
func TestOutputOfImpossibleShape(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.UnknownDims(1))}
	s := load(t, model(14, &graph.Node{Op: "Relu"}, []*graph.Value{x}, value("y", tensor.Float32, 1<<30)), nil)
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]float32{-1, 2})})
	require.NoError(t, err)
	assert.Equal(t, []float32{0, 2}, tensor.Slice[float32](out["y"].(*tensor.Tensor)))
}

// A default that the caller overrides, or not.
func TestDefaults(t *testing.T) {
	b := value("b", tensor.Float32, 2)
	b.Const = tensor.Of([]float32{10, 20})
	m := model(14, &graph.Node{Op: "Add"}, []*graph.Value{value("a", tensor.Float32, 2), b}, value("c", tensor.Float32, 2))
	m.Graph.Inputs = append(m.Graph.Inputs, b)
	s := load(t, m, nil)
	a := tensor.Of([]float32{1, 2})
	out, err := s.Run(t.Context(), map[string]tensor.Value{"a": a})
	require.NoError(t, err)
	assert.Equal(t, []float32{11, 22}, tensor.Slice[float32](out["c"].(*tensor.Tensor)))
	out, err = s.Run(t.Context(), map[string]tensor.Value{"a": a, "b": a})
	require.NoError(t, err)
	assert.Equal(t, []float32{2, 4}, tensor.Slice[float32](out["c"].(*tensor.Tensor)))
}

func TestBadInputs(t *testing.T) {
	s := load(t, relu(4), nil)
	for reason, in := range map[string]map[string]tensor.Value{
		"the model takes float32[4], got int32[4]":  {"x": tensor.Of([]int32{1, 2, 3, 4})},
		"the model takes shape [4], got [3]":        {"x": tensor.Of([]float32{1, 2, 3})},
		"the input is missing":                      {},
		"the model has no such input; it takes [x]": {"z": tensor.Of([]float32{1, 2, 3, 4})},
	} {
		_, err := s.Run(t.Context(), in)
		assert.ErrorIs(t, err, models.ErrInput)
		assert.ErrorContains(t, err, reason)
	}
}

// What ONNX Runtime says when it refuses a model is in the error, beside what it
// says of the nodes.
func TestModelThatIsRefused(t *testing.T) {
	dev := adapter.New("onnxruntime:0", open(t, nil))
	m := model(14, &graph.Node{Op: "BitShift", Attributes: []graph.Attribute{graph.A("direction", "LEFT")}},
		[]*graph.Value{value("a", tensor.Uint16, 2), value("b", tensor.Uint16, 2)}, value("c", tensor.Uint16, 2))
	_, err := models.LoadModel(t.Context(), m, &models.Options{Opened: []*adapter.Device{dev}})
	assert.ErrorIs(t, err, adapter.Unsupported)
	assert.ErrorContains(t, err, "the model was declined as a whole (CreateSessionFromArray: unsupported (vendor: 9 Could not find an implementation for BitShift(11)")
	assert.ErrorContains(t, err, "1 nodes have no device that can run them")
}

// endless is a loop that runs for longer than anyone waits.
func endless() *graph.Model {
	scalar := tensor.TensorType(tensor.Int64, tensor.Dims{})
	flag := tensor.TensorType(tensor.Bool, tensor.Dims{})
	i, cond, sum := &graph.Value{Name: "i", Type: scalar}, &graph.Value{Name: "cond", Type: flag}, &graph.Value{Name: "sum", Type: scalar}
	add := &graph.Node{Name: "add", Op: "Add", Version: 14, Inputs: []*graph.Value{i, sum}}
	next := &graph.Value{Name: "next", Type: scalar, Producer: add}
	add.Outputs = []*graph.Value{next}
	same := &graph.Node{Name: "same", Op: "Identity", Version: 14, Inputs: []*graph.Value{cond}}
	still := &graph.Value{Name: "still", Type: flag, Producer: same}
	same.Outputs = []*graph.Value{still}
	body := &graph.Graph{Name: "body", Inputs: []*graph.Value{i, cond, sum}, Outputs: []*graph.Value{still, next}, Nodes: []*graph.Node{same, add}}
	yes := &graph.Value{Name: "yes", Type: flag, Const: tensor.Scalar(true)}
	loop := &graph.Node{Name: "loop", Op: "Loop", Attributes: []graph.Attribute{graph.A("body", body)}}
	return model(14, loop, []*graph.Value{{Name: "n", Type: scalar}, yes, {Name: "start", Type: scalar}}, &graph.Value{Name: "end", Type: scalar})
}

func TestCancel(t *testing.T) {
	s := load(t, endless(), nil)
	in := map[string]tensor.Value{"n": tensor.Scalar(int64(1) << 40), "start": tensor.Scalar(int64(0))}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := s.Run(ctx, in)
	assert.ErrorIs(t, err, adapter.Canceled)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, time.Since(begin), 10*time.Second)
	_, err = s.Run(ctx, in)
	assert.ErrorIs(t, err, adapter.Canceled, "a context that is over starts nothing")

	in["n"] = tensor.Scalar(int64(4))
	out, err := s.Run(t.Context(), in)
	require.NoError(t, err, "the session goes on")
	assert.Equal(t, []int64{6}, tensor.Slice[int64](out["end"].(*tensor.Tensor)))
}

// Runs side by side share a session and do not disturb each other.
func TestConcurrentRuns(t *testing.T) {
	const runners, runs = 8, 50
	s := load(t, relu(64), nil)
	var wait sync.WaitGroup
	for k := range runners {
		wait.Go(func() {
			x := make([]float32, 64)
			for i := range x {
				x[i] = float32(k*64 + i)
			}
			for range runs {
				out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of(x)})
				if !assert.NoError(t, err) {
					return
				}
				assert.Equal(t, x, tensor.Slice[float32](out["y"].(*tensor.Tensor)))
			}
		})
	}
	wait.Wait()
}

func TestClosedDevice(t *testing.T) {
	needLibrary(t)
	drv, err := onnxruntime.Driver{}.Open(t.Context(), 0, &driver.Options{})
	require.NoError(t, err)
	s, err := models.LoadModel(t.Context(), relu(4), &models.Options{Opened: []*adapter.Device{adapter.New("ort", drv)}})
	require.NoError(t, err)
	assert.Equal(t, 1, onnxruntime.Sessions(drv))
	require.NoError(t, drv.Close())
	_, err = s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Zeros(tensor.Float32, tensor.Shape{4})})
	assert.ErrorIs(t, err, adapter.Closed)
	require.NoError(t, s.Close())
	assert.Zero(t, onnxruntime.Sessions(drv))
}

var sessions = flag.Int("sessions", 300, "how many sessions TestMemoryStaysFlat opens, runs and closes")

// Opening, running and closing sessions leaves nothing behind. With -sessions
// 10000 it is the whole test.
func TestMemoryStaysFlat(t *testing.T) {
	needLibrary(t)
	if _, err := resident(); err != nil {
		t.Skipf("the memory of this process cannot be read: %v", err)
	}
	once := func() {
		s, err := models.LoadModel(t.Context(), relu(16), &models.Options{Devices: []string{"onnxruntime"}})
		require.NoError(t, err)
		_, err = s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Zeros(tensor.Float32, tensor.Shape{16})})
		require.NoError(t, err)
		require.NoError(t, s.Close())
	}
	for range 200 { // until allocators and pools have their size
		once()
	}
	before := settled(t)
	for range *sessions {
		once()
	}
	after := settled(t)
	t.Logf("%d sessions: %d KiB before, %d KiB after", *sessions, before>>10, after>>10)
	assert.Less(t, after-before, int64(8<<20), "bytes that %d sessions left behind", *sessions)
}

// settled returns the resident memory after the garbage collector has given
// back what it can.
func settled(t *testing.T) int64 {
	runtime.GC()
	debug.FreeOSMemory()
	n, err := resident()
	require.NoError(t, err)
	return n
}

// resident reads how much memory of this process is in use, in bytes.
func resident() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("/proc/self/status has no VmRSS")
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}

// An output may be an input, or an initializer, that no node touches.
func TestOutputsThatNoNodeWrites(t *testing.T) {
	m := relu(2)
	w := value("w", tensor.Float32, 2)
	w.Const = tensor.Of([]float32{5, 6})
	m.Graph.Initializers = append(m.Graph.Initializers, w)
	m.Graph.Outputs = append(m.Graph.Outputs, m.Graph.Inputs[0], w)
	s := load(t, m, nil)
	require.Equal(t, partition.Graph, s.Placement().Nodes[0].Route)
	x := tensor.Of([]float32{-1, 2})
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": x})
	require.NoError(t, err)
	assert.Equal(t, map[string]tensor.Value{"y": tensor.Of([]float32{0, 2}), "x": x, "w": w.Const}, out)
	tensor.Slice[float32](out["x"].(*tensor.Tensor))[0] = 7
	assert.Equal(t, float32(-1), tensor.Slice[float32](x)[0], "outputs belong to the caller")
}

// Empty tensors go in and come out.
func TestEmptyTensors(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.UnknownDims(2))}
	y := &graph.Value{Name: "y", Type: tensor.TensorType(tensor.Float32, tensor.UnknownDims(2))}
	s := load(t, model(14, &graph.Node{Op: "Relu"}, []*graph.Value{x}, y), nil)
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Zeros(tensor.Float32, tensor.Shape{0, 3})})
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{0, 3}, out["y"].(*tensor.Tensor).Shape())
}
