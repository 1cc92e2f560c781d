package command_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	"example.com/midplane/cmd/midplane/command"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// bench starts the program that it is part of, with the verb cold, to measure a
// fresh process, and conform one to run cases in: the test program is then the
// command line.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "cold" || os.Args[1] == "conform") {
		os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// result is what a command line left behind.
type result struct {
	status         int
	stdout, stderr string
}

func midplane(args ...string) result {
	var stdout, stderr bytes.Buffer
	status := command.Main(args, &stdout, &stderr)
	return result{status, stdout.String(), stderr.String()}
}

// good runs a command line that has to succeed, and returns its results.
func good(t *testing.T, args ...string) string {
	t.Helper()
	r := midplane(args...)
	require.Zero(t, r.status, "stdout: %s\nstderr: %s", r.stdout, r.stderr)
	assert.Empty(t, r.stderr)
	return r.stdout
}

// decoded is good with --json.
func decoded[T any](t *testing.T, args ...string) T {
	t.Helper()
	return decode[T](t, good(t, append(args, "--json")...))
}

// decode reads one JSON value, whose fields T must know, and nothing after it.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&v), text)
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF)
	return v
}

// sketch builds the graphs of small models.
type sketch struct{ graph.Graph }

func (s *sketch) input(name string, d tensor.DType, dims ...tensor.Dim) *graph.Value {
	v := &graph.Value{Name: name, Type: tensor.TensorType(d, append(tensor.Dims{}, dims...))}
	s.Inputs = append(s.Inputs, v)
	return v
}

func (s *sketch) constant(name string, t *tensor.Tensor) *graph.Value {
	v := &graph.Value{Name: name, Type: t.Type(), Const: t}
	s.Initializers = append(s.Initializers, v)
	return v
}

// op adds a node of the operator, named after its output.
func (s *sketch) op(op, name string, inputs ...*graph.Value) *graph.Value {
	n := &graph.Node{Name: name, Op: op, Version: 21, Inputs: inputs}
	n.Domain, n.Op = graph.SplitOperator(op)
	v := &graph.Value{Name: name, Producer: n}
	n.Outputs = []*graph.Value{v}
	s.Nodes = append(s.Nodes, n)
	return v
}

// write writes the model with one output into dir and returns its path.
func (s *sketch) write(t *testing.T, dir string, outputs ...*graph.Value) string {
	t.Helper()
	s.Name, s.Outputs = "sketch", outputs
	b, err := onnx.Encode(&graph.Model{IRVersion: 10, Opsets: map[string]int{"": 21, "com.example": 1}, Graph: &s.Graph})
	require.NoError(t, err)
	return write(t, dir, "model.onnx", b)
}

func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, b, 0o644))
	return path
}

func writeTensor(t *testing.T, dir, name string, v *tensor.Tensor) string {
	t.Helper()
	b, err := onnx.EncodeTensor(v)
	require.NoError(t, err)
	return write(t, dir, name, b)
}

// affine writes the model y = 2·x + 1, of float32 x of shape [n,3], and returns
// its path.
func affine(t *testing.T, dir string) string {
	t.Helper()
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Symbol("n"), tensor.Known(3))
	double := s.op("Mul", "double", x, s.constant("two", tensor.Scalar[float32](2)))
	y := s.op("Add", "y", double, s.constant("one", tensor.Scalar[float32](1)))
	return s.write(t, dir, y)
}

// affineCase writes affine as a folder in ONNX's test layout with one data set,
// of which y is the expected output for 1 2 3.
func affineCase(t *testing.T, dir string, y ...float32) string {
	t.Helper()
	affine(t, dir)
	writeTensor(t, dir, "test_data_set_0/input_0.pb", tensor.Of([]float32{1, 2, 3}, 1, 3))
	writeTensor(t, dir, "test_data_set_0/output_0.pb", tensor.Of(y, 1, 3))
	return dir
}

// identity writes the model y = x of any element type.
func identity(t *testing.T, d tensor.DType, dims ...tensor.Dim) string {
	t.Helper()
	s := &sketch{}
	x := s.input("x", d, dims...)
	return s.write(t, t.TempDir(), s.op("Identity", "y", x))
}

// open is an extent that the model leaves open.
var open = tensor.Symbol("")

// countLines counts the lines that match a pattern.
func countLines(text, pattern string) int {
	return len(regexp.MustCompile("(?m)"+pattern).FindAllString(text, -1))
}
