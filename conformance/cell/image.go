package cell

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
)

// images holds operators that sample, scale or find things in pictures.
var images = family{
	"Upsample": {classes: classes("linear"), shapes: []Shape{Rank4, Dynamic}, draw: upsample},
	"Resize": {
		classes: classes("sizes", "downscale", "floor", "ceil", "prefer-ceil", "asymmetric", "align-corners", "pytorch", "symmetric",
			"linear", "linear-down", "linear-align-corners", "linear-pytorch", "linear-asymmetric", "linear-symmetric",
			"cubic", "cubic-coefficient", "cubic-exclude", "crop", "antialias", "antialias-cubic", "axes", "not-larger", "not-smaller"),
		shapes: []Shape{Rank4, Rank3, Rank5, Dynamic, Large}, draw: resize,
	},
	"GridSample": {
		classes: classes("nearest", "cubic", "border", "reflection", "align-corners", "cubic-reflection", "nearest-border"),
		shapes:  []Shape{Rank4, Rank5, Dynamic, Large}, draw: gridSample,
	},
	"AffineGrid":        {classes: classes("align-corners", "volume"), shapes: []Shape{Rank3, Dynamic}, draw: affineGrid},
	"RoiAlign":          {classes: classes("max", "sampling", "scale", "whole-pixel"), shapes: []Shape{Rank4, Dynamic, Large}, draw: roiAlign},
	"MaxRoiPool":        {classes: classes("scale"), shapes: []Shape{Rank4, Dynamic}, draw: maxRoiPool},
	"NonMaxSuppression": {classes: classes("center", "limit", "score-threshold", "without-limit"), shapes: []Shape{Rank3, Dynamic, Large}, draw: nonMaxSuppression},
	"ImageDecoder":      {classes: classes("bgr", "grayscale"), shapes: []Shape{Rank1, Large}, draw: imageDecoder},
}

func upsample(d *draft) {
	d.data(tensor.Shape{1 + d.IntN(2), 1 + d.IntN(2), 2 + d.IntN(3), 2 + d.IntN(3)})
	if d.is("linear") {
		d.only(d.DType.IsFloat())
		d.text("mode", map[bool]string{true: "bilinear", false: "linear"}[d.Version == 1])
	}
	switch {
	case d.Version == 1:
		d.float("height_scale", 2)
		d.float("width_scale", 4)
	case d.hasAttribute("scales"):
		attr(d, "scales", []float32{1, 1, 2, 4})
	default:
		d.constant("scales", tensor.Shape{4}, 1, 1, 2, 4)
	}
}

// resizes lists the attributes of the classes of Resize. Scales of the nearest
// neighbour are powers of two, so that no coordinate depends on rounding.
var resizes = map[string]struct {
	mode, coordinates, nearest string
	scale                      float64
}{
	"default": {scale: 2}, "downscale": {scale: 0.5}, "sizes": {scale: 4},
	"floor":                {nearest: "floor", scale: 4},
	"ceil":                 {nearest: "ceil", scale: 4},
	"prefer-ceil":          {nearest: "round_prefer_ceil", scale: 0.5},
	"asymmetric":           {coordinates: "asymmetric", nearest: "floor", scale: 4},
	"align-corners":        {coordinates: "align_corners", nearest: "floor", scale: 2},
	"pytorch":              {coordinates: "pytorch_half_pixel", scale: 2},
	"symmetric":            {coordinates: "half_pixel_symmetric", scale: 2},
	"linear":               {mode: "linear", scale: 1.5},
	"linear-down":          {mode: "linear", scale: 0.75},
	"linear-align-corners": {mode: "linear", coordinates: "align_corners", scale: 1.5},
	"linear-pytorch":       {mode: "linear", coordinates: "pytorch_half_pixel", scale: 1.5},
	"linear-asymmetric":    {mode: "linear", coordinates: "asymmetric", scale: 1.5},
	"linear-symmetric":     {mode: "linear", coordinates: "half_pixel_symmetric", scale: 1.4},
	"cubic":                {mode: "cubic", scale: 1.5},
	"cubic-coefficient":    {mode: "cubic", scale: 1.5},
	"cubic-exclude":        {mode: "cubic", scale: 1.5},
	"crop":                 {mode: "linear", coordinates: "tf_crop_and_resize", scale: 1.5},
	"antialias":            {mode: "linear", scale: 0.5},
	"antialias-cubic":      {mode: "cubic", scale: 0.5},
	"axes":                 {scale: 2},
	"not-larger":           {mode: "linear", scale: 1.5},
	"not-smaller":          {mode: "linear", scale: 1.5},
}

func resize(d *draft) {
	c := resizes[d.Attributes]
	if c.mode != "" {
		d.only(d.DType.IsFloat() && (c.mode != "cubic" || d.rank(4) == 4 && d.Version >= 11))
		d.text("mode", c.mode)
	}
	if c.coordinates != "" {
		d.text("coordinate_transformation_mode", c.coordinates)
	}
	if c.nearest != "" {
		d.text("nearest_mode", c.nearest)
	}
	switch d.Attributes {
	case "cubic-coefficient":
		d.float("cubic_coeff_a", -0.5)
	case "cubic-exclude":
		d.flag("exclude_outside")
	case "antialias", "antialias-cubic":
		d.flag("antialias")
	case "crop":
		d.float("extrapolation_value", 7.25)
	}
	d.resizeOperands(c.scale)
}

// resizeOperands gives the data, and the scales or sizes of its last two axes.
func (d *draft) resizeOperands(scale float64) {
	rank := d.rank(4)
	s := concat(times(1, rank-2), 4+2*d.IntN(2), 4)
	if rank > 3 {
		s[1] = 2
	}
	if d.Cell.Shape == Large {
		s = tensor.Shape{1, 2, 60, 64}
	}
	d.data(s)
	sizes, factors := floatsOf(s), make([]float64, rank)
	for i := range factors {
		factors[i] = 1
		if i >= rank-2 {
			factors[i] = scale
			sizes[i] = float64(int(float64(s[i]) * scale))
		}
	}
	if d.Version == 11 { // roi and scales are required there, empty where they do not apply
		d.constant("roi", tensor.Shape{0})
		d.constant("scales", tensor.Shape{0})
	}
	switch d.Attributes {
	case "sizes":
		d.constant("sizes", tensor.Shape{rank}, sizes...)
		return
	case "axes":
		d.ints("axes", rank-2, rank-1)
		d.constant("scales", tensor.Shape{2}, scale, scale)
		return
	case "not-larger", "not-smaller":
		d.text("keep_aspect_ratio_policy", map[string]string{"not-larger": "not_larger", "not-smaller": "not_smaller"}[d.Attributes])
		d.ints("axes", rank-2, rank-1)
		d.constant("sizes", tensor.Shape{2}, 6, 9)
		return
	case "crop":
		roi := make([]float64, 2*rank)
		for i := range rank {
			roi[rank+i] = 1
		}
		roi[rank-2], roi[2*rank-2] = 0.25, 0.75
		roi[rank-1], roi[2*rank-1] = 0.5, 1.5
		d.constant("roi", tensor.Shape{2 * rank}, roi...)
	}
	d.constant("scales", tensor.Shape{rank}, factors...)
}

func gridSample(d *draft) {
	axes := d.rank(4) - 2
	d.only(axes == 2 || d.Version >= 20)
	batch, channels := 1+d.IntN(2), 1+d.IntN(2)
	in, out := make([]int, axes), make([]int, axes)
	for i := range in {
		in[i], out[i] = 3+d.IntN(3), 2+d.IntN(3)
	}
	if d.Cell.Shape == Large {
		in, out = []int{40, 40}, []int{50, 60}
	}
	d.only(d.DType.IsFloat() || d.is("nearest", "nearest-border"))
	d.data(concat(batch, channels, in))
	d.in(concat(batch, out, axes), plain, between(-1.2, 1.2))
	switch d.Attributes {
	case "nearest", "nearest-border":
		d.text("mode", "nearest")
	case "cubic", "cubic-reflection":
		d.only(axes == 2)
		d.text("mode", map[bool]string{true: "bicubic", false: "cubic"}[d.Version < 20])
	case "align-corners":
		d.flag("align_corners")
	}
	switch d.Attributes {
	case "border", "nearest-border":
		d.text("padding_mode", "border")
	case "reflection", "cubic-reflection":
		d.text("padding_mode", "reflection")
	}
}

func affineGrid(d *draft) {
	batch, size := 1+d.IntN(2), []int{2 + d.IntN(4), 2 + d.IntN(4)}
	if d.is("volume") {
		size = append(size, 2+d.IntN(2))
	}
	if d.is("align-corners") {
		d.flag("align_corners")
	}
	d.real(tensor.Shape{batch, len(size), len(size) + 1}, -1, 1)
	d.list("size", concat(batch, 2, size)...)
}

// regions are boxes (x1, y1, x2, y2) at eighths of a picture of 8 by 8.
func regions(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
	v := make([]float64, 0, s.Size())
	for range s[0] {
		x, y := r.IntN(4), r.IntN(4)
		v = append(v, float64(x), float64(y), float64(x+1+r.IntN(4)), float64(y+1+r.IntN(4)))
	}
	return tensor.FromFloat64s(t, s, v)
}

func roiAlign(d *draft) {
	batch, channels, count := 2, 1+d.IntN(2), 3
	if d.Cell.Shape == Large {
		channels, count = 8, 60
	}
	d.data(tensor.Shape{batch, channels, 8, 8})
	d.in(tensor.Shape{count, 4}, plain, regions)
	d.real(tensor.Shape{count}, 0, float64(batch-1))
	d.int("output_height", 2)
	d.int("output_width", 2)
	d.int("sampling_ratio", 2)
	switch d.Attributes {
	case "max":
		d.text("mode", "max")
	case "sampling":
		d.attributes = d.attributes[:len(d.attributes)-1]
	case "scale":
		d.float("spatial_scale", 0.5)
	case "whole-pixel":
		d.text("coordinate_transformation_mode", "output_half_pixel")
	}
}

func maxRoiPool(d *draft) {
	d.data(tensor.Shape{2, 1 + d.IntN(2), 8, 8})
	d.in(tensor.Shape{3, 5}, plain, func(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
		boxes := regions(r, tensor.Float64, tensor.Shape{s[0], 4}).Float64s()
		v := make([]float64, 0, s.Size())
		for i := range s[0] {
			v = append(append(v, float64(r.IntN(2))), boxes[4*i:4*i+4]...)
		}
		return tensor.FromFloat64s(t, s, v)
	})
	d.ints("pooled_shape", 2, 3)
	if d.is("scale") {
		d.float("spatial_scale", 0.5)
	}
}

// nonMaxSuppression has boxes whose overlaps are far from the threshold, and
// scores unlike each other.
func nonMaxSuppression(d *draft) {
	batch, classes, count := 1+d.IntN(2), 1+d.IntN(2), 6+d.IntN(3)
	if d.Cell.Shape == Large {
		batch, classes, count = 1, 2, 120
	}
	d.in(tensor.Shape{batch, count, 4}, plain, boxes(d.is("center")))
	d.in(tensor.Shape{batch, classes, count}, plain, distinct)
	if d.is("center") {
		d.flag("center_point_box")
	}
	switch d.Attributes {
	case "without-limit":
		return
	case "limit":
		d.in(tensor.Shape{}, weight, exactly(2))
	default:
		d.in(tensor.Shape{}, weight, exactly(100))
	}
	d.in(tensor.Shape{}, weight, exactly(0.45))
	if d.is("score-threshold") {
		d.in(tensor.Shape{}, weight, exactly(0.125))
	}
}

// boxes are squares of side 4 shifted by 0, 1, 2 or more: two of them overlap by
// 1, 3/5, 1/3, or less, in one direction.
func boxes(center bool) fill {
	return func(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]float64, 0, s.Size())
		for range s.Size() / 4 {
			x, y := float64(r.IntN(6)), float64(8*r.IntN(3))
			if center {
				v = append(v, x+2, y+2, 4, 4)
			} else {
				v = append(v, y, x, y+4, x+4)
			}
		}
		return tensor.FromFloat64s(t, s, v)
	}
}

// imageDecoder gets a PNG, which keeps every pixel.
func imageDecoder(d *draft) {
	side := 5 + d.IntN(4)
	if d.Cell.Shape == Large {
		side = 96
	}
	if !d.is("default") {
		d.text("pixel_format", map[string]string{"bgr": "BGR", "grayscale": "Grayscale"}[d.Attributes])
	}
	o := d.in(tensor.Shape{0}, plain, nil)
	o.typ.Dims = tensor.UnknownDims(1)
	o.value = func(r *rand.Rand) tensor.Value {
		picture := image.NewRGBA(image.Rect(0, 0, side+1, side))
		for x := range side + 1 {
			for y := range side {
				picture.Set(x, y, color.RGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(x * y), 255})
			}
		}
		var file bytes.Buffer
		_ = png.Encode(&file, picture) // into memory, which does not fail
		return tensor.Of(file.Bytes())
	}
}
