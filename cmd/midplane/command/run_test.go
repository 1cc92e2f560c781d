package command_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/cmd/midplane/command"
)

// placed is where a node ran.
type placed struct{ Node, Operator, Device, Route, Kernel, Reason string }

// value is an output.
type value struct {
	Type, DType string
	Shape       []int
	Data        any
}

// ran is what run --json prints.
type ran struct {
	Model     string
	Devices   []string
	Millis    float64 `json:"ms"`
	Outputs   map[string]value
	Placement []placed
}

func TestRunPrintsOutputs(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	out := good(t, "run", dir)
	assert.Regexp(t, `^y: float32\[1,3\]\[3 5 7\]\n\n2 of 2 nodes on cpu:0 \(kernel\); [0-9.]+ ms\n$`, out)
}

func TestRunJSON(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	got := decoded[ran](t, "run", dir)
	assert.Equal(t, filepath.Base(dir), got.Model)
	assert.Equal(t, []string{"cpu:0"}, got.Devices)
	assert.Positive(t, got.Millis)
	assert.Equal(t, map[string]value{"y": {Type: "float32[1,3]", DType: "float32", Shape: []int{1, 3}, Data: []any{3.0, 5.0, 7.0}}}, got.Outputs)
	require.Len(t, got.Placement, 2)
	assert.Equal(t, "double", got.Placement[0].Node)
	assert.Equal(t, "Mul", got.Placement[0].Operator)
	assert.Equal(t, "cpu:0", got.Placement[0].Device)
	assert.Equal(t, "kernel", got.Placement[0].Route)
}

// emu:1 has dense operators only: NonZero goes to the second device.
func TestRunOnTwoDevices(t *testing.T) {
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Known(4))
	model := s.write(t, t.TempDir(), s.op("NonZero", "where", s.op("Sigmoid", "bounded", s.op("Relu", "positive", x))))
	input := write(t, t.TempDir(), "x.json", []byte("[-1, 2, 0, 3]"))
	args := []string{"run", model, "--input", "x=" + input, "--device", "emu:1,cpu"}

	out := good(t, append(args, "--placement")...)
	assert.Contains(t, out, "where: int64[1,4][0 1 2 3]\n")
	assert.Contains(t, out, "2 of 3 nodes on emu:1 (kernel), 1 on cpu:0 (kernel)")
	assert.Regexp(t, `(?m)^NODE +OPERATOR +DEVICE +ROUTE +KERNEL +REASON$`, out)
	assert.Regexp(t, `(?m)^positive +Relu +emu:1 +kernel `, out)
	assert.Regexp(t, `(?m)^where +NonZero +cpu:0 +kernel +\S+ +\S`, out)

	got := decoded[ran](t, args...)
	assert.Equal(t, []string{"emu:1", "cpu:0"}, got.Devices)
	require.Len(t, got.Placement, 3)
	assert.Equal(t, "emu:1", got.Placement[0].Device)
	assert.Empty(t, got.Placement[0].Reason)
	assert.Equal(t, "cpu:0", got.Placement[2].Device)
	assert.NotEmpty(t, got.Placement[2].Reason)

	r := midplane(append(args, "--fallback", "never")...)
	assert.Equal(t, 2, r.status)
	assert.Empty(t, r.stdout)
	assert.Contains(t, r.stderr, "NonZero")
}

func TestRunCheck(t *testing.T) {
	right := affineCase(t, filepath.Join(t.TempDir(), "right"), 3, 5, 7)
	out := good(t, "run", right, "--check")
	assert.Equal(t, "ok      test_data_set_0 y \nright: 1 of 1 outputs match within 0.0001 of the largest expected; 2 of 2 nodes on cpu:0 (kernel)\n", out)

	off := affineCase(t, filepath.Join(t.TempDir(), "off"), 3, 5, 7.1)
	r := midplane("run", off, "--check")
	assert.Equal(t, 1, r.status)
	assert.Empty(t, r.stderr)
	assert.Regexp(t, `(?m)^DIFFERS test_data_set_0 y .*got 7, want 7\.09`, r.stdout)
	assert.Contains(t, r.stdout, "off: 0 of 1 outputs match")
	good(t, "run", off, "--check", "--tolerance", "0.02") // 0.1 of 7.1
}

// checked is what run --check --json and --against --json print.
type checked struct {
	Model     string
	Tolerance float64
	Outputs   []struct {
		Set, Output, Reason string
		Match               bool
	}
	Matched, Differed int
	Placement         []placed
}

func TestRunCheckJSON(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 0)
	r := midplane("run", dir, "--check", "--json")
	assert.Equal(t, 1, r.status)
	got := decode[checked](t, r.stdout)
	assert.Equal(t, 0, got.Matched)
	assert.Equal(t, 1, got.Differed)
	assert.Equal(t, 1e-4, got.Tolerance)
	require.Len(t, got.Outputs, 1)
	assert.False(t, got.Outputs[0].Match)
	assert.Equal(t, "y", got.Outputs[0].Output)
	assert.NotEmpty(t, got.Outputs[0].Reason)
	assert.Len(t, got.Placement, 2)
}

func TestRunAgainst(t *testing.T) {
	model := affine(t, t.TempDir())
	assert.Contains(t, good(t, "run", model, "--random", "--against", "emu"), "1 of 1 outputs match")
	got := decoded[checked](t, "run", model, "--random", "--against", "emu")
	assert.Equal(t, 1, got.Matched)
}

// A named input stands instead of the folder's; --random fills what is left.
func TestRunFillsInputs(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	x := write(t, t.TempDir(), "x.json", []byte("[[0, 0, 4]]"))
	assert.Contains(t, good(t, "run", dir, "--input", x), "y: float32[1,3][1 1 9]\n")

	s := &sketch{}
	a, b := s.input("a", tensor.Float32, tensor.Known(2)), s.input("b", tensor.Float32, tensor.Known(2))
	model := s.write(t, t.TempDir(), s.op("Sub", "y", s.op("Add", "sum", a, b), b))
	a2 := write(t, t.TempDir(), "a.json", []byte("[8, 16]"))
	got := decoded[ran](t, "run", model, "--input", "a="+a2, "--random")
	assert.InDeltaSlice(t, []float64{8, 16}, got.Outputs["y"].Data, 1e-5)

	again := decoded[ran](t, "run", model, "--random")
	assert.Equal(t, again.Outputs, decoded[ran](t, "run", model, "--random").Outputs, "random inputs are seeded")
}

func TestRunWithoutInputs(t *testing.T) {
	s := &sketch{}
	model := s.write(t, t.TempDir(), s.op("Neg", "y", s.constant("one", tensor.Of([]float32{1}))))
	assert.Contains(t, good(t, "run", model), "y: float32[1][-1]\n\nno nodes: the outputs are constants;")
}

func TestRunDemo(t *testing.T) {
	out := good(t, "run", "--demo")
	for _, device := range []string{"cpu", "emu"} {
		assert.Contains(t, out, "digits on "+device+"\n")
		assert.Contains(t, out, "9 of 9 nodes on "+device+":0 (kernel)")
		assert.Regexp(t, `(?m)^conv1 +Conv +`+device+`:0 +kernel `, out)
	}
	assert.Regexp(t, `(?m)^  sample_7\.png  7  with probability (0\.\d{3}|1\.000) +\d+\.\d\d ms  right$`, out)
	assert.Equal(t, 2, countLines(out, `^  10 of 10 right; `))
}

func TestRunDemoJSON(t *testing.T) {
	type prediction struct {
		Picture          string
		Digit, Predicted int
		Probability      float64
		Right            bool
		Millis           float64 `json:"ms"`
	}
	type demo struct {
		Devices     []string
		Predictions []prediction
		Placement   []placed
	}
	got := decoded[[]demo](t, "run", "--demo")
	require.Len(t, got, 2)
	for i, device := range []string{"cpu", "emu"} {
		assert.Equal(t, []string{device}, got[i].Devices)
		assert.Len(t, got[i].Placement, 9)
		require.Len(t, got[i].Predictions, 10)
		for digit, p := range got[i].Predictions {
			assert.Equal(t, digit, p.Digit)
			assert.Equal(t, digit, p.Predicted)
			assert.True(t, p.Right)
			assert.Greater(t, p.Probability, 0.9)
			assert.Positive(t, p.Millis)
		}
	}
	together := decoded[[]demo](t, "run", "--demo", "--device", "emu:1,cpu")
	require.Len(t, together, 1)
	assert.Equal(t, []string{"emu:1", "cpu"}, together[0].Devices)
}

// broken is a writer that fails after some bytes.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errors.New("no space left")
	}
	b.left -= len(p)
	return len(p), nil
}

func TestResultsThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"devices"}, {"run", "--demo", "--json"}, {"--help"}} {
		assert.Equal(t, 2, command.Main(args, &broken{left: 10}, io.Discard), args)
	}
}
