package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestMaxUnpool(t *testing.T) {
	two := []graph.Attribute{graph.A("kernel_shape", []int64{2, 2}), graph.A("strides", []int64{2, 2})}
	padded := append([]graph.Attribute{graph.A("pads", []int64{0, 1, 1, 0})}, two...)
	x := random(1, tensor.Float32, 2, 3, 2, 2)
	within := make([]int64, x.Len()) // of planes of 16 elements
	for i := range within {
		within[i] = int64(i/4*16 + i*5%16)
	}
	twice := append([]int64{}, within...)
	twice[1], twice[6] = twice[0], twice[4]
	across := append([]int64{}, within...)
	across[0], across[23] = across[23], across[0]
	wrong, negative := append([]int64{}, within...), append([]int64{}, within...)
	wrong[7], negative[7] = 96, -1
	small := make([]int64, x.Len()) // of planes of 9
	for i := range small {
		small[i] = int64(i/4*9 + i*2%9)
	}
	indices := func(v []int64) *tensor.Tensor { return tensor.Of(v, 2, 3, 2, 2) }
	for _, c := range []struct {
		attributes []graph.Attribute
		inputs     []*tensor.Tensor
	}{
		{two, []*tensor.Tensor{x, indices(within)}},
		{two, []*tensor.Tensor{x, indices(twice)}},
		{two, []*tensor.Tensor{x, indices(across)}},
		{two, []*tensor.Tensor{x, indices(wrong)}},
		{two, []*tensor.Tensor{x, indices(negative)}},
		{two, []*tensor.Tensor{x, tensor.Of(within)}},
		{padded, []*tensor.Tensor{x, indices(small)}},
		{two, []*tensor.Tensor{x, indices(within), tensor.Of([]int64{2, 3, 4, 4})}},
		{two, []*tensor.Tensor{x, indices(within), tensor.Of([]int64{2, 3, 5, 6})}},
		{[]graph.Attribute{graph.A("kernel_shape", []int64{2})}, []*tensor.Tensor{x, indices(within)}},
		{two, []*tensor.Tensor{random(1, tensor.Float32, 2, 0, 2, 2), tensor.Of([]int64{}, 2, 0, 2, 2)}},
		{[]graph.Attribute{graph.A("kernel_shape", []int64{3})}, []*tensor.Tensor{random(1, tensor.Float32, 1, 1, 2), tensor.Of([]int64{3, 1}, 1, 1, 2)}},
	} {
		agreement{op: "MaxUnpool", kernel: "pool", attributes: c.attributes, inputs: c.inputs}.check(t)
	}
}
