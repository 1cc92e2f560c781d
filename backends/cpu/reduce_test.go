package cpu_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// condition returns by how much the rounding of a sum is larger, in proportion to
// it, where terms cancel: Σ|x| / |Σx|.
func condition(x *tensor.Tensor) float64 {
	sum, size := 0.0, 0.0
	for _, v := range x.Float64s() {
		sum, size = sum+v, size+math.Abs(v)
	}
	return size / math.Abs(sum)
}

func TestReduce(t *testing.T) {
	for _, op := range []string{"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"} {
		t.Run(op, func(t *testing.T) {
			for n := 0; n <= 33; n++ {
				agreement{op: op, inputs: []*tensor.Tensor{random(uint64(n), tensor.Float32, 3, n), ints(1)}, kernel: "reduce", tolerance: 1e-6}.check(t)
				agreement{op: op, inputs: []*tensor.Tensor{random(uint64(n), tensor.Float32, n, 3), ints(0)}, kernel: "reduce", tolerance: 1e-6}.check(t)
			}
			x := random(1, tensor.Float32, 3, 4, 5, 6)
			for _, axes := range []*tensor.Tensor{nil, ints(), ints(0), ints(-1), ints(1, 2), ints(0, 2), ints(1, 3), ints(0, 2, 3), ints(0, 1, 2, 3), ints(4), ints(1, 1)} {
				tolerance := 1e-6
				if all := axes == nil || axes.Len()%4 == 0; all && (op == "ReduceSum" || op == "ReduceMean") {
					tolerance = 0x1p-23 * condition(x)
				}
				for _, keep := range []int64{0, 1} {
					agreement{op: op, attributes: []graph.Attribute{graph.A("keepdims", keep)}, inputs: []*tensor.Tensor{x, axes}, kernel: "reduce", tolerance: tolerance}.check(t)
				}
			}
			agreement{op: op, attributes: []graph.Attribute{graph.A("noop_with_empty_axes", int64(1))}, inputs: []*tensor.Tensor{x, ints()}, kernel: "reduce", tolerance: 1e-6}.check(t)
			agreement{op: op, inputs: []*tensor.Tensor{withSpecials(random(1, tensor.Float32, 9, 20)), ints(1)}, kernel: "reduce", tolerance: 1e-6}.check(t)
			agreement{op: op, inputs: []*tensor.Tensor{withSpecials(random(1, tensor.Float32, 9, 20)), ints(0)}, kernel: "reduce", tolerance: 1e-6}.check(t)
			agreement{op: op, inputs: []*tensor.Tensor{random(1, tensor.Float32, 300, 900), ints(0)}, kernel: "reduce", tolerance: 1e-5}.check(t)
			for _, n := range []int{7, 8, 64, 127, 150, 784} { // slices of lanes, several taken for one
				agreement{op: op, inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 3, n, 16), ints(2)}, kernel: "reduce", tolerance: 1e-5}.check(t)
			}
			agreement{op: op, inputs: []*tensor.Tensor{random(1, tensor.Float32, 4, 100000), ints(1)}, kernel: "reduce", tolerance: 1e-5}.check(t)
		})
	}
}

func TestGlobalPool(t *testing.T) {
	for _, op := range []string{"GlobalAveragePool", "GlobalMaxPool"} {
		for _, s := range [][]int{{2, 3, 5}, {1, 70, 7, 7}, {2, 3, 2, 3, 4}, {2, 3}, {0, 3, 2}} {
			agreement{op: op, inputs: []*tensor.Tensor{random(1, tensor.Float32, s...)}, kernel: "reduce", tolerance: 1e-6}.check(t)
		}
	}
}

func TestSoftmax(t *testing.T) {
	for _, op := range []string{"Softmax", "LogSoftmax"} {
		for n := 0; n <= 33; n++ {
			agreement{op: op, inputs: []*tensor.Tensor{random(uint64(n), tensor.Float32, 3, n)}, kernel: "softmax", tolerance: 1e-6}.check(t)
		}
		for axis := int64(-3); axis < 3; axis++ {
			agreement{op: op, attributes: []graph.Attribute{graph.A("axis", axis)}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 3, 40, 300)}, kernel: "softmax", tolerance: 1e-6}.check(t)
			agreement{op: op, attributes: []graph.Attribute{graph.A("axis", axis)}, inputs: []*tensor.Tensor{withSpecials(random(1, tensor.Float32, 3, 4, 5))}, kernel: "softmax", tolerance: 1e-6}.check(t)
		}
	}
}

func TestNormalizations(t *testing.T) {
	f := func(seed uint64, s ...int) *tensor.Tensor { return random(seed, tensor.Float32, s...) }
	positive := func(s ...int) *tensor.Tensor {
		v := random(9, tensor.Float32, s...)
		for i, e := range tensor.Slice[float32](v) {
			tensor.Slice[float32](v)[i] = e*e + 0.1
		}
		return v
	}
	for _, s := range [][]int{{2, 6}, {9000, 6}, {2, 6, 5}, {1, 6, 7, 33}, {3, 6, 2, 3, 4}, {0, 6, 2}, {6}} {
		c := 6
		if len(s) == 1 {
			c = 1
		}
		x := f(1, s...)
		agreement{op: "BatchNormalization", inputs: []*tensor.Tensor{x, f(2, c), f(3, c), f(4, c), positive(c)}, kernel: "normalization", tolerance: 1e-5}.check(t)
		if len(s) < 3 {
			continue
		}
		agreement{op: "InstanceNormalization", inputs: []*tensor.Tensor{x, f(2, c), f(3, c)}, kernel: "normalization", tolerance: 1e-5}.check(t)
		for _, groups := range []int64{1, 2, 3, 6, 4} {
			agreement{op: "GroupNormalization", attributes: []graph.Attribute{graph.A("num_groups", groups)}, inputs: []*tensor.Tensor{x, f(2, c), f(3, c)}, kernel: "normalization", tolerance: 1e-5}.check(t)
		}
	}
	for n := 1; n <= 33; n++ {
		agreement{op: "LayerNormalization", inputs: []*tensor.Tensor{f(1, 3, n), f(2, n), f(3, n)}, outputs: 3, kernel: "normalization", tolerance: 1e-5}.check(t)
		agreement{op: "LayerNormalization", inputs: []*tensor.Tensor{f(1, 3, n), f(2, n)}, kernel: "normalization", tolerance: 1e-5}.check(t)
		agreement{op: "RMSNormalization", inputs: []*tensor.Tensor{f(1, 3, n), f(2, n)}, kernel: "normalization", tolerance: 1e-5}.check(t)
	}
	axis := []graph.Attribute{graph.A("axis", int64(1)), graph.A("epsilon", float32(1e-3))}
	agreement{op: "LayerNormalization", attributes: axis, inputs: []*tensor.Tensor{f(1, 2, 3, 4), f(2, 3, 4), f(3, 3, 4)}, outputs: 3, kernel: "normalization", tolerance: 1e-5}.check(t)
	agreement{op: "LayerNormalization", attributes: axis, inputs: []*tensor.Tensor{f(1, 2, 3, 4), f(2, 4)}, kernel: "normalization", tolerance: 1e-5}.check(t)
}
