package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestReduceExact(t *testing.T) {
	kinds := map[string][]tensor.DType{
		"ReduceProd": {tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64},
		"ReduceSum":  {tensor.Float64, tensor.Int32, tensor.Int64},
		"ReduceMean": {tensor.Float64, tensor.Int64},
		"ReduceMax":  {tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Int8},
		"ReduceMin":  {tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Int8},
	}
	for op, types := range kinds {
		for _, d := range types {
			for _, x := range []*tensor.Tensor{random(1, d, 3, 4, 5, 6), manyKinds(d, 3, 1, 5, 6), random(1, d, 2, 0, 3, 4), random(1, d)} {
				for _, axes := range []*tensor.Tensor{nil, ints(), ints(0), ints(-1), ints(1, 2), ints(0, 2), ints(1, 3), ints(0, 2, 3), ints(0, 1, 2, 3), ints(4), ints(1, 1)} {
					for flags := range int64(4) {
						a := agreement{
							op: op, kernel: "reduce", inputs: []*tensor.Tensor{x, axes},
							attributes: []graph.Attribute{graph.A("keepdims", flags&1), graph.A("noop_with_empty_axes", flags>>1)},
						}
						if d.IsFloat() {
							a.tolerance = 1e-9
						}
						if d == tensor.Float32 {
							a.tolerance = 1e-6
						}
						a.check(t)
					}
				}
			}
		}
	}
}

// A product may be far out of range on the way to its value.
func TestReduceProdOutOfRange(t *testing.T) {
	agreement{op: "ReduceProd", kernel: "reduce", inputs: []*tensor.Tensor{tensor.Of([]float32{1e30, 1e30, 1e-30, 1e-30}), nil}}.check(t)
}

// Integers wrap.
func TestReduceThatWraps(t *testing.T) {
	for _, op := range []string{"ReduceSum", "ReduceProd"} {
		agreement{op: op, kernel: "reduce", inputs: []*tensor.Tensor{tensor.Of([]int32{1 << 30, 1 << 30, 1 << 30, 3}), nil}}.check(t)
	}
}
