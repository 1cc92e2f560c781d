package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

// scored is what conform --json prints.
type scored struct {
	Summary struct{ Passed, Failed, Unsupported int }
	Cases   []struct{ ID, Status, Reason, Route string }
}

// suite writes a case that passes and one of an operator that nobody has; with
// wrong, also one whose expected output is wrong.
func suite(t *testing.T, wrong bool) string {
	t.Helper()
	dir := t.TempDir()
	affineCase(t, filepath.Join(dir, "right"), 3, 5, 7)
	strange := filepath.Join(dir, "strange")
	s := &sketch{}
	s.write(t, strange, s.op("com.example.Beta", "y", s.input("x", tensor.Float32, tensor.Known(1))))
	writeTensor(t, strange, "test_data_set_0/input_0.pb", tensor.Of([]float32{1}))
	writeTensor(t, strange, "test_data_set_0/output_0.pb", tensor.Of([]float32{1}))
	if wrong {
		affineCase(t, filepath.Join(dir, "wrong"), 3, 5, 9)
	}
	return dir
}

func TestConform(t *testing.T) {
	dir := suite(t, true)
	r := midplane("conform", "--onnx", dir)
	assert.Equal(t, 1, r.status)
	assert.Empty(t, r.stderr, "nobody looks at progress")
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	require.Len(t, lines, 3)
	assert.Regexp(t, `^unsupported strange: .*Beta`, lines[0])
	assert.Regexp(t, `^failed +wrong: .*output "y"`, lines[1])
	assert.Equal(t, "1 passed, 1 failed, 1 unsupported", lines[2])
}

// What a device does not support is no failure.
func TestConformUnsupportedIsNoFailure(t *testing.T) {
	out := good(t, "conform", "--onnx", suite(t, false), "--device", "emu")
	assert.True(t, strings.HasSuffix(out, "\n1 passed, 0 failed, 1 unsupported\n"), out)
}

func TestConformJSON(t *testing.T) {
	out := t.TempDir()
	r := midplane("conform", "--onnx", suite(t, true), "--json", "--out", filepath.Join(out, "new"))
	assert.Equal(t, 1, r.status)
	got := decode[scored](t, r.stdout)
	assert.Equal(t, 1, got.Summary.Passed)
	assert.Equal(t, 1, got.Summary.Failed)
	assert.Equal(t, 1, got.Summary.Unsupported)
	require.Len(t, got.Cases, 3)
	for i, id := range []string{"right", "strange", "wrong"} {
		assert.Equal(t, id, got.Cases[i].ID)
		assert.Equal(t, []string{"passed", "unsupported", "failed"}[i], got.Cases[i].Status)
		assert.Equal(t, i == 0, got.Cases[i].Reason == "", "a reason where it did not pass")
		assert.Equal(t, []string{"kernel", "", "kernel"}[i], got.Cases[i].Route)
	}
	file, err := os.ReadFile(filepath.Join(out, "new", "report.json"))
	require.NoError(t, err)
	assert.JSONEq(t, r.stdout, string(file))
}

func TestConformChooses(t *testing.T) {
	dir := suite(t, true)
	assert.Equal(t, "1 passed, 0 failed, 0 unsupported\n", good(t, "conform", "--onnx", dir, "--run", "^right$"))
	for i, summary := range []string{"1 passed, 1 failed, 0 unsupported", "0 passed, 0 failed, 1 unsupported"} {
		r := midplane("conform", "--onnx", dir, "--shard", []string{"0/2", "1/2"}[i], "--workers", "1")
		assert.Contains(t, r.stdout, summary)
	}
	twice := midplane("conform", "--onnx", dir, "--onnx", dir)
	assert.Contains(t, twice.stdout, "2 passed, 2 failed, 2 unsupported\n")
}
