package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, resizeDraws) }

// resizeDraws are of the operators that sample images.
var resizeDraws = map[string]func(d *dice) *sample{
	"AffineGrid": affineGrid,
	"GridSample": gridSample,
	"Resize":     resize,
	"Upsample":   upsample,
}

func affineGrid(d *dice) *sample {
	rank, batch := d.between(2, 3), d.between(1, 2)
	size := append([]int64{int64(batch), int64(d.between(1, 2))}, d.list(rank, 1, 4)...)
	n := d.node(d.moderate(d.input(0), tensor.Shape{batch, rank, rank + 1}), ints(size...))
	if d.one(2) {
		attribute(n, "align_corners", int64(d.IntN(2)))
	}
	return n.accumulates(4)
}

func gridSample(d *dice) *sample {
	rank, batch := 2, d.between(1, 2)
	modes := []string{"nearest", "bilinear", "bicubic"}
	if d.since(20) {
		rank = d.between(2, 3)
		modes = []string{"nearest", "linear", "cubic"}
		if rank == 3 {
			modes = modes[:2]
		}
	}
	n := d.node(
		d.moderate(d.input(0), append(tensor.Shape{batch, d.between(1, 2)}, d.full(rank, 5)...)),
		d.tensor(d.input(1), append(append(tensor.Shape{batch}, d.full(rank, 4)...), rank), -1.3, 1.3))
	if d.input(0) == tensor.String {
		modes = modes[:1]
	}
	attribute(n, "mode", pick(d, modes...))
	attribute(n, "padding_mode", pick(d, "zeros", "border", "reflection"))
	attribute(n, "align_corners", int64(d.IntN(2)))
	return n.accumulates(16)
}

// images draws an input of which only the last two axes, or all, are resized.
func (d *dice) images() *tensor.Tensor {
	if d.one(4) {
		return d.moderate(d.input(0), d.full(d.between(1, 3), 5))
	}
	return d.moderate(d.input(0), append(d.full(2, 2), d.full(2, 5)...))
}

// enlargements draws a factor for each axis of a shape: 1 for leading ones.
func (d *dice) enlargements(s tensor.Shape, from ...float64) []float32 {
	scales := make([]float32, len(s))
	for i := range scales {
		scales[i] = float32(pick(d, from...))
		if i < len(s)-2 {
			scales[i] = 1
		}
	}
	return scales
}

func upsample(d *dice) *sample {
	x := d.images()
	n := d.node(x)
	mode := pick(d, "nearest", "linear")
	if d.schema.Since == 1 {
		mode = pick(d, "nearest", "bilinear")
	}
	if x.DType() == tensor.String {
		mode = "nearest"
	}
	attribute(n, "mode", mode)
	scales := d.enlargements(x.Shape(), 1, 1.5, 2, 3)
	switch d.schema.Since {
	case 1:
		n.inputs[0] = d.moderate(d.input(0), d.full(4, 4))
		attribute(n, "height_scale", pick[float32](d, 1, 1.5, 2))
		attribute(n, "width_scale", pick[float32](d, 1, 1.5, 2))
	case 7:
		attribute(n, "scales", scales)
	default:
		n.inputs = append(n.inputs, tensor.Of(scales, len(scales)))
	}
	return n.accumulates(8)
}

func resize(d *dice) *sample {
	x := d.images()
	n := d.node(x)
	scales := d.enlargements(x.Shape(), 0.5, 0.625, 0.75, 1, 1.5, 2, 3) // exact, so that all agree on what is nearest
	mode := pick(d, "nearest", "linear", "cubic")
	switch {
	case x.DType() == tensor.String:
		mode = "nearest"
	case mode == "cubic" && (x.Rank() != 4 || !d.since(11)):
		mode = "linear"
	}
	attribute(n, "mode", mode)
	if !d.since(11) {
		n.inputs = append(n.inputs, tensor.Of(scales, len(scales)))
		return n.accumulates(8)
	}
	d.sampling(n, mode)
	roi := tensor.Value(nil)
	if n.is("coordinate_transformation_mode", "tf_crop_and_resize") {
		roi = d.region(n, x.Rank())
	} else if !d.since(13) {
		roi = tensor.Zeros(d.input(1), tensor.Shape{0})
	}
	if d.one(2) {
		n.inputs = append(n.inputs, roi, tensor.Of(scales, len(scales)))
		return n.accumulates(16)
	}
	sizes := shapeTensor(x.Shape())
	for i := max(0, x.Rank()-2); i < x.Rank(); i++ {
		tensor.Slice[int64](sizes)[i] = int64(d.between(1, 8))
	}
	var none tensor.Value
	if !d.since(13) {
		none = tensor.Zeros(tensor.Float32, tensor.Shape{0})
	} else if x.Rank() == 4 && d.one(4) {
		attribute(n, "axes", []int64{2, 3})
		if d.since(18) {
			sizes = ints(sizes.Int64s()[2:]...)
			if r, ok := roi.(*tensor.Tensor); ok {
				v := r.Float64s()
				roi = tensor.FromFloat64s(r.DType(), tensor.Shape{4}, []float64{v[2], v[3], v[6], v[7]})
			}
		}
	}
	if d.one(3) && n.has("axes") {
		attribute(n, "keep_aspect_ratio_policy", pick(d, "stretch", "not_larger", "not_smaller"))
	}
	n.inputs = append(n.inputs, roi, none, sizes)
	return n.accumulates(16)
}

// sampling draws how Resize finds and weighs elements.
func (d *dice) sampling(n *sample, mode string) {
	modes := []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"}
	switch {
	case d.since(19):
		modes = append(modes, "half_pixel_symmetric")
	case d.schema.Since == 11:
		modes = append(modes, "tf_half_pixel_for_nn")
	}
	if d.one(4) || d.input(0) == tensor.String { // of which none extrapolates
		modes = modes[:1]
	}
	attribute(n, "coordinate_transformation_mode", pick(d, modes...))
	if mode == "nearest" {
		attribute(n, "nearest_mode", pick(d, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"))
		return
	}
	if mode == "cubic" {
		attribute(n, "cubic_coeff_a", pick[float32](d, -0.5, -0.75))
	}
	if d.one(3) {
		attribute(n, "exclude_outside", int64(d.IntN(2)))
	}
	if d.one(3) {
		attribute(n, "antialias", int64(1))
	}
}

// region draws the region of interest of tf_crop_and_resize, all of leading axes.
func (d *dice) region(n *sample, rank int) *tensor.Tensor {
	attribute(n, "extrapolation_value", pick[float32](d, 0, 7))
	v := make([]float64, 2*rank)
	for i := range rank {
		v[rank+i] = 1
		if i >= rank-2 {
			v[i], v[rank+i] = d.Float64()*0.5-0.1, 0.6+d.Float64()*0.5
		}
	}
	return tensor.FromFloat64s(d.input(1), tensor.Shape{2 * rank}, v)
}
