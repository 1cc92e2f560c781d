package cpu_test

import (
	"fmt"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	_ "example.com/midplane/operators/microsoft"
)

func TestMatMulNBits(t *testing.T) {
	for i, c := range []struct {
		a              []int
		n, block, bits int
		zeros          tensor.DType // Undefined: none
		bias           bool
		ordered        bool
	}{
		{[]int{1, 64}, 3, 32, 4, tensor.Undefined, false, false},
		{[]int{1, 1, 70}, 70, 32, 4, tensor.Uint8, true, false},
		{[]int{2, 33, 100}, 45, 16, 4, tensor.Uint8, true, false},
		{[]int{5, 64}, 33, 64, 4, tensor.Float32, false, false},
		{[]int{3, 50}, 7, 32, 8, tensor.Uint8, false, false},
		{[]int{20, 50}, 70, 32, 8, tensor.Undefined, true, false},
		{[]int{9, 1100}, 70, 32, 4, tensor.Uint8, true, false},
		{[]int{6, 1100}, 33, 1024, 8, tensor.Undefined, false, false},
		{[]int{64}, 40, 16, 4, tensor.Uint8, false, false},
		{[]int{0, 64}, 3, 32, 4, tensor.Undefined, false, false},
		{[]int{2, 63}, 3, 32, 4, tensor.Undefined, false, false}, // of 64
		{[]int{1, 70}, 33, 32, 2, tensor.Undefined, true, false},
		{[]int{20, 100}, 70, 16, 2, tensor.Uint8, false, false},
		{[]int{1, 4200}, 5, 16, 2, tensor.Uint8, true, false}, // 263 zero points in a row
		{[]int{2, 50}, 7, 32, 3, tensor.Uint8, false, false},
		{[]int{20, 50}, 7, 16, 5, tensor.Undefined, false, false},
		{[]int{1, 1200}, 3, 16, 6, tensor.Uint8, false, false},
		{[]int{3, 64}, 7, 64, 7, tensor.Float32, false, false},
		{[]int{1, 70}, 33, 32, 2, tensor.Uint8, true, true},
		{[]int{2, 33, 100}, 45, 32, 4, tensor.Uint8, true, true},
		{[]int{3, 50}, 7, 32, 8, tensor.Float32, false, true},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			k := c.a[len(c.a)-1]
			if k == 63 {
				k = 64
			}
			blocks := (k + c.block - 1) / c.block
			inputs := []*tensor.Tensor{
				random(1, tensor.Float32, c.a...),
				random(2, tensor.Uint8, c.n, blocks, c.block*c.bits/8),
				random(3, tensor.Float32, c.n, blocks),
				nil, nil, nil,
			}
			switch c.zeros {
			case tensor.Uint8:
				inputs[3] = random(4, tensor.Uint8, c.n, (blocks*c.bits+7)/8)
			case tensor.Float32:
				inputs[3] = random(4, tensor.Float32, c.n, blocks)
			}
			if c.bias {
				inputs[5] = random(5, tensor.Float32, c.n)
			}
			if c.ordered {
				order := make([]int32, k)
				for i := range order {
					order[i] = int32(i * 7 % blocks)
				}
				inputs[4] = tensor.Of(order)
			}
			attributes := []graph.Attribute{graph.A("K", int64(k)), graph.A("N", int64(c.n)), graph.A("block_size", int64(c.block)), graph.A("bits", int64(c.bits))}
			for _, constants := range [][]int{nil, {1, 2}} {
				agreement{op: "com.microsoft.MatMulNBits", attributes: attributes, inputs: inputs, constants: constants, kernel: "gemm/nbits", tolerance: 1e-5}.check(t)
			}
		})
	}
}

// A block that there is none of is the reference's to reject.
func TestMatMulNBitsOutOfOrder(t *testing.T) {
	for _, block := range []int32{-1, 2} {
		order := make([]int32, 64)
		order[63] = block
		inputs := tensors(random(1, tensor.Float32, 1, 64), random(2, tensor.Uint8, 3, 2, 16), random(3, tensor.Float32, 3, 2), nil, tensor.Of(order))
		attributes := []graph.Attribute{graph.A("K", int64(64)), graph.A("N", int64(3)), graph.A("block_size", int64(32))}
		agreement{op: "com.microsoft.MatMulNBits", attributes: attributes, inputs: inputs, kernel: "gemm/nbits"}.check(t)
	}
}
