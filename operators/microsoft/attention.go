package microsoft

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// attentions holds Attention, MultiHeadAttention, GroupQueryAttention,
// RotaryEmbedding. In comments B is the batch, S the queries, L the keys given,
// P those of the past, T = P + L all keys, N the heads, H the size of a vector.
var attentions = []operator{
	{
		schema: define("Attention",
			"input T, weights T, bias T?, mask_index M?, past T?, attention_bias T?, past_sequence_length M?",
			"output T, present T?", map[string][]string{"T": neuralOnly, "M": {"int32"}},
			set("do_rotary", int64(0)), may("mask_filter_value", operators.FloatAttribute), must("num_heads", operators.IntAttribute),
			may("past_present_share_buffer", operators.IntAttribute), may("qkv_hidden_sizes", operators.IntsAttribute),
			may("rotary_embedding_dim", operators.IntAttribute), may("scale", operators.FloatAttribute), set("unidirectional", int64(0))),
		rule: attention, compute: computeAttention,
	},
	{
		schema: define("MultiHeadAttention",
			"query T, key T?, value T?, bias T?, key_padding_mask M?, attention_bias T?, past_key T?, past_value T?, past_sequence_length M?, cache_indirection M?",
			"output T, present_key T?, present_value T?, qk QK?", map[string][]string{"T": neuralOnly, "QK": neuralOnly, "M": {"int32"}},
			may("mask_filter_value", operators.FloatAttribute), must("num_heads", operators.IntAttribute),
			may("scale", operators.FloatAttribute), set("unidirectional", int64(0))),
		rule: multiHeadAttention, compute: computeMultiHeadAttention,
	},
	{
		schema: define("GroupQueryAttention",
			"query T, key T?, value T?, past_key T_CACHE?, past_value T_CACHE?, seqlens_k M, total_sequence_length M, cos_cache T?, sin_cache T?, "+
				"position_ids I?, attention_bias T?, head_sink T?, k_scale T_KV_SCALE?, v_scale T_KV_SCALE?, q_norm_weight T?, k_norm_weight T?",
			"output T, present_key T_CACHE?, present_value T_CACHE?, output_qk T?",
			map[string][]string{
				"T": neuralOnly, "T_CACHE": {"float", "float16", "bfloat16", "uint8", "int8", "float8e4m3fn"},
				"T_KV_SCALE": {"float"}, "M": {"int32"}, "I": {"int64"},
			},
			set("causal", int64(1)), set("do_rotary", int64(0)), set("k_quant_type", "NONE"), may("kv_cache_bit_width", operators.IntAttribute),
			must("kv_num_heads", operators.IntAttribute), set("local_window_size", int64(-1)), must("num_heads", operators.IntAttribute),
			set("qk_norm_epsilon", float32(1e-6)), set("qk_output", int64(0)), set("rotary_interleaved", int64(0)),
			may("scale", operators.FloatAttribute), set("sliding_window_cache", int64(0)), set("smooth_softmax", int64(0)),
			may("softcap", operators.FloatAttribute), set("v_quant_type", "NONE")),
		rule: groupQueryAttention, compute: computeGroupQueryAttention,
	},
	{
		schema: define("RotaryEmbedding", "input T, position_ids M, cos_cache T, sin_cache T", "output T",
			map[string][]string{"T": neuralOnly, "M": {"int64"}},
			set("interleaved", int64(0)), set("is_packed_batching", int64(0)), set("num_heads", int64(0)),
			set("rotary_embedding_dim", int64(0)), set("scale", float32(1))),
		rule: rotaryEmbedding,
	},
}

// attention projects the input to queries, keys and values and lets ONNX's
// Attention do the rest.
func attention(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	if err := checkAttention(n); err != nil {
		return nil, err
	}
	heads := n.Int("num_heads", 1)
	qkv := e.plus(e.do("MatMul", e.in(0), e.in(1)), e.in(2))
	parts := e.thirds(qkv, n.Ints("qkv_hidden_sizes"), -1)
	a := attending{q: parts[0], k: parts[1], v: parts[2], heads: heads, kvHeads: heads, causal: n.Bool("unidirectional", false)}
	if past := e.in(4); past != nil {
		halves := e.Node("", "Split", []*graph.Value{past}, 2, graph.A("axis", int64(0)), graph.A("num_outputs", int64(2)))
		a.pastK, a.pastV = e.do("Squeeze", halves[0], e.Ints(0)), e.do("Squeeze", halves[1], e.Ints(0))
		if n.Bool("past_present_share_buffer", false) {
			a.restK, a.restV = e.cut(&a.pastK, &a.pastV, e.in(6))
		}
	}
	if a.bias, err = e.bias(e.in(3), e.in(5), a); err != nil {
		return nil, err
	}
	y, k, v, _ := e.attend(a, 0)
	out := []*graph.Value{y, nil}
	if n.Output(1) != nil {
		out[1] = e.join(0, e.do("Unsqueeze", k, e.Ints(0)), e.do("Unsqueeze", v, e.Ints(0)))
	}
	return out, nil
}

// checkAttention refuses what the specification leaves to execution providers.
func checkAttention(n *graph.Node) error {
	switch {
	case n.Bool("do_rotary", false):
		return fmt.Errorf("attribute do_rotary is set: which angles it turns by is not specified")
	case n.Bool("past_present_share_buffer", false) && n.Input(4) != nil && n.Input(6) == nil:
		return fmt.Errorf("past_present_share_buffer needs past_sequence_length")
	case n.Int("num_heads", 0) < 1:
		return fmt.Errorf("num_heads is %d, it must be positive", n.Int("num_heads", 0))
	}
	if sizes := n.Ints("qkv_hidden_sizes"); sizes != nil {
		if len(sizes) != 3 || sizes[0] != sizes[1] || sizes[0] < 1 || sizes[2] < 1 {
			return fmt.Errorf("qkv_hidden_sizes is %v: three positive sizes, the first two of them equal, are needed", sizes)
		}
	}
	return nil
}

// thirds splits v along an axis into parts of the sizes given, or into equal ones.
func (e emitter) thirds(v *graph.Value, sizes []int64, axis int64) []*graph.Value {
	if sizes != nil {
		return e.Node("", "Split", []*graph.Value{v, e.Ints(sizes...)}, 3, graph.A("axis", axis))
	}
	return e.Node("", "Split", []*graph.Value{v}, 3, graph.A("axis", axis), graph.A("num_outputs", int64(3)))
}

// cut shortens the past, a buffer (B, N, M, H) of which only so many steps are
// filled, to those, and returns what lies behind the steps that will be added.
func (e emitter) cut(k, v **graph.Value, filled *graph.Value) (restK, restV *graph.Value) {
	from, most := e.one(filled), e.Ints(1<<62)
	end := e.do("Add", from, e.extent(e.in(0), 1))
	restK, restV = e.slice(*k, end, most, 2), e.slice(*v, end, most, 2)
	*k, *v = e.slice(*k, e.Ints(0), from, 2), e.slice(*v, e.Ints(0), from, 2)
	return restK, restV
}

// attending is a use of ONNX's Attention. Queries, keys and values are packed,
// (B, S, N × H), or all of rank 4, (B, N, S, H).
type attending struct {
	q, k, v        *graph.Value
	pastK, pastV   *graph.Value // (B, N, P, H), nil without a past
	restK, restV   *graph.Value // behind the keys in a shared buffer, nil without one
	bias           *graph.Value // broadcasts to (B, N, S, T); nil if nothing is added
	heads, kvHeads int64
	causal         bool
	softcap        float32
}

// attend returns the packed result, all keys and values (B, N, T, H), and the
// stage of the scores that mode asks for: 2 those before the softmax, 3 after it.
func (e emitter) attend(a attending, mode int64) (y, k, v, scores *graph.Value) {
	inputs := []*graph.Value{a.q, a.k, a.v}
	if a.bias != nil || a.pastK != nil {
		inputs = append(inputs, a.bias)
	}
	if a.pastK != nil {
		inputs = append(inputs, a.pastK, a.pastV)
	}
	attributes := []graph.Attribute{graph.A("q_num_heads", a.heads), graph.A("kv_num_heads", a.kvHeads)}
	if a.causal {
		attributes = append(attributes, graph.A("is_causal", int64(1)))
	}
	if scale := e.node.Float("scale", 0); scale != 0 {
		attributes = append(attributes, graph.A("scale", scale))
	}
	if a.softcap != 0 {
		attributes = append(attributes, graph.A("softcap", a.softcap))
	}
	outputs := 3
	if mode != 0 {
		attributes, outputs = append(attributes, graph.A("qk_matmul_output_mode", mode)), 4
	}
	out := append(e.Node("", "Attention", inputs, outputs, attributes...), nil)
	y, k, v, scores = out[0], out[1], out[2], out[3]
	if len(a.q.Type.Dims) == 4 {
		y = e.packed(y)
	}
	if a.restK != nil {
		k, v = e.join(2, k, a.restK), e.join(2, v, a.restV)
	}
	return y, k, v, scores
}

// packed brings (B, N, S, H) to (B, S, N × H).
func (e emitter) packed(v *graph.Value) *graph.Value {
	size := e.do("Mul", e.extent(v, 1), e.extent(v, 3))
	return e.do("Reshape", e.transpose(v, 0, 2, 1, 3), e.join(0, e.Ints(0, 0), size))
}

// unpacked brings (B, S, N × H) to (B, N, S, H).
func (e emitter) unpacked(v *graph.Value, heads int64) *graph.Value {
	size := e.do("Div", e.extent(v, 2), e.Ints(heads))
	return e.transpose(e.do("Reshape", v, e.join(0, e.Ints(0, 0, heads), size)), 0, 2, 1, 3)
}

// steps returns the number of steps of v, packed or not, as a vector of one
// element.
func (e emitter) steps(v *graph.Value) *graph.Value {
	if len(v.Type.Dims) == 4 {
		return e.extent(v, 2)
	}
	return e.extent(v, 1)
}

// keys returns how many keys there are with the past.
func (e emitter) keys(a attending) *graph.Value {
	if a.pastK == nil {
		return e.steps(a.k)
	}
	return e.do("Add", e.steps(a.k), e.extent(a.pastK, 2))
}

// bias returns what is added to the scores for a mask in one of its forms, nil
// if there is none, and for the bias given.
func (e emitter) bias(mask, given *graph.Value, a attending) (*graph.Value, error) {
	if mask == nil {
		return given, nil
	}
	allowed, err := e.allowed(mask, a)
	if err != nil || allowed == nil {
		return given, err
	}
	filter := e.node.Float("mask_filter_value", -10000)
	return e.plus(e.do("Where", allowed, e.num(0), e.num(float64(filter))), given), nil
}

// allowed returns which keys may be attended to, as truth values that broadcast
// to (B, N, S, T); nil if the mask allows all.
func (e emitter) allowed(mask *graph.Value, a attending) (*graph.Value, error) {
	if !mask.Type.IsTensor() || !mask.Type.Dims.Ranked() {
		return nil, fmt.Errorf("the rank of the mask must be known")
	}
	positive := func(v *graph.Value) *graph.Value { return e.do("Greater", v, e.Const(tensor.Scalar(int32(0)))) }
	switch rank := len(mask.Type.Dims); rank {
	case 1:
		return e.ranges(mask, a)
	case 2:
		if d := dim(mask, 1); d.IsKnown() && d.Size == 1 {
			return nil, nil // one value for all keys changes no weight
		}
		all := e.do("Pad", mask, e.join(0, e.do("Sub", e.keys(a), e.extent(mask, 1)), e.Ints(0)), e.Const(tensor.Scalar(int32(1))), e.Ints(1))
		return e.do("Unsqueeze", positive(all), e.Ints(1, 2)), nil // shorter ones leave out the past
	case 3:
		return e.do("Unsqueeze", positive(mask), e.Ints(1)), nil
	case 4: // (B, 1, M, M), by positions
		all, queries := e.keys(a), e.steps(a.q)
		rows := e.slice(mask, e.do("Sub", all, queries), all, 2)
		return positive(e.slice(rows, e.Ints(0), all, 3)), nil
	default:
		return nil, fmt.Errorf("the mask has the shape %v, its rank must be in [1, 4]", mask.Type.Dims)
	}
}

// ranges reads a mask of one axis: the ends of the keys of each sample (B), ends
// and starts (2 B), or ends and what kernels on packed batches need (3 B + 2).
func (e emitter) ranges(mask *graph.Value, a attending) (*graph.Value, error) {
	batch, length := dim(a.q, 0), dim(mask, 0)
	ends, starts := mask, (*graph.Value)(nil)
	if !length.Same(batch) {
		if !batch.IsKnown() || !length.IsKnown() {
			return nil, fmt.Errorf("whether the %v numbers of the mask are one for each of %v samples is not known", length, batch)
		}
		n := int64(batch.Size)
		switch int64(length.Size) {
		case 2 * n:
			starts = e.slice(mask, e.Ints(n), e.Ints(2*n), 0)
		case 3*n + 2:
		default:
			return nil, fmt.Errorf("the mask has %v numbers for %d samples: it must have %d, %d or %d", length, n, n, 2*n, 3*n+2)
		}
		ends = e.slice(mask, e.Ints(0), e.Ints(n), 0)
	}
	positions := e.to(tensor.Int32, e.upTo(e.keys(a)))
	column := func(v *graph.Value) *graph.Value { return e.do("Unsqueeze", v, e.Ints(1, 2, 3)) }
	allowed := e.do("Less", positions, column(ends))
	if starts != nil {
		allowed = e.do("And", allowed, e.do("GreaterOrEqual", positions, column(starts)))
	}
	return allowed, nil
}
