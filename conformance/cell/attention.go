package cell

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// attentions holds Attention and its kin.
var attentions = family{
	"Attention": {
		classes: classes("three-axes", "grouped", "causal", "mask-bool", "mask-float", "scale", "softcap", "past", "scores",
			"capped-scores", "biased-scores", "weights", "nonpad", "window", "softmax-precision", "everything"),
		shapes: []Shape{Rank4, Dynamic, Large}, values: []Values{NaN}, draw: attention,
	},
	"ai.onnx.preview.FlexAttention": {classes: classes("scale", "grouped", "score-body", "weight-body", "softmax-precision"), shapes: []Shape{Rank4, Dynamic, Large}, draw: flexAttention},
	"LinearAttention": {
		classes: []string{"linear", "gated", "delta", "gated-delta", "state", "grouped", "scale", "head-decay"},
		shapes:  []Shape{Rank3, Dynamic}, draw: linearAttention,
	},
	"RotaryEmbedding": {classes: classes("interleaved", "partial", "three-axes", "without-positions"), shapes: []Shape{Rank4, Dynamic, Large}, draw: rotary},
}

// attended are the extents of an attention.
type attended struct {
	batch, heads, shared int // shared: heads of keys and values
	queries, keys        int
	size, width          int // of a key, of a value
}

func (d *draft) attended() attended {
	a := attended{batch: 1 + d.IntN(2), heads: 2, shared: 2, queries: 2 + d.IntN(3), keys: 3 + d.IntN(3), size: 2 + 2*d.IntN(3), width: 2 + d.IntN(4)}
	if d.Cell.Shape == Large {
		a = attended{1, 4, 4, 33, 40, 32, 32}
	}
	if d.is("grouped", "everything") {
		a.heads = 2 * a.shared
	}
	return a
}

// packed says where one tensor's heads lie: on an axis of their own, or inside
// the last.
func (d *draft) packed(batch, heads, length, size int) tensor.Shape {
	if d.is("three-axes") {
		return tensor.Shape{batch, length, heads * size}
	}
	return tensor.Shape{batch, heads, length, size}
}

func attention(d *draft) {
	a := d.attended()
	if d.is("mask-bool", "causal", "nonpad", "window", "everything") {
		d.open = []Values{NaN} // whether a key that is masked counts where it is NaN
	}
	d.data(d.packed(a.batch, a.heads, a.queries, a.size))
	d.data(d.packed(a.batch, a.shared, a.keys, a.size))
	d.data(d.packed(a.batch, a.shared, a.keys, a.width))
	past := 0
	if d.is("past", "everything") {
		past = 2
	}
	switch d.Attributes {
	case "mask-bool":
		d.in(tensor.Shape{a.queries, a.keys}, plain, between(0, 1), tensor.Bool)
	case "mask-float", "everything", "biased-scores":
		d.in(tensor.Shape{a.batch, 1, a.queries, past + a.keys}, plain, between(-2, 2), d.DType)
	default:
		d.absent()
	}
	d.optional(past > 0, tensor.Shape{a.batch, a.shared, past, a.size}, plain, between(-2, 2))
	d.optional(past > 0, tensor.Shape{a.batch, a.shared, past, a.width}, plain, between(-2, 2))
	if d.is("nonpad") {
		d.only(d.has("nonpad_kv_seqlen"))
		d.real(tensor.Shape{a.batch}, 1, float64(a.keys))
	}
	d.attentionAttributes(a)
}

func (d *draft) attentionAttributes(a attended) {
	switch d.Attributes {
	case "three-axes":
		d.int("q_num_heads", a.heads)
		d.int("kv_num_heads", a.shared)
	case "causal":
		d.flag("is_causal")
	case "scale":
		d.float("scale", 0.375)
	case "softcap":
		d.float("softcap", 1.5)
	case "window":
		d.int("left_window_size", 1)
		d.int("right_window_size", 0)
	case "softmax-precision":
		d.int("softmax_precision", int(tensor.Float32))
	case "past", "everything":
		d.result(3)
	}
	if d.is("everything") {
		d.flag("is_causal")
		d.float("softcap", 2)
	}
	for mode, class := range []string{"scores", "capped-scores", "biased-scores", "weights"} {
		if d.is(class) {
			d.int("qk_matmul_output_mode", mode)
			d.float("softcap", 1.5)
			d.result(4)
		}
	}
}

func flexAttention(d *draft) {
	a := d.attended()
	d.data(tensor.Shape{a.batch, a.heads, a.queries, a.size})
	d.data(tensor.Shape{a.batch, a.shared, a.keys, a.size})
	d.data(tensor.Shape{a.batch, a.shared, a.keys, a.width})
	inner := tensor.Float32
	if d.DType == tensor.Float64 {
		inner = tensor.Float64
	}
	switch d.Attributes {
	case "scale":
		d.float("scale", 0.375)
	case "softmax-precision":
		d.int("softmax_precision", int(tensor.Float64))
	case "score-body":
		attr(d, "score_mod", d.elementwiseBody("Tanh", inner))
	case "weight-body":
		attr(d, "prob_mod", d.elementwiseBody("Sqrt", inner))
	}
}

// elementwiseBody is a graph of one unary operator on a tensor of rank 4.
func (d *draft) elementwiseBody(op string, t tensor.DType) *graph.Graph {
	d.domains = map[string]int{"": bodyVersion}
	typ := tensor.TensorType(t, tensor.UnknownDims(4))
	in, out := &graph.Value{Name: "scores", Type: typ}, &graph.Value{Name: "changed", Type: typ}
	n := &graph.Node{Op: op, Version: bodyVersion, Inputs: []*graph.Value{in}, Outputs: []*graph.Value{out}}
	out.Producer = n
	return &graph.Graph{Name: op, Inputs: []*graph.Value{in}, Outputs: []*graph.Value{out}, Nodes: []*graph.Node{n}}
}

// bodyVersion is the operator set of ONNX that bodies of other domains' nodes
// are read under.
const bodyVersion = 23

// rules names the recurrences of LinearAttention by attribute class.
var rules = map[string]string{
	"linear": "linear", "gated": "gated", "delta": "delta", "gated-delta": "gated_delta",
	"state": "gated_delta", "grouped": "linear", "scale": "linear", "head-decay": "gated",
}

func linearAttention(d *draft) {
	batch, length, heads, shared, size, width := 1+d.IntN(2), 2+d.IntN(4), 2, 2, 2+d.IntN(3), 2+d.IntN(3)
	if d.is("grouped") {
		heads = 4
	}
	rule := rules[d.Attributes]
	d.int("q_num_heads", heads)
	d.int("kv_num_heads", shared)
	d.text("update_rule", rule)
	if d.is("scale") {
		d.float("scale", 0.375)
	}
	d.real(tensor.Shape{batch, length, heads * size}, -1, 1)
	d.real(tensor.Shape{batch, length, shared * size}, -0.7, 0.7)
	d.real(tensor.Shape{batch, length, shared * width}, -1, 1)
	d.optional(d.is("state"), tensor.Shape{batch, shared, size, width}, plain, between(-1, 1), d.DType)
	decay := shared * size
	if d.is("head-decay") {
		decay = shared
	}
	d.optional(rule == "gated" || rule == "gated_delta", tensor.Shape{batch, length, decay}, plain, between(-1, 0))
	d.optional(rule == "delta" || rule == "gated_delta", tensor.Shape{batch, length, shared}, plain, between(0.1, 0.9))
	d.result(2)
}

func rotary(d *draft) {
	batch, heads, length, size := 1+d.IntN(2), 2, 2+d.IntN(3), 4+2*d.IntN(3)
	if d.Cell.Shape == Large {
		heads, length, size = 8, 40, 64
	}
	half := size / 2
	switch d.Attributes {
	case "interleaved":
		d.flag("interleaved")
	case "partial":
		half = 1
		d.int("rotary_embedding_dim", 2)
	case "three-axes":
		d.int("num_heads", heads)
	}
	d.data(d.packed(batch, heads, length, size))
	if d.is("without-positions") {
		d.real(tensor.Shape{batch, length, half}, -1, 1)
		d.real(tensor.Shape{batch, length, half}, -1, 1)
		return
	}
	d.real(tensor.Shape{length + 3, half}, -1, 1)
	d.real(tensor.Shape{length + 3, half}, -1, 1)
	d.real(tensor.Shape{batch, length}, 0, float64(length+2))
}
