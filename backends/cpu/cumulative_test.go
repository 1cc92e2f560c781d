package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestCumulative(t *testing.T) {
	for _, op := range []string{"CumSum", "CumProd"} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64} {
			for _, shape := range []tensor.Shape{{9}, {2, 300, 70}, {3, 5, 2100}, {0, 4}, {4, 0}} {
				for axis := range shape {
					for flags := range int64(4) {
						a := agreement{
							op: op, kernel: "cumulative", inputs: []*tensor.Tensor{random(5, d, shape...), tensor.Scalar(int64(axis))},
							attributes: []graph.Attribute{graph.A("exclusive", flags&1), graph.A("reverse", flags>>1)},
						}
						if d == tensor.Float32 && op == "CumSum" {
							a.tolerance = 1e-6
						}
						a.check(t)
					}
				}
			}
		}
	}
}

// A million tenths: a running total in float32 would be off by parts of a thousand.
func TestCumSumOfMany(t *testing.T) {
	line := make([]float32, 1<<20)
	for i := range line {
		line[i] = 0.1
	}
	for _, shape := range []tensor.Shape{{1 << 20}, {1 << 13, 128}} {
		agreement{op: "CumSum", kernel: "cumulative", inputs: []*tensor.Tensor{tensor.Of(line, shape...), tensor.Scalar(int32(0))}}.check(t)
	}
}

func TestCumSumOfWrongAxis(t *testing.T) {
	for _, axis := range []*tensor.Tensor{ints(2), ints(-3), ints(0, 1), ints()} {
		agreement{op: "CumSum", kernel: "cumulative", inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 3), axis}}.check(t)
	}
}
