package reference

import (
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// resize holds Resize, GridSample, AffineGrid.
var resize = family{
	"Resize": resizeTensor,

	// In versions 11 and 12 there was the transformation tf_half_pixel_for_nn.
	"midplane.legacy.Resize": resizeTensor,
}

// resizeTensor interpolates one axis after the other, which gives the same as
// interpolating all at once: every mode is separable.
func resizeTensor(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	plan, err := resizePlan(c)
	if err != nil {
		return nil, err
	}
	shape := x.Shape().Clone()
	for axis, a := range plan {
		shape[axis] = a.out
	}
	if _, err := shape.Elements(); err != nil {
		return nil, err
	}
	if c.Node.Text("mode", "nearest") == "nearest" && !slices.ContainsFunc(plan, resampling.extrapolates) {
		return one(pick(x, shape, nearest(x.Shape(), shape, plan)))
	}
	components, err := realComponents(x)
	if err != nil {
		return nil, err
	}
	for i, v := range components {
		from := x.Shape().Clone()
		for axis, a := range plan {
			if !a.identity() {
				v = a.apply(v, from, axis)
			}
			from[axis] = a.out
		}
		components[i] = v
	}
	extrapolate(components[0], shape, plan, float64(c.Node.Float("extrapolation_value", 0)))
	if x.DType().IsInteger() {
		return one(saturated(x.DType(), shape, components[0]))
	}
	return one(fromComponents(x.DType(), shape, components))
}

// extrapolate sets the elements whose coordinates lie outside the input.
func extrapolate(v []float64, shape tensor.Shape, plan []resampling, value float64) {
	if !slices.ContainsFunc(plan, resampling.extrapolates) {
		return
	}
	i := 0
	walk(shape, func(at []int) {
		for axis, k := range at {
			if plan[axis].samples[k].outside {
				v[i] = value
			}
		}
		i++
	})
}

// saturated makes an integer tensor of real numbers, which are rounded to
// nearest, ties to even, and clamped to the range of the type; NaN becomes its
// least value.
func saturated(d tensor.DType, shape tensor.Shape, v []float64) *tensor.Tensor {
	var least, most float64
	if d == tensor.Uint64 {
		most = math.Nextafter(1<<64, 0)
	} else {
		lo, hi := limits(d)
		least, most = float64(lo), float64(hi)
		if hi == math.MaxInt64 {
			most = math.Nextafter(1<<63, 0)
		}
	}
	return fromReals(d, shape, mapped(v, func(e float64) float64 {
		if !(e > least) {
			return least
		}
		return math.RoundToEven(min(e, most))
	}))
}

// nearest returns which element of a tensor of shape s each element of one of
// the shape that it is resized to is a copy of.
func nearest(s, shape tensor.Shape, plan []resampling) []int {
	strides := s.Strides()
	from := make([]int, 0, shape.Size())
	walk(shape, func(at []int) {
		i := 0
		for axis, k := range at {
			i += plan[axis].samples[k].first * strides[axis]
		}
		from = append(from, i)
	})
	return from
}

// resampling says how the elements along one axis are made from its input's.
type resampling struct {
	in, out int
	samples []sample // one per output element
}

// sample is a weighted sum of neighbours, the first of which may lie in front of
// the axis, the last behind it: the elements at the ends stand for what is
// beyond them.
type sample struct {
	first   int
	weights []float64
	outside bool // the coordinate lies outside the input: extrapolate
}

func (r resampling) extrapolates() bool {
	return slices.ContainsFunc(r.samples, func(s sample) bool { return s.outside })
}

// identity reports whether every output element is the input element of the
// same index.
func (r resampling) identity() bool {
	if r.in != r.out {
		return false
	}
	for i, s := range r.samples {
		for k, w := range s.weights {
			if w != 0 && s.first+k != i || w != 1 && s.first+k == i {
				return false
			}
		}
	}
	return true
}

// apply resamples v, of shape s, along an axis.
func (r resampling) apply(v []float64, s tensor.Shape, axis int) []float64 {
	outer, n, inner := around(s, axis)
	y := make([]float64, outer*r.out*inner)
	for o := range outer {
		for i, p := range r.samples {
			to := y[(o*r.out+i)*inner:][:inner]
			for k, w := range p.weights {
				from := v[(o*n+min(max(p.first+k, 0), n-1))*inner:][:inner]
				for j := range to {
					to[j] += w * from[j]
				}
			}
		}
	}
	return y
}

// resizePlan reads the inputs and attributes of a Resize.
func resizePlan(c *Call) ([]resampling, error) {
	x := c.Tensor(0).Shape()
	axes, err := axesIn(c.Node.Ints("axes"), len(x))
	if err != nil {
		return nil, err
	}
	targets, err := resizeTargets(c, x, axes)
	if err != nil {
		return nil, err
	}
	sampler, err := samplerOf(c.Node)
	if err != nil {
		return nil, err
	}
	plan := make([]resampling, len(x))
	for axis, t := range targets {
		r := resampling{in: x[axis], out: t.out, samples: make([]sample, t.out)}
		if t.out > 0 && x[axis] == 0 {
			return nil, fmt.Errorf("axis %d has no element to make %d from", axis, t.out)
		}
		for i := range r.samples {
			at, outside := t.original(sampler.transform, float64(i))
			r.samples[i] = sampler.at(inSafeRange(at), t)
			r.samples[i].outside = outside
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

func resizeTargets(c *Call, x tensor.Shape, axes []int) ([]target, error) {
	targets := make([]target, len(x))
	for i, n := range x {
		targets[i] = target{in: n, out: n, scale: 1, width: float64(n), end: 1}
	}
	if c.Node.Text("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize" {
		roi := c.Tensor(1)
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
	scales, sizes := c.Tensor(2), c.Tensor(3)
	switch {
	case sizes != nil && sizes.Len() > 0:
		return targets, applySizes(c.Node, targets, axes, sizes.Int64s())
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

// at returns the sample at a coordinate of the input.
func (s sampler) at(x float64, t target) sample {
	if s.mode == "nearest" {
		return sample{first: min(max(s.roundNearest(x), 0), t.in-1), weights: []float64{1}}
	}
	kernel, radius := triangle, 1.0
	if s.mode == "cubic" {
		kernel, radius = func(x float64) float64 { return cubic(x, s.a) }, 2
	}
	stretch := 1.0
	if s.antialias {
		stretch = min(t.scale, 1)
	}
	// The neighbours reach as far to the left of the element before x as to the
	// right of the one behind it; an x on an element counts as behind it.
	left := int(math.Ceil(x)) - 1
	reach := -int(math.Floor(-radius/stretch) + 1)
	p := sample{first: left - reach, weights: make([]float64, 2+2*reach)}
	total := 0.0
	for i := range p.weights {
		at := p.first + i
		if s.excludeOutside && (at < 0 || at >= t.in) {
			continue
		}
		p.weights[i] = kernel(stretch * (float64(at) - x))
		total += p.weights[i]
	}
	if (s.antialias || s.excludeOutside) && total != 0 {
		for i := range p.weights {
			p.weights[i] /= total
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
