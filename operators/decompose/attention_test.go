package decompose_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// waves are different values in (-1, 1) of a type and shape.
func waves(d tensor.DType, seed float64, shape ...int) *tensor.Tensor {
	v := make([]float64, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = math.Sin(seed + 1.7*float64(i))
	}
	return tensor.FromFloat64s(d, shape, v)
}

func allows(bits string, shape ...int) *tensor.Tensor {
	v := make([]bool, len(bits))
	for i := range bits {
		v[i] = bits[i] == '1'
	}
	return tensor.Of(v, shape...)
}

func with(a ...graph.Attribute) []graph.Attribute { return a }

func TestDecomposedAttention(t *testing.T) {
	f := tensor.Float32
	q, k, v := waves(f, 0, 2, 4, 3, 8), waves(f, 1, 2, 4, 5, 8), waves(f, 2, 2, 4, 5, 6)
	k2, v2 := waves(f, 3, 2, 2, 5, 8), waves(f, 4, 2, 2, 5, 6)
	past := []*tensor.Tensor{waves(f, 5, 2, 4, 2, 8), waves(f, 6, 2, 4, 2, 6)}
	causal, mode := graph.A("is_causal", int64(1)), func(i int64) graph.Attribute { return graph.A("qk_matmul_output_mode", i) }
	heads := with(graph.A("q_num_heads", int64(4)), graph.A("kv_num_heads", int64(2)))
	lens := tensor.Of([]int64{5, 1})
	least := math.Inf(-1)
	floats := tensor.FromFloat64s(f, tensor.Shape{3, 5}, []float64{0, 1, least, 2, 0, least, least, least, least, least, 0, 0, 0, 0, least})
	prove(t, []claim{
		{name: "plain", op: "Attention", in: []*tensor.Tensor{q, k, v}, outputs: 4},
		{name: "scaled and capped", op: "Attention", attrs: with(graph.A("scale", float32(0.3)), graph.A("softcap", float32(0.5)), mode(1)), in: []*tensor.Tensor{q, k, v}, outputs: 4},
		{name: "packed, shared heads", op: "Attention", attrs: heads, in: []*tensor.Tensor{waves(f, 0, 2, 3, 32), waves(f, 1, 2, 5, 16), waves(f, 2, 2, 5, 12)}, outputs: 4},
		{name: "shared heads", op: "Attention", attrs: with(causal), in: []*tensor.Tensor{q, k2, v2}, outputs: 4},
		{name: "past", op: "Attention", attrs: with(causal), in: []*tensor.Tensor{q, k, v, nil, past[0], past[1]}, outputs: 4},
		{name: "bool mask that forbids a row", op: "Attention", attrs: with(mode(3)), in: []*tensor.Tensor{q, k, v, allows("110100000011111", 3, 5)}, outputs: 4},
		{name: "float mask", op: "Attention", attrs: with(mode(2)), in: []*tensor.Tensor{q, k, v, floats}, outputs: 4, rtol: 1e-5},
		{name: "mask of rank 4, causal", op: "Attention", attrs: with(causal), in: []*tensor.Tensor{q, k, v, waves(f, 7, 2, 1, 3, 5)}},
		{name: "mask of rank 3", op: "Attention", in: []*tensor.Tensor{q, k, v, waves(f, 7, 4, 1, 5)}},
		{name: "short mask", op: "Attention", in: []*tensor.Tensor{q, k, v, allows("111010101", 3, 3)}},
		{name: "mask of integers", op: "Attention", rtol: 1e-5, in: []*tensor.Tensor{q, k, v, tensor.Of([]int32{0, 1, 2, 3, 4})}},
		{name: "mask of one number", op: "Attention", in: []*tensor.Tensor{q, k, v, tensor.Scalar(float32(2))}},
		{name: "padding", op: "Attention", in: []*tensor.Tensor{q, k, v, nil, nil, nil, lens}},
		{name: "padding and causal, with empty rows", op: "Attention", attrs: with(causal, mode(3)), in: []*tensor.Tensor{q, k, v, nil, nil, nil, lens}, outputs: 1},
		{name: "window", op: "Attention", attrs: with(graph.A("left_window_size", int64(1)), graph.A("right_window_size", int64(2))), in: []*tensor.Tensor{q, k, v}},
		{name: "window and past", op: "Attention", attrs: with(graph.A("left_window_size", int64(1)), causal), in: []*tensor.Tensor{q, k, v, nil, past[0], past[1]}, outputs: 3},
		{name: "window and padding", op: "Attention", attrs: with(graph.A("left_window_size", int64(1))), in: []*tensor.Tensor{q, k, v, nil, nil, nil, lens}},
		{name: "float64", op: "Attention", in: []*tensor.Tensor{waves(tensor.Float64, 0, 1, 1, 2, 2), waves(tensor.Float64, 1, 1, 1, 2, 2), waves(tensor.Float64, 2, 1, 1, 2, 2)}, outputs: 4},
		{name: "float16", op: "Attention", in: []*tensor.Tensor{waves(tensor.Float16, 0, 1, 1, 2, 2), waves(tensor.Float16, 1, 1, 1, 2, 2), waves(tensor.Float16, 2, 1, 1, 2, 2)}, outputs: 4, rtol: 1e-3},
		{name: "softmax in float16", op: "Attention", attrs: with(graph.A("softmax_precision", int64(tensor.Float16))), in: []*tensor.Tensor{q, k, v}, rtol: 2e-2},
		{name: "no keys", op: "Attention", in: []*tensor.Tensor{q, waves(f, 1, 2, 4, 0, 8), waves(f, 1, 2, 4, 0, 6)}, outputs: 4},
	})
}

func TestDecomposedFlexAttention(t *testing.T) {
	modifier := func(op string, by *tensor.Tensor) *graph.Graph {
		in := &graph.Value{Name: "scores"}
		b := graph.NewBuilder(&graph.Node{Name: "modifier"})
		out := b.Op(op, []*graph.Value{in, b.Const(by)})
		return &graph.Graph{Inputs: []*graph.Value{in}, Outputs: []*graph.Value{out}, Nodes: b.Nodes, Initializers: b.Initializers}
	}
	f := tensor.Float32
	in := []*tensor.Tensor{waves(f, 0, 2, 4, 3, 8), waves(f, 1, 2, 2, 5, 8), waves(f, 2, 2, 2, 5, 6)}
	prove(t, []claim{
		{name: "plain", domain: "ai.onnx.preview", op: "FlexAttention", in: in},
		{name: "modified", domain: "ai.onnx.preview", op: "FlexAttention", in: in, attrs: with(graph.A("scale", float32(2)),
			graph.A("score_mod", modifier("Add", waves(f, 3, 3, 5))), graph.A("prob_mod", modifier("Mul", waves(f, 4, 4, 1, 5))))},
		{name: "float16", domain: "ai.onnx.preview", op: "FlexAttention", attrs: with(graph.A("prob_mod", modifier("Mul", waves(f, 4, 1)))),
			in: []*tensor.Tensor{waves(tensor.Float16, 0, 1, 1, 2, 2), waves(tensor.Float16, 1, 1, 1, 2, 2), waves(tensor.Float16, 2, 1, 1, 2, 2)}, rtol: 1e-3},
	})
}

func TestDecomposedLinearAttention(t *testing.T) {
	f := tensor.Float32
	q, k, v := waves(f, 0, 2, 3, 16), waves(f, 1, 2, 3, 8), waves(f, 2, 2, 3, 6)
	past := waves(f, 3, 2, 2, 4, 3)
	for _, rule := range []string{"linear", "gated", "delta", "gated_delta"} {
		attrs := with(graph.A("update_rule", rule), graph.A("q_num_heads", int64(4)), graph.A("kv_num_heads", int64(2)))
		for i, decay := range []*tensor.Tensor{waves(f, 4, 2, 3, 8), waves(f, 4, 2, 3, 2)} {
			beta := []*tensor.Tensor{waves(f, 5, 2, 3, 2), waves(f, 5, 2, 3, 1)}[i]
			prove(t, []claim{
				{name: rule, op: "LinearAttention", attrs: attrs, in: []*tensor.Tensor{q, k, v, past, decay, beta}, outputs: 2, rtol: 1e-5},
				{name: rule + " from nothing", op: "LinearAttention", attrs: attrs, in: []*tensor.Tensor{q, k, v, nil, decay, beta}, outputs: 2, rtol: 1e-5},
			})
		}
	}
	h := tensor.Float16
	prove(t, []claim{{name: "types", op: "LinearAttention", attrs: with(graph.A("update_rule", "linear"), graph.A("q_num_heads", int64(2)), graph.A("kv_num_heads", int64(2)), graph.A("scale", float32(0.5))),
		in: []*tensor.Tensor{waves(h, 0, 2, 3, 8), waves(h, 1, 2, 3, 8), waves(h, 2, 2, 3, 6), past}, outputs: 2, rtol: 1e-3}})
}

func TestDecomposedRotaryEmbedding(t *testing.T) {
	f := tensor.Float32
	x, packed, ids := waves(f, 0, 2, 2, 3, 8), waves(f, 0, 2, 3, 16), tensor.Of([]int64{0, 4, 2, 3, 1, 0}, 2, 3)
	count, interleaved, part := graph.A("num_heads", int64(2)), graph.A("interleaved", int64(1)), graph.A("rotary_embedding_dim", int64(4))
	prove(t, []claim{
		{name: "plain", op: "RotaryEmbedding", in: []*tensor.Tensor{x, waves(f, 1, 5, 4), waves(f, 2, 5, 4), ids}},
		{name: "no ids", op: "RotaryEmbedding", in: []*tensor.Tensor{x, waves(f, 1, 2, 3, 4), waves(f, 2, 2, 3, 4)}},
		{name: "packed", op: "RotaryEmbedding", attrs: with(count), in: []*tensor.Tensor{packed, waves(f, 1, 5, 4), waves(f, 2, 5, 4), ids}},
		{name: "neighbours", op: "RotaryEmbedding", attrs: with(interleaved), in: []*tensor.Tensor{x, waves(f, 1, 5, 4), waves(f, 2, 5, 4), ids}},
		{name: "part", op: "RotaryEmbedding", attrs: with(part), in: []*tensor.Tensor{x, waves(f, 1, 5, 2), waves(f, 2, 5, 2), ids}},
		{name: "part, packed neighbours", op: "RotaryEmbedding", attrs: with(part, count, interleaved), in: []*tensor.Tensor{packed, waves(f, 1, 5, 2), waves(f, 2, 5, 2), ids}},
		{name: "float16", op: "RotaryEmbedding", in: []*tensor.Tensor{waves(tensor.Float16, 0, 1, 1, 1, 4), waves(tensor.Float16, 1, 1, 1, 2), waves(tensor.Float16, 2, 1, 1, 2)}, rtol: 1e-3},
	})
}
