package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestAttention(t *testing.T) {
	packed := with(graph.A("q_num_heads", int64(6)), graph.A("kv_num_heads", int64(2)))
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []infer.Fact
		want  []string
	}{
		{"plain", nil, []infer.Fact{f32("b", 6, "q", 8), f32("b", 2, "k", 8), f32("b", 2, "k", 10)},
			[]string{"float32[b,6,q,10]", "float32[b,2,k,8]", "float32[b,2,k,10]", "float32[b,6,q,k]"}},
		{"packed", packed, []infer.Fact{f32("b", "q", 48), f32("b", 5, 16), f32("b", 5, 20)},
			[]string{"float32[b,q,60]", "float32[b,2,5,8]", "float32[b,2,5,10]", "float32[b,6,q,5]"}},
		{"past", packed, []infer.Fact{f32("b", "q", 48), f32("b", 5, 16), f32("b", 5, 20), absent, f32(3, 2, 4, 8), f32(3, 2, 4, 10)},
			[]string{"float32[3,q,60]", "float32[3,2,9,8]", "float32[3,2,9,10]", "float32[3,6,q,9]"}},
		{"past of unknown length", nil, []infer.Fact{f32(1, 2, 1, 8), f32(1, 2, 1, 8), f32(1, 2, 1, 8), absent, f32(1, 2, "past", 8), f32(1, 2, "past", 8)},
			[]string{"float32[1,2,1,8]", "float32[1,2,?,8]", "float32[1,2,?,8]", "float32[1,2,1,?]"}},
		{"unknown rank", nil, []infer.Fact{unranked(tensor.Float16), unranked(tensor.Float16), unranked(tensor.Float32)},
			[]string{"float16[...]", "float16[?,?,?,?]", "float32[?,?,?,?]", "float16[?,?,?,?]"}},
	} {
		got, err := inferred("Attention", 4, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
	for _, c := range []struct {
		in   []infer.Fact
		want string
	}{
		{[]infer.Fact{f32(1, 6, 3, 8), f32(1, 4, 3, 8), f32(1, 4, 3, 8)}, "6 heads of queries do not divide among 4"},
		{[]infer.Fact{f32(1, 6, 3, 8), f32(1, 6, 3, 7), f32(1, 6, 3, 8)}, "the vectors of Q and K: extents 8 and 7 differ"},
		{[]infer.Fact{f32(1, 6, 3, 8), f32(1, 6, 3, 8), f32(1, 6, 4, 8)}, "the steps of K and V: extents 3 and 4 differ"},
		{[]infer.Fact{f32(1, 3, 8), f32(1, 6, 3, 8), f32(1, 6, 3, 8)}, "q_num_heads is 0"},
		{[]infer.Fact{f32(1, 8), f32(1, 6, 3, 8), f32(1, 6, 3, 8)}, "rank must be 3 or 4"},
		{[]infer.Fact{f32(1, 2, 3, 8), f32(1, 2, 3, 8), f32(1, 2, 3, 8), f32(1, 1, 1, 3, 3)}, "rank must be 4 or less"},
		{[]infer.Fact{f32(1, 2, 3, 8), f32(1, 2, 3, 8), f32(1, 2, 3, 8), absent, f32(1, 2, 3, 8)}, "must be given together"},
	} {
		_, err := inferred("Attention", 1, nil, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
	_, err := inferred("Attention", 1, packed, f32(1, 2, 47), f32(1, 2, 16), f32(1, 2, 16))
	assert.ErrorContains(t, err, "does not divide into 6 heads")
}

func TestFlexAttention(t *testing.T) {
	body := sketch(1, func(b *graph.Builder, in []*graph.Value) []*graph.Value { return vals(b.Op("Relu", vals(in[0]))) })
	g := &graph.Graph{Inputs: []*graph.Value{{Type: typed(tensor.Float16, "b", 6, "q", 8).Type}, {Type: typed(tensor.Float16, "b", 2, "k", 8).Type}, {Type: typed(tensor.Float16, "b", 2, "k", 10).Type}}}
	y := &graph.Value{}
	g.Nodes = []*graph.Node{{Domain: "ai.onnx.preview", Op: "FlexAttention", Inputs: g.Inputs, Outputs: vals(y), Attributes: with(graph.A("score_mod", body))}}
	facts, err := infer.Run(t.Context(), g, nil)
	require.NoError(t, err)
	assert.Equal(t, "float16[b,6,q,10]", facts[y].Type.String())
	assert.Equal(t, "float32[b,6,q,k]", facts[body.Outputs[0]].Type.String())
}

func TestLinearAttention(t *testing.T) {
	attrs := with(graph.A("q_num_heads", int64(6)), graph.A("kv_num_heads", int64(2)))
	got, err := inferred("LinearAttention", 2, attrs, f32("b", "t", 48), f32("b", "t", 16), f32("b", 7, 20))
	require.NoError(t, err)
	assert.Equal(t, []string{"float32[b,7,60]", "float32[b,2,8,10]"}, got)
	got, err = inferred("LinearAttention", 2, attrs, typed(tensor.Float16, "b", "t", 48), typed(tensor.Float16, "b", "t", 16), typed(tensor.Float16, "b", "t", "?"), f32(3, 2, 8, 10))
	require.NoError(t, err)
	assert.Equal(t, []string{"float16[3,t,60]", "float32[3,2,8,10]"}, got)
	_, err = inferred("LinearAttention", 2, attrs, f32(1, 2, 3, 4), f32(1, 2, 16), f32(1, 2, 16))
	assert.ErrorContains(t, err, "its rank must be 3")
}

func TestRotaryEmbedding(t *testing.T) {
	got, err := inferred("RotaryEmbedding", 1, nil, f32("b", 2, "t", 8), f32(), f32())
	require.NoError(t, err)
	assert.Equal(t, []string{"float32[b,2,t,8]"}, got)
	_, err = inferred("RotaryEmbedding", 1, nil, f32("b", 2), f32(), f32())
	assert.ErrorContains(t, err, "rank must be 3 or 4")
}
