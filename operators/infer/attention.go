package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// attention holds Attention, FlexAttention, LinearAttention, RotaryEmbedding.
var attention = family{
	"Attention":                     scaledDotProduct,
	"ai.onnx.preview.FlexAttention": flexAttention,
	"LinearAttention":               linearAttention,
	"RotaryEmbedding":               rotaryEmbedding,
}

// headExtents are those of batch × heads × steps vectors of one size.
type headExtents struct{ batch, heads, steps, size tensor.Dim }

func unknownHeads() headExtents {
	u := tensor.Symbol("")
	return headExtents{u, u, u, u}
}

// plain returns (batch, heads, steps, size).
func (h headExtents) plain() tensor.Dims { return tensor.Dims{h.batch, h.heads, h.steps, h.size} }

// packed returns (batch, steps, heads × size).
func (h headExtents) packed() tensor.Dims {
	all := tensor.Symbol("")
	if h.heads.IsKnown() {
		all = scaled(h.size, h.heads.Size)
	}
	return tensor.Dims{h.batch, h.steps, all}
}

// meetHeads merges the extents of input i, plain or packed, with those of h. An
// attribute gives the number of heads of the packed form.
func (e *sharedExtents) meetHeads(name string, i int, attribute string, h *headExtents) {
	dims := e.c.Dims(i)
	if e.err != nil || !dims.Ranked() {
		return
	}
	if len(dims) == 4 {
		e.meet(name, i, &h.batch, &h.heads, &h.steps, &h.size)
		return
	}
	if len(dims) != 3 {
		e.err = fmt.Errorf("%s has the shape %v, its rank must be 3 or 4", name, dims)
		return
	}
	count := e.c.Node.Int(attribute, 0)
	if count < 1 {
		e.err = fmt.Errorf("%s has the packed shape %v: %s is %d, it must be positive", name, dims, attribute, count)
		return
	}
	if h.heads, e.err = agree(attribute, h.heads, tensor.Known(int(count))); e.err != nil {
		return
	}
	if last := dims[2]; last.IsKnown() {
		if last.Size%int(count) != 0 {
			e.err = fmt.Errorf("%s has the shape %v, whose last axis does not divide into %d heads", name, dims, count)
			return
		}
		if h.size, e.err = agree("the vectors of "+name, h.size, tensor.Known(last.Size/int(count))); e.err != nil {
			return
		}
	}
	all := tensor.Symbol("")
	e.meet(name, i, &h.batch, &h.steps, &all)
}

// checkGroups rejects a number of query heads that the key heads do not divide.
func (e *sharedExtents) checkGroups(q, k headExtents) {
	if e.err == nil && q.heads.IsKnown() && k.heads.IsKnown() && (k.heads.Size == 0 && q.heads.Size != 0 || k.heads.Size != 0 && q.heads.Size%k.heads.Size != 0) {
		e.err = fmt.Errorf("%d heads of queries do not divide among %d heads of keys", q.heads.Size, k.heads.Size)
	}
}

// share merges the extents that queries, keys and values have in common.
func (e *sharedExtents) share(q, k, v *headExtents) {
	for _, pair := range []struct {
		what string
		a, b *tensor.Dim
	}{
		{"the batches of Q and K", &q.batch, &k.batch}, {"the batches of Q and V", &q.batch, &v.batch},
		{"the vectors of Q and K", &q.size, &k.size},
		{"the heads of K and V", &k.heads, &v.heads}, {"the steps of K and V", &k.steps, &v.steps},
	} {
		if e.err != nil {
			return
		}
		*pair.a, e.err = agree(pair.what, *pair.a, *pair.b)
		*pair.b = *pair.a
	}
	v.batch = q.batch
	k.batch = q.batch
	e.checkGroups(*q, *k)
}

func scaledDotProduct(c *Call) error {
	if c.Has(4) != c.Has(5) {
		return fmt.Errorf("past_key and past_value must be given together")
	}
	e := &sharedExtents{c: c}
	q, k, v := unknownHeads(), unknownHeads(), unknownHeads()
	e.meetHeads("Q", 0, "q_num_heads", &q)
	e.meetHeads("K", 1, "kv_num_heads", &k)
	e.meetHeads("V", 2, "kv_num_heads", &v)
	e.share(&q, &k, &v)
	past := tensor.Known(0)
	if c.Has(4) {
		past = tensor.Symbol("")
		e.meet("past_key", 4, &k.batch, &k.heads, &past, &k.size)
		e.meet("past_value", 5, &k.batch, &k.heads, &past, &v.size)
	}
	e.meet("nonpad_kv_seqlen", 6, &k.batch)
	if e.err != nil {
		return e.err
	}
	if mask := c.Dims(3); len(mask) > 4 {
		return fmt.Errorf("the mask has the shape %v, its rank must be 4 or less", mask)
	}
	total := sumOf(tensor.Dims{past, k.steps})
	q.batch, v.batch, v.heads = k.batch, k.batch, k.heads
	k.steps, v.steps = total, total
	y, scores := q, q
	y.size, scores.size = v.size, total
	d := c.DType(0)
	switch rank, _ := c.Rank(0); rank {
	case 0:
		c.SetUnranked(0, d)
	case 3:
		c.Set(0, d, y.packed())
	default:
		c.Set(0, d, y.plain())
	}
	c.Set(1, c.DType(1), k.plain())
	c.Set(2, c.DType(2), v.plain())
	c.Set(3, d, scores.plain())
	return nil
}

func flexAttention(c *Call) error {
	e := &sharedExtents{c: c}
	q, k, v := unknownHeads(), unknownHeads(), unknownHeads()
	for i, h := range []*headExtents{&q, &k, &v} {
		e.meet([]string{"Q", "K", "V"}[i], i, &h.batch, &h.heads, &h.steps, &h.size)
	}
	e.share(&q, &k, &v)
	if e.err != nil {
		return e.err
	}
	scores := q
	scores.size = k.steps
	precision := tensor.Float32
	if c.DType(0) == tensor.Float64 {
		precision = tensor.Float64
	}
	precision = c.Node.DType("softmax_precision", precision)
	for _, name := range []string{"score_mod", "prob_mod"} {
		if body := c.Node.Body(name); body != nil {
			if _, err := c.Body(body, []Fact{{Type: tensor.TensorType(precision, scores.plain())}}); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	y := q
	y.size = v.size
	c.Set(0, c.DType(0), y.plain())
	return nil
}

func linearAttention(c *Call) error {
	e := &sharedExtents{c: c}
	q, k, v := unknownHeads(), unknownHeads(), unknownHeads()
	for i, name := range []string{"query", "key", "value"} {
		if r, ok := c.Rank(i); ok && r != 3 {
			return fmt.Errorf("%s has the shape %v, its rank must be 3", name, c.Dims(i))
		}
	}
	e.meetHeads("query", 0, "q_num_heads", &q)
	e.meetHeads("key", 1, "kv_num_heads", &k)
	e.meetHeads("value", 2, "kv_num_heads", &v)
	e.share(&q, &k, &v)
	if e.err != nil {
		return e.err
	}
	if q.steps, e.err = agree("the steps of the queries and the keys", q.steps, k.steps); e.err != nil {
		return e.err
	}
	e.meet("past_state", 3, &q.batch, &k.heads, &k.size, &v.size)
	if e.err != nil {
		return e.err
	}
	y := q
	y.size = v.size
	c.Set(0, c.DType(0), y.packed())
	d := c.DType(0)
	if c.Has(3) {
		d = c.DType(3)
	}
	c.Set(1, d, tensor.Dims{q.batch, k.heads, k.size, v.size})
	return nil
}

func rotaryEmbedding(c *Call) error {
	if r, ok := c.Rank(0); ok && r != 3 && r != 4 {
		return fmt.Errorf("X has the shape %v, its rank must be 3 or 4", c.Dims(0))
	}
	c.SetLike(0, c.DType(0), 0)
	return nil
}
