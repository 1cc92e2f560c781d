package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestMaxPoolIndices(t *testing.T) {
	cases := []struct {
		x          tensor.Shape
		attributes []graph.Attribute
	}{
		{tensor.Shape{2, 3, 9}, []graph.Attribute{graph.A("kernel_shape", []int64{3}), graph.A("strides", []int64{2})}},
		{tensor.Shape{2, 3, 9, 8}, []graph.Attribute{graph.A("kernel_shape", []int64{3, 2}), graph.A("strides", []int64{2, 3}), graph.A("pads", []int64{1, 1, 2, 1})}},
		{tensor.Shape{2, 3, 9, 8}, []graph.Attribute{graph.A("kernel_shape", []int64{3, 2}), graph.A("dilations", []int64{2, 3}), graph.A("pads", []int64{2, 0, 1, 1})}},
		{tensor.Shape{1, 2, 5, 6, 7}, []graph.Attribute{graph.A("kernel_shape", []int64{2, 3, 2}), graph.A("ceil_mode", int64(1)), graph.A("strides", []int64{2, 2, 2})}},
		{tensor.Shape{1, 2, 5, 6}, []graph.Attribute{graph.A("kernel_shape", []int64{3, 3}), graph.A("auto_pad", "SAME_UPPER")}},
		{tensor.Shape{1, 2, 5, 6}, []graph.Attribute{graph.A("kernel_shape", []int64{7, 3})}},
		{tensor.Shape{0, 2, 5, 6}, []graph.Attribute{graph.A("kernel_shape", []int64{2, 3})}},
		{tensor.Shape{2, 1, 3, 3}, []graph.Attribute{graph.A("kernel_shape", []int64{2, 2}), graph.A("pads", []int64{3, 3, 3, 3})}},
	}
	for _, c := range cases {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
			for _, x := range []*tensor.Tensor{random(1, d, c.x...), withSpecials(random(2, d, c.x...)), tensor.Zeros(d, c.x)} {
				for order := range int64(2) {
					agreement{
						op: "MaxPool", kernel: "pool", outputs: 2, inputs: []*tensor.Tensor{x},
						attributes: append([]graph.Attribute{graph.A("storage_order", order)}, c.attributes...),
					}.check(t)
				}
			}
		}
	}
}
