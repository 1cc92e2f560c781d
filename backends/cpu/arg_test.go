package cpu_test

import (
	"fmt"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var ordered = []tensor.DType{
	tensor.Float32, tensor.Float64, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64,
	tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64,
}

// manyKinds are random numbers with many equal ones, and with NaN and infinities
// where the type has them.
func manyKinds(d tensor.DType, shape ...int) *tensor.Tensor {
	t := random(3, d, shape...)
	if d.IsFloat() {
		return withSpecials(t)
	}
	return t
}

func TestArg(t *testing.T) {
	for _, op := range []string{"ArgMax", "ArgMin"} {
		for _, d := range ordered {
			for _, shape := range []tensor.Shape{{7}, {3, 1500}, {2, 5, 700}, {2, 300, 3}, {1, 1}} {
				for axis := range shape {
					for flags := range int64(4) {
						agreement{
							op: op, kernel: "reduce", inputs: []*tensor.Tensor{manyKinds(d, shape...)},
							attributes: []graph.Attribute{
								graph.A("axis", int64(axis-len(shape))), graph.A("select_last_index", flags&1), graph.A("keepdims", flags>>1),
							},
						}.check(t)
					}
				}
			}
		}
	}
}

func TestArgOfTies(t *testing.T) {
	line := make([]float32, 2000)
	for _, at := range []int{300, 299, 1700, 1999} {
		line[at] = 1
	}
	for last := range int64(2) {
		agreement{
			op: "ArgMax", kernel: "reduce", inputs: []*tensor.Tensor{tensor.Of(line)},
			attributes: []graph.Attribute{graph.A("select_last_index", last)},
		}.check(t)
	}
	line[40], line[1800] = float32(nan), float32(nan)
	for _, op := range []string{"ArgMax", "ArgMin"} {
		for last := range int64(2) {
			agreement{
				op: op, kernel: "reduce", inputs: []*tensor.Tensor{tensor.Of(line)},
				attributes: []graph.Attribute{graph.A("select_last_index", last)},
			}.check(t)
		}
	}
}

func TestArgOfNothing(t *testing.T) {
	for _, shape := range []tensor.Shape{{0}, {2, 0}, {0, 2}, {}} {
		agreement{
			op: "ArgMax", kernel: "reduce", inputs: []*tensor.Tensor{random(1, tensor.Float32, shape...)},
			attributes: []graph.Attribute{graph.A("axis", int64(-1))},
		}.check(t)
	}
}

func TestHardmax(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		for axis := range int64(3) {
			agreement{
				op: "Hardmax", kernel: "softmax", inputs: []*tensor.Tensor{manyKinds(d, 3, 4, 5)},
				attributes: []graph.Attribute{graph.A("axis", axis)},
			}.check(t)
		}
	}
}

func TestTopK(t *testing.T) {
	for _, d := range ordered {
		for _, shape := range []tensor.Shape{{9}, {3, 3000}, {2, 40, 3}} {
			for axis, n := range shape {
				for _, k := range []int64{0, 1, 3, int64(n), int64(n) + 1, -1} {
					for largest := range int64(2) {
						agreement{
							op: "TopK", kernel: "topk", outputs: 2, inputs: []*tensor.Tensor{manyKinds(d, shape...), tensor.Of([]int64{k}, 1)},
							attributes: []graph.Attribute{graph.A("axis", int64(axis)), graph.A("largest", largest)},
						}.check(t)
					}
				}
			}
		}
	}
}

// Numbers in the worst order: each is better than all before it, or as good.
func TestTopKOfMany(t *testing.T) {
	for _, step := range []int{-1, 0, 1} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Int64} {
			line := make([]int64, 5000)
			for i := range line {
				line[i] = int64(step * i / 3)
			}
			in := tensor.FromInt64s(d, tensor.Shape{5000}, line)
			for _, k := range []int64{1, 16, 17, 100, 2000} {
				for largest := range int64(2) {
					t.Run(fmt.Sprint(step, d, k, largest), func(t *testing.T) {
						agreement{
							op: "TopK", kernel: "topk", outputs: 2, inputs: []*tensor.Tensor{in, tensor.Of([]int64{k}, 1)},
							attributes: []graph.Attribute{graph.A("largest", largest)},
						}.check(t)
					})
				}
			}
		}
	}
}
