package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// combination combines two or more operands, which are broadcast against each
// other, from left to right.
type combination[T, R tensor.Element] struct {
	behind
	device  *Device
	op      vector.Binary[T, R]
	shape   tensor.Shape // of the result
	layouts []layout     // of each step: its two operands; but for the first step, the left one is the result so far
	zero    func(v []T) bool
	finish  func(dst []R) // what remains to be done to each part of the result, or nil

	size  int // elements of a piece
	tasks tasks[combinationTask[T, R]]
	again tasks[repetition[T]]
}

// pairs returns the builder of an operator's combination.
func pairs[T, R tensor.Element](op vector.Binary[T, R]) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		divides := (n.Op == "Div" || n.Op == "Mod") && tensor.DTypeOf[T]().IsInteger()
		return func(c *operators.Call) (work, error) {
			w := &combination[T, R]{device: d, op: op}
			if divides {
				w.zero = containsZero[T]
			}
			if !w.arrange(c) {
				return nil, nil
			}
			_, w.size = piecesOf(w.shape.Size(), 1, d.threads)
			return w, nil
		}, nil
	}
}

func containsZero[T tensor.Element](v []T) bool {
	var zero T
	for _, e := range v {
		if e == zero {
			return true
		}
	}
	return false
}

// arrange lays out the operands, if it can.
func (w *combination[T, R]) arrange(c *operators.Call) bool {
	shapes := make([]tensor.Shape, len(c.Inputs))
	for i, o := range c.Inputs {
		shapes[i] = o.Shape
	}
	var ok bool
	if w.shape, ok = broadcastShape(shapes...); !ok || len(shapes) < 2 || w.shape.Size() == 0 {
		return false
	}
	left := shapes[0]
	for _, right := range shapes[1:] {
		l, ok := broadcastLayout(w.shape, left, right)
		if !ok {
			return false
		}
		w.layouts = append(w.layouts, l.repeated())
		left = w.shape
	}
	return true
}

func (w *combination[T, R]) result() tensor.Shape { return w.shape }

func (w *combination[T, R]) run(ctx context.Context, c *operators.Call) error {
	dst, err := output[R](c, 0, tensor.DTypeOf[R](), w.shape)
	if err != nil {
		return err
	}
	left, err := input[T](c, 0)
	if err != nil {
		return err
	}
	others, err := w.after.load(c)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	pieces := (len(dst) + w.size - 1) / w.size
	for i := range w.layouts {
		right, err := input[T](c, i+1)
		if err != nil {
			return err
		}
		if w.zero != nil && w.zero(right) {
			return errUnfit
		}
		*t = combinationTask[T, R]{w: w, layout: &w.layouts[i], dst: dst, a: left, b: right, last: i == len(w.layouts)-1, others: others}
		if err := w.device.divide(ctx, pieces, t); err != nil {
			return err
		}
		left, _ = any(dst).([]T)
	}
	return nil
}

// combinationTask is one step of a combination.
type combinationTask[T, R tensor.Element] struct {
	w      *combination[T, R]
	layout *layout
	dst    []R
	a, b   []T
	last   bool
	others operands
}

// Do implements parallel.Task.
func (t *combinationTask[T, R]) Do(_, piece int) {
	first := piece * t.w.size
	end := min(first+t.w.size, len(t.dst))
	if !t.last {
		t.combine(first, end)
		return
	}
	t.w.after.blocks(first, end, func(first, end int) {
		t.combine(first, end)
		if t.w.finish != nil {
			t.w.finish(t.dst[first:end])
		}
		finish(t.w.after, t.dst[first:end], first, &t.others)
	})
}

// combine computes elements [first, end).
func (t *combinationTask[T, R]) combine(first, end int) {
	l := t.layout
	var at cursor
	l.seek(&at, first/l.inner)
	within := first % l.inner
	stepA, stepB := l.step(0), l.step(1)
	var again *repetition[T]
	if l.period[0] > 0 || l.period[1] > 0 {
		again = t.w.again.get()
		defer t.w.again.put(again)
	}
	for i := first; i < end; {
		n := min(l.inner-within, end-i)
		var a, b []T
		if p := l.period[0]; p > 0 {
			a = again.at(t.a, at.offset[0], p, within)
			n = min(n, len(a))
		} else {
			a = t.a[at.offset[0]+within*stepA:]
		}
		if p := l.period[1]; p > 0 {
			b = again.at(t.b, at.offset[1], p, within)
			n = min(n, len(b))
		} else {
			b = t.b[at.offset[1]+within*stepB:]
		}
		dst := t.dst[i : i+n]
		switch {
		case stepA != 0 && stepB != 0:
			t.w.op.Both(dst, a, b)
		case stepA != 0:
			t.w.op.Right(dst, a, b[0])
		case stepB != 0:
			t.w.op.Left(dst, a[0], b)
		default:
			t.w.op.Both(dst[:1], a, b)
			vector.Fill(dst, dst[0])
		}
		if i, within = i+n, within+n; within == l.inner {
			within = 0
			l.next(&at)
		}
	}
}
