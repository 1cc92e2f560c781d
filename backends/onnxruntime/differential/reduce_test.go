package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, reduceDraws) }

// reduceDraws are of the operators that work along axes.
var reduceDraws = map[string]func(d *dice) *sample{
	"ArgMax":          extreme,
	"ArgMin":          extreme,
	"CumProd":         cumulative(1, 3),
	"CumSum":          cumulative(-4, 5),
	"Hardmax":         softmax,
	"LogSoftmax":      softmax,
	"ReduceL1":        reduction(-4, 5),
	"ReduceL2":        reduction(-4, 5),
	"ReduceLogSum":    reduction(0.5, 4),
	"ReduceLogSumExp": reduction(-4, 5),
	"ReduceMax":       reduction(-4, 5),
	"ReduceMean":      reduction(-4, 5),
	"ReduceMin":       reduction(-4, 5),
	"ReduceProd":      reduction(0.5, 2),
	"ReduceSum":       reduction(-4, 5),
	"ReduceSumSquare": reduction(-4, 5),
	"Softmax":         softmax,
}

// reduction draws nodes that reduce elements from [low, high) over axes.
func reduction(low, high float64) func(d *dice) *sample {
	return func(d *dice) *sample {
		s := d.shape(d.rank(0))
		x := d.tensor(d.input(0), s, low, high)
		if d.one(4) {
			x = d.wild(d.input(0), s)
		}
		n := d.node(x)
		attribute(n, "keepdims", int64(d.IntN(2)))
		if d.one(3) {
			attribute(n, "noop_with_empty_axes", int64(d.IntN(2)))
		}
		axes := d.axes(len(s), d.since(11))
		if len(axes) == 0 && d.one(2) || d.one(4) {
			return n.accumulates(16 * s.Size())
		}
		if _, legacy := d.schema.Attribute("axes"); legacy && len(axes) == 0 {
			return n.accumulates(16 * s.Size())
		}
		d.given(n, "axes", axes)
		return n.accumulates(16 * s.Size())
	}
}

func extreme(d *dice) *sample {
	s := d.shape(d.rank(1))
	n := d.node(d.different(d.input(0), s))
	if d.one(3) {
		n.inputs[0] = d.tensor(d.input(0), s, 0, 2)
	}
	attribute(n, "keepdims", int64(d.IntN(2)))
	attribute(n, "axis", int64(d.axis(len(s), d.since(11))))
	if d.one(2) {
		attribute(n, "select_last_index", int64(d.IntN(2)))
	}
	return n
}

func cumulative(low, high float64) func(d *dice) *sample {
	return func(d *dice) *sample {
		s := d.shape(d.rank(1))
		axis := tensor.FromInt64s(d.input(1), tensor.Shape{}, []int64{int64(d.axis(len(s), true))})
		n := d.node(d.tensor(d.input(0), s, low, high), axis)
		if d.one(2) {
			attribute(n, "exclusive", int64(d.IntN(2)))
		}
		if d.one(2) {
			attribute(n, "reverse", int64(d.IntN(2)))
		}
		return n.accumulates(32)
	}
}

func softmax(d *dice) *sample {
	s := d.shape(d.rank(1))
	x := d.tensor(d.input(0), s, -4, 5)
	if d.one(4) {
		x = d.wild(d.input(0), s)
	}
	n := d.node(x)
	if d.one(4) && len(s) > 1 {
		return n.accumulates(s.Size())
	}
	attribute(n, "axis", int64(d.axis(len(s), d.since(11))))
	return n.accumulates(s.Size())
}
