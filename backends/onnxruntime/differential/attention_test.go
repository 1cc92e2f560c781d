package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, attentionDraws) }

var attentionDraws = map[string]func(d *dice) *sample{
	"Attention":       attention,
	"LinearAttention": linearAttention,
	"RotaryEmbedding": rotaryEmbedding,
	"SwiGLU":          func(d *dice) *sample { return d.scalars(swiglu(d)) },
}

func swiglu(d *dice) *sample {
	s := d.shape(d.rank(1))
	return d.node(d.moderate(d.input(0), s), d.moderate(d.input(0), s))
}

func attention(d *dice) *sample {
	n := d.node()
	batch, heads, shared, queries, keys, size, width := d.between(1, 2), d.between(1, 2), 1, d.between(1, 3), d.between(1, 4), 2*d.between(1, 2), d.between(1, 3)
	groups := heads
	if d.one(3) {
		shared = 2
		heads *= shared
	}
	if d.one(2) {
		attribute(n, "is_causal", int64(d.IntN(2)))
	}
	if d.one(3) {
		attribute(n, "scale", pick[float32](d, 0.25, 0.5, 1))
	}
	if d.one(3) {
		attribute(n, "softcap", pick[float32](d, 0.5, 2))
	}
	if d.one(4) {
		attribute(n, "left_window_size", int64(d.IntN(3)))
		attribute(n, "right_window_size", int64(d.IntN(3)))
	}
	q, k, v := tensor.Shape{batch, heads, queries, size}, tensor.Shape{batch, groups, keys, size}, tensor.Shape{batch, groups, keys, width}
	if d.one(2) {
		attribute(n, "q_num_heads", int64(heads))
		attribute(n, "kv_num_heads", int64(groups))
		q, k, v = tensor.Shape{batch, queries, heads * size}, tensor.Shape{batch, keys, groups * size}, tensor.Shape{batch, keys, groups * width}
	}
	n.inputs = []tensor.Value{d.moderate(d.input(0), q), d.moderate(d.input(1), k), d.moderate(d.input(2), v)}
	past := 0
	if d.one(3) {
		past = d.between(1, 3)
	}
	if d.one(2) {
		mask := tensor.Shape{queries, keys + past}
		if d.one(2) {
			mask = append(tensor.Shape{pick(d, 1, batch), pick(d, 1, heads)}, mask...)
		}
		m := d.tensor(d.input(3), mask, 0, 2)
		if m.DType() == tensor.Bool { // a row that sees nothing has no meaning
			for i := range mask.Size() / (keys + past) {
				tensor.Slice[bool](m)[i*(keys+past)] = true
			}
		}
		n.inputs = append(n.inputs, m)
	}
	if past > 0 {
		for len(n.inputs) < 4 {
			n.inputs = append(n.inputs, nil)
		}
		n.inputs = append(n.inputs, d.moderate(d.input(1), tensor.Shape{batch, groups, past, size}), d.moderate(d.input(2), tensor.Shape{batch, groups, past, width}))
		n.outputs = 3
	}
	if d.one(2) {
		if n.outputs < 3 {
			n.hidden = []int{1, 2}
		}
		n.outputs = 4
		attribute(n, "qk_matmul_output_mode", int64(d.IntN(4)))
	}
	return n.accumulates(32)
}

func rotaryEmbedding(d *dice) *sample {
	n := d.node()
	batch, heads, length, size := d.between(1, 2), d.between(1, 3), d.between(1, 4), 2*d.between(1, 3)
	s := tensor.Shape{batch, heads, length, size}
	if d.one(2) {
		s = tensor.Shape{batch, length, heads * size}
		attribute(n, "num_heads", int64(heads))
	}
	attribute(n, "interleaved", int64(d.IntN(2)))
	turned := size
	if d.one(3) {
		turned = 2 * d.between(1, size/2)
		attribute(n, "rotary_embedding_dim", int64(turned))
		if turned < size {
			attribute(n, "num_heads", int64(heads))
		}
	}
	cache := tensor.Shape{batch, length, turned / 2}
	positions := d.one(2)
	if positions {
		cache = tensor.Shape{6, turned / 2}
	}
	n.inputs = []tensor.Value{d.moderate(d.input(0), s), d.tensor(d.input(0), cache, -1, 1), d.tensor(d.input(0), cache, -1, 1)}
	if positions {
		n.inputs = append(n.inputs, tensor.Of(d.list(batch*length, 0, 5), batch, length))
	}
	if len(s) == 4 {
		n.attrs = without(n.attrs, "num_heads")
	}
	return n.accumulates(4)
}

func linearAttention(d *dice) *sample {
	batch, heads, length, size := d.between(1, 2), d.between(1, 2), d.between(1, 4), d.between(1, 3)
	s := tensor.Shape{batch, length, heads * size}
	n := d.node(d.moderate(d.input(0), s), d.moderate(d.input(0), s), d.moderate(d.input(0), s))
	attribute(n, "q_num_heads", int64(heads))
	attribute(n, "kv_num_heads", int64(heads))
	attribute(n, "update_rule", "linear")
	n.outputs = 2
	return n.accumulates(32)
}
