package command_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

// port is an input or an output.
type port struct {
	Name, Type string
	Optional   bool
}

// inspected is what inspect --json prints.
type inspected struct {
	Model           string
	IR              int64 `json:"ir_version"`
	Producer        string
	Opsets          map[string]int
	Inputs, Outputs []port
	Operators       map[string]int
	Placement       []placed
	Missing         string
}

func TestInspect(t *testing.T) {
	out := good(t, "inspect", affine(t, t.TempDir()))
	assert.Contains(t, out, "model.onnx: IR version 10, opsets ai.onnx 21, com.example 1\n")
	assert.Contains(t, out, "\ninput x: float32[n,3]\n")
	assert.Contains(t, out, "\noutput y: unknown\n", "the file does not say its type")
	assert.Contains(t, out, "\noperators: Add 1, Mul 1\n")
	assert.Contains(t, out, "\nplacement: 2 of 2 nodes on cpu:0 (kernel)\n")
	assert.Regexp(t, `(?m)^double +Mul +cpu:0 +kernel `, out)
}

func TestInspectJSON(t *testing.T) {
	got := decoded[inspected](t, "inspect", affine(t, t.TempDir()), "--device", "emu")
	assert.Equal(t, "model.onnx", got.Model)
	assert.EqualValues(t, 10, got.IR)
	assert.Equal(t, map[string]int{"ai.onnx": 21, "com.example": 1}, got.Opsets)
	assert.Equal(t, []port{{Name: "x", Type: "float32[n,3]"}}, got.Inputs)
	assert.Equal(t, map[string]int{"Add": 1, "Mul": 1}, got.Operators)
	require.Len(t, got.Placement, 2)
	assert.Equal(t, "emu:0", got.Placement[1].Device)
	assert.Empty(t, got.Missing)
}

// Everything that is missing is told at once, after what is known of the model,
// and makes the model fall short.
func TestInspectMissing(t *testing.T) {
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Known(2))
	model := s.write(t, t.TempDir(), s.op("com.example.Gamma", "last", s.op("Relu", "fine", s.op("com.example.Beta", "first", x))))
	for _, asJSON := range []bool{false, true} {
		args := []string{"inspect", model}
		if asJSON {
			args = append(args, "--json")
		}
		r := midplane(args...)
		assert.Equal(t, 1, r.status)
		assert.Empty(t, r.stderr)
		missing := r.stdout
		if asJSON {
			got := decode[inspected](t, r.stdout)
			assert.Equal(t, map[string]int{"com.example.Beta": 1, "com.example.Gamma": 1, "Relu": 1}, got.Operators)
			assert.Empty(t, got.Placement)
			missing = got.Missing
		}
		assert.Contains(t, missing, `com.example.Beta "first"`)
		assert.Contains(t, missing, `com.example.Gamma "last"`)
		assert.NotContains(t, missing, `Relu "fine"`)
	}
}

func TestInspectWithoutInputs(t *testing.T) {
	s := &sketch{}
	model := s.write(t, t.TempDir(), s.op("Neg", "y", s.constant("one", tensor.Of([]float32{1}))))
	out := good(t, "inspect", model, "--json")
	assert.Contains(t, out, `"inputs": []`)
	assert.NotContains(t, out, "null")
}

func TestInspectStages(t *testing.T) {
	model := affine(t, t.TempDir())
	for stage, typed := range map[string]string{"decoded": "y:unknown = Add-21(", "canonical": "y:float32[n,3] = Add-14(", "placed": "y:float32[n,3] = Add-14("} {
		out := good(t, "inspect", model, "--stage", stage)
		assert.Contains(t, out, `graph "sketch": 2 nodes, 2 initializers`)
		assert.Contains(t, out, typed, stage)
	}
	r := midplane("inspect", model, "--stage", "baked")
	assert.Equal(t, 2, r.status)
	assert.Empty(t, r.stdout)
	assert.Equal(t, "midplane: --stage baked: there are decoded, canonical, placed, planned\n", r.stderr)
}

func TestInspectSteps(t *testing.T) {
	out := good(t, "inspect", affineCase(t, t.TempDir(), 3, 5, 7), "--stage", "planned")
	assert.Contains(t, out, "copy \"x\"@host -> \"x\"@cpu:0\n")
	assert.Contains(t, out, "-> \"y\"@cpu:0\ncopy \"y\"@cpu:0 -> \"y\"@host\n")
	r := midplane("inspect", affine(t, t.TempDir()), "--stage", "planned", "--out", "x.onnx")
	assert.Equal(t, 2, r.status)
	assert.Contains(t, r.stderr, "--out writes a graph")
}

func TestInspectFolder(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	assert.Equal(t, filepath.Base(dir), decoded[inspected](t, "inspect", dir).Model)
}
