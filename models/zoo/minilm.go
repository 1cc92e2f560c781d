package zoo

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// minilmFeed is a sentence of 128 tokens.
var minilmFeed = map[string]fill{
	"input_ids": tokens(30522, 1, 128), "attention_mask": alike(1, 1, 128), "token_type_ids": alike(0, 1, 128),
}

func minilmDynamic(n *net) {
	n.dynamic = make(map[*graph.Value][]*graph.Value)
	minilm(n)
}

// minilm is the BERT encoder of Wang et al., "MiniLM: Deep self-attention
// distillation", NeurIPS 2020, with 6 layers of 384.
func minilm(n *net) {
	const width, layers, positions = 384, 6, 512
	in := func(name string) *graph.Value { return n.input(name, tensor.Int64, "batch", "sequence") }
	ids, mask, kinds := in("input_ids"), in("attention_mask"), in("token_type_ids")
	var x *graph.Value
	n.in("embeddings", func() {
		row := tensor.Zeros(tensor.Int64, tensor.Shape{1, positions})
		for i := range positions {
			tensor.Slice[int64](row)[i] = int64(i)
		}
		at := n.op("Slice", n.constant("position_ids", row), n.list(0), n.extent(ids, 1), n.list(1), n.list(1))
		table := func(name string, rows int, index *graph.Value) *graph.Value {
			return n.op("Gather", n.weight(name, n.drawn(0.6, rows, width)), index, attr("axis", int64(0)))
		}
		x = n.op("Add", table("word_embeddings", 30522, ids), table("token_type_embeddings", 2, kinds))
		x = n.op("Add", x, table("position_embeddings", positions, at))
		x = n.layerNormalization("LayerNorm", x, width, 1e-12)
	})
	seen := n.cast(n.op("Unsqueeze", n.op("Unsqueeze", mask, n.list(1)), n.list(2)), tensor.Float32)
	hidden := n.op("Mul", n.op("Sub", n.number(1), seen), n.number(-math.MaxFloat32))
	for layer := range layers {
		n.in(fmt.Sprintf("encoder.layer.%d", layer), func() { x = encoderLayer(n, x, hidden, width) })
	}
	first := n.op("Gather", x, n.index(0), attr("axis", int64(1)))
	n.output("last_hidden_state", x)
	n.output("pooler_output", n.op("Tanh", n.linear("pooler", first, width, width)))
}

// encoderLayer adds self-attention and a feed-forward network, each with a
// residual and a normalization behind it.
func encoderLayer(n *net, x, hidden *graph.Value, width int) *graph.Value {
	const heads, epsilon = 12, 1e-12
	size := int64(width / heads)
	part := func(name string) *graph.Value {
		return n.split(n.dense("attention."+name, x, width, width, 1, true), heads, size)
	}
	q, k, v := part("query"), part("key"), part("value")
	scores := n.op("Div", n.op("MatMul", q, n.op("Transpose", k, ints("perm", 0, 1, 3, 2))), n.number(math.Sqrt(float64(size))))
	weights := n.op("Softmax", n.op("Add", scores, hidden), attr("axis", int64(-1)))
	y := n.join(n.op("MatMul", weights, v), int64(width))
	x = n.layerNormalization("attention.LayerNorm", n.op("Add", n.dense("attention.output", y, width, width, 1, true), x), width, epsilon)
	y = n.gelu(n.dense("intermediate", x, width, 4*width, 1, true))
	return n.layerNormalization("output.LayerNorm", n.op("Add", n.dense("output", y, 4*width, width, 2, true), x), width, epsilon)
}
