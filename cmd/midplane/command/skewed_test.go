package command_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// skewed is a driver of a processor that subtracts where it should add, and of
// one that cannot be used.
type skewed struct{}

func init() { adapter.Register(skewed{}) }

func (skewed) Name() string { return "skewed" }

func (skewed) Probe(context.Context) ([]driver.Info, error) {
	return []driver.Info{{Description: "subtracts"}, {Index: 1, Unusable: "it has no power", Remedy: "plug it in"}}, nil
}

func (skewed) Open(context.Context, int, *driver.Options) (driver.Device, error) {
	return skewedDevice{cpu.New(nil)}, nil
}

type skewedDevice struct{ *cpu.Device }

// Groups: every node has a kernel of its own, which Build makes.
func (skewedDevice) Groups(*graph.Graph) []operators.Group { return nil }

func (d skewedDevice) Build(n *graph.Node) (operators.Kernel, error) {
	own := *n
	if own.Op == "Add" {
		own.Op = "Sub"
	}
	return d.Device.Build(&own)
}

func TestUnusableDevice(t *testing.T) {
	assert.Regexp(t, `(?m)^skewed:1 .* no +it has no power; plug it in`, good(t, "devices"))
	assert.Contains(t, good(t, "devices", "--json"), `"remedy": "plug it in"`)
	refused(t, []string{"run", affine(t, t.TempDir()), "--random", "--device", "skewed:1"}, "skewed:1", "it has no power", "plug it in")
}

func TestAgainstFindsDifferences(t *testing.T) {
	dir := affineCase(t, filepath.Join(t.TempDir(), "case"), 3, 5, 7)
	r := midplane("run", dir, "--against", "skewed")
	assert.Equal(t, 1, r.status)
	assert.Regexp(t, `(?m)^DIFFERS  y .*got 3, want 1`, r.stdout)
	r = midplane("run", dir, "--device", "skewed", "--check")
	assert.Equal(t, 1, r.status)
	r = midplane("conform", "--device", "skewed", "--onnx", dir)
	assert.Equal(t, 1, r.status)
	assert.Contains(t, r.stdout, "0 passed, 1 failed, 0 unsupported\n")
}

// The first node that differs is named, whatever follows from it.
func TestPerNode(t *testing.T) {
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Known(2))
	one := s.constant("one", tensor.Of([]float32{1, 1}))
	sum := s.op("Add", "sum", s.op("Mul", "square", x, x), one)
	model := s.write(t, t.TempDir(), s.op("Neg", "y", sum))
	args := []string{"run", model, "--random", "--per-node", "--against"}

	assert.Equal(t, "model.onnx: 3 of 3 values match those on emu within 0.0001 of the largest\n", good(t, append(args, "emu")...))
	r := midplane(append(args, "skewed")...)
	assert.Equal(t, 1, r.status)
	assert.Regexp(t, `^the first node that differs is Add "sum", output "sum": .*\nmodel\.onnx: 1 of 3 values match those on skewed `, r.stdout)

	type node struct {
		Node, Operator, Output, Type, Reason string
		Bodies                               bool
	}
	type perNode struct {
		Model, Against   string
		Tolerance        float64
		Values, Differed int
		First            *node
	}
	got := decode[perNode](t, midplane(append(args, "skewed", "--json")...).stdout)
	assert.Equal(t, 3, got.Values)
	assert.Equal(t, 2, got.Differed)
	require.NotNil(t, got.First)
	assert.Equal(t, node{Node: `Add "sum"`, Operator: "Add", Output: "sum", Type: "float32[2]", Reason: got.First.Reason}, *got.First)
	assert.Nil(t, decoded[perNode](t, append(args, "emu")...).First)

	refused(t, []string{"run", model, "--random", "--per-node"}, "--against")
}

// A stage that was written is a model that computes the same.
func TestInspectWritesStages(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	for _, stage := range []string{"decoded", "canonical", "placed"} {
		file := filepath.Join(t.TempDir(), stage+".onnx")
		assert.Empty(t, good(t, "inspect", dir, "--stage", stage, "--out", file))
		loaded, err := onnx.Load(file, nil)
		require.NoError(t, err)
		assert.Len(t, loaded.Model.Graph.Nodes, 2)
		require.NoError(t, loaded.Close())
		x := write(t, t.TempDir(), "x.json", []byte("[[1, 2, 3]]"))
		assert.Contains(t, good(t, "run", file, "--input", x), "y: float32[1,3][3 5 7]\n")
	}
	refused(t, []string{"inspect", dir, "--out", "x.onnx"}, "--out goes with --stage")
}
