package cpu

import (
	"cmp"
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
)

// recurrenceTask is one run of a recurrence.
type recurrenceTask struct {
	w                 *recurrence
	ctx               context.Context
	x, firstH, firstC []float32
	y, lastH, lastC   []float32 // outputs; nil where they are not asked for
	weights           []recurrentWeights
	directions        [2]direction
}

// direction is what a run works with in one direction.
type direction struct {
	*recurrenceTask
	dir         int
	product     productTask
	inputs      []float32 // (seq, batch, gates × hidden): the products of the input
	sums        []float32 // (batch, gates × hidden): those of the state
	h, c, other []float32 // (batch, hidden): the state, and what the reset gate lets through
	at          int       // the step in inputs
	err         error     // that ended it early
}

func (w *recurrence) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w, t.ctx = w, ctx
	if err := t.operands(c); err != nil {
		return err
	}
	rows, state := w.cell.gates*w.hidden, w.batch*w.hidden
	room, err := w.device.scratch.take(w.dirs * ((w.seq+1)*w.batch*rows + 3*state) * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	rest := room
	for dir := range w.dirs {
		d := &t.directions[dir]
		d.recurrenceTask, d.dir = t, dir
		for _, part := range []struct {
			to *[]float32
			n  int
		}{{&d.inputs, w.seq * w.batch * rows}, {&d.sums, w.batch * rows}, {&d.h, state}, {&d.c, state}, {&d.other, state}} {
			*part.to = floats(rest, part.n)
			rest = rest[part.n*4:]
		}
		if err := d.begin(); err != nil {
			return err
		}
	}
	return cmp.Or(w.device.divide(ctx, w.dirs, t), t.directions[0].err, t.directions[1].err)
}

// operands finds inputs and outputs.
func (t *recurrenceTask) operands(c *operators.Call) error {
	w := t.w
	var list [7][]float32
	for _, i := range []int{0, 1, 2, 3, 5, 6} {
		if !has(c, i) {
			continue
		}
		var err error
		if list[i], err = input[float32](c, i); err != nil {
			return err
		}
	}
	t.x, t.firstH, t.firstC = list[0], list[5], list[6]
	if w.packed != nil {
		t.weights = *w.packed
	} else {
		t.weights = w.pack(list[1], list[2], list[3])
	}
	for i, o := range []struct {
		to    *[]float32
		shape tensor.Shape
	}{{&t.y, w.states}, {&t.lastH, w.state}, {&t.lastC, w.state}} {
		if w.node.Output(i) == nil {
			continue
		}
		var err error
		if *o.to, err = output[float32](c, i, tensor.Float32, o.shape); err != nil {
			return err
		}
	}
	return nil
}

// begin computes the products of the input for all steps, and the first state.
func (d *direction) begin() error {
	w, weights := d.w, &d.weights[d.dir]
	rows, state := w.cell.gates*w.hidden, w.batch*w.hidden
	d.product.Product = matrix.Product{
		M: w.seq * w.batch, N: rows, K: w.input, A: d.x, AStep: w.input, PackedB: weights.input, C: d.inputs, CStep: rows, Row: weights.bias,
		Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	for _, s := range []struct{ to, from []float32 }{{d.h, d.firstH}, {d.c, d.firstC}} {
		clear(s.to)
		if s.from != nil {
			copy(s.to, s.from[d.dir*state:])
		}
	}
	return w.device.multiply(d.ctx, &d.product)
}

// Do implements parallel.Task: it runs one direction through all steps. Products of
// the state are divided among threads that have nothing else to do.
func (t *recurrenceTask) Do(_, dir int) {
	w, d := t.w, &t.directions[dir]
	state := w.batch * w.hidden
	for step := range w.seq {
		d.at = step
		if w.reverse[dir] {
			d.at = w.seq - 1 - step
		}
		if d.err = d.step(); d.err != nil {
			return
		}
		if t.y != nil {
			copy(t.y[(d.at*w.dirs+dir)*state:], d.h)
		}
	}
	if t.lastH != nil {
		copy(t.lastH[dir*state:], d.h)
	}
	if t.lastC != nil {
		copy(t.lastC[dir*state:], d.c)
	}
}

// step computes the next state.
func (d *direction) step() error {
	w, weights := d.w, &d.weights[d.dir]
	rows := w.cell.gates * w.hidden
	columns := rows
	if w.cell.lastApart {
		columns -= w.hidden
	}
	p := matrix.Product{
		M: w.batch, N: columns, K: w.hidden, A: d.h, AStep: w.hidden, PackedB: weights.state, C: d.sums, CStep: rows,
		Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	if w.cell.joint {
		p.D, p.DStep = d.inputs[d.at*w.batch*rows:], rows
	} else {
		p.Row = weights.rest
	}
	d.product.Product = p
	if err := w.device.multiply(d.ctx, &d.product); err != nil {
		return err
	}
	if w.cell.lastApart {
		if err := d.lastGate(); err != nil {
			return err
		}
	}
	for b := range w.batch {
		w.cell.step(d, b)
	}
	return nil
}

// lastGate computes the sums of a GRU's hidden gate: its recurrent product is of
// the state that the reset gate has let through.
func (d *direction) lastGate() error {
	w, weights := d.w, &d.weights[d.dir]
	n, rows := w.hidden, w.cell.gates*w.hidden
	for b := range w.batch {
		gates := d.sums[b*rows:][:2*n]
		vector.Sigmoid(gates, gates, 0, 0)
		vector.MulFloat32.Both(d.other[b*n:][:n], gates[n:], d.h[b*n:])
	}
	d.product.Product = matrix.Product{
		M: w.batch, N: n, K: n, A: d.other, AStep: n, PackedB: weights.last, C: d.sums[2*n:], CStep: rows,
		D: d.inputs[d.at*w.batch*rows+2*n:], DStep: rows, Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	return w.device.multiply(d.ctx, &d.product)
}

// lstm computes, with gates in the order i (input), o (output), f (forget),
// c (cell): C = f ⊙ C + i ⊙ c, H = o ⊙ tanh C.
func (d *direction) lstm(b int) {
	n := d.w.hidden
	gates, c, h := d.sums[b*4*n:][:4*n], d.c[b*n:][:n], d.h[b*n:][:n]
	vector.Sigmoid(gates[:3*n], gates[:3*n], 0, 0)
	vector.Tanh(gates[3*n:], gates[3*n:], 0, 0)
	in, out, forget, candidate := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:]
	vector.MulFloat32.Both(c, c, forget)
	vector.MulFloat32.Both(candidate, candidate, in)
	vector.AddFloat32.Both(c, c, candidate)
	vector.Tanh(h, c, 0, 0)
	vector.MulFloat32.Both(h, h, out)
}

// gru computes, with gates in the order z (update), r (reset), h (hidden), of
// which the first two are done: H = (1 - z) ⊙ tanh h + z ⊙ H.
func (d *direction) gru(b int) {
	n := d.w.hidden
	gates := d.sums[b*3*n:][:3*n]
	d.blend(b, gates[:n], gates[2*n:])
}

// gruApart is gru with h = x's product + r ⊙ H's product, and nothing done yet.
func (d *direction) gruApart(b int) {
	n := d.w.hidden
	gates, inputs := d.sums[b*3*n:][:3*n], d.inputs[(d.at*d.w.batch+b)*3*n:][:3*n]
	vector.AddFloat32.Both(gates[:2*n], gates[:2*n], inputs)
	vector.Sigmoid(gates[:2*n], gates[:2*n], 0, 0)
	update, reset, hidden := gates[:n], gates[n:2*n], gates[2*n:]
	vector.MulFloat32.Both(hidden, hidden, reset)
	vector.AddFloat32.Both(hidden, hidden, inputs[2*n:])
	d.blend(b, update, hidden)
}

// blend sets the state to (1 - z) ⊙ tanh v + z ⊙ state.
func (d *direction) blend(b int, z, v []float32) {
	h := d.h[b*len(z):][:len(z)]
	vector.Tanh(v, v, 0, 0)
	vector.SubFloat32.Both(h, h, v)
	vector.MulFloat32.Both(h, h, z)
	vector.AddFloat32.Both(h, h, v)
}

// rnn computes H = tanh of the sums.
func (d *direction) rnn(b int) {
	n := d.w.hidden
	vector.Tanh(d.h[b*n:][:n], d.sums[b*n:][:n], 0, 0)
}

// rectified is rnn with H = max(sums, 0).
func (d *direction) rectified(b int) {
	n := d.w.hidden
	vector.MaxFloat32.Right(d.h[b*n:][:n], d.sums[b*n:][:n], 0)
}
