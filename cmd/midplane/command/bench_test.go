package command_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
)

// measured is a row of bench --json.
type measured struct {
	Model   string
	Device  string
	Threads int
	Median  *float64 `json:"median_ms"`
	P10     *float64 `json:"p10_ms"`
	P90     *float64 `json:"p90_ms"`
	Load    *float64 `json:"load_ms"`
	First   *float64 `json:"first_ms"`
	Peak    *float64 `json:"peak_rss_mb"`
	Runs    int
	Group   string

	MultiplyAdds float64 `json:"multiply_adds"`
	GFLOPS       float64 `json:"gflops"`
	Share        float64 `json:"share_of_peak"`
	PeakFloats   float64 `json:"peak_gflops"`
	PeakIntegers float64 `json:"peak_int8_gops"`
	TwoThreads   float64 `json:"two_thread_peaks"`
	RoundTrip    float64 `json:"round_trip_ns"`
	Nodes        []struct {
		Node, Operator, Device, Route, Kernel string
		Runs                                  int
		Ms, Part                              float64
		MultiplyAdds                          float64 `json:"multiply_adds"`
		GFLOPS                                float64 `json:"gflops"`
	}
}

func TestBenchJSON(t *testing.T) {
	dir := affineCase(t, t.TempDir(), 3, 5, 7)
	file := affine(t, t.TempDir())
	rows := decoded[[]measured](t, "bench", dir, file, "--device", "cpu", "--device", "emu:1,cpu", "--threads", "1", "--seconds", "0.01")
	require.Len(t, rows, 4)
	for i, row := range rows {
		assert.Equal(t, []string{filepath.Base(dir), "model.onnx"}[i/2], row.Model)
		assert.Equal(t, []string{"cpu", "emu:1,cpu"}[i%2], row.Device)
		assert.Equal(t, 1, row.Threads)
		assert.GreaterOrEqual(t, row.Runs, 5)
		for name, v := range map[string]*float64{"median": row.Median, "p10": row.P10, "p90": row.P90, "load": row.Load, "first": row.First, "peak": row.Peak} {
			require.NotNil(t, v, name)
			assert.Positive(t, *v, name)
		}
		assert.LessOrEqual(t, *row.P10, *row.Median)
		assert.LessOrEqual(t, *row.Median, *row.P90)
		assert.Greater(t, *row.First, *row.Load, "the first output comes after loading")
		assert.Greater(t, *row.Peak, 1.0, "a Go process has more than a megabyte")
	}
}

// A product of [n, 3] with [3, 5], and a Relu that its kernel computes too. What
// there are rates of depends on the inputs' shapes, which the model leaves open; the
// processor's peak is no measure of emu, which is an accelerator.
func TestBenchRates(t *testing.T) {
	dir := t.TempDir()
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Symbol("n"), tensor.Known(3))
	product := s.op("MatMul", "product", x, s.constant("w", tensor.Zeros(tensor.Float32, tensor.Shape{3, 5})))
	s.write(t, dir, s.op("Relu", "y", product))
	writeTensor(t, dir, "test_data_set_0/input_0.pb", tensor.Zeros(tensor.Float32, tensor.Shape{7, 3}))
	rows := decoded[[]measured](t, "bench", dir, "--device", "cpu", "--device", "emu", "--seconds", "0", "--threads", "1", "--trace", filepath.Join(t.TempDir(), "trace.json"))
	require.Len(t, rows, 2)
	for i, row := range rows {
		assert.Equal(t, "products", row.Group)
		assert.EqualValues(t, 7*3*5, row.MultiplyAdds)
		assert.InEpsilon(t, 2*105/(*row.Median*1e6), row.GFLOPS, 1e-9)
		assert.Positive(t, row.PeakFloats)
		assert.Positive(t, row.PeakIntegers)
		if i == 0 {
			assert.InEpsilon(t, row.GFLOPS/row.PeakFloats, row.Share, 1e-9)
		} else {
			assert.Zero(t, row.Share)
		}
		if runtime.GOMAXPROCS(0) > 1 {
			assert.Positive(t, row.RoundTrip)
			assert.Positive(t, row.TwoThreads)
		}
		part := 0.0
		for _, n := range row.Nodes {
			part += n.Part
			assert.Equal(t, 1, n.Runs)
			assert.NotEmpty(t, n.Kernel)
			if n.Operator == "MatMul" {
				assert.Equal(t, `MatMul "product"`, n.Node)
				assert.EqualValues(t, 105, n.MultiplyAdds)
				assert.Positive(t, n.GFLOPS)
			}
		}
		assert.InDelta(t, 1, part, 1e-9)
		assert.Equal(t, []int{1, 2}[i], len(row.Nodes), "cpu computes both with one kernel")
	}
}

func TestBenchTable(t *testing.T) {
	out := good(t, "bench", affine(t, t.TempDir()), "--seconds", "0")
	assert.Equal(t, 3, countLines(out, `.+`))
	assert.Regexp(t, `^peak with \d+ threads?: \S+ GFLOP/s of float32, \S+ GOP/s of int8`, out)
	if runtime.GOMAXPROCS(0) > 1 {
		assert.Regexp(t, `; two threads reach \S+ times one's, round trip between them \d+ ns\n`, out)
	}
	assert.Regexp(t, `(?m)^ +MODEL +DEVICE +MEDIAN ms +P10 +P90 +RUNS +GFLOP/s +OF PEAK +LOAD ms +FIRST OUTPUT ms +PEAK MB$`, out)
	assert.Regexp(t, `(?m)^ +model\.onnx +cpu +\S+ +\S+ +\S+ +\d+ +- +- +\S+ +\S+ +\S+$`, out)
}

// The trace has every node of every model on every device.
func TestBenchTrace(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.json")
	first, second := affineCase(t, t.TempDir(), 3, 5, 7), affine(t, t.TempDir())
	out := good(t, "bench", first, second, "--device", "cpu", "--device", "emu", "--seconds", "0", "--trace", trace)
	assert.Equal(t, 4, countLines(out, `^\S+ on (cpu|emu) +KERNEL +RUNS +ms +PART +GFLOP/s *$`))
	assert.Equal(t, 4, countLines(out, `^Mul "double" +\S+ +1 +\S+ +\S+ % +- *$`))
	b, err := os.ReadFile(trace)
	require.NoError(t, err)
	var got struct {
		TraceEvents []struct {
			Name, Cat, Ph, Tid string
			Ts, Dur            float64
			Pid                int
			Args               map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(b, &got))
	require.Len(t, got.TraceEvents, 8)
	for i, e := range got.TraceEvents {
		assert.Equal(t, []string{"Mul", "Add"}[i%2], e.Cat)
		assert.Equal(t, []string{`Mul "double"`, `Add "y"`}[i%2], e.Name)
		assert.Equal(t, "X", e.Ph)
		assert.Equal(t, []string{"cpu:0", "emu:0"}[i/2%2], e.Tid)
		assert.Equal(t, i/2%2, e.Pid)
		assert.Equal(t, []string{filepath.Base(first), "model.onnx"}[i/4], e.Args["model"])
		assert.Equal(t, "kernel", e.Args["route"])
		assert.NotEmpty(t, e.Args["kernel"])
		assert.Positive(t, e.Ts)
		assert.GreaterOrEqual(t, e.Dur, 0.0)
	}
}

// What goes wrong with one model leaves no rows of others, and no trace.
func TestBenchStopsAtTheFirstError(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace.json")
	r := midplane("bench", affine(t, t.TempDir()), "nowhere.onnx", "--seconds", "0", "--trace", trace)
	assert.Equal(t, 2, r.status)
	assert.Empty(t, r.stdout)
	assert.Contains(t, r.stderr, "nowhere.onnx")
	assert.NoFileExists(t, trace)
}

// productCase writes the model of a product of matrices, Y = X·W, and returns its folder.
func productCase(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := &sketch{}
	x := s.input("x", tensor.Float32, tensor.Symbol("n"), tensor.Known(3))
	s.write(t, dir, s.op("MatMul", "y", x, s.constant("w", tensor.Zeros(tensor.Float32, tensor.Shape{3, 5}))))
	writeTensor(t, dir, "test_data_set_0/input_0.pb", tensor.Zeros(tensor.Float32, tensor.Shape{7, 3}))
	return dir
}

// Contenders are set beside the first, model by model and in groups.
func TestBenchRatios(t *testing.T) {
	first, second := productCase(t), affine(t, t.TempDir())
	out := good(t, "bench", first, second, "--device", "cpu", "--device", "emu", "--seconds", "0")
	assert.Regexp(t, `(?m)^ +emu / cpu +GROUP +TIME +LOAD +FIRST OUTPUT +PEAK MEMORY$`, out)
	assert.Regexp(t, `(?m)^ +`+filepath.Base(first)+` +products +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d$`, out)
	assert.Regexp(t, `(?m)^ +model\.onnx +other( +\d+\.\d\d){4}$`, out)
	assert.Regexp(t, `(?m)^ +emu / cpu +MODELS +GEOMETRIC MEAN +LEAST +OF$`, out)
	assert.Regexp(t, `(?m)^ +products +1 +(\d+\.\d\d) +(\d+\.\d\d) +`+filepath.Base(first)+`$`, out)
	assert.Regexp(t, `(?m)^ +peak memory +2 +\d+\.\d\d +\d+\.\d\d +\S+$`, out)
}

func TestBenchMarkdown(t *testing.T) {
	out := good(t, "bench", productCase(t), "--device", "cpu", "--device", "emu", "--seconds", "0", "--markdown")
	assert.Equal(t, 2, countLines(out, `^\|( --- \|)+$`))
	assert.Regexp(t, `(?m)^\| model \| group \| cpu ms \| GFLOP/s \| of peak \| emu ms \| ratio \|`, out)
	assert.Regexp(t, "(?m)^\\| `\\d+` \\| products \\| \\S+ \\| \\S+ \\| \\d+ % \\| \\S+ \\| \\d+\\.\\d\\d \\|( \\S+ / \\S+ \\|){3}$", out)
	assert.Regexp(t, `(?m)^\| products \| 1 \| \d+\.\d\d \| \d+\.\d\d \| \S+ \|$`, out)
	assert.Equal(t, 2, midplane("bench", productCase(t), "--markdown", "--json").status)
}
