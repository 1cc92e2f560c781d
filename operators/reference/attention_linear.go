package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// linearAttention carries a state S of d_k × d_v for every head of keys through
// the steps. With gates S shrinks by exp(decay) before, with deltas only the
// part of the value that S does not give back already is written:
// S += k ⊗ β(v - Sᵀk), or else S += k ⊗ v. A query reads scale Sᵀq.
func linearAttention(c *Call) ([]tensor.Value, error) {
	n := c.Node
	rule := n.Text("update_rule", "gated_delta")
	gated := rule == "gated" || rule == "gated_delta"
	delta := rule == "delta" || rule == "gated_delta"
	if !gated && !delta && rule != "linear" {
		return nil, fmt.Errorf("update_rule %q is none of linear, gated, delta, gated_delta", rule)
	}
	kv := n.Int("kv_num_heads", 0)
	q, err := packedHeads(c, "query", 0, n.Int("q_num_heads", 0))
	if err != nil {
		return nil, err
	}
	k, err := packedHeads(c, "key", 1, kv)
	if err != nil {
		return nil, err
	}
	v, err := packedHeads(c, "value", 2, kv)
	if err != nil {
		return nil, err
	}
	if err := checkHeads(q, k, v); err != nil {
		return nil, err
	}
	if q.steps != k.steps {
		return nil, fmt.Errorf("there are %d queries and %d keys, they must be as many", q.steps, k.steps)
	}
	var decay, beta heads
	if gated {
		if decay, err = perStep(c, "decay", 4, k, k.size); err != nil {
			return nil, err
		}
	}
	if delta {
		if beta, err = perStep(c, "beta", 5, k, 1); err != nil {
			return nil, err
		}
	}
	state, err := linearState(c, k, v)
	if err != nil {
		return nil, err
	}
	y, err := newHeads(q.dtype, q.batch, q.heads, q.steps, v.size)
	if err != nil {
		return nil, err
	}
	scale := float64(n.Float("scale", 0))
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(k.size))
	}
	k.rows(func(b, h, i int, key []float64) { // the steps of a head follow each other
		c.checkpoint()
		write := v.at(b, h, i)
		if gated {
			for d := range key {
				multiplyBy(state.at(b, h, d), math.Exp(narrow(decay, b, h, i, d)))
			}
		}
		if delta {
			write = unread(state, b, h, key, write, narrow(beta, b, h, i, 0))
		}
		for d, x := range key {
			for e, w := range write {
				state.at(b, h, d)[e] += x * w
			}
		}
		for reader := range q.heads / k.heads {
			reader += h * (q.heads / k.heads)
			for d, x := range q.at(b, reader, i) {
				for e, s := range state.at(b, h, d) {
					y.at(b, reader, i)[e] += scale * x * s
				}
			}
		}
	})
	out, err := y.tensor(true)
	if err != nil {
		return nil, err
	}
	last, err := state.tensor(false)
	if err != nil {
		return nil, err
	}
	return []tensor.Value{out, last}, nil
}

func packedHeads(c *Call, name string, i int, count int64) (heads, error) {
	if t := c.Tensor(i); t == nil || t.Rank() != 3 {
		return heads{}, fmt.Errorf("%s must be a tensor of rank 3", name)
	}
	return headsOf(name, c.Tensor(i), count)
}

// perStep reads an input of (batch, steps, heads × size), (batch, steps, heads)
// or, where size is 1, (batch, steps, 1).
func perStep(c *Call, name string, i int, k heads, size int) (heads, error) {
	t := c.Tensor(i)
	if t == nil || t.Rank() != 3 || t.Shape()[0] != k.batch || t.Shape()[1] != k.steps {
		return heads{}, fmt.Errorf("%s is needed and must have the shape [%d,%d,…]", name, k.batch, k.steps)
	}
	count := k.heads
	switch last := t.Shape()[2]; {
	case last == k.heads, last == k.heads*size:
	case last == 1 && size == 1:
		count = 1
	default:
		return heads{}, fmt.Errorf("%s has the shape %v, its last axis fits neither %d heads nor %d times %d", name, t.Shape(), k.heads, k.heads, size)
	}
	return headsOf(name, t, int64(count))
}

// narrow returns element d of a vector that may stand for all heads, and whose
// one element may stand for all.
func narrow(h heads, batch, head, step, d int) float64 {
	return h.at(batch, min(head, h.heads-1), step)[min(d, h.size-1)]
}

// linearState returns the state at first: the past one, or zero of the type of
// the queries.
func linearState(c *Call, k, v heads) (heads, error) {
	if !c.Has(3) {
		return newHeads(k.dtype, k.batch, k.heads, k.size, v.size)
	}
	want := tensor.Shape{k.batch, k.heads, k.size, v.size}
	if got := c.Tensor(3).Shape(); !got.Equal(want) {
		return heads{}, fmt.Errorf("past_state has the shape %v, it must be %v", got, want)
	}
	return headsOf("past_state", c.Tensor(3), 0)
}

func multiplyBy(v []float64, by float64) {
	for i := range v {
		v[i] *= by
	}
}

// unread returns β(v - Sᵀk).
func unread(state heads, b, h int, key, value []float64, beta float64) []float64 {
	out := make([]float64, len(value))
	copy(out, value)
	for d, x := range key {
		for e, s := range state.at(b, h, d) {
			out[e] -= x * s
		}
	}
	multiplyBy(out, beta)
	return out
}
