package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestResizeNearest(t *testing.T) {
	x := f32s(1, 2, 3)
	asymmetric := text("coordinate_transformation_mode", "asymmetric")
	// Coordinates 0, 0.5, 1, 1.5, 2, 2.5 are rounded.
	double := func(nearest string) []graph.Attribute { return attrs(asymmetric, text("nearest_mode", nearest)) }
	meet(t, []expectation{
		{op: "Resize", in: list(x, nil, f32s(2)), want: list(f32s(1, 1, 2, 2, 3, 3))},
		{name: "half down", op: "Resize", attrs: double("round_prefer_floor"), in: list(x, nil, f32s(2)), want: list(f32s(1, 1, 2, 2, 3, 3))},
		{name: "half up", op: "Resize", attrs: double("round_prefer_ceil"), in: list(x, nil, f32s(2)), want: list(f32s(1, 2, 2, 3, 3, 3))},
		{name: "floor", op: "Resize", attrs: double("floor"), in: list(x, nil, f32s(2)), want: list(f32s(1, 1, 2, 2, 3, 3))},
		{name: "ceil", op: "Resize", attrs: double("ceil"), in: list(x, nil, f32s(2)), want: list(f32s(1, 2, 2, 3, 3, 3))},
		{name: "two axes", op: "Resize", in: list(shaped(f32s(1, 2, 3, 4), 2, 2), nil, nil, i64(1, 4)), want: list(shaped(f32s(1, 1, 2, 2), 1, 4))},
		{name: "named axis", op: "Resize", attrs: attrs(ints("axes", -1)), in: list(shaped(f32s(1, 2), 1, 2), nil, nil, i64(4)), want: list(shaped(f32s(1, 1, 2, 2), 1, 4))},
		{name: "text", op: "Resize", in: list(tensor.Of([]string{"a", "b"}), nil, f32s(2)), want: list(tensor.Of([]string{"a", "a", "b", "b"}))},
		{name: "complex", op: "Resize", in: list(tensor.Of([]complex64{1i}), nil, f32s(2)), want: list(tensor.Of([]complex64{1i, 1i}))},
		{name: "64 bits", op: "Resize", in: list(tensor.Of([]uint64{math.MaxUint64}), nil, f32s(2)), want: list(tensor.Of([]uint64{math.MaxUint64, math.MaxUint64}))},
		{name: "to nothing", op: "Resize", in: list(x, nil, nil, i64(0)), want: list(f32s())},
		{name: "cut extent", op: "Resize", in: list(x, nil, f32s(0.6)), want: list(f32s(1))},
		{name: "empty scales are absent", op: "Resize", in: list(x, f32s(), f32s(), i64(1)), want: list(f32s(2))},
		{name: "of nothing", op: "Resize", in: list(f32s(), nil, nil, i64(2)), err: "axis 0 has no element to make 2 from"},
		{name: "neither", op: "Resize", in: list(x), err: "neither scales nor sizes are given"},
		{name: "scale", op: "Resize", in: list(x, nil, f32s(0)), err: "scale 0 of axis 0 is not positive"},
		{name: "scales", op: "Resize", in: list(x, nil, f32s(1, 2)), err: "scales has 2 elements for 1 axes"},
		{name: "sizes", op: "Resize", in: list(x, nil, nil, i64(-1)), err: "size -1 of axis 0"},
		{name: "mode", op: "Resize", attrs: attrs(text("mode", "bilinear")), in: list(x, nil, f32s(2)), err: `attribute mode is "bilinear"`},
		{name: "old coordinates", op: "Resize", attrs: attrs(text("coordinate_transformation_mode", "tf_half_pixel_for_nn")), in: list(x, nil, f32s(2)), err: "which is none of"},
	})
}

func TestResizeLinear(t *testing.T) {
	x, inf := f32s(1, 2), float32(math.Inf(1))
	linear := func(transform string, more ...graph.Attribute) []graph.Attribute {
		return append(attrs(text("mode", "linear"), text("coordinate_transformation_mode", transform)), more...)
	}
	crop := linear("tf_crop_and_resize", graph.A("extrapolation_value", float32(9)))
	meet(t, []expectation{
		{op: "Resize", attrs: linear("half_pixel"), in: list(x, nil, f32s(2)), want: list(f32s(1, 1.25, 1.75, 2))},
		{name: "corners", op: "Resize", attrs: linear("align_corners"), in: list(x, nil, nil, i64(3)), want: list(f32s(1, 1.5, 2))},
		{name: "corners of one", op: "Resize", attrs: linear("align_corners"), in: list(x, nil, nil, i64(1)), want: list(f32s(1))},
		{name: "asymmetric", op: "Resize", attrs: linear("asymmetric"), in: list(x, nil, f32s(2)), want: list(f32s(1, 1.5, 2, 2))},
		{name: "half pixel to one", op: "Resize", attrs: linear("half_pixel"), in: list(x, nil, nil, i64(1)), want: list(f32s(1.5))},
		{name: "pytorch to one", op: "Resize", attrs: linear("pytorch_half_pixel"), in: list(x, nil, nil, i64(1)), want: list(f32s(1))},
		// 3 elements at scale 0.75 would be 2.25, are 2: the middle 1.5 stays the middle, (i + 0.5) / 0.75 − 0.5 + 1/6.
		{name: "symmetric", op: "Resize", attrs: linear("half_pixel_symmetric"), in: list(f32s(0, 3, 6), nil, f32s(0.75)), want: list(f32s(1, 5))},
		{name: "crop", op: "Resize", attrs: crop, in: list(f32s(1, 2, 3, 4), f32s(0.5, 1.5), nil, i64(2)), want: list(f32s(2.5, 9))},
		{name: "crop to one", op: "Resize", attrs: crop, in: list(f32s(1, 2, 3, 4), f32s(0, 1), nil, i64(1)), want: list(f32s(2.5))},
		{name: "crop by scale", op: "Resize", attrs: crop, in: list(f32s(1, 2, 3, 4), f32s(0, 0.5), f32s(1)), want: list(f32s(1, 2.5))},
		{name: "crop nearest integers", op: "Resize", attrs: attrs(text("coordinate_transformation_mode", "tf_crop_and_resize"), graph.A("extrapolation_value", float32(9))), in: list(i64(1, 2, math.MaxInt64), f32s(0, 2), nil, i64(3)), want: list(i64(1, math.MaxInt64, 9))},
		{name: "infinity stays where it is", op: "Resize", attrs: linear("align_corners"), in: list(f32s(1, inf, 2), nil, nil, i64(3)), want: list(f32s(1, inf, 2))},
		{name: "bytes are rounded", op: "Resize", attrs: linear("half_pixel"), in: list(tensor.Of([]uint8{0, 255}), nil, f32s(2)), want: list(tensor.Of([]uint8{0, 64, 191, 255}))},
		{name: "complex", op: "Resize", attrs: linear("align_corners"), in: list(tensor.Of([]complex64{1, 2i}), nil, nil, i64(3)), want: list(tensor.Of([]complex64{1, 0.5 + 1i, 2i}))},
		{name: "aspect, not larger", op: "Resize", attrs: linear("half_pixel", text("keep_aspect_ratio_policy", "not_larger")), in: list(counting(2, 4), nil, nil, i64(4, 4)), want: list(counting(2, 4))},
		{name: "aspect, not smaller", op: "Resize", attrs: attrs(text("keep_aspect_ratio_policy", "not_smaller")), in: list(counting(1, 2), nil, nil, i64(2, 2)), want: list(shaped(f32s(0, 0, 1, 1, 0, 0, 1, 1), 2, 4))},
		{name: "antialias", op: "Resize", attrs: linear("half_pixel", flag("antialias")), in: list(f32s(1, 2, 3, 4), nil, f32s(0.5)), want: list(f32s(1.625, 3.375))},
		{name: "antialias of an upscale", op: "Resize", attrs: linear("half_pixel", flag("antialias")), in: list(x, nil, f32s(2)), want: list(f32s(1, 1.25, 1.75, 2))},
		{name: "antialias, outside excluded", op: "Resize", attrs: linear("half_pixel", flag("antialias"), flag("exclude_outside")), in: list(f32s(7, 14), nil, f32s(0.5)), want: list(f32s(10.5))},
		{name: "text", op: "Resize", attrs: linear("half_pixel"), in: list(tensor.Of([]string{"a"}), nil, f32s(2)), err: "strings are no numbers"},
		{name: "roi", op: "Resize", attrs: crop, in: list(x, nil, f32s(2)), err: "needs a roi of 2 elements"},
		{name: "policy", op: "Resize", attrs: attrs(text("keep_aspect_ratio_policy", "crop")), in: list(x, nil, nil, i64(1)), err: `keep_aspect_ratio_policy is "crop"`},
	})
}

// At coordinates 0.5 and 2.5, the weights of Keys' kernel with a = −0.75 are
// −3/32, 19/32, 19/32, −3/32; at a quarter −0.10547, 0.87891, 0.26172, −0.03516.
func TestResizeCubic(t *testing.T) {
	x := f32s(1, 2, 3, 4)
	cubic := text("mode", "cubic")
	meet(t, []expectation{
		{op: "Resize", attrs: attrs(cubic), in: list(x, nil, nil, i64(2)), want: list(f32s((-3*1+19*1+19*2-3*3)/32., (-3*2+19*3+19*4-3*4)/32.))},
		{name: "outside excluded", op: "Resize", attrs: attrs(cubic, flag("exclude_outside")), in: list(x, nil, nil, i64(2)), want: list(f32s((19*1+19*2-3*3)/35., (-3*2+19*3+19*4)/35.))},
		{name: "another coefficient", op: "Resize", attrs: attrs(cubic, graph.A("cubic_coeff_a", float32(-0.5))), in: list(x, nil, nil, i64(2)), want: list(f32s((-1*1+9*1+9*2-1*3)/16., (-1*2+9*3+9*4-1*4)/16.))},
		{name: "saturates", op: "Resize", attrs: attrs(cubic), in: list(tensor.Of([]uint8{255, 255, 0, 0}), nil, f32s(2)), want: list(tensor.Of([]uint8{255, 255, 255, 197, 58, 0, 0, 0}))},
	})
}
