package cpu_test

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// units are the distances of neighbours around 1.
var units = map[tensor.DType]float64{tensor.Float16: 0x1p-10, tensor.BFloat16: 0x1p-7}

// Every kernel agrees with the reference to a unit in the last place of the largest
// result, and exactly where float32 holds enough for one rounding to be left.
func TestHalves(t *testing.T) {
	i := func(name string, v ...int64) graph.Attribute {
		if len(v) == 1 {
			return graph.A(name, v[0])
		}
		return graph.A(name, v)
	}
	for d, unit := range units {
		f := func(seed uint64, s ...int) *tensor.Tensor { return random(seed, d, s...) }
		positive := func(seed uint64, s ...int) *tensor.Tensor {
			v := f(seed, s...).Float64s()
			for i := range v {
				v[i] = math.Abs(v[i]) + 0.5
			}
			return tensor.FromFloat64s(d, s, v)
		}
		special := withSpecials(f(1, 40))
		for _, c := range []struct {
			agreement
			exact bool
		}{
			{agreement{op: "Add", inputs: tensors(f(1, 3, 1, 40), f(2, 5, 1)), kernel: "elementwise"}, true},
			{agreement{op: "Sub", inputs: tensors(special, f(2, 40)), kernel: "elementwise"}, true},
			{agreement{op: "Mul", inputs: tensors(special, special), kernel: "elementwise"}, true},
			{agreement{op: "Div", inputs: tensors(f(1, 300), f(2, 300)), kernel: "elementwise"}, true},
			{agreement{op: "Max", inputs: tensors(special, f(2, 40), f(3, 1)), kernel: "elementwise"}, true},
			{agreement{op: "Mean", inputs: tensors(f(1, 40), f(2, 40), f(3, 40)), kernel: "elementwise"}, false},
			{agreement{op: "Pow", inputs: tensors(positive(1, 40), f(2, 40)), kernel: "elementwise"}, false},
			{agreement{op: "PRelu", inputs: tensors(f(1, 3, 40), f(2, 3, 1)), kernel: "elementwise"}, true},
			{agreement{op: "Sqrt", inputs: tensors(positive(1, 1000)), kernel: "elementwise"}, true},
			{agreement{op: "Relu", inputs: tensors(special), kernel: "elementwise"}, true},
			{agreement{op: "Clip", inputs: tensors(special, f(2), nil), kernel: "elementwise"}, true},
			{agreement{op: "Gelu", inputs: tensors(f(1, 3, 700)), kernel: "elementwise"}, false},
			{agreement{op: "Erf", inputs: tensors(special), kernel: "elementwise"}, false},
			{agreement{op: "Exp", inputs: tensors(f(1, 70)), kernel: "elementwise"}, false},
			{agreement{op: "MatMul", inputs: tensors(f(1, 2, 33, 70), f(2, 70, 45)), kernel: "gemm"}, false},
			{agreement{op: "MatMul", inputs: tensors(f(1, 2, 33, 70), f(2, 70, 45)), constants: []int{1}, kernel: "gemm"}, false},
			{agreement{op: "MatMul", inputs: tensors(f(1, 0, 70), f(2, 70, 45)), kernel: "gemm"}, true},
			{agreement{op: "Gemm", attributes: []graph.Attribute{i("transB", 1), graph.A("alpha", float32(0.5))}, inputs: tensors(f(1, 9, 30), f(2, 20, 30), f(3, 20)), constants: []int{1, 2}, kernel: "gemm"}, false},
			{agreement{op: "Conv", attributes: []graph.Attribute{i("pads", 1, 1, 1, 1)}, inputs: tensors(f(1, 2, 6, 9, 11), f(2, 8, 6, 3, 3), f(3, 8)), constants: []int{1, 2}, kernel: "conv/direct"}, false},
			{agreement{op: "Conv", attributes: []graph.Attribute{i("group", 6)}, inputs: tensors(f(1, 1, 6, 9, 11), f(2, 6, 1, 3, 3)), kernel: "conv/depthwise", static: true}, false},
			{agreement{op: "ConvTranspose", attributes: []graph.Attribute{i("strides", 2, 2)}, inputs: tensors(f(1, 1, 4, 5, 6), f(2, 4, 3, 2, 2)), kernel: "conv/transpose"}, false},
			{agreement{op: "MaxPool", attributes: []graph.Attribute{i("kernel_shape", 2, 2)}, inputs: tensors(f(1, 1, 3, 8, 9)), kernel: "pool"}, true},
			{agreement{op: "AveragePool", attributes: []graph.Attribute{i("kernel_shape", 3, 3)}, inputs: tensors(f(1, 1, 3, 8, 9)), kernel: "pool"}, false},
			{agreement{op: "GlobalAveragePool", inputs: tensors(f(1, 1, 3, 8, 9)), kernel: "reduce"}, false},
			{agreement{op: "LRN", attributes: []graph.Attribute{i("size", 3)}, inputs: tensors(f(1, 1, 7, 4, 5)), kernel: "lrn"}, false},
			{agreement{op: "BatchNormalization", inputs: tensors(f(1, 2, 5, 9), f(2, 5), f(3, 5), f(4, 5), positive(5, 5)), constants: []int{1, 2, 3, 4}, kernel: "normalization"}, false},
			{agreement{op: "InstanceNormalization", inputs: tensors(f(1, 2, 5, 90), f(2, 5), f(3, 5)), kernel: "normalization"}, false},
			{agreement{op: "LayerNormalization", inputs: tensors(f(1, 4, 70), f(2, 70), f(3, 70)), kernel: "normalization"}, false},
			{agreement{op: "RMSNormalization", inputs: tensors(f(1, 4, 70), f(2, 70)), kernel: "normalization"}, false},
			{agreement{op: "Softmax", inputs: tensors(f(1, 4, 70)), kernel: "softmax"}, false},
			{agreement{op: "LogSoftmax", inputs: tensors(f(1, 4, 70)), kernel: "softmax"}, false},
			{agreement{op: "ReduceMean", inputs: tensors(f(1, 4, 70), tensor.Of([]int64{1})), kernel: "reduce"}, false},
			{agreement{op: "ReduceL2", inputs: tensors(f(1, 4, 70)), kernel: "reduce"}, false},
			{agreement{op: "ReduceMax", inputs: tensors(f(1, 4, 70), tensor.Of([]int64{0})), kernel: "reduce"}, true},
			{agreement{op: "Resize", attributes: []graph.Attribute{graph.A("mode", "linear")}, inputs: tensors(f(1, 1, 3, 4, 5), nil, nil, tensor.Of([]int64{1, 3, 8, 9})), constants: []int{3}, kernel: "resize"}, false},
			{agreement{op: "LSTM", attributes: []graph.Attribute{i("hidden_size", 8)}, inputs: tensors(f(1, 4, 2, 5), f(2, 1, 32, 5), f(3, 1, 32, 8), f(4, 1, 64)), constants: []int{1, 2, 3}, outputs: 3, kernel: "recurrent"}, false},
			{agreement{op: "Attention", inputs: tensors(f(1, 2, 3, 5, 8), f(2, 2, 3, 7, 8), f(3, 2, 3, 7, 9)), outputs: 3, kernel: "attention"}, false},
			{agreement{op: "RotaryEmbedding", inputs: tensors(f(1, 2, 3, 5, 8), f(2, 16, 4), f(3, 16, 4), tensor.Of([]int64{1, 2, 3, 4, 5, 9, 0, 15, 7, 8}, 2, 5)), kernel: "rotary"}, false},
			{agreement{op: "com.microsoft.GroupQueryAttention", attributes: []graph.Attribute{i("num_heads", 4), i("kv_num_heads", 2), i("do_rotary", 1)},
				inputs: tensors(f(1, 1, 3, 32), f(2, 1, 3, 16), f(3, 1, 3, 16), f(4, 1, 2, 4, 8), f(5, 1, 2, 4, 8), tensor.Of([]int32{6}), tensor.Of([]int32{7}), f(6, 16, 4), f(7, 16, 4)), outputs: 3, kernel: "attention/grouped"}, false},
			{agreement{op: "com.microsoft.MatMulNBits", attributes: []graph.Attribute{i("K", 64), i("N", 3), i("block_size", 32)},
				inputs: tensors(f(1, 2, 64), random(2, tensor.Uint8, 3, 2, 16), f(3, 3, 2), nil, nil, f(4, 3)), constants: []int{1, 2}, kernel: "gemm/nbits"}, false},
		} {
			t.Run(fmt.Sprint(c.agreement), func(t *testing.T) {
				c.kernel += "/half"
				if !c.exact {
					c.tolerance = unit
				}
				c.check(t)
			})
		}
	}
}

// Shapes that are wrong are the reference's to reject; what is not to be computed is
// left to it too.
func TestHalvesLeaveWrongShapesToTheReference(t *testing.T) {
	agreement{op: "Add", inputs: tensors(random(1, tensor.Float16, 2), random(2, tensor.Float16, 3)), kernel: "elementwise/half"}.check(t)
	agreement{op: "MatMul", inputs: tensors(random(1, tensor.BFloat16, 2, 3), random(2, tensor.BFloat16, 2, 3)), kernel: "gemm/half"}.check(t)
	agreement{op: "BatchNormalization", attributes: []graph.Attribute{graph.A("training_mode", int64(1))}, outputs: 3, kernel: "reference", tolerance: 1e-3,
		inputs: tensors(random(1, tensor.Float16, 2, 5, 9), random(2, tensor.Float16, 5), random(3, tensor.Float16, 5), random(4, tensor.Float16, 5), random(5, tensor.Float16, 5))}.check(t)
}

// castNode is a Cast whose output has its type.
func castNode(from *tensor.Tensor, to tensor.DType) *graph.Node {
	n := agreement{op: "Cast", attributes: []graph.Attribute{graph.A("to", int64(to))}, inputs: tensors(from)}.node()
	n.Outputs[0].Type.DType = to
	return n
}

// Casts round once. Those that would pass by float32 in vain are left to the
// reference.
func TestHalfCastensors(t *testing.T) {
	d := cpu.New(&driver.Options{Threads: 1})
	defer func() { require.NoError(t, d.Close()) }()
	for _, c := range []struct {
		from   *tensor.Tensor
		to     tensor.DType
		want   []float64
		kernel string
	}{
		{tensor.Of([]float32{1 + 0x1p-11, 1 + 0x3p-11, 70000, -0x1p-24}), tensor.Float16, []float64{1, 1 + 0x1p-9, math.Inf(1), -0x1p-24}, "elementwise"},
		{tensor.Of([]float32{1 + 0x1p-8, 1 + 0x3p-8, 70000}), tensor.BFloat16, []float64{1, 1 + 0x1p-6, 70144}, "elementwise"},
		{tensor.FromFloat64s(tensor.Float16, tensor.Shape{3}, []float64{1.5, -65504, 0x1p-24}), tensor.Float32, []float64{1.5, -65504, 0x1p-24}, "elementwise"},
		{tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{1 + 0x1p-8, 1 + 0x3p-8}), tensor.BFloat16, []float64{1, 1 + 0x1p-6}, "elementwise/half"},
		{tensor.FromFloat64s(tensor.BFloat16, tensor.Shape{2}, []float64{-2.75, 100000}), tensor.Int32, []float64{-2, 99840}, "elementwise/half"},
		{tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{0, math.NaN()}), tensor.Bool, []float64{0, 1}, "elementwise/half"},
		{tensor.Of([]int32{2049, 2051, 1<<24 + 1}), tensor.Float16, []float64{2048, 2052, math.Inf(1)}, "elementwise/half"},
		{tensor.Of([]bool{true, false}), tensor.BFloat16, []float64{1, 0}, "elementwise/half"},
		{tensor.Of([]int64{1<<32 + 1<<24 + 1}), tensor.BFloat16, []float64{1<<32 + 1<<25}, "reference"},    // just above a tie, on which float32 is
		{tensor.Of([]float64{1 + 0x1p-11 + 0x1p-40}), tensor.Float16, []float64{1 + 0x1p-10}, "reference"}, // the same
	} {
		what := fmt.Sprintf("%v to %v", c.from, c.to)
		n := castNode(c.from, c.to)
		require.Equal(t, c.kernel, d.Supports(n).Kernel, what)
		k, err := d.Build(n)
		require.NoError(t, err, what)
		a := agreement{inputs: tensors(c.from)}
		got, err := a.run(t, d, k, nil, false)
		require.NoError(t, err, what)
		assert.Equal(t, c.to, got[0].DType(), what)
		assert.Equal(t, c.want, got[0].Float64s(), what)
	}
}

// Comparisons give truth values, whatever their operands are stored as.
func TestHalfComparisons(t *testing.T) {
	d := cpu.New(&driver.Options{Threads: 1})
	defer func() { require.NoError(t, d.Close()) }()
	x := tensor.FromFloat64s(tensor.Float16, tensor.Shape{3}, []float64{1, 2, math.NaN()})
	y := tensor.FromFloat64s(tensor.Float16, tensor.Shape{3}, []float64{2, 2, 2})
	a := agreement{op: "Less", inputs: tensors(x, y)}
	n := a.node()
	n.Outputs[0].Type.DType = tensor.Bool
	require.Equal(t, operators.Verdict{Level: operators.Native, Kernel: "elementwise/half", Narrow: true}, d.Supports(n))
	k, err := d.Build(n)
	require.NoError(t, err)
	got, err := a.run(t, d, k, nil, false)
	require.NoError(t, err)
	assert.Equal(t, []bool{true, false, false}, tensor.Slice[bool](got[0]))
}

// A constant is widened and packed once for all kernels that use it: 256 KiB each.
func TestHalfConstantsAreShared(t *testing.T) {
	d := cpu.New(&driver.Options{Threads: 1, MemoryLimit: 1 << 20})
	defer func() { require.NoError(t, d.Close()) }()
	const n = 256
	w := random(1, tensor.Float16, n, n)
	var kept []operators.Kernel
	for range 20 {
		node := agreement{op: "MatMul", inputs: tensors(random(2, tensor.Float16, 1, n), w), constants: []int{1}}.node()
		node.Outputs[0].Type = tensor.TensorType(tensor.Float16, tensor.KnownDims(tensor.Shape{1, n}))
		k, err := d.Build(node)
		require.NoError(t, err)
		kept = append(kept, k)
	}
	runtime.KeepAlive(kept)
}
