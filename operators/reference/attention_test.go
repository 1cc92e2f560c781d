package reference_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// alike are inputs of attention whose queries are zero: without masks a query
// attends to every key alike and gets the mean of their values.
func alike(batch, heads, queries int, values ...float64) []tensor.Value {
	keys := len(values)
	all := make([]float64, 0, batch*heads*keys)
	for range batch * heads {
		all = append(all, values...)
	}
	return []tensor.Value{
		tensor.Zeros(tensor.Float64, tensor.Shape{batch, heads, queries, 1}),
		tensor.Zeros(tensor.Float64, tensor.Shape{batch, heads, keys, 1}),
		shaped(f64(all...), batch, heads, keys, 1),
	}
}

func bits(shape tensor.Shape, pattern string) *tensor.Tensor {
	v := make([]bool, len(pattern))
	for i := range pattern {
		v[i] = pattern[i] == '1'
	}
	return tensor.Of(v, shape...)
}

func TestAttentionMasks(t *testing.T) {
	inf := math.Inf(-1)
	causal := graph.A("is_causal", int64(1))
	window := func(left, right int64) []graph.Attribute {
		return attrs(graph.A("left_window_size", left), graph.A("right_window_size", right))
	}
	third := math.Log(3) // weights 1:3
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []tensor.Value // the mask and what follows
		want  []float64      // of two queries on the values 1, 2, 6
	}{
		{"none", nil, nil, []float64{3, 3}},
		{"causal", attrs(causal), nil, []float64{1, 1.5}},
		{"bool", nil, []tensor.Value{bits(tensor.Shape{2, 3}, "101010")}, []float64{3.5, 2}},
		{"bool and causal", attrs(causal), []tensor.Value{bits(tensor.Shape{2, 3}, "111011")}, []float64{1, 2}},
		{"float", nil, []tensor.Value{shaped(f64(third, 0, inf, inf, 0, third), 2, 3)}, []float64{1.25, 5}},
		{"integers", nil, []tensor.Value{tensor.Of([]int8{-100, 0, -100}, 1, 3)}, []float64{2, 2}},
		{"one row", nil, []tensor.Value{bits(tensor.Shape{3}, "110")}, []float64{1.5, 1.5}},
		{"rank 3", nil, []tensor.Value{bits(tensor.Shape{1, 2, 3}, "100001")}, []float64{1, 6}},
		{"rank 4", nil, []tensor.Value{bits(tensor.Shape{1, 1, 2, 3}, "100001")}, []float64{1, 6}},
		{"shorter than the keys", nil, []tensor.Value{bits(tensor.Shape{2, 2}, "1101")}, []float64{1.5, 2}},
		{"of one key", nil, []tensor.Value{bits(tensor.Shape{1, 1}, "1")}, []float64{1, 1}},
		{"of one number", nil, []tensor.Value{tensor.Scalar(0.5)}, []float64{1, 1}},
		{"a row forbids everything", nil, []tensor.Value{bits(tensor.Shape{2, 3}, "000111")}, []float64{0, 3}},
		{"window", window(0, 1), nil, []float64{1.5, 4}},
		{"left window", window(0, -1), nil, []float64{3, 4}},
		{"right window", window(-1, 0), nil, []float64{1, 1.5}},
		{"window and causal", append(window(0, 1), causal), nil, []float64{1, 2}},
		{"padding", nil, []tensor.Value{nil, nil, nil, tensor.Of([]int64{2})}, []float64{1.5, 1.5}},
		{"padding and causal", attrs(causal), []tensor.Value{nil, nil, nil, tensor.Of([]int64{3})}, []float64{1.5, 3}},
		{"fewer keys than queries", attrs(causal), []tensor.Value{nil, nil, nil, tensor.Of([]int64{1})}, []float64{0, 1}},
	} {
		out, err := operate("Attention", 1, c.attrs, append(alike(1, 1, 2, 1, 2, 6), c.in...)...)
		require.NoError(t, err, c.name)
		near(t, c.want, out[0], c.name)
	}
}

func TestAttentionPast(t *testing.T) {
	past := []tensor.Value{nil, shaped(f64(0, 0), 1, 1, 2, 1), shaped(f64(10, 20), 1, 1, 2, 1)}
	out, err := operate("Attention", 3, attrs(graph.A("is_causal", int64(1))), append(alike(1, 1, 2, 1, 2), past...)...)
	require.NoError(t, err)
	near(t, []float64{31.0 / 3, 33.0 / 4}, out[0])
	assert.Equal(t, shaped(f64(0, 0, 0, 0), 1, 1, 4, 1), out[1])
	assert.Equal(t, shaped(f64(10, 20, 1, 2), 1, 1, 4, 1), out[2])
}

// The fourth output by mode, with scores 0.25·(4, 8) = (1, 2) and a mask that
// adds (1, -∞).
func TestAttentionStages(t *testing.T) {
	q, k, v := shaped(f64(4), 1, 1, 1, 1), shaped(f64(1, 2), 1, 1, 2, 1), shaped(f64(5, 7), 1, 1, 2, 1)
	mask := f64(1, math.Inf(-1))
	capped := []float64{3 * math.Tanh(1.0/3), 3 * math.Tanh(2.0/3)}
	for mode, want := range [][]float64{{1, 2}, capped, {capped[0] + 1, math.Inf(-1)}, {1, 0}} {
		out, err := operate("Attention", 4, attrs(graph.A("scale", float32(0.25)), graph.A("softcap", float32(3)),
			graph.A("qk_matmul_output_mode", int64(mode))), q, k, v, mask)
		require.NoError(t, err)
		for i, x := range out[3].(*tensor.Tensor).Float64s() {
			if math.IsInf(want[i], -1) {
				assert.Equal(t, want[i], x)
				continue
			}
			assert.InDelta(t, want[i], x, 1e-12, "mode %d", mode)
		}
		near(t, []float64{5}, out[0])
	}
	out, err := operate("Attention", 4, attrs(graph.A("qk_matmul_output_mode", int64(3))), q, k, v, bits(tensor.Shape{1, 2}, "00"))
	require.NoError(t, err)
	near(t, []float64{0, 0}, out[3], "a row that forbids everything")
	out, err = operate("Attention", 4, attrs(graph.A("qk_matmul_output_mode", int64(3)), graph.A("softmax_precision", int64(tensor.BFloat16))), q, k, v)
	require.NoError(t, err)
	for _, w := range out[3].(*tensor.Tensor).Float64s() {
		assert.Equal(t, w, float64(tensor.NewBF16(float32(w)).Float32()), "weights have the precision asked for")
	}
}

func TestAttentionHeads(t *testing.T) {
	// Four heads of queries share two of keys, whose values are 1 and 2.
	q := tensor.Zeros(tensor.Float32, tensor.Shape{1, 3, 8})
	k := tensor.Zeros(tensor.Float32, tensor.Shape{1, 1, 4})
	v := tensor.Of([]float32{1, 2}, 1, 1, 2)
	with := attrs(graph.A("q_num_heads", int64(4)), graph.A("kv_num_heads", int64(2)))
	out, err := operate("Attention", 4, with, q, k, v)
	require.NoError(t, err)
	assert.Equal(t, tensor.Of([]float32{1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2}, 1, 3, 4), out[0])
	assert.Equal(t, tensor.Shape{1, 2, 1, 2}, out[1].(*tensor.Tensor).Shape())
	assert.Equal(t, tensor.Of([]float32{1, 2}, 1, 2, 1, 1), out[2])
	assert.Equal(t, tensor.Shape{1, 4, 3, 1}, out[3].(*tensor.Tensor).Shape())

	none, err := operate("Attention", 1, nil, alike(1, 2, 3)...)
	require.NoError(t, err, "no keys")
	near(t, make([]float64, 6), none[0])
}

func TestAttentionErrors(t *testing.T) {
	ok := alike(1, 2, 2, 1, 2)
	q3 := tensor.Zeros(tensor.Float64, tensor.Shape{1, 2, 3})
	for _, c := range []struct {
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{nil, []tensor.Value{q3, q3, q3}, "does not divide into 0 heads"},
		{attrs(graph.A("q_num_heads", int64(2))), []tensor.Value{q3, q3, q3}, "does not divide into 2 heads"},
		{nil, []tensor.Value{f64(1), ok[1], ok[2]}, "Q has the shape [1], its rank must be 3 or 4"},
		{nil, []tensor.Value{ok[0], alike(2, 2, 1, 1)[1], ok[2]}, "batch sizes 1, 2 and 1"},
		{nil, []tensor.Value{ok[0], ok[1], alike(1, 2, 1, 1)[2]}, "K has 2 heads of 2 keys, V 2 heads of 1"},
		{nil, append(alike(1, 3, 1, 1)[:1:1], ok[1:]...), "3 heads of queries do not divide among 2"},
		{nil, append(ok[:3:3], f64(1, 2, 3)), "a mask of shape [3] does not fit"},
		{nil, append(ok[:3:3], bits(tensor.Shape{3, 2}, "111111")), "a mask of shape [3,2] does not fit"},
		{nil, append(ok[:3:3], nil, ok[1]), "must be given together"},
		{nil, append(ok[:3:3], nil, q3, q3), "its rank must be 4"},
		{nil, append(ok[:3:3], nil, alike(1, 1, 1, 1)[1], ok[2]), "the past of the key is float64 [1,1,…,1], it must be float64 [1,2,…,1]"},
		{nil, append(ok[:3:3], nil, nil, nil, tensor.Of([]int64{1, 2})), "nonpad_kv_seqlen must have one number"},
		{attrs(graph.A("left_window_size", int64(-2))), ok, "left_window_size -2"},
	} {
		_, err := operate("Attention", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestFlexAttention(t *testing.T) {
	run := func(in []tensor.Value, attributes ...graph.Attribute) (tensor.Value, error) {
		n := &graph.Node{Domain: "ai.onnx.preview", Op: "FlexAttention", Outputs: vals(&graph.Value{}), Attributes: attributes}
		out, err := reference.Run(context.Background(), n, in, nil)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	body := func(op string, by *tensor.Tensor) *graph.Graph {
		return sketch(1, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
			return vals(b.Op(op, vals(in[0], b.Const(by))))
		})
	}
	in := alike(1, 2, 1, 2, 6)
	out, err := run(in)
	require.NoError(t, err)
	near(t, []float64{4, 4}, out)
	out, err = run(in, graph.A("score_mod", body("Add", f64(0, math.Log(3)))))
	require.NoError(t, err)
	near(t, []float64{5, 5}, out, "weights 1:3")
	out, err = run(in, graph.A("prob_mod", body("Mul", shaped(f64(0, 1, 2, 0), 2, 1, 2))))
	require.NoError(t, err)
	near(t, []float64{3, 2}, out, "weights (0, ½) and (1, 0)")
	_, err = run(in, graph.A("score_mod", body("Add", shaped(f64(1, 1), 2, 1, 1, 1))))
	assert.ErrorContains(t, err, "score_mod gives")
	_, err = run(in, graph.A("softmax_precision", int64(tensor.Int8)))
	assert.ErrorContains(t, err, "softmax_precision is 3")

	// Scores of float16 inputs are float32 to the graphs.
	half := func(v ...float64) tensor.Value {
		return tensor.FromFloat64s(tensor.Float16, tensor.Shape{1, 1, 1, 1}, v)
	}
	out, err = run([]tensor.Value{half(1), half(1), half(3)}, graph.A("prob_mod", body("Mul", tensor.Scalar(float32(2)))))
	require.NoError(t, err)
	assert.Equal(t, half(6), out)
}

// The rules on one head with d_k = d_v = 1, two steps, from the state 2: each
// expected value is the recurrence by hand. exp(decay) is ½.
func TestLinearAttentionByHand(t *testing.T) {
	one := func(v ...float32) *tensor.Tensor { return tensor.Of(v, 1, len(v), 1) }
	q, k, v, beta := one(1, 2), one(3, 4), one(5, 6), one(0.5, 0.25)
	decay := one(float32(-math.Ln2), float32(-math.Ln2))
	past := tensor.Of([]float32{2}, 1, 1, 1, 1)
	for _, c := range []struct {
		rule        string
		decay, beta tensor.Value
		out         []float64
		state       float64
	}{
		{"linear", nil, nil, []float64{17, 82}, 41},      // 2 + 15, 17 + 24
		{"gated", decay, nil, []float64{16, 64}, 32},     // 1 + 15, 8 + 24
		{"delta", nil, beta, []float64{0.5, 9}, 4.5},     // 2 + 3·½(5 - 6), ½ + 4·¼(6 - 2)
		{"gated_delta", decay, beta, []float64{4, 0}, 0}, // 1 + 3·½(5 - 3), 2 + 4·¼(6 - 8)
	} {
		with := attrs(graph.A("update_rule", c.rule), graph.A("q_num_heads", int64(1)), graph.A("kv_num_heads", int64(1)), graph.A("scale", float32(1)))
		out, err := operate("LinearAttention", 2, with, q, k, v, past, c.decay, c.beta)
		require.NoError(t, err, c.rule)
		for i, want := range c.out {
			assert.InDelta(t, want, out[0].(*tensor.Tensor).Float64s()[i], 1e-5, c.rule)
		}
		assert.InDelta(t, c.state, out[1].(*tensor.Tensor).Float64s()[0], 1e-5, c.rule)
	}
}

func TestLinearAttentionHeadsAndScale(t *testing.T) {
	// Two heads of queries on one of keys, d_k = 4: scale ½, state k ⊗ v.
	q := tensor.FromFloat64s(tensor.Float16, tensor.Shape{1, 1, 8}, []float64{1, 0, 0, 0, 0, 1, 0, 0})
	k := tensor.FromFloat64s(tensor.Float16, tensor.Shape{1, 1, 4}, []float64{2, 4, 0, 0})
	v := tensor.FromFloat64s(tensor.Float16, tensor.Shape{1, 1, 2}, []float64{1, 3})
	with := attrs(graph.A("update_rule", "linear"), graph.A("q_num_heads", int64(2)), graph.A("kv_num_heads", int64(1)))
	out, err := operate("LinearAttention", 2, with, q, k, v)
	require.NoError(t, err)
	assert.Equal(t, tensor.FromFloat64s(tensor.Float16, tensor.Shape{1, 1, 4}, []float64{1, 3, 2, 6}), out[0])
	assert.Equal(t, tensor.FromFloat64s(tensor.Float16, tensor.Shape{1, 1, 4, 2}, []float64{2, 6, 4, 12, 0, 0, 0, 0}), out[1])

	for _, c := range []struct {
		rule string
		in   []tensor.Value
		want string
	}{
		{"quadratic", []tensor.Value{q, k, v}, `update_rule "quadratic"`},
		{"gated", []tensor.Value{q, k, v}, "decay is needed"},
		{"delta", []tensor.Value{q, k, v, nil, nil, q}, "beta has the shape [1,1,8]"},
		{"linear", []tensor.Value{q, k, v, q}, "past_state has the shape [1,1,8], it must be [1,1,4,2]"},
		{"linear", []tensor.Value{v, k, v}, "the vectors of Q have 1 elements, those of K 4"},
	} {
		with[0] = graph.A("update_rule", c.rule)
		_, err := operate("LinearAttention", 2, with, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestRotaryEmbedding(t *testing.T) {
	// One step turned by 90°: (a, b) becomes (-b, a). A second one stays.
	cos, sin := f64(0, 0, 1, 1), f64(1, 1, 0, 0)
	x := shaped(f64(1, 2, 3, 4, 5, 6, 7, 8), 1, 1, 2, 4)
	ids := tensor.Of([]int64{0, 1}, 1, 2)
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []tensor.Value
		want  []float64
	}{
		{"halves", nil, []tensor.Value{x, shaped(cos, 2, 2), shaped(sin, 2, 2), ids}, []float64{-3, -4, 1, 2, 5, 6, 7, 8}},
		{"positions", nil, []tensor.Value{x, shaped(cos, 2, 2), shaped(sin, 2, 2), tensor.Of([]int64{1, 0}, 1, 2)}, []float64{1, 2, 3, 4, -7, -8, 5, 6}},
		{"neighbours", attrs(graph.A("interleaved", int64(1))), []tensor.Value{x, shaped(cos, 1, 2, 2), shaped(sin, 1, 2, 2)}, []float64{-2, 1, -4, 3, 5, 6, 7, 8}},
		{"in part", attrs(graph.A("rotary_embedding_dim", int64(2))), []tensor.Value{x, shaped(f64(0, 1), 2, 1), shaped(f64(1, 0), 2, 1), ids}, []float64{-2, 1, 3, 4, 5, 6, 7, 8}},
		{"packed", attrs(graph.A("num_heads", int64(2))), []tensor.Value{shaped(x, 1, 2, 4), shaped(f64(0, 1), 1, 2, 1), shaped(f64(1, 0), 1, 2, 1)}, []float64{-2, 1, -4, 3, 5, 6, 7, 8}},
	} {
		out, err := operate("RotaryEmbedding", 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		near(t, c.want, out[0], c.name)
		assert.Equal(t, c.in[0].(*tensor.Tensor).Shape(), out[0].(*tensor.Tensor).Shape(), c.name)
	}
	for i, c := range []struct {
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{nil, []tensor.Value{x, shaped(cos, 2, 2), shaped(sin, 2, 2), tensor.Of([]int64{0, 2}, 1, 2)}, "position 2 is outside cos_cache, which has 2"},
		{nil, []tensor.Value{x, shaped(cos, 2, 2), shaped(sin, 2, 2)}, "without position_ids it must be [1,2,2]"},
		{nil, []tensor.Value{x, shaped(cos, 4, 1), shaped(sin, 4, 1), ids}, "it must be [positions,2]"},
		{nil, []tensor.Value{x, shaped(cos, 2, 2), shaped(sin, 2, 2), tensor.Of([]int64{0}, 1, 1)}, "position_ids has the shape [1,1], it must be [1,2]"},
		{attrs(graph.A("rotary_embedding_dim", int64(3))), []tensor.Value{x, shaped(cos, 2, 2), shaped(sin, 2, 2), ids}, "must be even and not greater"},
		{nil, []tensor.Value{shaped(x, 1, 2, 4), shaped(cos, 2, 2), shaped(sin, 2, 2), ids}, "does not divide into 0 heads"},
	} {
		_, err := operate("RotaryEmbedding", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want, fmt.Sprint(i))
	}
}
