package reference

import (
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Resampling says how the elements along one axis of a Resize's output are made
// from those of its input, of which there are In.
type Resampling struct {
	In      int
	Samples []Sample // one per output element
}

// Sample is a weighted sum of neighbours, the first of which may lie in front of
// the axis, the last behind it: the elements at the ends stand for what is
// beyond them.
type Sample struct {
	First   int
	Weights []float64
	Outside bool // the coordinate lies outside the input: extrapolate
}

// Identity reports whether every output element is the input element of the
// same index.
func (r Resampling) Identity() bool {
	if r.In != len(r.Samples) {
		return false
	}
	for i, s := range r.Samples {
		if s.Outside {
			return false
		}
		for k, w := range s.Weights {
			if w != 0 && s.First+k != i || w != 1 && s.First+k == i {
				return false
			}
		}
	}
	return true
}

// ResizePlan returns, for each axis of an X of the given shape, how a Resize
// resamples it. Of the tensors, absent ones are nil or empty.
func ResizePlan(n *graph.Node, x tensor.Shape, roi, scales, sizes *tensor.Tensor) ([]Resampling, error) {
	axes, err := axesIn(n.Ints("axes"), len(x))
	if err != nil {
		return nil, err
	}
	targets, err := resizeTargets(n, x, axes, roi, scales, sizes)
	if err != nil {
		return nil, err
	}
	sampler, err := samplerOf(n)
	if err != nil {
		return nil, err
	}
	for axis, t := range targets {
		if _, err := countOf(tensor.Shape{t.out, sampler.width(t)}); err != nil {
			return nil, fmt.Errorf("axis %d: %w", axis, err)
		}
	}
	plan := make([]Resampling, len(x))
	for axis, t := range targets {
		r := Resampling{In: x[axis], Samples: make([]Sample, t.out)}
		if t.out > 0 && x[axis] == 0 {
			return nil, fmt.Errorf("axis %d has no element to make %d from", axis, t.out)
		}
		for i := range r.Samples {
			at, outside := t.original(sampler.transform, float64(i))
			r.Samples[i] = sampler.at(inSafeRange(at), t)
			r.Samples[i].Outside = outside
		}
		plan[axis] = r
	}
	return plan, nil
}

// target is what one axis is resized to.
type target struct {
	in, out    int
	scale      float64
	width      float64 // in × scale: the length asked for before it was rounded down
	start, end float64 // region of interest, as shares of the input
	crop       bool    // the transformation is tf_crop_and_resize
}

// resizeTargets returns what each axis is resized to.
func resizeTargets(n *graph.Node, x tensor.Shape, axes []int, roi, scales, sizes *tensor.Tensor) ([]target, error) {
	targets := make([]target, len(x))
	for i, d := range x {
		targets[i] = target{in: d, out: d, scale: 1, width: float64(d), end: 1}
	}
	if n.Text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" {
		if roi == nil || roi.Len() != 2*len(axes) {
			return nil, fmt.Errorf("tf_crop_and_resize needs a roi of %d elements, two for each axis", 2*len(axes))
		}
		for i, v := range roi.Float64s() {
			if t := &targets[axes[i%len(axes)]]; i < len(axes) {
				t.start, t.crop = v, true
			} else {
				t.end = v
			}
		}
	}
	switch {
	case sizes != nil && sizes.Len() > 0:
		return targets, applySizes(n, targets, axes, sizes.Int64s())
	case scales != nil && scales.Len() > 0:
		return targets, applyScales(targets, axes, scales.Float64s())
	case len(axes) == 0:
		return targets, nil
	}
	return nil, fmt.Errorf("neither scales nor sizes are given")
}

// applyScales computes the extents in float32, the type of the scales.
func applyScales(targets []target, axes []int, scales []float64) error {
	if len(scales) != len(axes) {
		return fmt.Errorf("scales has %d elements for %d axes", len(scales), len(axes))
	}
	for i, axis := range axes {
		t := &targets[axis]
		if !(scales[i] > 0) {
			return fmt.Errorf("scale %g of axis %d is not positive", scales[i], axis)
		}
		t.scale, t.width = scales[i], scales[i]*float64(t.in)
		length := float32(t.in) * float32(scales[i])
		if t.crop {
			length *= float32(t.end - t.start)
		}
		if !(length >= 0 && length <= maxSpatial) {
			return fmt.Errorf("scale %g of axis %d with %d elements gives %g; extents lie in [0, %d]", scales[i], axis, t.in, length, maxSpatial)
		}
		t.out = int(length)
		if t.crop {
			t.width = float64(t.out)
		}
	}
	return nil
}

func applySizes(n *graph.Node, targets []target, axes []int, sizes []int64) error {
	if len(sizes) != len(axes) {
		return fmt.Errorf("sizes has %d elements for %d axes", len(sizes), len(axes))
	}
	policy := n.Text("keep_aspect_ratio_policy", "stretch")
	var common float64
	for i, axis := range axes {
		t := &targets[axis]
		if sizes[i] < 0 || sizes[i] > maxSpatial {
			return fmt.Errorf("size %d of axis %d is outside [0, %d]", sizes[i], axis, maxSpatial)
		}
		t.out, t.width = int(sizes[i]), float64(sizes[i])
		t.scale = t.width / float64(t.in)
		switch {
		case i == 0:
			common = t.scale
		case policy == "not_larger":
			common = min(common, t.scale)
		default:
			common = max(common, t.scale)
		}
	}
	switch policy {
	case "stretch":
		return nil
	case "not_larger", "not_smaller":
	default:
		return fmt.Errorf("attribute keep_aspect_ratio_policy is %q, which is none of stretch, not_larger and not_smaller", policy)
	}
	for _, axis := range axes {
		t := &targets[axis]
		t.scale, t.width = common, common*float64(t.in)
		if t.width > maxSpatial {
			return fmt.Errorf("axis %d of %d elements would become %g at scale %g; extents lie in [0, %d]", axis, t.in, t.width, common, maxSpatial)
		}
		t.out = int(t.width + 0.5)
	}
	return nil
}

// original returns the coordinate in the input of a coordinate x in the output,
// and whether it calls for extrapolation.
func (t target) original(transform string, x float64) (at float64, outside bool) {
	last := float64(t.in - 1)
	switch transform {
	case "half_pixel_symmetric":
		offset := float64(t.in) / 2 * (1 - float64(t.out)/t.width)
		return offset + (x+0.5)/t.scale - 0.5, false
	case "pytorch_half_pixel":
		if t.out <= 1 {
			return 0, false
		}
	case "align_corners":
		if t.width == 1 {
			return 0, false
		}
		return x * last / (t.width - 1), false
	case "asymmetric":
		return x / t.scale, false
	case "tf_half_pixel_for_nn":
		if t.scale == 1 { // an axis that is not resized, such as the batch's, is not shifted either
			return x, false
		}
		return (x + 0.5) / t.scale, false
	case "tf_crop_and_resize":
		if !t.crop {
			return x, false
		}
		at = 0.5 * (t.start + t.end) * last
		if t.out > 1 {
			at = t.start*last + x*(t.end-t.start)*last/(t.width-1)
		}
		return at, at < 0 || at > last
	}
	return (x+0.5)/t.scale - 0.5, false
}

// sampler holds the attributes of a Resize that decide how a coordinate is
// interpolated.
type sampler struct {
	transform, mode, nearest  string
	antialias, excludeOutside bool
	a                         float64 // coefficient of the cubic kernel
}

func samplerOf(n *graph.Node) (sampler, error) {
	s := sampler{
		transform: n.Text("coordinate_transformation_mode", "half_pixel"),
		mode:      n.Text("mode", "nearest"), nearest: n.Text("nearest_mode", "round_prefer_floor"),
		antialias: n.Bool("antialias", false), excludeOutside: n.Bool("exclude_outside", false),
		a: float64(n.Float("cubic_coeff_a", -0.75)),
	}
	transforms := []string{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"}
	if n.Domain != "" {
		transforms = append(transforms, "tf_half_pixel_for_nn")
	}
	for _, a := range []struct {
		name, value string
		of          []string
	}{
		{"coordinate_transformation_mode", s.transform, transforms},
		{"mode", s.mode, []string{"nearest", "linear", "cubic"}},
		{"nearest_mode", s.nearest, []string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}},
	} {
		if !slices.Contains(a.of, a.value) {
			return s, fmt.Errorf("attribute %s is %q, which is none of %q", a.name, a.value, a.of)
		}
	}
	return s, nil
}

// reach returns how many neighbours a sample takes beyond the two that it lies
// between, at either side, and by how much the kernel is stretched to cover them.
func (s sampler) reach(t target) (neighbours int, stretch float64) {
	radius := 1.0
	if s.mode == "cubic" {
		radius = 2
	}
	stretch = 1
	if s.antialias {
		stretch = min(t.scale, 1)
	}
	return -int(max(math.Floor(-radius/stretch), -maxSpatial) + 1), stretch
}

// width returns how many weights a sample has.
func (s sampler) width(t target) int {
	if s.mode == "nearest" {
		return 1
	}
	reach, _ := s.reach(t)
	return 2 + 2*reach
}

// at returns the sample at a coordinate of the input.
func (s sampler) at(x float64, t target) Sample {
	if s.mode == "nearest" {
		return Sample{First: min(max(s.roundNearest(x), 0), t.in-1), Weights: []float64{1}}
	}
	kernel := triangle
	if s.mode == "cubic" {
		kernel = func(x float64) float64 { return cubic(x, s.a) }
	}
	// The neighbours reach as far to the left of the element before x as to the
	// right of the one behind it; an x on an element counts as behind it.
	left := int(math.Ceil(x)) - 1
	reach, stretch := s.reach(t)
	p := Sample{First: left - reach, Weights: make([]float64, 2+2*reach)}
	total := 0.0
	for i := range p.Weights {
		at := p.First + i
		if s.excludeOutside && (at < 0 || at >= t.in) {
			continue
		}
		p.Weights[i] = kernel(stretch * (float64(at) - x))
		total += p.Weights[i]
	}
	if (s.antialias || s.excludeOutside) && total != 0 {
		for i := range p.Weights {
			p.Weights[i] /= total
		}
	}
	return p
}

func (s sampler) roundNearest(x float64) int {
	switch s.nearest {
	case "round_prefer_ceil":
		x = math.Floor(x + 0.5)
	case "floor":
		x = math.Floor(x)
	case "ceil":
		x = math.Ceil(x)
	default:
		x = math.Ceil(x - 0.5)
	}
	return int(x)
}

// triangle is the kernel of linear interpolation.
func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// cubic is the kernel of cubic convolution with coefficient a. Source: R. Keys,
// Cubic convolution interpolation for digital image processing, equation (4),
// IEEE Transactions on Acoustics, Speech, and Signal Processing 29 (1981).
func cubic(x, a float64) float64 {
	switch x = math.Abs(x); {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}
