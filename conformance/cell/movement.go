package cell

import (
	"slices"

	"example.com/midplane/adapter/tensor"
)

// movements holds operators that move elements, or only change shapes.
var movements = family{
	"Identity":  {shapes: anyRank, values: everyValue, draw: func(d *draft) { d.data(d.shape(2)) }},
	"Shape":     {classes: classes("start", "end", "negative-end"), shapes: anyRank, draw: shapeOp},
	"Size":      {shapes: anyRank, draw: func(d *draft) { d.data(d.shape(2)) }},
	"Reshape":   {classes: classes("minus-one", "zero", "allowzero"), shapes: fromRank1, values: everyValue, draw: reshape},
	"Flatten":   {classes: classes("axis", "axis-0", "negative-axis"), shapes: fromRank1, values: everyValue, draw: flatten},
	"Squeeze":   {classes: classes("axes", "negative-axes"), shapes: fromRank2, values: everyValue, draw: squeeze},
	"Unsqueeze": {classes: classes("two-axes", "negative-axis"), shapes: []Shape{Rank2, Scalar, Rank1, Rank3, Rank4, Empty, Dynamic, Large}, values: everyValue, draw: unsqueeze},
	"Expand":    {classes: classes("higher-rank"), shapes: anyRank, values: everyValue, draw: expand},
	"Transpose": {classes: classes("perm", "swap-last", "rotate"), shapes: fromRank1, values: everyValue, draw: transpose},
	"Tile":      {shapes: fromRank1, values: everyValue, draw: tile},

	"DepthToSpace": {classes: classes("column-row-depth"), shapes: []Shape{Rank4, Dynamic, Large}, values: everyValue, draw: depthToSpace},
	"SpaceToDepth": {shapes: []Shape{Rank4, Dynamic, Large}, values: everyValue, draw: depthToSpace},

	"Concat": {classes: classes("axis", "negative-axis", "one", "four"), shapes: fromRank1, values: everyValue, draw: concatOp},
	"Split":  {classes: classes("axis", "negative-axis", "sizes", "uneven"), shapes: fromRank1, values: everyValue, draw: split},
	"Slice": {
		classes: classes("axes", "negative", "steps", "backwards", "clamped", "int32"),
		shapes:  fromRank1, values: everyValue, draw: slice,
	},
	"Pad": {
		classes: classes("value", "reflect", "edge", "wrap", "negative", "axes", "negative-axes"),
		shapes:  fromRank1, values: everyValue, draw: pad,
	},
	"Trilu":           {classes: classes("lower", "above", "below", "lower-above"), shapes: fromRank2, values: everyValue, draw: trilu},
	"ReverseSequence": {classes: classes("batch-major"), shapes: []Shape{Rank2, Rank3, Rank4, Dynamic, Large}, values: everyValue, draw: reverseSequence},
	"Compress":        {classes: classes("axis", "negative-axis", "short"), shapes: fromRank1, values: everyValue, draw: compress},
	"CenterCropPad":   {classes: classes("axes", "negative-axes"), shapes: fromRank1, values: everyValue, draw: centerCropPad},
	"Col2Im":          {classes: classes("strides", "pads", "asymmetric-pads", "dilations"), shapes: []Shape{Rank3, Dynamic}, draw: col2Im},
}

func shapeOp(d *draft) {
	s := d.shape(3)
	d.data(s)
	switch d.Attributes {
	case "start":
		d.int("start", 1)
	case "end":
		d.int("end", max(len(s)-1, 0))
	case "negative-end":
		d.int("end", -1)
		d.int("start", -3)
	}
}

// reshape goes to two axes.
func reshape(d *draft) {
	s := d.shape(3)
	d.data(s)
	n := s.Size()
	half := s[:len(s)/2].Size()
	target := []int{half, n / max(half, 1)}
	switch d.Attributes {
	case "minus-one":
		d.only(d.Cell.Shape != Empty)
		target[1] = -1
	case "zero":
		d.only(d.Cell.Shape != Empty)
		target = []int{0, -1}
	case "allowzero":
		d.flag("allowzero")
		d.only(d.Cell.Shape == Empty)
		target = []int{3, 0}
	default:
		if d.Cell.Shape == Empty { // a 0 copies the extent of the input
			target = slices.Clone(s)
		}
	}
	d.list("shape", target...)
}

func flatten(d *draft) {
	s := d.shape(3)
	d.data(s)
	switch d.Attributes {
	case "axis":
		d.int("axis", len(s))
	case "axis-0":
		d.int("axis", 0)
	case "negative-axis":
		d.only(d.Version >= 11)
		d.int("axis", -1)
	}
}

// squeeze has axes of extent 1 at the first and the last but one.
func squeeze(d *draft) {
	s := d.shape(3)
	for i := range s {
		if d.Cell.Shape != Empty {
			s[i] = max(s[i], 2)
		}
	}
	ones := []int{0}
	if len(s) > 2 {
		ones = append(ones, len(s)-2)
	}
	for _, axis := range ones {
		s[axis] = 1
	}
	if d.Cell.Shape == Empty {
		s[len(s)-1] = 0
	}
	d.data(s)
	switch d.Attributes {
	case "default":
		d.only(d.Cell.Shape != Dynamic || d.Version >= 13)
		if d.Version < 11 {
			d.list("axes", ones...)
		}
	case "axes":
		d.list("axes", ones...)
	case "negative-axes":
		d.only(d.Version >= 11)
		for i := range ones {
			ones[i] -= len(s)
		}
		d.list("axes", ones...)
	}
}

func unsqueeze(d *draft) {
	s := d.shape(2)
	d.data(s)
	switch d.Attributes {
	case "default":
		d.list("axes", d.IntN(len(s)+1))
	case "two-axes":
		d.list("axes", 0, len(s)+1)
	case "negative-axis":
		d.only(d.Version >= 11)
		d.list("axes", -1-d.IntN(len(s)+1))
	}
}

func expand(d *draft) {
	s := d.shape(2)
	target := s.Clone()
	for i := range s {
		if i%2 == 0 && d.Cell.Shape != Empty && d.Cell.Shape != Large {
			s[i] = 1
			target[i] = 2 + d.IntN(3)
		}
	}
	if d.is("higher-rank") {
		target = concat(3, target)
	}
	d.data(s)
	d.list("shape", target...)
}

func transpose(d *draft) {
	s := d.shape(3)
	d.data(s)
	rank := len(s)
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = i
	}
	switch d.Attributes {
	case "default":
		return
	case "perm":
		perm = d.Perm(rank)
	case "swap-last":
		d.only(rank > 1)
		if rank > 1 {
			perm[rank-1], perm[rank-2] = perm[rank-2], perm[rank-1]
		}
	case "rotate":
		perm = append(perm[1:], perm[0])
	}
	d.ints("perm", perm...)
}

// tile takes a count and an axis in version 1, one count per axis after.
func tile(d *draft) {
	s := d.shape(2)
	d.data(s)
	if d.Version == 1 {
		d.constant("tiles", tensor.Shape{1}, 2)
		d.constant("axis", tensor.Shape{1}, float64(d.IntN(len(s))))
		return
	}
	repeats := make([]int, len(s))
	for i := range repeats {
		repeats[i] = 1 + (i+d.IntN(2))%3
	}
	d.list("repeats", repeats...)
}

func depthToSpace(d *draft) {
	const block = 2
	d.int("blocksize", block)
	if d.is("column-row-depth") {
		d.text("mode", "CRD")
	}
	s := tensor.Shape{1 + d.IntN(2), block * block * (1 + d.IntN(3)), 1 + d.IntN(3), 2 + d.IntN(3)}
	if d.Operator == "SpaceToDepth" {
		s[1], s[2], s[3] = 1+d.IntN(3), block*(1+d.IntN(3)), block*(2+d.IntN(3))
	}
	if d.Cell.Shape == Large {
		s = tensor.Shape{1, 2 * block * block, block, 2*block*1050 + block*d.IntN(9)}
	}
	d.data(s)
}

func concatOp(d *draft) {
	s := d.shape(3)
	n := map[string]int{"one": 1, "four": 4}[d.Attributes]
	if n == 0 {
		n = 2
	}
	axis := d.IntN(len(s))
	switch d.Attributes {
	case "axis":
		axis = len(s) - 1
	case "negative-axis":
		d.only(d.Version >= 11)
		axis = d.behind(len(s))
	}
	for range n {
		part := s.Clone()
		if d.Cell.Shape != Empty && d.Cell.Shape != Large {
			part[axis] = 1 + d.IntN(4)
		}
		d.data(part)
	}
	if d.is("negative-axis") {
		axis -= len(s)
	}
	d.int("axis", axis)
}

func split(d *draft) {
	s := d.shape(3)
	axis := d.IntN(len(s))
	if d.is("default") {
		axis = 0
	}
	parts := []int{3, 1, 2}
	s[axis] = 6
	if d.is("uneven") {
		s[axis] = 7
	}
	if d.Cell.Shape == Empty {
		d.only(len(s) > 1)
		s[(axis+1)%len(s)] = 0
	}
	d.data(s)
	switch d.Attributes {
	case "negative-axis":
		d.only(d.Version >= 11)
		d.int("axis", axis-len(s))
	case "default":
		d.only(d.Version >= 2)
	default:
		d.int("axis", axis)
	}
	switch d.Attributes {
	case "sizes":
		if d.Version == 1 {
			d.ints("split", parts...)
		} else {
			d.list("split", parts...)
		}
	case "uneven":
		d.only(d.Version >= 18)
		d.int("num_outputs", 4)
		d.result(4)
		return
	default:
		if d.Version >= 18 {
			d.int("num_outputs", 3)
		}
	}
	d.result(3)
}

// slice takes a part of every axis, or of some.
func slice(d *draft) {
	s := d.shape(3)
	for i := range s {
		if s[i] > 0 {
			s[i] = max(s[i], 3)
		}
	}
	d.data(s)
	rank := len(s)
	axes := make([]int, rank)
	starts, ends, steps := times(1, rank), slices.Clone([]int(s)), times(1, rank)
	for i := range axes {
		axes[i] = i
	}
	switch d.Attributes {
	case "axes":
		if axes = d.Perm(rank)[:max(rank-1, 1)]; rank > 1 && slices.IsSorted(axes) && axes[0] == 0 {
			slices.Reverse(axes)
			axes[0] = rank - 1
		}
	case "negative":
		d.only(d.Version >= 10)
		starts, ends = times(-3, rank), times(-1, rank)
		for i := range axes {
			axes[i] -= rank
		}
	case "steps":
		steps = times(2, rank)
	case "backwards":
		starts, ends, steps = times(-1, rank), times(-1000, rank), times(-1-d.IntN(2), rank)
	case "clamped":
		starts, ends = times(-1000, rank), times(1<<30, rank)
		if d.Version < 10 {
			starts = times(1, rank)
		}
	}
	n := len(axes)
	sliced := []struct {
		name string
		v    []int
	}{{"starts", starts[:n]}, {"ends", ends[:n]}, {"axes", axes}, {"steps", steps[:n]}}
	for _, list := range sliced {
		if list.name == "axes" && d.is("default", "clamped", "int32") || list.name == "steps" && !d.is("steps", "backwards") {
			continue
		}
		d.list(list.name, list.v...)
	}
	if d.is("int32") {
		d.only(d.Version >= 10)
		for _, o := range d.operands[1:] {
			o.typ.DType = tensor.Int32
		}
	}
}

func pad(d *draft) {
	s := d.shape(3)
	rank := len(s)
	d.data(s)
	pads := make([]int, 2*rank)
	for i := range pads {
		pads[i] = d.IntN(3)
	}
	if mode := d.Attributes; d.is("reflect", "edge", "wrap") {
		d.only(d.Cell.Shape != Empty && (mode != "wrap" || d.Version >= 19))
		d.text("mode", mode)
		for i := range pads {
			pads[i] = min(pads[i], s[i%rank]-1)
		}
	}
	switch d.Attributes {
	case "negative":
		d.only(d.Cell.Shape != Empty)
		for i := range rank {
			pads[i] = -min(1, s[i]-1)
		}
	case "value":
		if d.Version < 11 {
			d.float("value", 2)
		}
	case "axes", "negative-axes":
		d.only(d.has("axes"))
		pads = pads[:2]
	}
	if d.Version == 1 {
		d.ints("paddings", pads...)
	} else {
		d.list("pads", pads...)
	}
	if d.is("value") && d.Version >= 11 {
		d.in(tensor.Shape{}, weight, between(1, 2))
	}
	if axis := d.IntN(rank); d.is("axes") {
		d.list("axes", axis)
	} else if d.is("negative-axes") {
		d.list("axes", axis-rank)
	}
}

func trilu(d *draft) {
	d.data(d.shape(2))
	switch d.Attributes {
	case "lower":
		d.int("upper", 0)
	case "above":
		d.constant("k", tensor.Shape{}, 1)
	case "below":
		d.constant("k", tensor.Shape{}, -2)
	case "lower-above":
		d.int("upper", 0)
		d.constant("k", tensor.Shape{}, 1)
	}
}

func reverseSequence(d *draft) {
	s := d.shape(3)
	time, batch := 0, 1
	if d.is("batch-major") {
		time, batch = 1, 0
		d.int("time_axis", 1)
		d.int("batch_axis", 0)
	}
	s[time] = max(s[time], 3)
	d.data(s)
	d.real(tensor.Shape{s[batch]}, 0, float64(s[time]))
}

func compress(d *draft) {
	s := d.shape(3)
	d.data(s)
	n := s.Size()
	axis := d.IntN(len(s))
	switch d.Attributes {
	case "axis":
		d.int("axis", axis)
		n = s[axis]
	case "negative-axis":
		d.only(d.Version >= 11)
		d.int("axis", axis-len(s))
		n = s[axis]
	case "short":
		n = max(n-2, 0)
	}
	d.real(tensor.Shape{n}, 0, 1)
}

// centerCropPad crops some axes and pads others.
func centerCropPad(d *draft) {
	s := d.shape(3)
	d.data(s)
	target := make([]int, len(s))
	for i, n := range s {
		target[i] = max(n+[]int{-2, 3, 1, -1}[(i+d.IntN(4))%4], 1)
	}
	switch d.Attributes {
	case "axes":
		d.ints("axes", len(s)-1)
		target = target[len(s)-1:]
	case "negative-axes":
		d.ints("axes", -len(s))
		target = target[:1]
	}
	d.list("shape", target...)
}

func col2Im(d *draft) {
	d.only(d.DType != tensor.String) // overlapping blocks are added
	image, block := []int{5 + d.IntN(3), 4 + d.IntN(3)}, []int{2, 1 + d.IntN(2)}
	w := window{space: image, kernel: block}
	if !d.is("default") {
		d.slide(w, d.Attributes)
	}
	blocks := tensor.Shape(w.positions(d.Attributes)).Size()
	d.data(tensor.Shape{1 + d.IntN(2), 2 * tensor.Shape(block).Size(), blocks})
	d.list("image_shape", image...)
	d.list("block_shape", block...)
}
