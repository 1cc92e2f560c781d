package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestExtents(t *testing.T) {
	for _, s := range []tensor.Shape{{}, {0}, {3}, {2, 0, 5}, {4, 3, 2, 1}} {
		x := tensor.Zeros(tensor.Int8, s)
		agreement{op: "Size", inputs: []*tensor.Tensor{x}, kernel: "extents"}.check(t)
		agreement{op: "Shape", inputs: []*tensor.Tensor{x}, kernel: "extents"}.check(t)
		for start := int64(-6); start < 6; start++ {
			agreement{op: "Shape", attributes: []graph.Attribute{graph.A("start", start)}, inputs: []*tensor.Tensor{x}, kernel: "extents"}.check(t)
			for end := int64(-6); end < 6; end++ {
				agreement{op: "Shape", attributes: []graph.Attribute{graph.A("start", start), graph.A("end", end)}, inputs: []*tensor.Tensor{x}, kernel: "extents"}.check(t)
			}
		}
	}
}
