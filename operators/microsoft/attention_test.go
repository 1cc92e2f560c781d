package microsoft_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

func TestAttention(t *testing.T) {
	d := newDice()
	x, w, b := d.floats(2, 3, 5), d.floats(5, 24), d.floats(24)
	heads := graph.A("num_heads", int64(2))
	past := d.floats(2, 2, 2, 4, 4)
	mask := func(shape ...int) *tensor.Tensor { return ints[int32](d, 0, 1, shape...) }
	of := func(name string, outputs int, in []*tensor.Tensor, more ...graph.Attribute) use {
		return use{name: name, op: "Attention", attrs: append(attrs(heads), more...), in: in, outputs: outputs}
	}
	causal := graph.A("unidirectional", int64(1))
	prove(t, []use{
		of("plain", 2, []*tensor.Tensor{x, w}),
		of("bias", 2, []*tensor.Tensor{x, w, b}),
		of("scale", 1, []*tensor.Tensor{x, w, b}, graph.A("scale", float32(0.3))),
		of("causal", 1, []*tensor.Tensor{x, w, b}, causal),
		of("ends", 1, []*tensor.Tensor{x, w, b, tensor.Of([]int32{3, 1})}),
		of("ends and starts", 1, []*tensor.Tensor{x, w, b, tensor.Of([]int32{3, 2, 1, 0})}),
		of("packed lengths", 1, []*tensor.Tensor{x, w, b, tensor.Of([]int32{3, 2, 0, 3, 5, 0, 3, 5})}),
		of("keys", 1, []*tensor.Tensor{x, w, b, mask(2, 3)}),
		of("keys, causal", 1, []*tensor.Tensor{x, w, b, mask(2, 3)}, causal),
		of("nothing but the filter", 1, []*tensor.Tensor{x, w, b, tensor.Of(make([]int32, 6), 2, 3)}),
		of("one for all", 1, []*tensor.Tensor{x, w, b, mask(1, 1)}),
		of("queries and keys", 1, []*tensor.Tensor{x, w, b, mask(2, 3, 3)}, graph.A("mask_filter_value", float32(-3))),
		of("positions", 1, []*tensor.Tensor{x, w, b, mask(2, 1, 9, 9), past}),
		of("past", 2, []*tensor.Tensor{x, w, b, mask(2, 7), past}, causal),
		of("past, ends", 2, []*tensor.Tensor{x, w, b, tensor.Of([]int32{7, 5}), past}, causal),
		of("attention bias", 1, []*tensor.Tensor{x, w, b, mask(2, 3), nil, d.floats(1, 2, 3, 3)}),
		of("shared buffer", 2, []*tensor.Tensor{x, w, b, mask(2, 5), d.floats(2, 2, 2, 9, 4), nil, tensor.Of([]int32{2})},
			graph.A("past_present_share_buffer", int64(1)), causal),
		of("other values", 1, []*tensor.Tensor{x, d.floats(5, 22), d.floats(22), mask(2, 3)}, graph.A("qkv_hidden_sizes", []int64{6, 6, 10})),
		of("no queries", 2, []*tensor.Tensor{d.floats(2, 0, 5), w, b}),
	})
}

// Queries and keys are 0, so that every key that may be attended to has the same
// weight.
func TestAttentionAverages(t *testing.T) {
	x := tensor.Of([]float32{1, 2, 4, 8}, 1, 4, 1)
	w := tensor.Of([]float32{0, 0, 1}, 1, 3)
	for name, c := range map[string]struct {
		mask  *tensor.Tensor
		attrs []graph.Attribute
		want  []float32
	}{
		"all":     {nil, nil, []float32{3.75, 3.75, 3.75, 3.75}},
		"causal":  {nil, attrs(graph.A("unidirectional", int64(1))), []float32{1, 1.5, 7.0 / 3, 3.75}},
		"ends":    {tensor.Of([]int32{2}), nil, []float32{1.5, 1.5, 1.5, 1.5}},
		"starts":  {tensor.Of([]int32{4, 2}), nil, []float32{6, 6, 6, 6}},
		"keys":    {tensor.Of([]int32{1, 0, 0, 1}, 1, 4), nil, []float32{4.5, 4.5, 4.5, 4.5}},
		"nothing": {tensor.Of([]int32{0, 0, 0, 0}, 1, 4), nil, []float32{3.75, 3.75, 3.75, 3.75}}, // the filter is finite
	} {
		t.Run(name, func(t *testing.T) {
			n, given := use{op: "Attention", in: []*tensor.Tensor{x, w, nil, c.mask}, attrs: append(c.attrs, graph.A("num_heads", int64(1)))}.node()
			out, err := reference.Run(context.Background(), n, given, nil)
			require.NoError(t, err)
			assert.InDeltaSlice(t, c.want, tensor.Slice[float32](out[0].(*tensor.Tensor)), 1e-6)
		})
	}
}

func TestMultiHeadAttention(t *testing.T) {
	d := newDice()
	q, k, v, b := d.floats(2, 3, 8), d.floats(2, 4, 8), d.floats(2, 4, 12), d.floats(28)
	pastK, pastV := d.floats(2, 2, 5, 4), d.floats(2, 2, 5, 6)
	mask := func(shape ...int) *tensor.Tensor { return ints[int32](d, 0, 1, shape...) }
	of := func(name string, outputs int, in []*tensor.Tensor, more ...graph.Attribute) use {
		return use{name: name, op: "MultiHeadAttention", attrs: append(attrs(graph.A("num_heads", int64(2))), more...), in: in, outputs: outputs}
	}
	prove(t, []use{
		of("plain", 4, []*tensor.Tensor{q, k, v}),
		of("bias", 3, []*tensor.Tensor{q, k, v, b}),
		of("ends", 4, []*tensor.Tensor{q, k, v, b, tensor.Of([]int32{3, 1})}),
		of("packed lengths", 1, []*tensor.Tensor{q, k, v, b, tensor.Of([]int32{3, 2, 0, 3, 6, 0, 4, 8})}),
		of("keys", 1, []*tensor.Tensor{q, k, v, nil, mask(2, 4)}, graph.A("scale", float32(2))),
		of("queries and keys", 1, []*tensor.Tensor{q, k, v, nil, mask(2, 3, 4)}),
		of("causal", 4, []*tensor.Tensor{q, k, v}, graph.A("unidirectional", int64(1))),
		of("attention bias", 1, []*tensor.Tensor{q, k, v, nil, nil, d.floats(2, 1, 3, 4)}),
		of("past", 3, []*tensor.Tensor{q, k, v, b, mask(2, 9), nil, pastK, pastV}),
		of("past, new keys masked", 3, []*tensor.Tensor{q, k, v, b, mask(2, 4), nil, pastK, pastV}),
		of("shared buffer", 3, []*tensor.Tensor{q, d.floats(2, 3, 8), d.floats(2, 3, 8), nil, nil, nil, d.floats(2, 2, 7, 4), d.floats(2, 2, 7, 4), tensor.Of([]int32{3})}),
		of("keys of another attention", 1, []*tensor.Tensor{q, pastK, pastV}),
		of("keys and values packed", 1, []*tensor.Tensor{q, d.floats(2, 5, 2, 2, 4)}),
		of("all packed", 4, []*tensor.Tensor{d.floats(2, 3, 2, 3, 4)}),
		of("all packed, bias", 1, []*tensor.Tensor{d.floats(2, 3, 2, 3, 4), nil, nil, d.floats(24)}),
		of("no keys", 1, []*tensor.Tensor{q, d.floats(2, 0, 8), d.floats(2, 0, 8)}),
	})
}

func TestGroupQueryAttention(t *testing.T) {
	d := newDice()
	q, k, v := d.floats(2, 3, 32), d.floats(2, 3, 16), d.floats(2, 3, 16)
	one := func(name string, outputs int, in []*tensor.Tensor, more ...graph.Attribute) use {
		return use{
			name: name, op: "GroupQueryAttention", in: in, outputs: outputs,
			attrs: append(attrs(graph.A("num_heads", int64(4)), graph.A("kv_num_heads", int64(2))), more...),
		}
	}
	prompt, total := tensor.Of([]int32{2, 1}), tensor.Of([]int32{3})
	cos, sin := d.floats(16, 4), d.floats(16, 4)
	rotary := graph.A("do_rotary", int64(1))
	step := []*tensor.Tensor{d.floats(2, 1, 32), d.floats(2, 1, 16), d.floats(2, 1, 16), d.floats(2, 2, 9, 8), d.floats(2, 2, 9, 8),
		tensor.Of([]int32{5, 3}), scalar(int32(6))}
	with := func(in []*tensor.Tensor, more ...*tensor.Tensor) []*tensor.Tensor {
		return append(in[:len(in):len(in)], more...)
	}
	first := []*tensor.Tensor{q, k, v, nil, nil, prompt, total}
	chunk := []*tensor.Tensor{d.floats(1, 3, 32), d.floats(1, 3, 16), d.floats(1, 3, 16), d.floats(1, 2, 4, 8), d.floats(1, 2, 4, 8),
		tensor.Of([]int32{6}), scalar(int32(7))}
	prove(t, []use{
		one("first prompt", 3, first),
		one("packed", 3, []*tensor.Tensor{d.floats(2, 3, 64), nil, nil, nil, nil, prompt, total}),
		one("not causal", 1, first, graph.A("causal", int64(0))),
		one("window", 1, first, graph.A("local_window_size", int64(2))),
		one("softcap", 1, first, graph.A("softcap", float32(0.5)), graph.A("scale", float32(2))),
		one("smooth", 1, first, graph.A("smooth_softmax", int64(1))),
		one("sinks", 1, with(first, nil, nil, nil, nil, d.floats(4))),
		one("weights", 4, with(first, nil, nil, nil, nil, d.floats(4)), graph.A("qk_output", int64(2))),
		one("rotary", 3, with(first, cos, sin), rotary),
		one("rotary, interleaved", 3, with(first, cos, sin), rotary, graph.A("rotary_interleaved", int64(1))),
		one("rotary in part", 3, with(first, d.floats(16, 2), d.floats(16, 2)), rotary),
		one("rotary, positions", 3, with(first, cos, sin, ints[int64](d, 0, 9, 2, 3)), rotary),
		one("norms", 3, with(first, cos, sin, nil, nil, nil, nil, nil, d.floats(8), d.floats(8)), rotary),
		one("attention bias", 1, with(first, nil, nil, nil, d.floats(1, 4, 3, 3))),
		one("a step", 3, step),
		one("a step, weights", 4, step, graph.A("qk_output", int64(2))),
		one("a step, window", 3, step, graph.A("local_window_size", int64(3))),
		one("a step, rotary", 3, with(step, cos, sin), rotary),
		one("a step, positions", 3, with(step, cos, sin, ints[int64](d, 0, 9, 2, 1)), rotary),
		one("a step, attention bias", 1, with(step, nil, nil, nil, d.floats(2, 1, 1, 6))),
		one("a chunk", 3, with(chunk, cos, sin), rotary),
	})
}

// Queries are 0, so that every key in sight has the same weight.
func TestGroupQueryAttentionAverages(t *testing.T) {
	zero, one := tensor.Of(make([]float32, 2), 1, 1, 2), tensor.Of([]float32{8}, 1, 1, 1)
	pastK, pastV := tensor.Of(make([]float32, 4), 1, 1, 4, 1), tensor.Of([]float32{1, 2, 4, 99}, 1, 1, 4, 1)
	n, given := use{
		op: "GroupQueryAttention", attrs: attrs(graph.A("num_heads", int64(2)), graph.A("kv_num_heads", int64(1)), graph.A("local_window_size", int64(3))),
		in: []*tensor.Tensor{zero, one, one, pastK, pastV, tensor.Of([]int32{3}), scalar(int32(4))}, outputs: 3,
	}.node()
	out, err := reference.Run(context.Background(), n, given, nil)
	require.NoError(t, err)
	assert.InDeltaSlice(t, []float32{14.0 / 3, 14.0 / 3}, tensor.Slice[float32](out[0].(*tensor.Tensor)), 1e-6, "the last 3 of 4")
	assert.Equal(t, []float32{1, 2, 4, 8}, tensor.Slice[float32](out[2].(*tensor.Tensor)), "the new step replaces what the buffer had")
}

func TestAttentionKeepsNamesOfExtents(t *testing.T) {
	typed := func(d tensor.DType, dims ...any) infer.Fact {
		extents := tensor.Dims{}
		for _, e := range dims {
			if n, ok := e.(int); ok {
				extents = append(extents, tensor.Known(n))
			} else {
				extents = append(extents, tensor.Symbol(e.(string)))
			}
		}
		return infer.Fact{Type: tensor.TensorType(d, extents)}
	}
	n := &graph.Node{
		Domain: "com.microsoft", Op: "Attention", Inputs: make([]*graph.Value, 5), Outputs: make([]*graph.Value, 2),
		Attributes: attrs(graph.A("num_heads", int64(4)), graph.A("unidirectional", int64(1))),
	}
	var in []infer.Fact
	for i, f := range []infer.Fact{
		typed(tensor.Float32, "batch", "seq", 32), typed(tensor.Float32, 32, 96), typed(tensor.Float32, 96),
		typed(tensor.Int32, "batch", "all"), typed(tensor.Float32, 2, "batch", 4, "past", 8),
	} {
		n.Inputs[i], in = &graph.Value{Type: f.Type}, append(in, f)
	}
	for i := range n.Outputs {
		n.Outputs[i] = &graph.Value{}
	}
	facts, err := infer.Node(context.Background(), n, in, nil)
	require.NoError(t, err)
	assert.Equal(t, "float32[batch,seq,32]", facts[0].Type.String())
	assert.Equal(t, "float32[2,batch,4,?,8]", facts[1].Type.String())
}

func TestRefusedAttention(t *testing.T) {
	d := newDice()
	x, w := d.floats(2, 3, 5), d.floats(5, 24)
	heads := graph.A("num_heads", int64(2))
	groups := attrs(heads, graph.A("kv_num_heads", int64(1)))
	q, kv := d.floats(1, 2, 8), d.floats(1, 2, 4)
	ends, total := tensor.Of([]int32{1}), scalar(int32(2))
	for _, c := range []struct {
		use
		says string
	}{
		{use{op: "Attention", attrs: attrs(heads, graph.A("do_rotary", int64(1))), in: []*tensor.Tensor{x, w}}, "do_rotary"},
		{use{op: "Attention", attrs: attrs(graph.A("num_heads", int64(0))), in: []*tensor.Tensor{x, w}}, "num_heads is 0"},
		{use{op: "Attention", attrs: attrs(heads, graph.A("qkv_hidden_sizes", []int64{8, 6, 10})), in: []*tensor.Tensor{x, w}}, "the first two of them equal"},
		{use{op: "Attention", attrs: attrs(heads), in: []*tensor.Tensor{x, w, nil, tensor.Of([]int32{1, 2, 3})}}, "mask"},
		{use{op: "MultiHeadAttention", attrs: attrs(heads), in: []*tensor.Tensor{q, nil, kv}}, "without key"},
		{use{op: "MultiHeadAttention", attrs: attrs(heads), in: []*tensor.Tensor{q, kv}}, "no form"},
		{use{op: "GroupQueryAttention", attrs: append(groups, graph.A("sliding_window_cache", int64(1))), in: []*tensor.Tensor{q, kv, kv, nil, nil, ends, total}}, "sliding_window_cache"},
		{use{op: "GroupQueryAttention", attrs: append(groups, graph.A("k_quant_type", "PER_TENSOR")), in: []*tensor.Tensor{q, kv, kv, nil, nil, ends, total}}, "quantized"},
		{use{op: "GroupQueryAttention", attrs: attrs(heads, graph.A("kv_num_heads", int64(4))), in: []*tensor.Tensor{q, kv, kv, nil, nil, ends, total}}, "multiple"},
	} {
		n, given := c.node()
		_, err := reference.Run(context.Background(), n, given, nil)
		assert.ErrorContains(t, err, c.says, c.op)
		_, err = decomposed(t, n, given)
		assert.ErrorContains(t, err, c.says, c.op)
	}
	n, given := use{op: "GroupQueryAttention", attrs: groups, in: []*tensor.Tensor{q, kv, kv, nil, nil, tensor.Of([]int32{5}), total}}.node()
	_, err := reference.Run(context.Background(), n, given, nil)
	assert.ErrorContains(t, err, "a sample has 6 steps: there are 2 new ones, and at most 2")
}
