package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{
	"RNN":  rnn,
	"GRU":  gru,
	"LSTM": lstm,
}

// rnn: Ht = f(Xt·Wᵀ + Ht-1·Rᵀ + Wb + Rb).
func rnn(c *Call) ([]tensor.Value, error) {
	r, err := newRecurrence(c, "Tanh")
	if err != nil {
		return nil, err
	}
	y, h, _ := r.run(func(k *direction, x, h, _ []float64) ([]float64, []float64) {
		return each(k.act[0], plus(k.input(0, x), k.hidden(0, h))), nil
	})
	return []tensor.Value{y, h}, nil
}

// gru, with gates in the order z (update), r (reset), h (hidden):
// Ht = (1 - zt) ⊙ ht + zt ⊙ Ht-1.
func gru(c *Call) ([]tensor.Value, error) {
	r, err := newRecurrence(c, "Sigmoid", "Tanh")
	if err != nil {
		return nil, err
	}
	linearFirst := c.Node.Bool("linear_before_reset", false)
	y, h, _ := r.run(func(k *direction, x, h, _ []float64) ([]float64, []float64) {
		f, g := k.act[0], k.act[1]
		update := each(f, plus(k.input(0, x), k.hidden(0, h)))
		reset := each(f, plus(k.input(1, x), k.hidden(1, h)))
		var past []float64
		if linearFirst {
			past = times(reset, k.hidden(2, h))
		} else {
			past = k.hidden(2, times(reset, h))
		}
		next := each(g, plus(k.input(2, x), past))
		for i, z := range update {
			next[i] = (1-z)*next[i] + z*h[i]
		}
		return next, nil
	})
	return []tensor.Value{y, h}, nil
}

// lstm, with gates in the order i (input), o (output), f (forget), c (cell) and
// peepholes in the order i, o, f: Ct = ft ⊙ Ct-1 + it ⊙ ct, Ht = ot ⊙ h(Ct).
// With input_forget, ft = 1 - it.
func lstm(c *Call) ([]tensor.Value, error) {
	r, err := newRecurrence(c, "Sigmoid", "Tanh", "Tanh")
	if err != nil {
		return nil, err
	}
	coupled := c.Node.Bool("input_forget", false)
	y, h, cell := r.run(func(k *direction, x, h, past []float64) ([]float64, []float64) {
		f, g, out := k.act[0], k.act[1], k.act[2]
		linear := func(gate int) []float64 { return plus(k.input(gate, x), k.hidden(gate, h)) }
		in := each(f, plus(linear(0), k.peephole(0, past)))
		forget := make([]float64, len(in))
		for i := range forget {
			forget[i] = 1 - in[i]
		}
		if !coupled {
			forget = each(f, plus(linear(2), k.peephole(2, past)))
		}
		next := plus(times(forget, past), times(in, each(g, linear(3))))
		gate := each(f, plus(linear(1), k.peephole(1, next)))
		return times(gate, each(out, next)), next
	})
	return []tensor.Value{y, h, cell}, nil
}

// recurrence is one recurrent node made ready to run.
type recurrence struct {
	call                      *Call
	dtype                     tensor.DType
	seq, batch, input, hidden int
	batchFirst                bool // layout 1
	x                         []float64
	lens                      []int // per batch row
	h, c                      []float64
	directions                []*direction
}

// direction is one direction's share of the weights.
type direction struct {
	reverse bool
	in, n   int       // input and hidden size
	w, r    []float64 // [gates, n, in], [gates, n, n]
	wb, rb  []float64 // [gates, n], or nil
	p       []float64 // peepholes [3, n], or nil
	act     []func(float64) float64
}

// newRecurrence reads what RNN, GRU and LSTM have in common. The activations
// are the default ones, as many as a direction has.
func newRecurrence(c *Call, activations ...string) (*recurrence, error) {
	gates := map[int]int{1: 1, 2: 3, 3: 4}[len(activations)] // RNN, GRU, LSTM
	x, w, r := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	if x == nil || w == nil || r == nil || x.Rank() != 3 || w.Rank() != 3 || r.Rank() != 3 {
		return nil, fmt.Errorf("X, W and R must be tensors of rank 3")
	}
	q := &recurrence{
		call: c, dtype: x.DType(), seq: x.Shape()[0], batch: x.Shape()[1], input: x.Shape()[2],
		hidden: r.Shape()[2], batchFirst: c.Node.Bool("layout", false), x: x.Float64s(),
	}
	if q.batchFirst {
		q.seq, q.batch = q.batch, q.seq
	}
	if size := c.Node.Int("hidden_size", int64(q.hidden)); size != int64(q.hidden) {
		return nil, fmt.Errorf("hidden_size is %d, but R of shape %v is for %d", size, r.Shape(), q.hidden)
	}
	reverses, err := directionsOf(c.Node.Text("direction", "forward"))
	if err != nil {
		return nil, err
	}
	if err := q.checkShapes(c, len(reverses), gates); err != nil {
		return nil, err
	}
	if _, err := countOf(tensor.Shape{q.seq, len(reverses), q.batch, q.hidden}); err != nil {
		return nil, err
	}
	if q.lens, err = q.lengths(c); err != nil {
		return nil, err
	}
	acts, err := recurrentActivations(c.Node, len(reverses), activations)
	if err != nil {
		return nil, err
	}
	for d, reverse := range reverses {
		k := &direction{reverse: reverse, in: q.input, n: q.hidden, act: acts[d*len(activations):][:len(activations)]}
		k.w, k.r = share(w, d), share(r, d)
		if b := c.Tensor(3); b != nil {
			both := share(b, d)
			k.wb, k.rb = both[:len(both)/2], both[len(both)/2:]
		}
		if p := c.Tensor(7); p != nil {
			k.p = share(p, d)
		}
		q.directions = append(q.directions, k)
	}
	q.h, q.c = q.initial(c.Tensor(5)), q.initial(c.Tensor(6))
	return q, nil
}

// directionsOf returns, for each direction that runs, whether it is backward.
func directionsOf(name string) ([]bool, error) {
	switch name {
	case "forward":
		return []bool{false}, nil
	case "reverse":
		return []bool{true}, nil
	case "bidirectional":
		return []bool{false, true}, nil
	}
	return nil, fmt.Errorf("direction %q is none of forward, reverse, bidirectional", name)
}

// checkShapes holds every input against the extents that X, R and the direction
// imply.
func (q *recurrence) checkShapes(c *Call, directions, gates int) error {
	state := tensor.Shape{directions, q.batch, q.hidden}
	if q.batchFirst {
		state = tensor.Shape{q.batch, directions, q.hidden}
	}
	want := []struct {
		name  string
		shape tensor.Shape
	}{
		1: {"W", tensor.Shape{directions, gates * q.hidden, q.input}},
		2: {"R", tensor.Shape{directions, gates * q.hidden, q.hidden}},
		3: {"B", tensor.Shape{directions, 2 * gates * q.hidden}},
		4: {"sequence_lens", tensor.Shape{q.batch}},
		5: {"initial_h", state},
		6: {"initial_c", state},
		7: {"P", tensor.Shape{directions, 3 * q.hidden}},
	}
	for i := 1; i < len(want); i++ {
		if t := c.Tensor(i); t != nil && !t.Shape().Equal(want[i].shape) {
			return fmt.Errorf("%s has shape %v, it must be %v for X of shape %v and hidden size %d",
				want[i].name, t.Shape(), want[i].shape, c.Tensor(0).Shape(), q.hidden)
		}
	}
	return nil
}

// lengths returns how many steps each batch row has.
func (q *recurrence) lengths(c *Call) ([]int, error) {
	lens := make([]int, q.batch)
	given := c.Ints(4)
	for b := range lens {
		lens[b] = q.seq
		if given == nil {
			continue
		}
		if given[b] < 0 || given[b] > int64(q.seq) {
			return nil, fmt.Errorf("sequence_lens[%d] is %d, outside [0, %d]", b, given[b], q.seq)
		}
		lens[b] = int(given[b])
	}
	return lens, nil
}

// initial returns a state's first values in the node's layout, zero without t.
func (q *recurrence) initial(t *tensor.Tensor) []float64 {
	if t == nil {
		return make([]float64, len(q.directions)*q.batch*q.hidden)
	}
	return t.Float64s()
}

// share returns the d-th slice of a tensor along its first axis.
func share(t *tensor.Tensor, d int) []float64 {
	size := t.Shape()[1:].Size()
	return t.Float64s()[d*size:][:size]
}

// run steps through every sequence and returns Y, Y_h and Y_c. Steps behind the
// end of a sequence are zero in Y and change no state.
func (q *recurrence) run(cell func(k *direction, x, h, c []float64) (nextH, nextC []float64)) (y, h, c *tensor.Tensor) {
	dirs := len(q.directions)
	yShape, state := tensor.Shape{q.seq, dirs, q.batch, q.hidden}, tensor.Shape{dirs, q.batch, q.hidden}
	if q.batchFirst {
		yShape, state = tensor.Shape{q.batch, q.seq, dirs, q.hidden}, tensor.Shape{q.batch, dirs, q.hidden}
	}
	all := make([]float64, yShape.Size())
	for d, k := range q.directions {
		for b := range q.batch {
			at := d*q.batch + b
			if q.batchFirst {
				at = b*dirs + d
			}
			h, c := q.h[at*q.hidden:][:q.hidden], q.c[at*q.hidden:][:q.hidden]
			for step := range q.lens[b] {
				q.call.checkpoint()
				t := step
				if k.reverse {
					t = q.lens[b] - 1 - step
				}
				xAt, yAt := t*q.batch+b, (t*dirs+d)*q.batch+b
				if q.batchFirst {
					xAt, yAt = b*q.seq+t, (b*q.seq+t)*dirs+d
				}
				nextH, nextC := cell(k, q.x[xAt*q.input:][:q.input], h, c)
				copy(h, nextH)
				copy(c, nextC)
				copy(all[yAt*q.hidden:], h)
			}
		}
	}
	round := func(s tensor.Shape, v []float64) *tensor.Tensor { return tensor.FromFloat64s(q.dtype, s, v) }
	return round(yShape, all), round(state, q.h), round(state, q.c)
}

// input returns x·Wᵀ + Wb of one gate.
func (k *direction) input(gate int, x []float64) []float64 {
	return affine(k.w, k.wb, gate, k.n, x)
}

// hidden returns h·Rᵀ + Rb of one gate.
func (k *direction) hidden(gate int, h []float64) []float64 {
	return affine(k.r, k.rb, gate, k.n, h)
}

// peephole returns P ⊙ c of one gate, zero without peepholes.
func (k *direction) peephole(gate int, c []float64) []float64 {
	if k.p == nil {
		return make([]float64, k.n)
	}
	return times(k.p[gate*k.n:][:k.n], c)
}

func affine(weights, bias []float64, gate, n int, v []float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		row := gate*n + i
		if bias != nil {
			out[i] = bias[row]
		}
		for k, w := range weights[row*len(v):][:len(v)] {
			out[i] += w * v[k]
		}
	}
	return out
}

func plus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i] + b[i]
	}
	return out
}

func times(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i] * b[i]
	}
	return out
}

func each(f func(float64) float64, v []float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}
