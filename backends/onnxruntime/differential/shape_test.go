package differential_test

import (
	"maps"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func init() { maps.Copy(draws, shapeDraws) }

// shapeDraws are of the operators that move elements and compute none.
var shapeDraws = map[string]func(d *dice) *sample{
	"CenterCropPad":   centerCropPad,
	"Compress":        compress,
	"Concat":          concat,
	"Constant":        constant,
	"ConstantOfShape": constantOfShape,
	"DepthToSpace":    depthToSpace,
	"Expand":          expand,
	"EyeLike":         eyeLike,
	"Flatten":         flatten,
	"Identity":        func(d *dice) *sample { return d.node(d.data()) },
	"Pad":             pad,
	"Range":           rangeOf,
	"Reshape":         reshape,
	"ReverseSequence": reverseSequence,
	"Shape":           shapeOf,
	"Size":            func(d *dice) *sample { return d.node(d.data()) },
	"Slice":           slice,
	"SpaceToDepth":    spaceToDepth,
	"Split":           split,
	"Squeeze":         squeeze,
	"Tile":            tile,
	"Transpose":       transpose,
	"Trilu":           trilu,
	"Unsqueeze":       unsqueeze,
}

// data draws a first input of any shape.
func (d *dice) data() *tensor.Tensor { return d.dataOf(d.rank(0)) }

// dataOf draws a first input of a rank.
func (d *dice) dataOf(rank int) *tensor.Tensor {
	return d.tensor(d.input(0), d.shape(rank), -4, 5)
}

// given adds a list that is an attribute of the version, or else an input.
func (d *dice) given(n *sample, name string, v []int64) {
	if a, ok := d.schema.Attribute(name); ok {
		n.attrs = append(n.attrs, graph.A(a.Name, v))
		return
	}
	t := tensor.Int64
	if p, ok := d.schema.Input(len(n.inputs)); ok && d.of(p.Type) != tensor.Undefined {
		t = d.of(p.Type)
	}
	n.inputs = append(n.inputs, tensor.FromInt64s(t, tensor.Shape{len(v)}, v))
}

func centerCropPad(d *dice) *sample {
	n := d.node(d.data())
	rank := n.tensorAt(0).Rank()
	axes := d.axes(rank, true)
	if len(axes) == 0 || d.one(3) {
		axes = make([]int64, rank)
	} else {
		attribute(n, "axes", axes)
	}
	d.given(n, "shape", d.list(len(axes), 0, 6))
	return n
}

func compress(d *dice) *sample {
	x := d.dataOf(d.rank(1))
	n := d.node(x)
	extent := x.Len()
	if d.one(2) {
		axis := d.axis(x.Rank(), d.since(11))
		extent = x.Shape()[(axis+x.Rank())%x.Rank()]
		attribute(n, "axis", int64(axis))
	}
	n.inputs = append(n.inputs, d.tensor(tensor.Bool, tensor.Shape{d.IntN(extent + 1)}, 0, 2))
	return n
}

func concat(d *dice) *sample {
	s := d.shape(d.rank(1))
	if !d.since(4) {
		s = d.shape(d.rank(2))
	}
	axis := d.axis(len(s), d.since(11))
	n := d.node()
	if d.since(4) || d.one(2) {
		attribute(n, "axis", int64(axis))
	} else {
		axis = 1
	}
	for range d.between(1, 4) {
		one := s.Clone()
		one[(axis+len(s))%len(s)] = d.IntN(4)
		n.inputs = append(n.inputs, d.tensor(d.input(0), one, -4, 5))
	}
	return n
}

func constant(d *dice) *sample {
	n := d.node()
	t := d.of("T")
	s := d.shape(d.rank(0))
	if !d.since(12) || d.one(2) {
		attribute(n, "value", d.wild(t, s))
		return n
	}
	switch d.IntN(6) {
	case 0:
		attribute(n, "value_float", d.Float32())
	case 1:
		attribute(n, "value_floats", []float32{d.Float32(), d.Float32()})
	case 2:
		attribute(n, "value_int", int64(d.IntN(9)))
	case 3:
		attribute(n, "value_ints", d.list(d.between(1, 3), -9, 9))
	case 4:
		attribute(n, "value_string", pick(d, words[1:]...))
	case 5:
		attribute(n, "value_strings", []string{"a", pick(d, words...)})
	}
	return n
}

func constantOfShape(d *dice) *sample {
	s := d.shape(d.rank(0))
	n := d.node(shapeTensor(s))
	if d.one(4) && d.of("T2") == tensor.Float32 {
		return n
	}
	attribute(n, "value", d.wild(d.of("T2"), tensor.Shape{1}))
	return n
}

// shapeTensor makes a tensor of the extents of a shape.
func shapeTensor(s tensor.Shape) *tensor.Tensor {
	v := make([]int64, len(s))
	for i, e := range s {
		v[i] = int64(e)
	}
	return ints(v...)
}

func depthToSpace(d *dice) *sample {
	block := d.between(1, 3)
	s := tensor.Shape{d.IntN(3), block * block * d.between(1, 3), d.IntN(4), d.between(1, 3)}
	n := d.node(d.tensor(d.input(0), s, -4, 5))
	attribute(n, "blocksize", int64(block))
	if d.one(2) {
		attribute(n, "mode", pick(d, "DCR", "CRD"))
	}
	return n
}

func spaceToDepth(d *dice) *sample {
	block := d.between(1, 3)
	s := tensor.Shape{d.IntN(3), d.between(1, 3), block * d.IntN(3), block * d.between(1, 3)}
	n := d.node(d.tensor(d.input(0), s, -4, 5))
	attribute(n, "blocksize", int64(block))
	return n
}

func expand(d *dice) *sample {
	s := d.shape(d.rank(0))
	to := s.Clone()
	for i := range s {
		if d.one(3) {
			s[i] = 1
		}
		if d.one(4) {
			to[i] = 1
		}
	}
	if d.one(3) {
		s = s[d.IntN(len(s)+1):]
	}
	return d.node(d.tensor(d.input(0), s, -4, 5), shapeTensor(to))
}

func eyeLike(d *dice) *sample {
	n := d.node(d.tensor(d.input(0), d.shape(2), -4, 5))
	if d.one(2) {
		attribute(n, "k", int64(d.between(-3, 3)))
	}
	if t := d.of("T2"); t != n.dtype(0) || d.one(2) {
		attribute(n, "dtype", int64(t))
	}
	return n
}

func flatten(d *dice) *sample {
	n := d.node(d.data())
	rank := n.tensorAt(0).Rank()
	axis := d.IntN(rank + 1)
	if rank > 0 && d.since(11) && d.one(2) {
		axis = d.IntN(rank) - rank
	}
	if rank == 0 || !d.one(5) {
		attribute(n, "axis", int64(axis))
	}
	return n
}

func pad(d *dice) *sample {
	x := d.data()
	rank := x.Rank()
	if !d.since(11) {
		x = d.dataOf(d.rank(1))
		rank = x.Rank()
	}
	n := d.node(x)
	if d.one(2) {
		attribute(n, "mode", pick(d, d.modes()...))
	}
	if !d.since(2) {
		attribute(n, "paddings", d.list(2*rank, 0, 2))
		return n
	}
	axes := d.axes(rank, true)
	some := d.since(18) && d.one(3)
	if !some {
		axes = make([]int64, rank)
	}
	pads := d.list(2*len(axes), -1, 2)
	for i := range axes {
		axis := i
		if some {
			axis = int(axes[i]+int64(rank)) % rank
		}
		if x.Shape()[axis] < 2 {
			pads[i], pads[i+len(axes)] = max(0, pads[i]), max(0, pads[i+len(axes)])
		}
	}
	d.given(n, "pads", pads)
	if _, ok := d.schema.Attribute("value"); ok {
		if d.one(2) {
			attribute(n, "value", d.Float32())
		}
		return n
	}
	if d.one(2) {
		n.inputs = append(n.inputs, d.tensor(d.input(0), tensor.Shape{}, -4, 5))
	} else if some {
		n.inputs = append(n.inputs, nil)
	}
	if some {
		d.given(n, "axes", axes)
	}
	return n
}

// modes lists the modes of Pad in a version.
func (d *dice) modes() []string {
	if d.since(19) {
		return []string{"constant", "edge", "reflect", "wrap"}
	}
	return []string{"constant", "edge", "reflect"}
}

func rangeOf(d *dice) *sample {
	t := d.input(0)
	scalar := func(v float64) *tensor.Tensor { return tensor.FromFloat64s(t, tensor.Shape{}, []float64{v}) }
	if t.IsInteger() || d.one(2) {
		return d.node(scalar(float64(d.between(-5, 5))), scalar(float64(d.between(-9, 9))), scalar(pick(d, -2.0, -1, 1, 2, 3)))
	}
	return d.node(scalar(d.Float64()*4-2), scalar(d.Float64()*8-4), scalar(pick(d, -0.5, 0.25, 0.75, 1)))
}

func reshape(d *dice) *sample {
	x := d.data()
	s := x.Shape().Clone()
	n := d.node(x)
	d.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
	var to []int64
	for _, e := range s {
		to = append(to, int64(e))
	}
	if len(to) > 1 && d.one(2) {
		to = append([]int64{to[0] * to[1]}, to[2:]...)
	} else if d.one(3) {
		to = append(to, 1)
	}
	zeros := d.since(14) && d.one(3) // a 0 is an extent, not that of the input
	if zeros {
		attribute(n, "allowzero", int64(1))
	}
	for i := range to {
		same := i < x.Rank() && to[i] == int64(x.Shape()[i])
		switch {
		case zeros:
		case same && d.one(3):
			to[i] = 0
		case to[i] == 0 && !same:
			return d.node(x, shapeTensor(x.Shape()))
		}
	}
	if len(to) > 0 && !slices.Contains(to, 0) && d.one(3) {
		to[d.IntN(len(to))] = -1
	}
	d.given(n, "shape", to)
	return n
}

func reverseSequence(d *dice) *sample {
	x := d.dataOf(d.rank(2))
	n := d.node(x)
	time, batch := 0, 1
	if d.one(2) {
		time, batch = 1, 0
		attribute(n, "time_axis", int64(1))
		attribute(n, "batch_axis", int64(0))
	}
	n.inputs = append(n.inputs, ints(d.list(x.Shape()[batch], 0, x.Shape()[time])...))
	return n
}

func shapeOf(d *dice) *sample {
	n := d.node(d.data())
	if d.one(2) {
		attribute(n, "start", int64(d.between(-7, 7)))
	}
	if d.one(2) {
		attribute(n, "end", int64(d.between(-7, 7)))
	}
	return n
}

func slice(d *dice) *sample {
	x := d.dataOf(d.rank(1))
	n := d.node(x)
	axes := d.axes(x.Rank(), d.since(10))
	if d.one(2) {
		axes = nil
		for i := range d.between(1, x.Rank()) {
			axes = append(axes, int64(i))
		}
	}
	starts, ends := d.list(len(axes), -6, 6), d.list(len(axes), -6, 6)
	far := []int64{math.MaxInt32, math.MinInt32}
	if !d.since(10) || d.of("Tind") == tensor.Int64 {
		far = []int64{math.MaxInt64, math.MinInt64, math.MaxInt32}
	}
	for i := range ends {
		if d.one(3) {
			ends[i] = pick(d, far...)
		}
	}
	d.given(n, "starts", starts)
	d.given(n, "ends", ends)
	if d.one(3) && axes == nil {
		return n
	}
	d.given(n, "axes", axes)
	if d.since(10) && d.one(2) {
		steps := make([]int64, len(axes))
		for i := range steps {
			steps[i] = int64(pick(d, -3, -2, -1, 1, 2, 3))
		}
		d.given(n, "steps", steps)
	}
	return n
}

func split(d *dice) *sample {
	x := d.dataOf(d.rank(1))
	n := d.node(x)
	axis := d.axis(x.Rank(), d.since(11))
	extent := x.Shape()[(axis+x.Rank())%x.Rank()]
	attribute(n, "axis", int64(axis))
	n.outputs = d.between(1, 4)
	if d.one(2) {
		if !d.since(18) && extent%n.outputs != 0 {
			n.outputs = 1
		}
		attribute(n, "num_outputs", int64(n.outputs))
		return n
	}
	parts := make([]int64, n.outputs)
	for range extent {
		parts[d.IntN(len(parts))]++
	}
	if d.since(2) || d.one(2) {
		d.given(n, "split", parts)
	} else {
		n.inputs = append(n.inputs, tensor.FromInt64s(d.input(0), tensor.Shape{len(parts)}, parts))
	}
	return n
}

func squeeze(d *dice) *sample {
	s := d.shape(d.rank(0))
	axes := []int64{}
	for i := range s {
		if !d.one(2) {
			continue
		}
		s[i] = 1
		if d.since(11) && d.one(2) {
			i -= len(s)
		}
		axes = append(axes, int64(i))
	}
	n := d.node(d.tensor(d.input(0), s, -4, 5))
	if d.one(3) || len(axes) == 0 && d.one(2) {
		return n
	}
	d.given(n, "axes", axes)
	return n
}

func unsqueeze(d *dice) *sample {
	x := d.data()
	n := d.node(x)
	more := d.between(1, 2)
	var axes []int64
	for _, a := range d.Perm(x.Rank() + more)[:more] {
		if d.since(11) && d.one(2) {
			a -= x.Rank() + more
		}
		axes = append(axes, int64(a))
	}
	d.given(n, "axes", axes)
	return n
}

func tile(d *dice) *sample {
	x := d.dataOf(d.rank(1))
	if d.since(6) {
		return d.node(x, ints(d.list(x.Rank(), 0, 3)...))
	}
	scalar := func(v int) *tensor.Tensor { return tensor.FromInt64s(d.input(0), tensor.Shape{1}, []int64{int64(v)}) }
	return d.node(x, scalar(d.between(1, 3)), scalar(d.IntN(x.Rank())))
}

func transpose(d *dice) *sample {
	x := d.data()
	n := d.node(x)
	if d.one(4) || x.Rank() == 0 {
		return n
	}
	perm := make([]int64, x.Rank())
	for i, a := range d.Perm(x.Rank()) {
		perm[i] = int64(a)
	}
	attribute(n, "perm", perm)
	return n
}

func trilu(d *dice) *sample {
	n := d.node(d.dataOf(d.rank(2)))
	if d.one(2) {
		n.inputs = append(n.inputs, tensor.Scalar(int64(d.between(-4, 4))))
	}
	if d.one(2) {
		attribute(n, "upper", int64(d.IntN(2)))
	}
	return n
}
