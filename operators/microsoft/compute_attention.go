package microsoft

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/reference"
)

// computeAttention is Attention in float64, rounded once.
func computeAttention(c *reference.Call) ([]tensor.Value, error) {
	if err := checkAttention(c.Node); err != nil {
		return nil, err
	}
	d := c.Tensor(0).DType()
	q, k, v, err := project(c)
	if err != nil {
		return nil, err
	}
	var past [2]*tensor.Tensor
	if t := c.Tensor(4); t != nil {
		s := t.Shape()
		if len(s) != 5 || s[0] != 2 {
			return nil, fmt.Errorf("past has the shape %v, it must be [2,batch,heads,steps,size]", s)
		}
		half := t.Float64s()
		for i := range past {
			past[i] = tensor.FromFloat64s(d, s[1:], half[i*len(half)/2:][:len(half)/2])
		}
	}
	var filled *tensor.Tensor
	if c.Node.Bool("past_present_share_buffer", false) {
		filled = c.Tensor(6)
	}
	a, err := remember(q, k, v, past[0], past[1], filled)
	if err != nil {
		return nil, err
	}
	y, _, err := a.compute(c, c.Tensor(3), c.Tensor(5))
	if err != nil {
		return nil, err
	}
	out := []tensor.Value{y.packed(d), nil}
	if c.Node.Output(1) != nil {
		both := append(append([]float64{}, a.presentK.v...), a.presentV.v...)
		if a.presentK.extents() != a.presentV.extents() {
			return nil, fmt.Errorf("keys %v and values %v do not fit into one present", a.presentK.extents(), a.presentV.extents())
		}
		e := a.presentK.extents()
		out[1] = tensor.FromFloat64s(d, tensor.Shape{2, e[0], e[1], e[2], e[3]}, both)
	}
	return out, nil
}

// project returns the queries, keys and values of input × weights + bias.
func project(c *reference.Call) (q, k, v block, err error) {
	x, w := c.Tensor(0), c.Tensor(1)
	xs, ws := x.Shape(), w.Shape()
	if len(xs) != 3 || len(ws) != 2 || xs[2] != ws[0] {
		return q, k, v, fmt.Errorf("input has the shape %v and weights %v; [batch,steps,size] and [size,columns] are needed", xs, ws)
	}
	columns := ws[1]
	sizes := []int{columns / 3, columns / 3, columns / 3}
	for i, size := range c.Node.Ints("qkv_hidden_sizes") {
		sizes[i] = int(size)
	}
	heads := int(c.Node.Int("num_heads", 1))
	if sizes[0]+sizes[1]+sizes[2] != columns || sizes[0]%heads != 0 || sizes[2]%heads != 0 {
		return q, k, v, fmt.Errorf("%d columns do not divide into queries, keys and values of %v, and those into %d heads", columns, sizes, heads)
	}
	bias := make([]float64, columns)
	if t := c.Tensor(2); t != nil {
		if bias = t.Float64s(); len(bias) != columns {
			return q, k, v, unequal("bias", t.Shape(), tensor.Shape{columns})
		}
	}
	rows, weights := x.Float64s(), w.Float64s()
	var parts [3]block
	first := 0
	for p, size := range sizes {
		out := make([]float64, 0, xs[0]*xs[1]*size)
		for r := range xs[0] * xs[1] {
			for column := first; column < first+size; column++ {
				sum := bias[column]
				for i, a := range rows[r*xs[2]:][:xs[2]] {
					sum += a * weights[i*columns+column]
				}
				out = append(out, sum)
			}
		}
		if parts[p], err = unpack(out, xs[0], xs[1], heads, size/heads); err != nil {
			return q, k, v, err
		}
		first += size
	}
	return parts[0], parts[1], parts[2], nil
}

// remembering is attention with a past.
type remembering struct {
	q, k, v            block // with the past in front of keys and values
	past               int   // steps of it
	presentK, presentV block
}

// remember puts the past (B, N, P, H), if there is one, in front of keys and
// values. Where it is a buffer of which only so many steps are filled, the new
// steps go behind those, and the present is as long as the buffer.
func remember(q, k, v block, pastK, pastV, filled *tensor.Tensor) (remembering, error) {
	a := remembering{q: q, k: k, v: v, presentK: k, presentV: v}
	if pastK == nil {
		return a, nil
	}
	for _, side := range []struct {
		name         string
		past         *tensor.Tensor
		all, present *block
	}{{"past_key", pastK, &a.k, &a.presentK}, {"past_value", pastV, &a.v, &a.presentV}} {
		old, err := read(side.name, side.past, k.heads)
		if err != nil {
			return a, err
		}
		rest := block{batch: old.batch, heads: old.heads, size: old.size}
		if filled != nil {
			count, added := int(filled.Int64s()[0]), side.all.steps
			if old, rest, err = old.first(count); err != nil {
				return a, err
			}
			if _, rest, err = rest.first(added); err != nil {
				return a, err
			}
		}
		a.past = old.steps
		if *side.all, err = old.append(*side.all); err != nil {
			return a, err
		}
		if *side.present, err = side.all.append(rest); err != nil {
			return a, err
		}
	}
	return a, nil
}

// compute returns the result and the scores.
func (a remembering) compute(c *reference.Call, mask, bias *tensor.Tensor) (y, scores block, err error) {
	masked, err := a.mask(mask, float64(c.Node.Float("mask_filter_value", -10000)))
	if err != nil {
		return y, scores, err
	}
	biased, err := biasOf(bias, a.q, a.k.steps)
	if err != nil {
		return y, scores, err
	}
	causal := c.Node.Bool("unidirectional", false)
	s := scoring{scale: float64(c.Node.Float("scale", 0)), bias: func(n, h, i, j int) float64 {
		if causal && j > a.past+i {
			return math.Inf(-1)
		}
		return masked(n, i, j) + biased(n, h, i, j)
	}}
	y, scores, _, err = s.attend(a.q, a.k, a.v)
	return y, scores, err
}

// biasOf reads (B or 1, N or 1, S, keys).
func biasOf(t *tensor.Tensor, q block, keys int) (func(n, h, i, j int) float64, error) {
	if t == nil {
		return func(int, int, int, int) float64 { return 0 }, nil
	}
	s, v := t.Shape(), t.Float64s()
	if len(s) != 4 || s[0] != 1 && s[0] != q.batch || s[1] != 1 && s[1] != q.heads || s[2] != q.steps || s[3] != keys {
		return nil, fmt.Errorf("attention_bias has the shape %v, it must be [%d or 1,%d or 1,%d,%d]", s, q.batch, q.heads, q.steps, keys)
	}
	return func(n, h, i, j int) float64 {
		return v[((n%s[0]*s[1]+h%s[1])*s[2]+i)*s[3]+j]
	}, nil
}

// mask returns what a mask in one of its forms adds to a score: the filter where
// a key is not to be attended to.
func (a remembering) mask(t *tensor.Tensor, filter float64) (func(n, i, j int) float64, error) {
	if t == nil {
		return func(int, int, int) float64 { return 0 }, nil
	}
	batch, queries, keys := a.q.batch, a.q.steps, a.k.steps
	s, v := t.Shape(), t.Int64s()
	var allowed func(n, i, j int) bool
	fits := true
	switch len(s) {
	case 1:
		fits = s[0] == batch || s[0] == 2*batch || s[0] == 3*batch+2
		allowed = func(n, _, j int) bool {
			return int64(j) < v[n] && (s[0] != 2*batch || s[0] == batch || int64(j) >= v[batch+n])
		}
	case 2:
		if s[1] == 1 && s[1] != keys {
			return func(int, int, int) float64 { return 0 }, nil
		}
		fits = s[0] == batch && (s[1] == keys || s[1] == keys-a.past) // shorter ones leave out the past
		missing := keys - s[1]
		allowed = func(n, _, j int) bool { return j < missing || v[n*s[1]+j-missing] > 0 }
	case 3:
		fits = s.Equal(tensor.Shape{batch, queries, keys})
		allowed = func(n, i, j int) bool { return v[(n*queries+i)*keys+j] > 0 }
	case 4:
		fits = s[0] == batch && s[1] == 1 && s[2] == s[3] && s[2] >= keys
		allowed = func(n, i, j int) bool { return v[(n*s[2]+a.past+i)*s[3]+j] > 0 }
	default:
		fits = false
	}
	if !fits {
		return nil, fmt.Errorf("the mask has the shape %v, which is none of its forms for %d samples, %d queries and %d keys", s, batch, queries, keys)
	}
	return func(n, i, j int) float64 {
		if allowed(n, i, j) {
			return 0
		}
		return filter
	}, nil
}

// computeMultiHeadAttention is MultiHeadAttention in float64, rounded once.
func computeMultiHeadAttention(c *reference.Call) ([]tensor.Value, error) {
	if err := checkMultiHead(c.Node); err != nil {
		return nil, err
	}
	parts, err := separate(c)
	if err != nil {
		return nil, err
	}
	a, err := remember(parts[0], parts[1], parts[2], c.Tensor(6), c.Tensor(7), c.Tensor(8))
	if err != nil {
		return nil, err
	}
	y, scores, err := a.compute(c, c.Tensor(4), c.Tensor(5))
	if err != nil {
		return nil, err
	}
	d := c.Tensor(0).DType()
	return []tensor.Value{y.packed(d), a.presentK.tensor(d), a.presentV.tensor(d), scores.tensor(d)}, nil
}

// separate reads queries, keys and values in their forms and adds the bias.
func separate(c *reference.Call) (parts []block, err error) {
	heads := int(c.Node.Int("num_heads", 1))
	query, key, value := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	switch {
	case key == nil && query.Rank() == 5:
		parts, err = stacked("query", query, heads, 3)
	case key != nil && key.Rank() == 5 && value == nil:
		if parts, err = stacked("key", key, heads, 2); err == nil {
			var q block
			q, err = read("query", query, heads)
			parts = append([]block{q}, parts...)
		}
	case key == nil || value == nil || key.Rank() != value.Rank() || key.Rank() == 4 && (c.Has(3) || c.Has(6)):
		err = fmt.Errorf("query %v, key %v and value %v are no form of the operator; keys of rank 4 go without bias and without past", query, key, value)
	default:
		parts = make([]block, 3)
		for i, name := range []string{"query", "key", "value"} {
			if parts[i], err = read(name, c.Tensor(i), heads); err != nil {
				break
			}
		}
	}
	if err != nil || !c.Has(3) {
		return parts, err
	}
	bias, total := c.Tensor(3).Float64s(), 0
	for _, p := range parts {
		total += heads * p.size
	}
	if len(bias) != total {
		return nil, unequal("bias", c.Tensor(3).Shape(), tensor.Shape{total})
	}
	for _, p := range parts {
		p.each(func(_, h, _ int, v []float64) {
			for e := range v {
				v[e] += bias[h*p.size+e]
			}
		})
		bias = bias[heads*p.size:]
	}
	return parts, nil
}

// stacked reads count blocks from (B, S, N, count, H).
func stacked(name string, t *tensor.Tensor, heads, count int) ([]block, error) {
	s, v := t.Shape(), t.Float64s()
	if s[2] != heads || s[3] != count {
		return nil, fmt.Errorf("%s has the shape %v, it must be [batch,steps,%d,%d,size]", name, s, heads, count)
	}
	parts := make([]block, count)
	for p := range parts {
		b, err := newBlock(s[0], heads, s[1], s[4])
		if err != nil {
			return nil, err
		}
		b.each(func(n, h, i int, to []float64) { copy(to, v[(((n*s[1]+i)*heads+h)*count+p)*s[4]:][:s[4]]) })
		parts[p] = b
	}
	return parts, nil
}
