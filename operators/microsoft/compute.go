package microsoft

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// block is what attention works on: batch × heads × steps vectors of one size.
type block struct {
	batch, heads, steps, size int
	v                         []float64 // in this order
}

func newBlock(batch, heads, steps, size int) (block, error) {
	n, err := tensor.Shape{batch, heads, steps, size}.Elements()
	if err != nil {
		return block{}, err
	}
	return block{batch, heads, steps, size, make([]float64, n)}, nil
}

// at returns one vector, which shares b's memory.
func (b block) at(sample, head, step int) []float64 {
	return b.v[((sample*b.heads+head)*b.steps+step)*b.size:][:b.size]
}

// each calls f for every vector.
func (b block) each(f func(sample, head, step int, v []float64)) {
	for n := range b.batch {
		for h := range b.heads {
			for s := range b.steps {
				f(n, h, s, b.at(n, h, s))
			}
		}
	}
}

// read returns a block (B, N, S, H), or one packed as (B, S, N × H).
func read(name string, t *tensor.Tensor, heads int) (block, error) {
	s := t.Shape()
	if len(s) == 4 {
		if s[1] != heads {
			return block{}, fmt.Errorf("%s has the shape %v, it must have %d heads", name, s, heads)
		}
		return block{s[0], s[1], s[2], s[3], t.Float64s()}, nil
	}
	if len(s) != 3 || s[2]%heads != 0 {
		return block{}, fmt.Errorf("%s has the shape %v: three axes are needed, the last a multiple of %d heads", name, s, heads)
	}
	return unpack(t.Float64s(), s[0], s[1], heads, s[2]/heads)
}

// unpack returns a block of vectors that lie as (batch, steps, heads, size).
func unpack(v []float64, batch, steps, heads, size int) (block, error) {
	b, err := newBlock(batch, heads, steps, size)
	if err == nil {
		b.each(func(n, h, s int, to []float64) { copy(to, v[((n*steps+s)*heads+h)*size:][:size]) })
	}
	return b, err
}

// packed returns (B, S, N × H).
func (b block) packed(d tensor.DType) *tensor.Tensor {
	out := make([]float64, len(b.v))
	b.each(func(n, h, s int, from []float64) { copy(out[((n*b.steps+s)*b.heads+h)*b.size:][:b.size], from) })
	return tensor.FromFloat64s(d, tensor.Shape{b.batch, b.steps, b.heads * b.size}, out)
}

// tensor returns (B, N, S, H).
func (b block) tensor(d tensor.DType) *tensor.Tensor {
	return tensor.FromFloat64s(d, tensor.Shape{b.batch, b.heads, b.steps, b.size}, b.v)
}

// first returns the first so many steps, and the rest.
func (b block) first(steps int) (head, rest block, err error) {
	if steps < 0 || steps > b.steps {
		return block{}, block{}, fmt.Errorf("%d steps of a past of %d are said to be filled", steps, b.steps)
	}
	if head, err = newBlock(b.batch, b.heads, steps, b.size); err != nil {
		return head, rest, err
	}
	if rest, err = newBlock(b.batch, b.heads, b.steps-steps, b.size); err != nil {
		return head, rest, err
	}
	b.each(func(n, h, s int, from []float64) {
		if s < steps {
			copy(head.at(n, h, s), from)
		} else {
			copy(rest.at(n, h, s-steps), from)
		}
	})
	return head, rest, nil
}

// append returns b with the steps of next behind its own.
func (b block) append(next block) (block, error) {
	if b.batch != next.batch || b.heads != next.heads || b.size != next.size {
		return block{}, fmt.Errorf("a past of (batch, heads, size) (%d, %d, %d) does not fit new steps of (%d, %d, %d)",
			b.batch, b.heads, b.size, next.batch, next.heads, next.size)
	}
	all, err := newBlock(b.batch, b.heads, b.steps+next.steps, b.size)
	if err != nil {
		return all, err
	}
	b.each(func(n, h, s int, from []float64) { copy(all.at(n, h, s), from) })
	next.each(func(n, h, s int, from []float64) { copy(all.at(n, h, b.steps+s), from) })
	return all, nil
}

// scoring turns queries and keys into weights.
type scoring struct {
	scale, softcap float64
	bias           func(n, h, i, j int) float64 // added to a score
	hidden         func(n, i, j int) bool       // whether a key is left out; nil if none is
	sink           []float64                    // by head, what takes part in the sum without a value; nil for none
}

// attend returns softmax(scale Q·Kᵀ + bias)·V, the biased scores and the weights.
// Heads of queries share those of keys in turn.
func (s scoring) attend(q, k, v block) (y, scores, weights block, err error) {
	switch {
	case k.batch != q.batch || v.batch != q.batch || k.heads != v.heads || k.steps != v.steps || k.size != q.size:
		err = fmt.Errorf("queries %v, keys %v and values %v (batch, heads, steps, size) do not fit", q.extents(), k.extents(), v.extents())
		return y, scores, weights, err
	case s.scale == 0:
		s.scale = 1 / math.Sqrt(float64(q.size))
	}
	if y, err = newBlock(q.batch, q.heads, q.steps, v.size); err != nil {
		return y, scores, weights, err
	}
	if scores, err = newBlock(q.batch, q.heads, q.steps, k.steps); err != nil {
		return y, scores, weights, err
	}
	if weights, err = newBlock(q.batch, q.heads, q.steps, k.steps); err != nil {
		return y, scores, weights, err
	}
	q.each(func(n, h, i int, query []float64) {
		group := h * k.heads / q.heads
		row, w := scores.at(n, h, i), weights.at(n, h, i)
		for j := range row {
			for e, x := range k.at(n, group, j) {
				row[j] += s.scale * x * query[e]
			}
			if s.softcap != 0 {
				row[j] = s.softcap * math.Tanh(row[j]/s.softcap)
			}
			row[j] += s.bias(n, h, i, j)
			if w[j] = row[j]; s.hidden != nil && s.hidden(n, i, j) {
				w[j] = math.Inf(-1)
			}
		}
		s.normalize(w, h)
		for j, x := range w {
			for e, value := range v.at(n, group, j) {
				y.at(n, h, i)[e] += x * value
			}
		}
	})
	return y, scores, weights, nil
}

// normalize changes scores into weights; 0 where everything is left out.
func (s scoring) normalize(w []float64, head int) {
	most, sum := math.Inf(-1), 0.0
	for _, x := range w {
		most = max(most, x)
	}
	if s.sink != nil {
		most = max(most, s.sink[head])
		sum = math.Exp(s.sink[head] - most)
	}
	if math.IsInf(most, -1) {
		clear(w)
		return
	}
	for j, x := range w {
		w[j] = math.Exp(x - most)
		sum += w[j]
	}
	for j := range w {
		w[j] /= sum
	}
}

func (b block) extents() [4]int { return [4]int{b.batch, b.heads, b.steps, b.size} }
