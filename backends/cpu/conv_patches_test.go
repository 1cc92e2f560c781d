package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// TestConvOfFewPixels: convolutions that are computed by patches.
func TestConvOfFewPixels(t *testing.T) {
	ints := func(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
	for _, c := range []struct {
		x, w  tensor.Shape
		attrs []graph.Attribute
	}{
		{tensor.Shape{1, 1, 1280}, tensor.Shape{257, 1, 512}, []graph.Attribute{ints("strides", 160)}},
		{tensor.Shape{2, 5, 9}, tensor.Shape{40, 5, 3}, []graph.Attribute{ints("pads", 1, 2), ints("strides", 2)}},
		{tensor.Shape{3, 7, 4, 5}, tensor.Shape{64, 7, 3, 2}, []graph.Attribute{ints("pads", 2, 0, 1, 1), ints("dilations", 2, 1), ints("strides", 2, 3)}},
		{tensor.Shape{1, 6, 2, 2}, tensor.Shape{33, 6, 1, 1}, nil},
		{tensor.Shape{1, 2, 3, 2, 3}, tensor.Shape{20, 2, 2, 2, 2}, []graph.Attribute{ints("pads", 0, 1, 0, 1, 0, 1)}},
		{tensor.Shape{1, 2, 3}, tensor.Shape{9, 2, 1}, []graph.Attribute{graph.A("auto_pad", "SAME_LOWER")}},
	} {
		for _, biased := range []bool{false, true} {
			a := agreement{op: "Conv", kernel: "conv/direct", attributes: c.attrs, tolerance: 2e-5, constants: []int{1},
				inputs: []*tensor.Tensor{random(1, tensor.Float32, c.x...), random(2, tensor.Float32, c.w...)}}
			if biased {
				a.inputs = append(a.inputs, random(3, tensor.Float32, c.w[0]))
			}
			a.check(t)
		}
	}
	chain{head: "Conv", inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 5, 9), random(2, tensor.Float32, 40, 5, 3)}, kernel: "conv/direct+Relu+Add",
		links: []link{{op: "Relu"}, {op: "Add", others: []*tensor.Tensor{random(3, tensor.Float32, 2, 40, 7)}}}}.check(t, 2)
}
