package ortep_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/onnxruntime"
	"example.com/midplane/conformance"
	"example.com/midplane/models"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// headers is the Go module that ships ONNX Runtime's public C headers. Nothing
// here is linked with it.
const headers = "github.com/yalue/onnxruntime_go@v1.27.0"

// build compiles the provider with the system's C compiler.
func build(t *testing.T) string {
	t.Helper()
	if os.Getenv(onnxruntime.Variable) == "" {
		t.Skipf("%s is not set: the example provider has nothing to plug into", onnxruntime.Variable)
	}
	if runtime.GOOS == "windows" {
		t.Skip("the example provider is built with a C compiler that takes Unix flags")
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler (cc): the example provider was not built")
	}
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", headers)
	download.Dir = t.TempDir() // outside the module, whose go.sum stays as it is
	out, err := download.Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil || module.Dir == "" {
		t.Skipf("%s cannot be fetched: the example provider was not built", headers)
	}
	library := filepath.Join(t.TempDir(), "libep.so")
	text, err := exec.CommandContext(t.Context(), cc, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-I", module.Dir, "-o", library, filepath.Join("ep", "ep.c")).CombinedOutput()
	require.NoError(t, err, string(text))
	return library
}

// find returns the provider's device in a driver that knows its library.
func find(t *testing.T) (onnxruntime.Driver, driver.Info) {
	t.Helper()
	d := onnxruntime.Driver{Providers: []onnxruntime.Provider{{Name: "example", Path: build(t)}}}
	infos, err := d.Probe(t.Context())
	require.NoError(t, err)
	for _, info := range infos {
		if info.Properties["provider"] == "ExampleExecutionProvider" {
			return d, info
		}
	}
	require.Fail(t, "the provider is not among the devices", "%v", infos)
	return d, driver.Info{}
}

// oneNode is a model of one operator over four floats.
func oneNode(op string, inputs ...string) *graph.Model {
	typ := tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{4}))
	n := &graph.Node{Name: op, Op: op, Version: 14}
	g := &graph.Graph{Name: op, Nodes: []*graph.Node{n}}
	for _, name := range inputs {
		v := &graph.Value{Name: name, Type: typ}
		n.Inputs, g.Inputs = append(n.Inputs, v), append(g.Inputs, v)
	}
	y := &graph.Value{Name: "y", Type: typ, Producer: n}
	n.Outputs, g.Outputs = []*graph.Value{y}, []*graph.Value{y}
	return &graph.Model{IRVersion: 8, Opsets: map[string]int{"": 14}, Graph: g}
}

func TestProvider(t *testing.T) {
	d, info := find(t)
	t.Run("runs Relu", func(t *testing.T) { testRelu(t, d, info) })
	t.Run("others help out", func(t *testing.T) { testHelp(t, d, info) })
	t.Run("score", func(t *testing.T) { testScore(t, d, info) })
}

// The provider is a device like any other, and runs what it takes.
func testRelu(t *testing.T, d onnxruntime.Driver, info driver.Info) {
	assert.Equal(t, "example", info.Vendor)
	assert.Equal(t, driver.CPU, info.Class)
	assert.Empty(t, info.Unusable)
	drv, err := d.Open(t.Context(), info.Index, &driver.Options{Strict: true})
	require.NoError(t, err)
	dev := adapter.New("vendor", drv)
	defer dev.Close()
	s, err := models.LoadModel(t.Context(), oneNode("Relu", "x"), &models.Options{Opened: []*adapter.Device{dev}})
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Placement().Nodes, 1)
	placed := s.Placement().Nodes[0]
	assert.Equal(t, partition.Graph, placed.Route)
	assert.Equal(t, "ExampleExecutionProvider", placed.Kernel, "ONNX Runtime says who took the node")
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]float32{-1, 2, -3, 4})})
	require.NoError(t, err)
	assert.Equal(t, []float32{0, 2, 0, 4}, tensor.Slice[float32](out["y"].(*tensor.Tensor)))
}

// Without Strict, ONNX Runtime's own kernels help out, and the placement says so.
func testHelp(t *testing.T, d onnxruntime.Driver, info driver.Info) {
	drv, err := d.Open(t.Context(), info.Index, &driver.Options{})
	require.NoError(t, err)
	dev := adapter.New("vendor", drv)
	defer dev.Close()
	s, err := models.LoadModel(t.Context(), oneNode("Add", "a", "b"), &models.Options{Opened: []*adapter.Device{dev}})
	require.NoError(t, err)
	defer s.Close()
	assert.Equal(t, "CPUExecutionProvider", s.Placement().Nodes[0].Kernel)
}

// A score credits the provider for Relu and not for Add.
func testScore(t *testing.T, d onnxruntime.Driver, info driver.Info) {
	dir := t.TempDir()
	four := tensor.Of([]float32{-1, 2, -3, 4})
	writeCase(t, filepath.Join(dir, "relu"), oneNode("Relu", "x"), tensor.Of([]float32{0, 2, 0, 4}), four)
	writeCase(t, filepath.Join(dir, "add"), oneNode("Add", "a", "b"), tensor.Of([]float32{-2, 4, -6, 8}), four, four)
	open := func(ctx context.Context) (driver.Device, error) {
		return d.Open(ctx, info.Index, &driver.Options{Strict: true})
	}
	report, err := conformance.Score(t.Context(), open, &conformance.Options{ONNX: []string{dir}})
	require.NoError(t, err)
	require.Len(t, report.Cases, 2)
	add, relu := report.Cases[0], report.Cases[1]
	assert.Equal(t, conformance.Unsupported, add.Status)
	assert.Contains(t, add.Reason, "fallback to CPU EP has been explicitly disabled")
	assert.Equal(t, conformance.Passed, relu.Status, relu.Reason)
	assert.Equal(t, "graph", relu.Route)
}

// writeCase writes a case in ONNX's test layout.
func writeCase(t *testing.T, dir string, m *graph.Model, output tensor.Value, inputs ...tensor.Value) {
	t.Helper()
	data := filepath.Join(dir, "test_data_set_0")
	require.NoError(t, os.MkdirAll(data, 0o755))
	b, err := onnx.Encode(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.onnx"), b, 0o644))
	write := func(name string, v tensor.Value) {
		b, err := onnx.EncodeValue(v)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(data, name), b, 0o644))
	}
	for i, v := range inputs {
		write(fmt.Sprintf("input_%d.pb", i), v)
	}
	write("output_0.pb", output)
}
