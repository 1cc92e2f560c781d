package cpu

import (
	"slices"

	"example.com/midplane/adapter/tensor"
)

// maxAxes is the most axes that a layout has; what needs more goes to the
// reference.
const maxAxes = 8

// maxOperands is the most operands that a layout steps through.
const maxOperands = 3

// layout says where the elements of operands lie while one walks through a
// result in row-major order. Axes along which all operands advance evenly are
// merged, so that the last one is as long as can be.
type layout struct {
	dims  []int              // extents of the axes, none of them 1; at least one axis
	steps [maxOperands][]int // by operand and axis: how many elements to advance
	rows  int                // product of all extents but the last
	inner int                // the last extent

	period [maxOperands]int // by operand: after how many elements of a row it repeats; 0: it does not
}

// broadcastLayout lays out operands that broadcast to a shape. It is not ok if
// one does not, or if there are too many axes.
func broadcastLayout(shape tensor.Shape, operands ...tensor.Shape) (l layout, ok bool) {
	var steps [maxOperands][]int
	for i, s := range operands {
		if steps[i], ok = broadcastSteps(s, shape); !ok {
			return l, false
		}
	}
	return newLayout(shape, steps)
}

// broadcastSteps returns how far to advance through a tensor along each axis of
// a shape that it broadcasts to.
func broadcastSteps(from, to tensor.Shape) ([]int, bool) {
	lead := len(to) - len(from)
	if lead < 0 {
		return nil, false
	}
	steps := make([]int, len(to))
	step := 1
	for i := len(from) - 1; i >= 0; i-- {
		switch n := to[lead+i]; {
		case from[i] == n && n != 1:
			steps[lead+i] = step
		case from[i] != 1:
			return nil, false
		}
		step *= from[i]
	}
	return steps, true
}

// newLayout merges axes.
func newLayout(shape tensor.Shape, steps [maxOperands][]int) (l layout, ok bool) {
	for axis, n := range shape {
		if n == 1 {
			continue
		}
		last := len(l.dims) - 1
		merge := last >= 0
		for i := range steps {
			merge = merge && (steps[i] == nil || l.steps[i][last] == steps[i][axis]*n)
		}
		if merge {
			l.dims[last] *= n
		} else {
			l.dims = append(l.dims, n)
		}
		for i := range steps {
			if steps[i] == nil {
				continue
			}
			if merge {
				l.steps[i][last] = steps[i][axis]
			} else {
				l.steps[i] = append(l.steps[i], steps[i][axis])
			}
		}
	}
	if len(l.dims) == 0 {
		l.dims = []int{1}
		for i := range steps {
			if steps[i] != nil {
				l.steps[i] = []int{0}
			}
		}
	}
	l.inner = l.dims[len(l.dims)-1]
	l.rows = 1
	for _, n := range l.dims[:len(l.dims)-1] {
		l.rows *= n
	}
	return l, len(l.dims) <= maxAxes
}

// repeated merges the last two axes where they are short and one operand only
// repeats along the first of them, as a number for each lane does along pixels.
func (l layout) repeated() layout {
	const short = 64
	last := len(l.dims) - 1
	if last < 1 || l.inner > short || l.dims[last-1] == 0 {
		return l
	}
	again := -1
	for i, steps := range l.steps {
		switch {
		case steps == nil:
		case steps[last] == 1 && steps[last-1] == 0 && again < 0:
			again = i
		case steps[last] != 1 || steps[last-1] != l.inner:
			return l
		}
	}
	if again < 0 {
		return l
	}
	m := layout{dims: slices.Clone(l.dims[:last]), rows: l.rows / l.dims[last-1], inner: l.inner * l.dims[last-1]}
	m.dims[last-1], m.period[again] = m.inner, l.inner
	for i, steps := range l.steps {
		if steps != nil {
			m.steps[i] = slices.Clone(steps[:last])
			m.steps[i][last-1] = 1
		}
	}
	return m
}

// isRow reports whether an operand is the same row of n elements over and over.
func (l *layout) isRow(operand, n int) bool {
	for _, step := range l.steps[operand][:len(l.dims)-1] {
		if step != 0 {
			return false
		}
	}
	if p := l.period[operand]; p > 0 {
		return p == n
	}
	return l.inner == n && l.step(operand) == 1
}

// repetition is a row of an operand, as often as there is room.
type repetition[T any] struct {
	from int // where the row begins in the operand
	n    int // elements in room
	room [512]T
}

// at returns elements of the row that begins at an element of an operand, the first
// of which is element within.
func (r *repetition[T]) at(operand []T, from, period, within int) []T {
	if r.n == 0 || r.from != from {
		r.from, r.n = from, len(r.room)/period*period
		copy(r.room[:], operand[from:][:period])
		for k := period; k < r.n; k *= 2 {
			copy(r.room[k:r.n], r.room[:k])
		}
	}
	return r.room[within%period : r.n]
}

// step returns how an operand advances along the last axis.
func (l *layout) step(operand int) int { return l.steps[operand][len(l.dims)-1] }

// cursor is a row of a layout: where its elements begin in each operand.
type cursor struct {
	offset [maxOperands]int
	at     [maxAxes]int
}

// seek goes to a row.
func (l *layout) seek(c *cursor, row int) {
	*c = cursor{}
	for axis := len(l.dims) - 2; axis >= 0; axis-- {
		c.at[axis] = row % l.dims[axis]
		row /= l.dims[axis]
		for i := range l.steps {
			if l.steps[i] != nil {
				c.offset[i] += c.at[axis] * l.steps[i][axis]
			}
		}
	}
}

// next goes to the row behind; from the last to the first.
func (l *layout) next(c *cursor) {
	for axis := len(l.dims) - 2; axis >= 0; axis-- {
		c.at[axis]++
		wrapped := c.at[axis] == l.dims[axis]
		back := 0
		if wrapped {
			back = l.dims[axis]
			c.at[axis] = 0
		}
		for i := range l.steps {
			if l.steps[i] != nil {
				c.offset[i] += (1 - back) * l.steps[i][axis]
			}
		}
		if !wrapped {
			return
		}
	}
}

// broadcastShape returns the shape that shapes broadcast to.
func broadcastShape(shapes ...tensor.Shape) (tensor.Shape, bool) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make(tensor.Shape, rank)
	for i := range out {
		out[i] = 1
		for _, s := range shapes {
			k := i - (rank - len(s))
			if k < 0 || s[k] == 1 {
				continue
			}
			if out[i] != 1 && out[i] != s[k] {
				return nil, false
			}
			out[i] = s[k]
		}
	}
	return out, true
}
