package cpu_test

import (
	"fmt"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestRotaryEmbedding(t *testing.T) {
	for i, c := range []struct {
		x, angles   []int
		positions   []int64 // of all batches and steps
		turned      int64
		heads       int64
		interleaved int64
		steps       int
	}{
		{[]int{2, 3, 4, 8}, []int{2, 4, 4}, nil, 0, 0, 0, 4},
		{[]int{2, 3, 4, 8}, []int{2, 4, 4}, nil, 0, 0, 1, 4},
		{[]int{2, 4, 24}, []int{9, 3}, []int64{8, 1, 0, 3, 3, 2, 1, 0}, 6, 3, 0, 4},
		{[]int{2, 4, 24}, []int{9, 3}, []int64{8, 1, 0, 3, 3, 2, 1, 0}, 6, 3, 1, 4},
		{[]int{1, 50, 512}, []int{60, 32}, make([]int64, 50), 0, 8, 0, 50},
		{[]int{1, 1, 24}, []int{9, 4}, []int64{9}, 0, 3, 0, 1}, // no such position
		{[]int{1, 1, 24}, []int{9, 4}, []int64{0}, 0, 5, 0, 1}, // no such heads
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			inputs := []*tensor.Tensor{random(1, tensor.Float32, c.x...), random(2, tensor.Float32, c.angles...), random(3, tensor.Float32, c.angles...)}
			if c.positions != nil {
				inputs = append(inputs, tensor.Of(c.positions, c.x[0], c.steps))
			}
			attributes := []graph.Attribute{graph.A("interleaved", c.interleaved), graph.A("num_heads", c.heads), graph.A("rotary_embedding_dim", c.turned)}
			agreement{op: "RotaryEmbedding", attributes: attributes, inputs: inputs, kernel: "rotary", tolerance: 1e-6}.check(t)
		})
	}
}
