package microsoft

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/reference"
)

// computeGroupQueryAttention is GroupQueryAttention in float64, rounded once.
func computeGroupQueryAttention(c *reference.Call) ([]tensor.Value, error) {
	n := c.Node
	if err := checkGroupQuery(n); err != nil {
		return nil, err
	}
	q, k, v, err := separateGroups(c)
	if err != nil {
		return nil, err
	}
	l, err := lengthsOf(c, q, k)
	if err != nil {
		return nil, err
	}
	if err := l.turn(c, q, k); err != nil {
		return nil, err
	}
	if k, err = l.cached(k, c.Tensor(3)); err != nil {
		return nil, fmt.Errorf("past_key: %w", err)
	}
	if v, err = l.cached(v, c.Tensor(4)); err != nil {
		return nil, fmt.Errorf("past_value: %w", err)
	}
	biased, err := biasOf(c.Tensor(10), q, l.total)
	if err != nil {
		return nil, err
	}
	s := scoring{
		scale: float64(n.Float("scale", 0)), softcap: float64(n.Float("softcap", 0)), hidden: l.hidden(c),
		bias: func(b, h, i, j int) float64 {
			if j >= l.total {
				return 0
			}
			return biased(b, h, i, j)
		},
	}
	switch sinks := c.Tensor(11); {
	case sinks != nil && sinks.Len() != q.heads:
		return nil, unequal("head_sink", sinks.Shape(), tensor.Shape{q.heads})
	case sinks != nil:
		s.sink = sinks.Float64s()
	case n.Int("smooth_softmax", 0) == 1:
		s.sink = make([]float64, q.heads)
	}
	y, scores, weights, err := s.attend(q, k, v)
	if err != nil {
		return nil, err
	}
	d := c.Tensor(0).DType()
	out := []tensor.Value{y.packed(d), k.tensor(d), v.tensor(d), nil}
	if n.Output(3) != nil {
		shown := scores
		if n.Int("qk_output", 0) == 2 {
			shown = weights
		}
		t, err := l.shown(shown)
		if err != nil {
			return nil, err
		}
		out[3] = t.tensor(d)
	}
	return out, nil
}

// separateGroups reads queries, keys and values, which may be packed in one, and
// normalizes the vectors of queries and keys where there are weights for it.
func separateGroups(c *reference.Call) (q, k, v block, err error) {
	heads, kvHeads := int(c.Node.Int("num_heads", 1)), int(c.Node.Int("kv_num_heads", 1))
	if c.Has(1) {
		if q, err = read("query", c.Tensor(0), heads); err != nil {
			return q, k, v, err
		}
		if k, err = read("key", c.Tensor(1), kvHeads); err != nil {
			return q, k, v, err
		}
		v, err = read("value", c.Tensor(2), kvHeads)
	} else {
		var all block
		if all, err = read("query", c.Tensor(0), heads+2*kvHeads); err != nil {
			return q, k, v, err
		}
		q, k, v, err = all.groups(heads, kvHeads)
	}
	if err != nil {
		return q, k, v, err
	}
	for i, b := range []block{q, k} {
		t := c.Tensor(14 + i)
		if t == nil {
			continue
		}
		weight := t.Float64s()
		if len(weight) != b.size {
			return q, k, v, unequal("the weight of a norm", t.Shape(), tensor.Shape{b.size})
		}
		b.each(func(_, _, _ int, x []float64) {
			sum := 0.0
			for _, e := range x {
				sum += e * e
			}
			root := math.Sqrt(sum/float64(len(x)) + float64(c.Node.Float("qk_norm_epsilon", 1e-6)))
			for e := range x {
				x[e] *= weight[e] / root
			}
		})
	}
	return q, k, v, nil
}

// groups takes the heads of queries, keys and values apart.
func (b block) groups(heads, kvHeads int) (q, k, v block, err error) {
	parts, first := [3]block{}, 0
	for p, count := range []int{heads, kvHeads, kvHeads} {
		if parts[p], err = newBlock(b.batch, count, b.steps, b.size); err != nil {
			return q, k, v, err
		}
		parts[p].each(func(n, h, s int, to []float64) { copy(to, b.at(n, first+h, s)) })
		first += count
	}
	return parts[0], parts[1], parts[2], nil
}

// lengths says how many steps each sample has.
type lengths struct {
	queries, total int   // new steps, and the most that a sample has with them
	filled, ends   []int // of each sample: steps of the past, and with the new ones
}

func lengthsOf(c *reference.Call, q, k block) (lengths, error) {
	ends, total := c.Ints(5), c.Tensor(6)
	if len(ends) != q.batch || total.Len() != 1 {
		return lengths{}, fmt.Errorf("seqlens_k has the shape %v and total_sequence_length %v; %d numbers and one are needed", c.Tensor(5).Shape(), total.Shape(), q.batch)
	}
	l := lengths{queries: q.steps, total: int(total.Int64s()[0])}
	if k.steps != q.steps {
		return l, fmt.Errorf("there are %d queries and %d keys, they must be as many", q.steps, k.steps)
	}
	for _, e := range ends {
		end, filled := int(e)+1, 0
		if l.queries != l.total {
			filled = end - l.queries
		}
		if filled < 0 || end < 1 || end > l.total {
			return l, fmt.Errorf("seqlens_k says that a sample has %d steps: there are %d new ones, and at most %d", end, l.queries, l.total)
		}
		l.filled, l.ends = append(l.filled, filled), append(l.ends, end)
	}
	return l, nil
}

// turn turns the pairs of the first elements of queries and keys by the angles of
// their positions, halves against each other or neighbours.
func (l lengths) turn(c *reference.Call, q, k block) error {
	if !c.Node.Bool("do_rotary", false) {
		return nil
	}
	cos, sin := c.Tensor(7), c.Tensor(8)
	s := cos.Shape()
	if len(s) != 2 || !sin.Shape().Equal(s) || 2*s[1] > q.size {
		return fmt.Errorf("cos_cache has the shape %v and sin_cache %v: they must be equal, [positions,at most %d]", s, sin.Shape(), q.size/2)
	}
	ids := c.Ints(9)
	if ids != nil && len(ids) != q.batch*l.queries {
		return unequal("position_ids", c.Tensor(9).Shape(), tensor.Shape{q.batch, l.queries})
	}
	re, im, half := cos.Float64s(), sin.Float64s(), s[1]
	var outside error
	for _, b := range []block{q, k} {
		b.each(func(n, _, i int, v []float64) {
			at := l.filled[n] + i
			switch {
			case ids != nil && l.queries == l.total:
				at = int(ids[0]) + i
			case ids != nil:
				at = int(ids[n*l.queries+i])
			}
			if at < 0 || at >= s[0] {
				outside = fmt.Errorf("position %d is outside cos_cache, which has %d", at, s[0])
				return
			}
			for e := range half {
				x, y := e, e+half
				if c.Node.Bool("rotary_interleaved", false) {
					x, y = 2*e, 2*e+1
				}
				cos, sin := re[at*half+e], im[at*half+e]
				v[x], v[y] = cos*v[x]-sin*v[y], sin*v[x]+cos*v[y]
			}
		})
	}
	return outside
}

// cached returns keys or values with those of the past (B, N, M, H) in front of
// them, max(total, M) steps, 0 behind the last.
func (l lengths) cached(b block, past *tensor.Tensor) (block, error) {
	old := block{batch: b.batch, heads: b.heads, size: b.size}
	if past != nil {
		var err error
		if old, err = read("it", past, b.heads); err != nil {
			return old, err
		}
	}
	if old.batch != b.batch || old.size != b.size || past != nil && past.Rank() != 4 {
		return old, fmt.Errorf("it has the shape %v, it must be [%d,%d,steps,%d]", past.Shape(), b.batch, b.heads, b.size)
	}
	all, err := newBlock(b.batch, b.heads, max(l.total, old.steps), b.size)
	if err != nil {
		return all, err
	}
	for n, filled := range l.filled {
		if filled > old.steps {
			return all, fmt.Errorf("it has %d steps where sample %d has %d", old.steps, n, filled)
		}
		for h := range b.heads {
			for s := range filled {
				copy(all.at(n, h, s), old.at(n, h, s))
			}
			for s := range b.steps {
				copy(all.at(n, h, filled+s), b.at(n, h, s))
			}
		}
	}
	return all, nil
}

// hidden says which keys a query does not attend to: those behind the last that
// it may see, and those before its window.
func (l lengths) hidden(c *reference.Call) func(n, i, j int) bool {
	causal, window := c.Node.Bool("causal", true), int(c.Node.Int("local_window_size", -1))
	return func(n, i, j int) bool {
		end := l.ends[n]
		if causal {
			end = min(end, l.filled[n]+i+1)
		}
		return j >= end || window > 0 && j < end-window
	}
}

// shown takes the scores of the first total keys.
func (l lengths) shown(b block) (block, error) {
	out, err := newBlock(b.batch, b.heads, b.steps, min(l.total, b.size))
	if err == nil {
		out.each(func(n, h, s int, to []float64) { copy(to, b.at(n, h, s)) })
	}
	return out, err
}
