package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// attention holds Attention, FlexAttention, LinearAttention, RotaryEmbedding.
var attention = family{
	"Attention":                     scaledDotProduct,
	"ai.onnx.preview.FlexAttention": flexAttention,
	"LinearAttention":               linearAttention,
	"RotaryEmbedding":               rotaryEmbedding,
}

// scaledDotProduct computes softmax(softcap(scale Q·Kᵀ) + bias)·V for every head
// of queries. A row whose bias is -∞ throughout attends to nothing and is zero.
func scaledDotProduct(c *Call) ([]tensor.Value, error) {
	n := c.Node
	if (c.Has(4)) != c.Has(5) {
		return nil, fmt.Errorf("past_key and past_value must be given together")
	}
	if d := n.DType("softmax_precision", tensor.Float32); d != tensor.Undefined && !d.IsFloat() {
		return nil, fmt.Errorf("softmax_precision is %d, which is no floating-point type", d)
	}
	q, err := headsOf("Q", c.Tensor(0), n.Int("q_num_heads", 0))
	if err != nil {
		return nil, err
	}
	k, err := withPast(c, "key", 1, 4)
	if err != nil {
		return nil, err
	}
	v, err := withPast(c, "value", 2, 5)
	if err != nil {
		return nil, err
	}
	if err := checkHeads(q, k, v); err != nil {
		return nil, err
	}
	bias, err := attentionBias(c, q, k)
	if err != nil {
		return nil, err
	}
	y, err := newHeads(q.dtype, q.batch, q.heads, q.steps, v.size)
	if err != nil {
		return nil, err
	}
	shown, err := newHeads(q.dtype, q.batch, q.heads, q.steps, k.steps)
	if err != nil {
		return nil, err
	}
	r := newAttentionRow(n, q.size)
	bias.rows(func(b, h, i int, row []float64) {
		c.checkpoint()
		group := h * k.heads / q.heads
		scores := make([]float64, k.steps)
		for j := range scores {
			scores[j] = r.scale * dot(q.at(b, h, i), k.at(b, group, j))
		}
		for j, w := range r.weigh(scores, row, shown.at(b, h, i)) {
			for e, x := range v.at(b, group, j) {
				y.at(b, h, i)[e] += w * x
			}
		}
	})
	return attentionOutputs(c, y, k, v, shown)
}

func attentionOutputs(c *Call, y, k, v, shown heads) ([]tensor.Value, error) {
	out := make([]tensor.Value, 4)
	for i, h := range []heads{y, k, v, shown} {
		t, err := h.tensor(i == 0 && c.Tensor(0).Rank() == 3)
		if err != nil {
			return nil, err
		}
		out[i] = t
	}
	return out, nil
}

// withPast reads the keys or values, those of the past in front of them.
func withPast(c *Call, name string, i, past int) (heads, error) {
	h, err := headsOf(name, c.Tensor(i), c.Node.Int("kv_num_heads", 0))
	if err != nil || !c.Has(past) {
		return h, err
	}
	if c.Tensor(past).Rank() != 4 {
		return heads{}, fmt.Errorf("the past of the %s has the shape %v, its rank must be 4", name, c.Tensor(past).Shape())
	}
	before, err := headsOf("past_"+name, c.Tensor(past), 0)
	if err != nil {
		return heads{}, err
	}
	return h.after(name, before)
}

// attentionRow turns the scores of one query into its weights.
type attentionRow struct {
	scale, softcap float64
	mode           int64        // what the fourth output shows
	precision      tensor.DType // of the softmax, Undefined for ours
}

func newAttentionRow(n *graph.Node, size int) attentionRow {
	scale := 1 / math.Sqrt(float64(size))
	if n.Has("scale") {
		scale = float64(n.Float("scale", 0))
	}
	return attentionRow{
		scale: scale, softcap: float64(n.Float("softcap", 0)), mode: n.Int("qk_matmul_output_mode", 0),
		precision: n.DType("softmax_precision", tensor.Undefined),
	}
}

// weigh changes scores into weights and copies the stage that mode asks for to
// shown: 0 the scores, 1 capped, 2 biased, 3 the weights.
func (r attentionRow) weigh(scores, bias, shown []float64) []float64 {
	show := func(stage int64) {
		if r.mode == stage {
			copy(shown, scores)
		}
	}
	show(0)
	masked := true
	for j := range scores {
		if r.softcap != 0 {
			scores[j] = r.softcap * math.Tanh(scores[j]/r.softcap)
		}
		masked = masked && math.IsInf(bias[j], -1)
	}
	show(1)
	for j := range scores {
		scores[j] += bias[j]
	}
	show(2)
	r.round(scores)
	softmaxLine(scores)
	r.round(scores)
	if masked {
		clear(scores)
	}
	show(3)
	return scores
}

// round brings values into the precision of the softmax, if one is asked for.
func (r attentionRow) round(v []float64) {
	if r.precision != tensor.Undefined {
		copy(v, tensor.FromFloat64s(r.precision, tensor.Shape{len(v)}, v).Float64s())
	}
}

// attentionBias returns what is added to the scores: the mask's numbers, and -∞
// for keys that a query does not attend to. A query stands at the position
// offset + i, where offset counts the keys in front of the first one.
func attentionBias(c *Call, q, k heads) (heads, error) {
	n := c.Node
	bias, err := newHeads(q.dtype, q.batch, q.heads, q.steps, k.steps)
	if err != nil {
		return heads{}, err
	}
	if err := addMask(c.Tensor(3), bias); err != nil {
		return heads{}, err
	}
	valid := c.Ints(6)
	if valid != nil && (c.Has(4) || len(valid) != q.batch || c.Tensor(6).Rank() != 1) {
		return heads{}, fmt.Errorf("nonpad_kv_seqlen must have one number for each of %d samples and goes without past_key", q.batch)
	}
	left, right := n.Int("left_window_size", -1), n.Int("right_window_size", -1)
	if left < -1 || right < -1 {
		return heads{}, fmt.Errorf("left_window_size %d and right_window_size %d must be -1 or more", left, right)
	}
	if n.Bool("is_causal", false) {
		right = 0
	}
	bias.rows(func(b, _, i int, row []float64) {
		c.checkpoint()
		offset, end := 0, k.steps
		switch {
		case c.Has(4):
			offset = c.Tensor(4).Shape()[2]
		case valid != nil:
			offset, end = int(valid[b])-q.steps, int(valid[b])
		}
		for j := range row {
			ahead := int64(j - offset - i)
			if j >= end || right >= 0 && ahead > right || left >= 0 && -ahead > left {
				row[j] += math.Inf(-1)
			}
		}
	})
	return bias, nil
}

// addMask adds a mask to every row: bool ones forbid where they are false,
// others are added as they are. A mask broadcasts to the rows, but for its last
// axis: keys behind its end are forbidden.
func addMask(mask *tensor.Tensor, bias heads) error {
	if mask == nil {
		return nil
	}
	values := mask.Float64s()
	if mask.DType() == tensor.Bool {
		for i, v := range values {
			values[i] = math.Inf(-1)
			if v != 0 {
				values[i] = 0
			}
		}
	}
	keys := 1
	shape := mask.Shape()
	if len(shape) > 0 {
		keys = shape[len(shape)-1]
	} else {
		shape = tensor.Shape{1}
	}
	rows := tensor.Shape{bias.batch, bias.heads, bias.steps}
	lead := shape[:len(shape)-1]
	if joint, err := broadcastShape(lead, rows); err != nil || !joint.Equal(rows) || keys > bias.size {
		return fmt.Errorf("a mask of shape %v does not fit (batch, heads, queries, keys) = %v", mask.Shape(), append(rows, bias.size))
	}
	steps := broadcastStrides(lead, rows)
	walk(rows, func(at []int) {
		row := bias.at(at[0], at[1], at[2])
		from := (at[0]*steps[0] + at[1]*steps[1] + at[2]*steps[2]) * keys
		for j := range row {
			if j < keys {
				row[j] += values[from+j]
			} else {
				row[j] = math.Inf(-1)
			}
		}
	})
	return nil
}

// flexAttention computes prob_mod(softmax(score_mod(scale Q·Kᵀ)))·V, where the
// two graphs, if they are given, see (batch, heads, queries, keys).
func flexAttention(c *Call) ([]tensor.Value, error) {
	var in [3]heads
	for i, name := range []string{"Q", "K", "V"} {
		h, err := headsOf(name, c.Tensor(i), 0)
		if err != nil {
			return nil, err
		}
		in[i] = h
	}
	q, k, v := in[0], in[1], in[2]
	if err := checkHeads(q, k, v); err != nil {
		return nil, err
	}
	precision := tensor.Float32
	if q.dtype == tensor.Float64 {
		precision = tensor.Float64
	}
	precision = c.Node.DType("softmax_precision", precision)
	if !precision.IsFloat() {
		return nil, fmt.Errorf("softmax_precision is %d, which is no floating-point type", precision)
	}
	scores, err := newHeads(precision, q.batch, q.heads, q.steps, k.steps)
	if err != nil {
		return nil, err
	}
	y, err := newHeads(q.dtype, q.batch, q.heads, q.steps, v.size)
	if err != nil {
		return nil, err
	}
	scale := newAttentionRow(c.Node, q.size).scale
	scores.rows(func(b, h, i int, row []float64) {
		c.checkpoint()
		for j := range row {
			row[j] = scale * dot(q.at(b, h, i), k.at(b, h*k.heads/q.heads, j))
		}
	})
	if err := modify(c, "score_mod", scores); err != nil {
		return nil, err
	}
	scores.rows(func(_, _, _ int, row []float64) { softmaxLine(row) })
	if err := modify(c, "prob_mod", scores); err != nil {
		return nil, err
	}
	scores.rows(func(b, h, i int, row []float64) {
		c.checkpoint()
		for j, w := range row {
			for e, x := range v.at(b, h*k.heads/q.heads, j) {
				y.at(b, h, i)[e] += w * x
			}
		}
	})
	t, err := y.tensor(false)
	if err != nil {
		return nil, err
	}
	return one(t)
}

// modify replaces h by what a graph attribute, if it is set, makes of it.
func modify(c *Call, name string, h heads) error {
	body := c.Node.Body(name)
	if body == nil {
		return nil
	}
	t, err := h.tensor(false)
	if err != nil {
		return err
	}
	out, err := c.Body(body, []tensor.Value{t})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(out) != 1 {
		return fmt.Errorf("%s gives %d values, it must give one", name, len(out))
	}
	got, ok := out[0].(*tensor.Tensor)
	if !ok || got.DType() != t.DType() || !got.Shape().Equal(t.Shape()) {
		return fmt.Errorf("%s gives %v, it must give %v as it gets", name, out[0], t.Type())
	}
	copy(h.v, got.Float64s())
	return nil
}
