package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// epilogue is what is done to every element of a result behind the operator that
// computes it, while it is still in a near cache. A nil epilogue does nothing.
type epilogue struct {
	low, high float32 // what elements are clipped to first
	stages    []epilogueStage
}

// epilogueStage is a function of single elements, or a combination with another operand.
type epilogueStage struct {
	function vector.Unary // nil for a combination
	p, q     float32

	op     vector.Binary[float32, float32]
	other  int    // the input of the call that is the other operand
	swap   bool   // which is the left one
	layout layout // of the result and the other operand
	again  *tasks[repetition[float32]]

	clips, adds bool // the function clips to p and q, the combination is a sum
}

// maxStages is how many stages an epilogue has at most.
const maxStages = 6

// operands are the other operands of the stages, nil where a stage has none.
type operands [maxStages][]float32

// fusible is work that takes an epilogue for its only result, which is of float32
// and has the given shape.
type fusible interface {
	work
	result() tensor.Shape
	fuse(e *epilogue)
}

// behind is embedded by work that has an epilogue.
type behind struct{ after *epilogue }

func (b *behind) fuse(e *epilogue) { b.after = e }

// bounds returns what the work itself can clip its result to.
func (e *epilogue) bounds() (low, high float32) {
	if e == nil {
		return vector.NegativeInfinity, vector.Infinity
	}
	return e.low, e.high
}

// bounded reports whether bounds are more than infinities.
func (e *epilogue) bounded() bool {
	return e != nil && (e.low != vector.NegativeInfinity || e.high != vector.Infinity)
}

// idle reports whether there is nothing to do but to clip.
func (e *epilogue) idle() bool { return e == nil || len(e.stages) == 0 }

// residual splits an epilogue that begins with the sum with another operand laid
// out as the result is: that operand's input, and what is left to do; ok is false
// where it begins with something else.
func (e *epilogue) residual() (input int, rest *epilogue, ok bool) {
	return e.split(func(l *layout) bool { return l.rows == 1 && l.step(0) == 1 && l.period[0] == 0 })
}

// row is residual for an operand that is the same row of n elements for every row
// of the result.
func (e *epilogue) row(n int) (input int, rest *epilogue, ok bool) {
	return e.split(func(l *layout) bool { return l.isRow(0, n) })
}

// split splits an epilogue that begins with the sum with an operand of a layout.
func (e *epilogue) split(fits func(l *layout) bool) (input int, rest *epilogue, ok bool) {
	if e.idle() || e.bounded() || !e.stages[0].adds || !fits(&e.stages[0].layout) {
		return 0, e, false
	}
	rest = &epilogue{low: vector.NegativeInfinity, high: vector.Infinity, stages: e.stages[1:]}
	if len(rest.stages) > 0 && rest.stages[0].clips {
		rest.low, rest.high, rest.stages = rest.stages[0].p, rest.stages[0].q, rest.stages[1:]
	}
	return e.stages[0].other, rest, true
}

// load returns the other operands in a call.
func (e *epilogue) load(c *operators.Call) (o operands, err error) {
	if e == nil {
		return o, nil
	}
	for i := range e.stages {
		if s := &e.stages[i]; s.function == nil {
			if o[i], err = input[float32](c, s.other); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}

// nearBlock is how many elements go through all stages at a time.
const nearBlock = 4096

// apply does the stages to elements of the result, the first of which is element
// at. They have been clipped.
func (e *epilogue) apply(dst []float32, at int, o *operands) {
	if e.idle() {
		return
	}
	for len(dst) > 0 {
		n := min(nearBlock, len(dst))
		for i := range e.stages {
			e.stages[i].apply(dst[:n], at, o[i])
		}
		dst, at = dst[n:], at+n
	}
}

// blocks calls compute for elements [first, end): where stages follow, for so many
// at a time that they stay in a near cache.
func (e *epilogue) blocks(first, end int, compute func(first, end int)) {
	if e == nil {
		compute(first, end)
		return
	}
	for ; first < end; first += nearBlock {
		compute(first, min(first+nearBlock, end))
	}
}

// finish clips elements of a result and does the stages to them, the first of
// which is element at. Epilogues are those of results of float32.
func finish[T any](e *epilogue, dst []T, at int, o *operands) {
	if e == nil {
		return
	}
	to := any(dst).([]float32)
	if e.bounded() {
		vector.Clip(to, to, e.low, e.high)
	}
	e.apply(to, at, o)
}

func (s *epilogueStage) apply(dst []float32, at int, other []float32) {
	if s.function != nil {
		s.function(dst, dst, s.p, s.q)
		return
	}
	l := &s.layout
	if l.rows == 1 && l.step(0) == 1 && l.period[0] == 0 {
		s.combine(dst, other[at:])
		return
	}
	var c cursor
	l.seek(&c, at/l.inner)
	within, step := at%l.inner, l.step(0)
	var again *repetition[float32]
	if l.period[0] > 0 {
		again = s.again.get()
		defer s.again.put(again)
	}
	for len(dst) > 0 {
		n := min(l.inner-within, len(dst))
		var from []float32
		if p := l.period[0]; p > 0 {
			from = again.at(other, c.offset[0], p, within)
			n = min(n, len(from))
		} else {
			from = other[c.offset[0]+within*step:]
		}
		if step != 0 {
			s.combine(dst[:n], from)
		} else if s.swap {
			s.op.Left(dst[:n], from[0], dst[:n])
		} else {
			s.op.Right(dst[:n], dst[:n], from[0])
		}
		if dst, within = dst[n:], within+n; within == l.inner {
			within = 0
			l.next(&c)
		}
	}
}

func (s *epilogueStage) combine(dst, other []float32) {
	if s.swap {
		s.op.Both(dst, other, dst)
	} else {
		s.op.Both(dst, dst, other)
	}
}

// combinations are the operators that stages combine with another operand by.
var combinations = map[string]vector.Binary[float32, float32]{
	"Add": vector.AddFloat32, "Sub": vector.SubFloat32, "Mul": vector.MulFloat32, "Div": vector.DivFloat32, "Max": vector.MaxFloat32, "Min": vector.MinFloat32,
}

// continues reports whether a node can be a stage behind v, as far as can be told
// before shapes are known.
func continues(n *graph.Node, v *graph.Value) bool {
	if n.Domain != "" || len(n.Outputs) != 1 || !isFloat32(n.Outputs[0]) {
		return false
	}
	if n.Op == "Clip" {
		_, _, ok := constantBounds(n)
		return ok && n.Inputs[0] == v
	}
	if _, ok := functions[n.Op]; ok {
		return len(n.Inputs) == 1
	}
	_, ok := combinations[n.Op]
	return ok && len(n.Inputs) == 2 && n.Inputs[0] != n.Inputs[1] && isFloat32(n.Inputs[0]) && isFloat32(n.Inputs[1])
}

func isFloat32(v *graph.Value) bool {
	return v != nil && v.Type.IsTensor() && v.Type.DType == tensor.Float32
}

// newEpilogue returns the epilogue that nodes are behind a result of a shape, whose
// first other operand is input next of the call; nil where one of them is none.
func newEpilogue(nodes []*graph.Node, from *graph.Value, shape tensor.Shape, next int) *epilogue {
	e := &epilogue{low: vector.NegativeInfinity, high: vector.Infinity}
	for _, n := range nodes {
		if out, ok := n.Outputs[0].Type.Dims.Shape(); !ok || !out.Equal(shape) {
			return nil
		}
		s := epilogueStage{other: next, again: &tasks[repetition[float32]]{}}
		if n.Op == "Clip" {
			s.function = vector.Clip
			s.p, s.q, _ = constantBounds(n)
			next += len(n.Inputs) - 1
		} else if read, ok := functions[n.Op]; ok {
			s.function, s.p, s.q = read(n)
		} else if !s.combination(n, from, shape) {
			return nil
		} else {
			next++
		}
		s.clips, s.adds = n.Op == "Clip" || n.Op == "Relu", n.Op == "Add"
		if s.clips && len(e.stages) == 0 && !e.bounded() {
			e.low, e.high = s.p, s.q
		} else {
			e.stages = append(e.stages, s)
		}
		from = n.Outputs[0]
	}
	return e
}

// combination makes s the combination that n is; it reports whether the other
// operand broadcasts to shape.
func (s *epilogueStage) combination(n *graph.Node, from *graph.Value, shape tensor.Shape) bool {
	s.op, s.swap = combinations[n.Op], n.Inputs[1] == from
	other := n.Inputs[1]
	if s.swap {
		other = n.Inputs[0]
	}
	extents, ok := other.Type.Dims.Shape()
	if !ok {
		return false
	}
	if s.layout, ok = broadcastLayout(shape, extents); ok {
		s.layout = s.layout.repeated()
	}
	return ok
}

// constantBounds returns the bounds of a Clip, if they are known.
func constantBounds(n *graph.Node) (low, high float32, ok bool) {
	bounds := [2]float32{vector.NegativeInfinity, vector.Infinity}
	for i := range bounds {
		v := n.Input(i + 1)
		if v == nil {
			continue
		}
		if v.Const == nil || v.Const.DType() != tensor.Float32 || v.Const.Len() != 1 {
			return 0, 0, false
		}
		if bounds[i] = tensor.Slice[float32](v.Const)[0]; bounds[i] != bounds[i] {
			return 0, 0, false
		}
	}
	return bounds[0], bounds[1], true
}
