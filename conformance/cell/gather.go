package cell

import (
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
)

// gathers holds operators that pick elements by index, or find indexes.
var gathers = family{
	"Gather":         {classes: classes("axis", "negative-axis", "scalar-index", "matrix-index", "negative-index", "int32"), shapes: fromRank1, values: everyValue, draw: gather},
	"GatherElements": {classes: classes("axis", "negative-axis", "negative-index", "int32"), shapes: fromRank1, values: everyValue, draw: gatherElements},
	"GatherND":       {classes: classes("partial", "batch", "negative-index"), shapes: []Shape{Rank3, Rank2, Rank4, Dynamic, Large}, values: everyValue, draw: gatherND},

	"Scatter":         {classes: classes("axis"), shapes: []Shape{Rank2, Rank1, Rank3, Dynamic}, values: everyValue, draw: scatterElements},
	"ScatterElements": {classes: classes("axis", "negative-axis", "negative-index", "add", "mul", "max", "min"), shapes: fromRank1, draw: scatterElements},
	"ScatterND":       {classes: classes("partial", "negative-index", "add", "mul", "max", "min"), shapes: []Shape{Rank3, Rank2, Rank4, Dynamic, Large}, draw: scatterND},
	"TensorScatter":   {classes: classes("indices", "circular", "axis"), shapes: []Shape{Rank4, Rank3, Dynamic, Large}, values: everyValue, draw: tensorScatter},

	"OneHot":  {classes: classes("axis", "negative-axis", "negative-index", "outside", "depth-float"), shapes: []Shape{Rank2, Scalar, Rank1, Rank3, Dynamic, Large}, typed: "T3", draw: oneHot},
	"NonZero": {shapes: anyRank, values: []Values{NaN}, draw: func(d *draft) { d.in(d.shape(3), data, among(0, 0, 1, 2, -1)) }},

	"TopK": {
		classes: classes("axis", "smallest", "smallest-axis", "negative-axis", "all", "ties"),
		shapes:  fromRank1, values: []Values{Infinite}, draw: topK,
	},
	"Unique": {classes: classes("axis", "negative-axis", "unsorted", "all-outputs", "unsorted-axis"), shapes: fromRank1, draw: unique},
}

// indices returns what draws indexes of an axis: counted from the end where the
// attribute class says so.
func (d *draft) indices(extent int) fill {
	if d.is("negative-index") {
		return between(float64(-extent), -1)
	}
	return between(0, float64(extent-1))
}

// picked returns the axis of the attribute class, and sets it.
func (d *draft) picked(rank int) int {
	axis := 0
	switch d.Attributes {
	case "axis", "smallest-axis", "unsorted-axis":
		axis = rank - 1
		d.int("axis", axis)
	case "negative-axis":
		d.only(d.Version >= 11)
		axis = d.behind(rank)
		d.int("axis", axis-rank)
	}
	return axis
}

// behind draws an axis other than the first, where there is one.
func (d *draft) behind(rank int) int { return min(1+d.IntN(max(rank-1, 1)), rank-1) }

// indexed returns the type of indexes of the attribute class.
func (d *draft) indexed() tensor.DType {
	if d.is("int32") {
		return tensor.Int32
	}
	return tensor.Int64
}

func gather(d *draft) {
	s := d.shape(3)
	axis := d.picked(len(s))
	d.only(!d.is("negative-index") || d.Version >= 11)
	at := tensor.Shape{1 + d.IntN(4)}
	switch {
	case d.is("scalar-index"):
		at = tensor.Shape{}
	case d.is("matrix-index"):
		at = tensor.Shape{2, 1 + d.IntN(3)}
	}
	if d.Cell.Shape == Empty {
		s[axis] = max(s[axis], 1)
		at = tensor.Shape{0}
	}
	d.data(s)
	d.in(at, plain, d.indices(s[axis]), d.indexed())
}

func gatherElements(d *draft) {
	s := d.shape(3)
	axis := d.picked(len(s))
	at := s.Clone()
	if d.Cell.Shape != Empty {
		at[axis] = 1 + d.IntN(5)
	} else {
		at[axis], s[axis] = 0, 3
	}
	d.data(s)
	d.in(at, plain, d.indices(s[axis]), d.indexed())
}

// positions of a tensor of shape s, given by their first n indexes, that differ
// from each other.
func places(s tensor.Shape, n int, negative bool) fill {
	return func(r *rand.Rand, t tensor.DType, shape tensor.Shape) *tensor.Tensor {
		count := shape.Size() / n
		v := make([]int64, 0, shape.Size())
		for _, k := range r.Perm(s[:n].Size())[:count] {
			at := make([]int64, n)
			for axis := n - 1; axis >= 0; axis-- {
				at[axis] = int64(k % s[axis])
				if negative {
					at[axis] -= int64(s[axis])
				}
				k /= s[axis]
			}
			v = append(v, at...)
		}
		return tensor.FromInt64s(t, shape, v)
	}
}

func gatherND(d *draft) {
	s := d.shape(3)
	for i := range s {
		s[i] = max(s[i], 2)
	}
	d.data(s)
	n := len(s)
	switch d.Attributes {
	case "partial":
		n = len(s) - 1
	case "batch":
		d.int("batch_dims", 1)
		d.in(tensor.Shape{s[0], 2, 1}, plain, between(0, float64(s[1]-1)))
		return
	}
	d.in(tensor.Shape{2, n}, plain, places(s, n, d.is("negative-index")))
}

func scatterElements(d *draft) {
	s := d.shape(3)
	axis := d.picked(len(s))
	d.only(!d.is("negative-index") || d.Version >= 11)
	at := s.Clone()
	if d.Cell.Shape != Empty {
		s[axis] = max(s[axis], 3)
		at[axis] = 2
	}
	d.data(s)
	reduced := d.is("add", "mul", "max", "min")
	if reduced {
		d.text("reduction", d.Attributes)
	}
	d.only(!reduced || d.DType != tensor.Bool && d.DType != tensor.String && !d.DType.IsComplex())
	d.only(!d.is("max", "min") || d.Version >= 18)
	if reduced { // several updates may meet
		d.in(at, plain, d.indices(s[axis]))
	} else {
		d.in(at, plain, unlike(axis, s[axis], d.is("negative-index")))
	}
	d.real(at, -2, 2)
}

// unlike draws indexes that differ from each other along an axis.
func unlike(axis, extent int, negative bool) fill {
	return func(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]int64, s.Size())
		outer, n, inner := s[:axis].Size(), s[axis], s[axis+1:].Size()
		for o := range outer {
			for k := range inner {
				for i, at := range r.Perm(extent)[:n] {
					if negative {
						at -= extent
					}
					v[(o*n+i)*inner+k] = int64(at)
				}
			}
		}
		return tensor.FromInt64s(t, s, v)
	}
}

func scatterND(d *draft) {
	s := d.shape(3)
	for i := range s {
		s[i] = max(s[i], 2)
	}
	d.data(s)
	n := len(s)
	reduced := d.is("add", "mul", "max", "min")
	if d.is("partial") || reduced {
		n = 1
	}
	if reduced {
		d.text("reduction", d.Attributes)
		d.only(d.DType != tensor.Bool && d.DType != tensor.String && !d.DType.IsComplex())
		d.only(!d.is("max", "min") || d.Version >= 18)
		d.in(tensor.Shape{3, n}, plain, between(0, float64(s[0]-1)))
		d.real(concat(3, s[n:]), -2, 2)
		return
	}
	d.in(tensor.Shape{2, n}, plain, places(s, n, d.is("negative-index")))
	d.real(concat(2, s[n:]), -2, 2)
}

func tensorScatter(d *draft) {
	s := d.shape(4)
	axis := len(s) - 2
	if d.is("axis") {
		axis = 1
		d.int("axis", 1)
	}
	const most, length = 5, 2
	s[axis] = most
	update := s.Clone()
	update[axis] = length
	d.data(s)
	d.data(update)
	switch d.Attributes {
	case "indices":
		d.real(tensor.Shape{s[0]}, 0, most-length)
	case "circular":
		d.text("mode", "circular")
		d.real(tensor.Shape{s[0]}, 0, most-1)
	}
}

func oneHot(d *draft) {
	s := d.shape(2)
	depth := 3 + d.IntN(3)
	at := between(0, float64(depth-1))
	switch d.Attributes {
	case "axis":
		d.int("axis", 0)
	case "negative-axis":
		d.int("axis", -len(s)-1)
	case "negative-index":
		d.only(d.Version >= 11)
		at = between(float64(-depth), -1)
	case "outside":
		at = between(float64(-depth-3), float64(depth+3))
	}
	index, counted := tensor.Int64, tensor.Int64
	if d.is("depth-float") {
		index, counted = tensor.Float32, tensor.Float32
		at = among(0, 1, 2)
	}
	d.in(s, plain, at, index)
	d.in(tensor.Shape{}, weight, exactly(float64(depth)), counted)
	d.in(tensor.Shape{2}, plain, exactly(1, 0), d.DType).also = nil
	if d.DType != tensor.Bool && d.DType != tensor.String {
		d.operands[2].fill = exactly(2, 5)
	}
	if d.DType == tensor.String || d.DType.IsComplex() {
		d.operands[2].fill = between(0, 1)
	}
}

func topK(d *draft) {
	s := d.shape(3)
	d.only(d.Cell.Shape != Empty)
	axis := len(s) - 1
	switch d.Attributes {
	case "axis", "smallest-axis":
		axis = 0
		d.int("axis", 0)
	case "negative-axis":
		d.only(d.Version >= 11 && len(s) > 1)
		axis = max(len(s)-2, 0)
		d.int("axis", axis-len(s))
	}
	if d.is("smallest", "smallest-axis") {
		d.int("largest", 0)
	}
	if s[axis] < 3 {
		s[axis] = 3
	}
	k := 2
	if d.is("all") {
		k = s[axis]
	}
	if d.is("ties") {
		d.only(d.Version >= 11)
		d.in(s, data, among(0, 1, 2))
	} else {
		d.in(s, data, distinct)
	}
	if d.hasAttribute("k") {
		d.int("k", k)
	} else {
		d.constant("K", tensor.Shape{1}, float64(k))
	}
	d.result(2)
}

func unique(d *draft) {
	s := d.shape(2)
	d.only(d.Cell.Shape != Empty)
	d.in(s, plain, among(-1, 0, 1, 2))
	if d.DType == tensor.String {
		d.operands[0].fill = between(0, 1)
	}
	d.picked(len(s))
	if d.is("unsorted", "unsorted-axis") {
		d.int("sorted", 0)
	}
	if !d.is("default") {
		d.result(4)
	}
}
