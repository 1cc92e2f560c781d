package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, gatherDraws) }

// gatherDraws are of the operators that read or write at indices, and of those
// that find indices.
var gatherDraws = map[string]func(d *dice) *sample{
	"Gather":          gather,
	"GatherElements":  gatherElements,
	"GatherND":        gatherND,
	"NonZero":         func(d *dice) *sample { return d.node(d.tensor(d.input(0), d.shape(d.rank(1)), -1, 2)) },
	"OneHot":          oneHot,
	"Scatter":         scatterElements,
	"ScatterElements": scatterElements,
	"ScatterND":       scatterND,
	"TensorScatter":   tensorScatter,
	"TopK":            topK,
	"Unique":          unique,
}

// indices draws indices into extent elements, negative ones where the version
// allows them.
func (d *dice) indices(t tensor.DType, s tensor.Shape, extent int, negative bool) *tensor.Tensor {
	low := 0
	if negative {
		low = -extent
	}
	return tensor.FromInt64s(t, s, d.list(s.Size(), low, extent-1))
}

func gather(d *dice) *sample {
	x := d.tensor(d.input(0), d.full(d.rank(1), 4), -4, 5)
	n := d.node(x)
	axis := d.axis(x.Rank(), d.since(11))
	attribute(n, "axis", int64(axis))
	n.inputs = append(n.inputs, d.indices(d.of("Tind"), d.shape(d.IntN(3)), x.Shape()[(axis+x.Rank())%x.Rank()], d.since(11)))
	return n
}

func gatherElements(d *dice) *sample {
	x := d.tensor(d.input(0), d.full(d.rank(1), 4), -4, 5)
	n := d.node(x)
	axis := d.axis(x.Rank(), true)
	extent := x.Shape()[(axis+x.Rank())%x.Rank()]
	s := x.Shape().Clone()
	for i := range s {
		s[i] = d.between(1, s[i])
	}
	s[(axis+x.Rank())%x.Rank()] = d.IntN(6)
	attribute(n, "axis", int64(axis))
	n.inputs = append(n.inputs, d.indices(d.of("Tind"), s, extent, true))
	return n
}

// points draws a list of indices of some leading axes behind the batch axes.
func (d *dice) points(x *tensor.Tensor, batch int, negative bool) *tensor.Tensor {
	depth := d.between(1, x.Rank()-batch)
	s := append(x.Shape()[:batch:batch].Clone(), d.shape(d.IntN(3))...)
	v := make([]int64, 0, s.Size()*depth)
	for range s.Size() {
		for _, extent := range x.Shape()[batch : batch+depth] {
			i := d.IntN(extent)
			if negative && d.one(2) {
				i -= extent
			}
			v = append(v, int64(i))
		}
	}
	return tensor.Of(v, append(s, depth)...)
}

func gatherND(d *dice) *sample {
	x := d.tensor(d.input(0), d.full(d.rank(1), 4), -4, 5)
	n := d.node(x)
	batch := 0
	if d.since(12) && x.Rank() > 1 && d.one(2) {
		batch = d.between(1, x.Rank()-1)
		attribute(n, "batch_dims", int64(batch))
	}
	n.inputs = append(n.inputs, d.points(x, batch, true))
	return n
}

func oneHot(d *dice) *sample {
	depth := d.between(1, 4)
	low := 0.0
	if d.since(11) {
		low = float64(-depth - 1)
	}
	s := d.shape(d.rank(1))
	if len(s) == 5 {
		s = s[:4]
	}
	scalar := tensor.Shape{}
	if d.one(2) {
		scalar = tensor.Shape{1}
	}
	n := d.node(d.tensor(d.of("T1"), s, low, float64(depth+2)), tensor.FromInt64s(d.of("T2"), scalar, []int64{int64(depth)}), d.tensor(d.of("T3"), tensor.Shape{2}, -3, 4))
	if d.one(2) {
		attribute(n, "axis", int64(d.between(-len(s)-1, len(s))))
	}
	return n
}

// reduction draws how a scatter combines elements.
func (d *dice) reduction(n *sample) {
	switch {
	case d.input(0) == tensor.String:
	case d.since(18) && !d.input(0).IsComplex() && d.one(2):
		attribute(n, "reduction", pick(d, "none", "add", "mul", "min", "max"))
	case d.since(16) && d.one(2):
		attribute(n, "reduction", pick(d, "none", "add", "mul"))
	}
}

func scatterElements(d *dice) *sample {
	x := d.tensor(d.input(0), d.full(d.rank(1), 4), -4, 5)
	n := d.node(x)
	rank := x.Rank()
	axis := d.axis(rank, d.since(11))
	attribute(n, "axis", int64(axis))
	d.reduction(n)
	s := x.Shape().Clone()
	for i := range s {
		s[i] = d.between(0, s[i])
	}
	at := d.indices(d.of("Tind"), s, x.Shape()[(axis+rank)%rank], false)
	if len(n.attrs) == 1 { // without a reduction an element must not be written twice
		at = d.distinct(d.of("Tind"), s, (axis+rank)%rank, x.Shape()[(axis+rank)%rank], d.since(11))
	}
	n.inputs = append(n.inputs, at, d.tensor(d.input(0), s, -4, 5))
	return n
}

// distinct draws indices that differ along an axis.
func (d *dice) distinct(t tensor.DType, s tensor.Shape, axis, extent int, negative bool) *tensor.Tensor {
	v := make([]int64, s.Size())
	inner := s[axis+1:].Size()
	perm := d.Perm(extent)
	for i := range v {
		k := perm[i/max(inner, 1)%s[axis]]
		if negative && d.one(2) {
			k -= extent
		}
		v[i] = int64(k)
	}
	return tensor.FromInt64s(t, s, v)
}

func scatterND(d *dice) *sample {
	x := d.tensor(d.input(0), d.full(d.rank(1), 4), -4, 5)
	n := d.node(x)
	d.reduction(n)
	at := d.points(x, 0, true)
	depth := at.Shape()[at.Rank()-1]
	if len(n.attrs) == 0 || n.is("reduction", "none") { // without a reduction an element must not be written twice
		at = tensor.Of(at.Int64s()[:min(depth, at.Len())], min(1, at.Len()), depth)
	}
	s := append(at.Shape()[:at.Rank()-1:at.Rank()-1].Clone(), x.Shape()[depth:]...)
	n.inputs = append(n.inputs, at, d.tensor(d.input(0), s, -4, 5))
	return n
}

func tensorScatter(d *dice) *sample {
	cache := d.full(d.between(3, 4), 4)
	axis := d.between(1, len(cache)-1)
	update := cache.Clone()
	update[axis] = d.between(1, cache[axis])
	n := d.node(d.tensor(d.input(0), cache, -4, 5), d.tensor(d.input(0), update, -4, 5))
	if axis != len(cache)-2 || d.one(2) {
		attribute(n, "axis", int64(pick(d, axis, axis-len(cache))))
	}
	circular := d.one(2)
	if circular {
		attribute(n, "mode", "circular")
	}
	if d.one(3) {
		return n
	}
	most := cache[axis] - update[axis]
	if circular {
		most = cache[axis] - 1
	}
	n.inputs = append(n.inputs, ints(d.list(cache[0], 0, most)...))
	return n
}

func topK(d *dice) *sample {
	s := d.shape(d.rank(1))
	n := d.node(d.different(d.input(0), s))
	n.outputs = 2
	axis := d.axis(len(s), true)
	if !d.since(11) && axis < -1 {
		axis += len(s)
	}
	k := int64(d.IntN(s[(axis+len(s))%len(s)] + 1))
	if !d.since(10) {
		k = max(k, 1)
	}
	attribute(n, "axis", int64(axis))
	attribute(n, "largest", int64(d.IntN(2)))
	if _, ok := d.schema.Attribute("k"); ok {
		attribute(n, "k", k)
	} else {
		n.inputs = append(n.inputs, ints(k))
	}
	return n
}

// different draws elements of which no two are equal, as far as the type has so
// many.
func (d *dice) different(t tensor.DType, s tensor.Shape) *tensor.Tensor {
	v := make([]int64, s.Size())
	for i, k := range d.Perm(len(v)) {
		v[i] = int64(k)
	}
	return tensor.FromInt64s(t, s, v)
}

func unique(d *dice) *sample {
	x := d.tensor(d.input(0), d.shape(d.between(1, 3)), -1, 3)
	n := d.node(x)
	n.outputs = d.between(1, 4)
	if d.one(2) {
		attribute(n, "axis", int64(d.axis(x.Rank(), true)))
	}
	if d.one(3) {
		attribute(n, "sorted", int64(d.IntN(2)))
	}
	return n
}
