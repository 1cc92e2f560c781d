package onnxruntime_test

import (
	"context"
	"path/filepath"
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
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// single is a device that is offered nodes only, never a whole model.
type single struct {
	driver.Device
	driver.HostMapper
	driver.HostImporter
	driver.Copier
	driver.Statter
	operators.Backend
}

func nodesOnly(d driver.Device) driver.Device {
	ort := d.(*onnxruntime.Device)
	return single{ort, ort, ort, ort, ort, ort}
}

func loadNodes(t *testing.T, m *graph.Model, o *driver.Options) (*models.Session, driver.Device) {
	t.Helper()
	d := open(t, o)
	dev := adapter.New("onnxruntime:0", nodesOnly(d))
	s, err := models.LoadModel(t.Context(), m, &models.Options{Opened: []*adapter.Device{dev}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, d
}

func TestSupports(t *testing.T) {
	d := open(t, nil).(*onnxruntime.Device)
	node := func(op string, in ...*graph.Value) *graph.Node {
		return &graph.Node{Op: op, Version: 14, Inputs: in, Outputs: []*graph.Value{{Name: "y", Type: in[0].Type}}}
	}
	x := value("x", tensor.Float32, 2)
	v := d.Supports(node("Add", x, x))
	assert.Equal(t, operators.Verdict{Level: operators.Native, Kernel: "CPUExecutionProvider"}, v)
	assert.Equal(t, v, d.Supports(node("Add", x, x)), "asked twice")

	v = d.Supports(node("Add", x, value("z", tensor.Int32, 2)))
	assert.Equal(t, operators.Unsupported, v.Level, "the types differ")
	assert.NotEmpty(t, v.Detail)
	v = d.Supports(node("NoSuchOperator", x))
	assert.Equal(t, operators.NoKernel, v.Reason)
	assert.Contains(t, v.Detail, "NoSuchOperator")
	u := value("u", tensor.Uint16, 2)
	v = d.Supports(&graph.Node{Op: "BitShift", Version: 14, Inputs: []*graph.Value{u, u}, Outputs: []*graph.Value{u}, Attributes: []graph.Attribute{graph.A("direction", "LEFT")}})
	assert.Contains(t, v.Detail, "Could not find an implementation for BitShift(11)")

	v = d.Supports(node("Relu", &graph.Value{Name: "x"}))
	assert.Equal(t, operators.Conditional, v.Level)
	assert.Contains(t, v.Detail, "the type of input 0 is not known")
	v = d.Supports(endless().Graph.Nodes[0])
	assert.Contains(t, v.Detail, "with bodies")
	assert.Zero(t, onnxruntime.Sessions(d), "asking leaves no session behind")
}

// An operator that did not change since an older operator set runs, whatever
// newer set the node is read under.
func TestNewerOperatorSet(t *testing.T) {
	d := open(t, nil).(*onnxruntime.Device)
	x := value("x", tensor.Float32, 2)
	n := &graph.Node{Op: "Relu", Version: operators.NewestOpset(""), Inputs: []*graph.Value{x}, Outputs: []*graph.Value{value("y", tensor.Float32, 2)}}
	assert.Equal(t, operators.Native, d.Supports(n).Level)
}

func TestKernel(t *testing.T) {
	b := value("b", tensor.Float32, 2)
	b.Const = tensor.Of([]float32{10, 20})
	m := model(14, &graph.Node{Op: "Add"}, []*graph.Value{value("a", tensor.Float32, 2), b}, value("c", tensor.Float32, 2))
	for _, threads := range []int{0, 1} {
		s, d := loadNodes(t, m, &driver.Options{Threads: threads})
		assert.Equal(t, partition.Kernel, s.Placement().Nodes[0].Route)
		out, err := s.Run(t.Context(), map[string]tensor.Value{"a": tensor.Of([]float32{1, 2})})
		require.NoError(t, err)
		assert.Equal(t, []float32{11, 22}, tensor.Slice[float32](out["c"].(*tensor.Tensor)))
		assert.Equal(t, 1, onnxruntime.Sessions(d))
		require.NoError(t, s.Close())
		assert.Zero(t, onnxruntime.Sessions(d), "closing the session closes its kernels")
	}
}

// The shape of an output that depends on the data is found while running.
func TestKernelOfUnknownShape(t *testing.T) {
	y := &graph.Value{Name: "y", Type: tensor.TensorType(tensor.Int64, tensor.UnknownDims(2))}
	m := model(13, &graph.Node{Op: "NonZero"}, []*graph.Value{value("x", tensor.Float32, 2, 2)}, y)
	s, _ := loadNodes(t, m, nil)
	out, err := s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Of([]float32{0, 3, 4, 0}, 2, 2)})
	require.NoError(t, err)
	assert.Equal(t, tensor.Of([]int64{0, 1, 1, 0}, 2, 2), out["y"])
	out, err = s.Run(t.Context(), map[string]tensor.Value{"x": tensor.Zeros(tensor.Float32, tensor.Shape{2, 2})})
	require.NoError(t, err)
	assert.Equal(t, tensor.Shape{2, 0}, out["y"].(*tensor.Tensor).Shape())
}

// What the device takes node by node it computes as ONNX Runtime computes the
// whole model: what fails here fails there.
func TestOfficialCasesNodeByNode(t *testing.T) {
	dir, ok := onnxtest.Dir()
	if !ok {
		t.Skipf("%s is not set: no official case was run on ONNX Runtime's kernels", onnxtest.Testdata)
	}
	alone := open(t, nil)
	open := func(ctx context.Context) (driver.Device, error) {
		d, err := onnxruntime.Driver{}.Open(ctx, 0, &driver.Options{Strict: true})
		if err != nil {
			return nil, err
		}
		return nodesOnly(d), nil
	}
	o := &conformance.Options{ONNX: []string{filepath.Join(dir, "node"), filepath.Join(dir, "light")}}
	if testing.Short() {
		o.Shards = 16
	}
	report, err := conformance.Score(t.Context(), open, o)
	require.NoError(t, err)
	t.Log(report.Summary)
	failed := make(map[string]string)
	for _, r := range report.Cases {
		if r.Status == conformance.Failed {
			failed[r.ID] = r.Reason
		}
	}
	for _, dir := range o.ONNX {
		cases, err := onnxtest.Cases(dir)
		require.NoError(t, err)
		for _, c := range cases {
			if reason, ok := failed[c.ID]; ok {
				file, err := onnx.Load(c.ModelPath, nil)
				require.NoError(t, err)
				sets, err := c.Read(file.Model.Graph)
				require.NoError(t, err)
				assert.False(t, bare(t, alone, c, file.Model.Graph, sets).passed, "ONNX Runtime passes %s by itself; node by node: %s", c.ID, reason)
				require.NoError(t, file.Close())
			}
		}
	}
}
