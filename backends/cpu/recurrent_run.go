package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
)

// recurrenceTask is one run of a recurrence.
type recurrenceTask struct {
	w                 *recurrence
	x, firstH, firstC []float32
	y, lastH, lastC   []float32 // outputs; nil where they are not asked for
	weights           []recurrentWeights
	product           productTask
	inputs            []float32 // (seq, batch, gates × hidden): the products of the input
	sums              []float32 // (batch, gates × hidden): those of the state
	h, c, other       []float32 // (batch, hidden): the state, and what the reset gate lets through
	at                int       // the step in inputs
}

func (w *recurrence) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	if err := t.operands(c); err != nil {
		return err
	}
	rows, state := w.cell.gates*w.hidden, w.batch*w.hidden
	room, err := w.device.scratch.take(((w.seq+1)*w.batch*rows + 3*state) * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	rest := room
	for _, part := range []struct {
		to *[]float32
		n  int
	}{{&t.inputs, w.seq * w.batch * rows}, {&t.sums, w.batch * rows}, {&t.h, state}, {&t.c, state}, {&t.other, state}} {
		*part.to = floats(rest, part.n)
		rest = rest[part.n*4:]
	}
	for dir := range w.dirs {
		if err := t.direction(ctx, dir); err != nil {
			return err
		}
	}
	return nil
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
	state := tensor.Shape{w.dirs, w.batch, w.hidden}
	for i, o := range []struct {
		to    *[]float32
		shape tensor.Shape
	}{{&t.y, tensor.Shape{w.seq, w.dirs, w.batch, w.hidden}}, {&t.lastH, state}, {&t.lastC, state}} {
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

// direction runs one direction through all steps.
func (t *recurrenceTask) direction(ctx context.Context, dir int) error {
	w, weights := t.w, &t.weights[dir]
	rows, state := w.cell.gates*w.hidden, w.batch*w.hidden
	t.product.Product = matrix.Product{
		M: w.seq * w.batch, N: rows, K: w.input, A: t.x, AStep: w.input, PackedB: weights.input, C: t.inputs, CStep: rows, Row: weights.bias,
		Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	if err := w.device.multiply(ctx, &t.product); err != nil {
		return err
	}
	for _, s := range []struct{ to, from []float32 }{{t.h, t.firstH}, {t.c, t.firstC}} {
		clear(s.to)
		if s.from != nil {
			copy(s.to, s.from[dir*state:])
		}
	}
	for step := range w.seq {
		t.at = step
		if w.reverse[dir] {
			t.at = w.seq - 1 - step
		}
		if err := t.step(ctx, weights); err != nil {
			return err
		}
		if t.y != nil {
			copy(t.y[(t.at*w.dirs+dir)*state:], t.h)
		}
	}
	if t.lastH != nil {
		copy(t.lastH[dir*state:], t.h)
	}
	if t.lastC != nil {
		copy(t.lastC[dir*state:], t.c)
	}
	return nil
}

// step computes the next state.
func (t *recurrenceTask) step(ctx context.Context, weights *recurrentWeights) error {
	w := t.w
	rows := w.cell.gates * w.hidden
	columns := rows
	if w.cell.lastApart {
		columns -= w.hidden
	}
	p := matrix.Product{
		M: w.batch, N: columns, K: w.hidden, A: t.h, AStep: w.hidden, PackedB: weights.state, C: t.sums, CStep: rows,
		Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	if w.cell.joint {
		p.D, p.DStep = t.inputs[t.at*w.batch*rows:], rows
	} else {
		p.Row = weights.rest
	}
	t.product.Product = p
	if err := w.device.multiply(ctx, &t.product); err != nil {
		return err
	}
	if w.cell.lastApart {
		if err := t.lastGate(ctx, weights); err != nil {
			return err
		}
	}
	for b := range w.batch {
		w.cell.step(t, b)
	}
	return nil
}

// lastGate computes the sums of a GRU's hidden gate: its recurrent product is of
// the state that the reset gate has let through.
func (t *recurrenceTask) lastGate(ctx context.Context, weights *recurrentWeights) error {
	w := t.w
	n, rows := w.hidden, w.cell.gates*w.hidden
	for b := range w.batch {
		gates := t.sums[b*rows:][:2*n]
		vector.Sigmoid(gates, gates, 0, 0)
		vector.MulFloat32.Both(t.other[b*n:][:n], gates[n:], t.h[b*n:])
	}
	t.product.Product = matrix.Product{
		M: w.batch, N: n, K: n, A: t.other, AStep: n, PackedB: weights.last, C: t.sums[2*n:], CStep: rows,
		D: t.inputs[t.at*w.batch*rows+2*n:], DStep: rows, Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	return w.device.multiply(ctx, &t.product)
}

// lstm computes, with gates in the order i (input), o (output), f (forget),
// c (cell): C = f ⊙ C + i ⊙ c, H = o ⊙ tanh C.
func (t *recurrenceTask) lstm(b int) {
	n := t.w.hidden
	gates, c, h := t.sums[b*4*n:][:4*n], t.c[b*n:][:n], t.h[b*n:][:n]
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
func (t *recurrenceTask) gru(b int) {
	n := t.w.hidden
	gates := t.sums[b*3*n:][:3*n]
	t.blend(b, gates[:n], gates[2*n:])
}

// gruApart is gru with h = x's product + r ⊙ H's product, and nothing done yet.
func (t *recurrenceTask) gruApart(b int) {
	n := t.w.hidden
	gates, inputs := t.sums[b*3*n:][:3*n], t.inputs[(t.at*t.w.batch+b)*3*n:][:3*n]
	vector.AddFloat32.Both(gates[:2*n], gates[:2*n], inputs)
	vector.Sigmoid(gates[:2*n], gates[:2*n], 0, 0)
	update, reset, hidden := gates[:n], gates[n:2*n], gates[2*n:]
	vector.MulFloat32.Both(hidden, hidden, reset)
	vector.AddFloat32.Both(hidden, hidden, inputs[2*n:])
	t.blend(b, update, hidden)
}

// blend sets the state to (1 - z) ⊙ tanh v + z ⊙ state.
func (t *recurrenceTask) blend(b int, z, v []float32) {
	h := t.h[b*len(z):][:len(z)]
	vector.Tanh(v, v, 0, 0)
	vector.SubFloat32.Both(h, h, v)
	vector.MulFloat32.Both(h, h, z)
	vector.AddFloat32.Both(h, h, v)
}
