package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, convDraws) }

// convDraws are of the operators that slide a window over spatial axes.
var convDraws = map[string]func(d *dice) *sample{
	"AveragePool":         pool,
	"CausalConvWithState": causalConv,
	"Col2Im":              col2Im,
	"Conv":                conv,
	"ConvInteger":         convInteger,
	"ConvTranspose":       convTranspose,
	"DeformConv":          deformConv,
	"GlobalAveragePool":   globalPool,
	"GlobalLpPool":        globalPool,
	"GlobalMaxPool":       globalPool,
	"LpPool":              pool,
	"MaxPool":             pool,
	"MaxRoiPool":          maxRoiPool,
	"MaxUnpool":           maxUnpool,
	"QLinearConv":         qLinearConv,
	"RoiAlign":            roiAlign,
}

// window is a drawn one: the extents that it slides over, its own, and the
// attributes of how it slides.
type window struct {
	image, kernel            tensor.Shape
	strides, dilations, pads []int64 // nil: not given
	automatic                string
}

// window draws a window over rank axes that fits at least once.
func (d *dice) window(rank int, dilated bool) window {
	w := window{image: d.full(rank, 6), kernel: d.full(rank, 3)}
	if d.one(2) {
		w.strides = d.list(rank, 1, 3)
	}
	if dilated && d.one(3) {
		w.dilations = d.list(rank, 1, 2)
	}
	switch d.IntN(4) {
	case 0:
		w.automatic = pick(d, "SAME_UPPER", "SAME_LOWER", "VALID")
	case 1, 2:
		w.pads = make([]int64, 2*rank)
		for i := range w.pads {
			w.pads[i] = int64(d.IntN(w.kernel[i%rank]))
		}
	}
	for i := range w.image {
		reach := w.kernel[i]
		if w.dilations != nil {
			reach = (reach-1)*int(w.dilations[i]) + 1
		}
		w.image[i] += reach - 1
	}
	return w
}

// set sets the attributes of a window.
func (w window) set(n *sample) {
	if w.strides != nil {
		attribute(n, "strides", w.strides)
	}
	if w.dilations != nil {
		attribute(n, "dilations", w.dilations)
	}
	if w.pads != nil {
		attribute(n, "pads", w.pads)
	}
	if w.automatic != "" {
		attribute(n, "auto_pad", w.automatic)
	}
}

// wide returns the extents of a window as an attribute has them.
func wide(s tensor.Shape) []int64 {
	v := make([]int64, len(s))
	for i, e := range s {
		v[i] = int64(e)
	}
	return v
}

func (d *dice) spatialRank() int { return pick(d, 1, 2, 2, 2, 3) }

func pool(d *dice) *sample {
	_, dilated := d.schema.Attribute("dilations")
	w := d.window(d.spatialRank(), dilated)
	n := d.node(d.moderate(d.input(0), append(d.full(2, 3), w.image...)))
	w.set(n)
	attribute(n, "kernel_shape", wide(w.kernel))
	if d.one(3) {
		attribute(n, "ceil_mode", int64(1))
	}
	if d.one(2) {
		attribute(n, "count_include_pad", int64(d.IntN(2)))
	}
	if d.one(3) {
		attribute(n, "storage_order", int64(1))
	}
	d.power(n)
	n.outputs = d.between(1, min(2, d.schema.MaxOutputs))
	return n.accumulates(27)
}

// power draws the p of an Lp norm.
func (d *dice) power(n *sample) {
	if d.one(2) {
		return
	}
	if d.schema.Since == 1 {
		attribute(n, "p", pick[float32](d, 1, 2, 3))
		return
	}
	attribute(n, "p", int64(d.between(1, 3)))
}

func globalPool(d *dice) *sample {
	n := d.node(d.moderate(d.input(0), append(d.full(2, 3), d.full(d.spatialRank(), 4)...)))
	d.power(n)
	return n.accumulates(64)
}

// grouped draws the number of groups, and of channels in and out of each.
func (d *dice) grouped(n *sample) (groups, in, out int) {
	groups, in, out = d.between(1, 3), d.between(1, 2), d.between(1, 2)
	if groups > 1 || d.one(3) {
		attribute(n, "group", int64(groups))
	}
	return groups, in, out
}

func conv(d *dice) *sample {
	n := d.node()
	w := d.window(d.spatialRank(), true)
	groups, in, out := d.grouped(n)
	w.set(n)
	if d.one(3) {
		attribute(n, "kernel_shape", wide(w.kernel))
	}
	n.inputs = []tensor.Value{
		d.moderate(d.input(0), append(tensor.Shape{d.between(1, 2), groups * in}, w.image...)),
		d.moderate(d.input(0), append(tensor.Shape{groups * out, in}, w.kernel...)),
	}
	if d.one(2) {
		n.inputs = append(n.inputs, d.moderate(d.input(0), tensor.Shape{groups * out}))
	}
	return n.accumulates(64)
}

func convTranspose(d *dice) *sample {
	n := d.node()
	rank := d.spatialRank()
	w := d.window(rank, true)
	groups, in, out := d.grouped(n)
	w.set(n)
	if d.one(3) {
		attribute(n, "kernel_shape", wide(w.kernel))
	}
	switch {
	case w.strides != nil && d.one(3):
		padding := make([]int64, rank)
		for i := range padding {
			padding[i] = int64(d.IntN(int(w.strides[i])))
		}
		attribute(n, "output_padding", padding)
	case w.pads == nil && d.one(3):
		attribute(n, "output_shape", w.transposed(d))
	}
	n.inputs = []tensor.Value{
		d.moderate(d.input(0), append(tensor.Shape{d.between(1, 2), groups * in}, w.image...)),
		d.moderate(d.input(0), append(tensor.Shape{groups * in, out}, w.kernel...)),
	}
	if d.one(2) {
		n.inputs = append(n.inputs, d.moderate(d.input(0), tensor.Shape{groups * out}))
	}
	return n.accumulates(64)
}

// transposed draws the extents of a transposed convolution's result: a little
// less than without padding.
func (w window) transposed(d *dice) []int64 {
	shape := make([]int64, len(w.image))
	for i, extent := range w.image {
		stride, dilation := 1, 1
		if w.strides != nil {
			stride = int(w.strides[i])
		}
		if w.dilations != nil {
			dilation = int(w.dilations[i])
		}
		full := (extent-1)*stride + (w.kernel[i]-1)*dilation + 1
		shape[i] = int64(max(1, full-d.IntN(3)))
	}
	return shape
}

func convInteger(d *dice) *sample {
	n := d.node()
	w := d.window(d.spatialRank(), true)
	groups, in, out := d.grouped(n)
	w.set(n)
	n.inputs = []tensor.Value{
		d.bytes(d.input(0), append(tensor.Shape{d.between(1, 2), groups * in}, w.image...)),
		d.bytes(d.input(1), append(tensor.Shape{groups * out, in}, w.kernel...)),
	}
	if d.one(2) {
		n.inputs = append(n.inputs, d.zeroPoint(d.input(0), tensor.Shape{}))
		if d.one(2) {
			n.inputs = append(n.inputs, d.zeroPoint(d.input(1), pick(d, tensor.Shape{}, tensor.Shape{groups * out})))
		}
	}
	return n
}

func qLinearConv(d *dice) *sample {
	n := d.node()
	w := d.window(d.spatialRank(), true)
	groups, in, out := d.grouped(n)
	w.set(n)
	one := tensor.Shape{}
	each := pick(d, one, tensor.Shape{groups * out})
	n.inputs = []tensor.Value{
		d.bytes(d.input(0), append(tensor.Shape{d.between(1, 2), groups * in}, w.image...)),
		d.scale(tensor.Float32, one), d.zeroPoint(d.input(0), one),
		d.bytes(d.input(3), append(tensor.Shape{groups * out, in}, w.kernel...)),
		d.scale(tensor.Float32, each), d.zeroPoint(d.input(3), each),
		d.tensor(tensor.Float32, one, 20, 60), d.zeroPoint(d.input(7), one),
	}
	if d.one(2) {
		n.inputs = append(n.inputs, d.tensor(tensor.Int32, tensor.Shape{groups * out}, -500, 500))
	}
	return n
}

func deformConv(d *dice) *sample {
	n := d.node()
	w := d.window(2, true)
	w.automatic = ""
	groups, in, out := d.grouped(n)
	w.set(n)
	shared := d.between(1, 2)
	for groups*in%shared != 0 {
		shared--
	}
	attribute(n, "offset_group", int64(shared))
	batch := d.between(1, 2)
	result := w.slid()
	n.inputs = []tensor.Value{
		d.moderate(d.input(0), append(tensor.Shape{batch, groups * in}, w.image...)),
		d.moderate(d.input(0), append(tensor.Shape{groups * out, in}, w.kernel...)),
		d.tensor(d.input(0), append(tensor.Shape{batch, shared * 2 * w.kernel.Size()}, result...), -1.3, 1.3),
	}
	if d.one(2) {
		n.inputs = append(n.inputs, d.moderate(d.input(0), tensor.Shape{groups * out}))
	} else if d.one(2) {
		n.inputs = append(n.inputs, nil)
	}
	if len(n.inputs) == 4 && d.one(2) {
		n.inputs = append(n.inputs, d.tensor(d.input(0), append(tensor.Shape{batch, shared * w.kernel.Size()}, result...), 0, 1))
	}
	return n.accumulates(64)
}

// slid returns how often a window fits along each axis.
func (w window) slid() tensor.Shape {
	s := make(tensor.Shape, len(w.image))
	for i, extent := range w.image {
		stride, reach := 1, w.kernel[i]
		if w.strides != nil {
			stride = int(w.strides[i])
		}
		if w.dilations != nil {
			reach = (reach-1)*int(w.dilations[i]) + 1
		}
		if w.pads != nil {
			extent += int(w.pads[i] + w.pads[i+len(s)])
		}
		s[i] = (extent-reach)/stride + 1
	}
	return s
}

func causalConv(d *dice) *sample {
	batch, channels, length, width := d.between(1, 2), d.between(1, 3), d.between(1, 4), d.between(1, 4)
	n := d.node(d.moderate(d.input(0), tensor.Shape{batch, channels, length}), d.moderate(d.input(0), tensor.Shape{channels, 1, width}))
	n.outputs = 2
	attribute(n, "activation", pick(d, "none", "silu", "swish"))
	if d.one(2) {
		n.inputs = append(n.inputs, d.moderate(d.input(0), tensor.Shape{channels}))
		if d.one(2) {
			n.inputs = append(n.inputs, d.moderate(d.input(0), tensor.Shape{batch, channels, width - 1}))
		}
	}
	return n.accumulates(8)
}

func col2Im(d *dice) *sample {
	if d.first == tensor.String {
		return nil
	}
	w := d.window(pick(d, 1, 2, 2, 3), true)
	w.automatic = ""
	n := d.node()
	w.set(n)
	s := tensor.Shape{d.between(1, 2), d.between(1, 2) * w.kernel.Size(), w.slid().Size()}
	n.inputs = []tensor.Value{d.moderate(d.input(0), s), shapeTensor(w.image), shapeTensor(w.kernel)}
	return n.accumulates(27)
}

func maxUnpool(d *dice) *sample {
	rank := d.spatialRank()
	s := append(d.full(2, 2), d.full(rank, 3)...)
	kernel, strides := d.full(rank, 3), d.list(rank, 1, 3)
	out := s.Clone()
	for i := range rank {
		out[2+i] = (s[2+i]-1)*int(strides[i]) + kernel[i]
	}
	n := d.node(d.moderate(d.input(0), s))
	attribute(n, "kernel_shape", wide(kernel))
	attribute(n, "strides", strides)
	at := make([]int64, 0, s.Size())
	for _, i := range d.Perm(out.Size())[:s.Size()] {
		at = append(at, int64(i))
	}
	n.inputs = append(n.inputs, tensor.Of(at, s...))
	if d.one(3) {
		larger := out.Clone()
		larger[len(larger)-1]++
		n.inputs = append(n.inputs, shapeTensor(larger))
	}
	return n
}

func maxRoiPool(d *dice) *sample {
	s := tensor.Shape{d.between(1, 2), d.between(1, 3), d.between(2, 6), d.between(2, 6)}
	n := d.node(d.moderate(d.input(0), s))
	attribute(n, "pooled_shape", d.list(2, 1, 3))
	if d.one(2) {
		attribute(n, "spatial_scale", pick[float32](d, 0.5, 1, 0.25))
	}
	regions := d.between(1, 3)
	var v []float64
	for range regions {
		x, y := d.IntN(s[3]), d.IntN(s[2])
		v = append(v, float64(d.IntN(s[0])), float64(x), float64(y), float64(d.between(x, s[3]-1)), float64(d.between(y, s[2]-1)))
	}
	n.inputs = append(n.inputs, tensor.FromFloat64s(d.input(0), tensor.Shape{regions, 5}, v))
	return n
}

func roiAlign(d *dice) *sample {
	s := tensor.Shape{d.between(1, 2), d.between(1, 3), d.between(2, 6), d.between(2, 6)}
	n := d.node(d.moderate(d.input(0), s))
	attribute(n, "output_height", int64(d.between(1, 3)))
	attribute(n, "output_width", int64(d.between(1, 3)))
	attribute(n, "mode", pick(d, "avg", "max"))
	attribute(n, "sampling_ratio", int64(d.IntN(3)))
	if d.one(2) {
		attribute(n, "spatial_scale", pick[float32](d, 0.5, 1, 0.25))
	}
	if d.one(2) {
		attribute(n, "coordinate_transformation_mode", pick(d, "half_pixel", "output_half_pixel"))
	}
	regions := d.between(1, 3)
	var v []float64
	for range regions {
		x, y := d.Float64()*float64(s[3]), d.Float64()*float64(s[2])
		v = append(v, x, y, x+d.Float64()*4, y+d.Float64()*4)
	}
	n.inputs = append(n.inputs, tensor.FromFloat64s(d.input(0), tensor.Shape{regions, 4}, v), ints(d.list(regions, 0, s[0]-1)...))
	return n.accumulates(8)
}
