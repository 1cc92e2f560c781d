package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// heads is a tensor of attention: batch × heads × steps vectors of one size.
type heads struct {
	dtype                     tensor.DType
	batch, heads, steps, size int
	v                         []float64 // in this order
}

// headsOf reads (batch, heads, steps, size), or the packed form (batch, steps,
// heads × size), which needs the number of heads.
func headsOf(name string, t *tensor.Tensor, count int64) (heads, error) {
	s := t.Shape()
	switch {
	case len(s) == 4:
	case len(s) != 3:
		return heads{}, fmt.Errorf("%s has the shape %v, its rank must be 3 or 4", name, s)
	case count < 1 || int64(s[2])%count != 0:
		return heads{}, fmt.Errorf("%s has the shape %v, whose last axis does not divide into %d heads", name, s, count)
	default:
		split, err := t.Reshape(tensor.Shape{s[0], s[1], int(count), s[2] / int(count)})
		if err != nil {
			return heads{}, err
		}
		t = permute(split, []int{0, 2, 1, 3})
		s = t.Shape()
	}
	return heads{t.DType(), s[0], s[1], s[2], s[3], t.Float64s()}, nil
}

// newHeads returns zeros.
func newHeads(d tensor.DType, batch, count, steps, size int) (heads, error) {
	n, err := countOf(tensor.Shape{batch, count, steps, size})
	if err != nil {
		return heads{}, err
	}
	return heads{d, batch, count, steps, size, make([]float64, n)}, nil
}

// at returns one vector, which shares h's memory.
func (h heads) at(batch, head, step int) []float64 {
	return h.v[((batch*h.heads+head)*h.steps+step)*h.size:][:h.size]
}

// rows calls f for every vector in turn.
func (h heads) rows(f func(batch, head, step int, row []float64)) {
	for b := range h.batch {
		for k := range h.heads {
			for i := range h.steps {
				f(b, k, i, h.at(b, k, i))
			}
		}
	}
}

// tensor returns (batch, heads, steps, size), or the packed form (batch, steps,
// heads × size), rounded to the type.
func (h heads) tensor(packed bool) (*tensor.Tensor, error) {
	t := tensor.FromFloat64s(h.dtype, tensor.Shape{h.batch, h.heads, h.steps, h.size}, h.v)
	if !packed {
		return t, nil
	}
	return permute(t, []int{0, 2, 1, 3}).Reshape(tensor.Shape{h.batch, h.steps, h.heads * h.size})
}

// after returns past and h laid end to end along the steps.
func (h heads) after(name string, past heads) (heads, error) {
	if past.batch != h.batch || past.heads != h.heads || past.size != h.size || past.dtype != h.dtype {
		return heads{}, fmt.Errorf("the past of the %s is %v [%d,%d,…,%d], it must be %v [%d,%d,…,%d]", name,
			past.dtype, past.batch, past.heads, past.size, h.dtype, h.batch, h.heads, h.size)
	}
	all, err := newHeads(h.dtype, h.batch, h.heads, past.steps+h.steps, h.size)
	if err != nil {
		return heads{}, err
	}
	for b := range h.batch {
		for k := range h.heads {
			for i := range all.steps {
				from, step := past, i
				if i >= past.steps {
					from, step = h, i-past.steps
				}
				copy(all.at(b, k, i), from.at(b, k, step))
			}
		}
	}
	return all, nil
}

// checkHeads holds queries, keys and values against each other: as many keys as
// values, vectors that fit, and a number of query heads that the others divide.
func checkHeads(q, k, v heads) error {
	switch {
	case k.batch != q.batch || v.batch != q.batch:
		return fmt.Errorf("Q, K and V have the batch sizes %d, %d and %d, they must be equal", q.batch, k.batch, v.batch)
	case k.heads != v.heads || k.steps != v.steps:
		return fmt.Errorf("K has %d heads of %d keys, V %d heads of %d values: they must be as many", k.heads, k.steps, v.heads, v.steps)
	case k.size != q.size:
		return fmt.Errorf("the vectors of Q have %d elements, those of K %d: they must be as many", q.size, k.size)
	case k.heads == 0 && q.heads != 0 || k.heads != 0 && q.heads%k.heads != 0:
		return fmt.Errorf("%d heads of queries do not divide among %d heads of keys", q.heads, k.heads)
	}
	return nil
}
