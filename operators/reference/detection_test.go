package reference_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestNonMaxSuppression(t *testing.T) {
	// Boxes [y1, x1, y2, x2]: two that overlap by 1/3, one apart.
	boxes := tensor.Of([]float32{0, 0, 1, 1, 0, 0.5, 1, 1.5, 5, 5, 6, 6}, 1, 3, 4)
	scores := tensor.Of([]float32{0.5, 0.9, 0.7}, 1, 1, 3)
	many, scalar := tensor.Scalar(int64(9)), func(v float32) *tensor.Tensor { return tensor.Scalar(v) }
	chosen := func(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)/3, 3) }
	meet(t, []expectation{
		{op: "NonMaxSuppression", in: list(boxes, scores, many), want: list(chosen(0, 0, 1, 0, 0, 2))},
		{name: "by default none", op: "NonMaxSuppression", in: list(boxes, scores), want: list(chosen())},
		{name: "overlap allowed", op: "NonMaxSuppression", in: list(boxes, scores, many, scalar(0.5)), want: list(chosen(0, 0, 1, 0, 0, 2, 0, 0, 0))},
		{name: "as much overlap as allowed", op: "NonMaxSuppression", in: list(boxes, scores, many, scalar(1.0/3)), want: list(chosen(0, 0, 1, 0, 0, 2, 0, 0, 0))},
		{name: "limited", op: "NonMaxSuppression", in: list(boxes, scores, tensor.Scalar(int64(1))), want: list(chosen(0, 0, 1))},
		{name: "scores above a threshold", op: "NonMaxSuppression", in: list(boxes, scores, many, scalar(1), scalar(0.7)), want: list(chosen(0, 0, 1))},
		{name: "equal scores", op: "NonMaxSuppression", in: list(boxes, tensor.Of([]float32{1, 1, 1}, 1, 1, 3), many, scalar(1)), want: list(chosen(0, 0, 0, 0, 0, 1, 0, 0, 2))},
		{name: "other corners", op: "NonMaxSuppression", in: list(tensor.Of([]float32{1, 1, 0, 0, 0, 0, 1, 1}, 1, 2, 4), tensor.Of([]float32{1, 2}, 1, 1, 2), many), want: list(chosen(0, 0, 1))},
		{name: "centres", op: "NonMaxSuppression", attrs: attrs(flag("center_point_box")), in: list(tensor.Of([]float32{1, 1, 2, 2, 2, 1, 2, 2, 4, 1, 1, 2}, 1, 3, 4), tensor.Of([]float32{3, 2, 1}, 1, 1, 3), many, scalar(0.3)), want: list(chosen(0, 0, 0, 0, 0, 2))},
		{name: "two images of two classes", op: "NonMaxSuppression", in: list(tensor.Of(make([]float32, 8), 2, 1, 4), tensor.Of([]float32{1, 2, 3, 4}, 2, 2, 1), many), want: list(chosen(0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0))},
		{name: "no box", op: "NonMaxSuppression", in: list(nothing(1, 0, 4), nothing(1, 2, 0), many), want: list(chosen())},
		{name: "extents", op: "NonMaxSuppression", in: list(boxes, nothing(1, 1, 2)), err: "(N, boxes, 4) and (N, classes, boxes) are needed"},
	})
}

func TestRoiAlign(t *testing.T) {
	x := counting(1, 1, 4, 4) // x[i, j] = 4 i + j
	first := i64(0)
	region := func(v ...float32) *tensor.Tensor { return tensor.Of(v, len(v)/4, 4) }
	of := func(v ...float32) *tensor.Tensor { return tensor.Of(v, len(v), 1, 1, 1) }
	sampled := func(n int64, more ...graph.Attribute) []graph.Attribute {
		return append(more, graph.A("sampling_ratio", n))
	}
	unshifted := text("coordinate_transformation_mode", "output_half_pixel")
	meet(t, []expectation{
		// One sample in the middle, (1.5, 1.5), is the mean of four elements.
		{op: "RoiAlign", attrs: sampled(1), in: list(x, region(1, 1, 3, 3), first), want: list(of(7.5))},
		{name: "unshifted", op: "RoiAlign", attrs: sampled(1, unshifted), in: list(x, region(1, 1, 3, 3), first), want: list(of(10))},
		{name: "as many samples as elements", op: "RoiAlign", in: list(x, region(1, 1, 3, 3), first), want: list(of(7.5))},
		{name: "scaled", op: "RoiAlign", attrs: sampled(1, graph.A("spatial_scale", float32(0.5))), in: list(x, region(2, 2, 6, 6), first), want: list(of(7.5))},
		{name: "bins", op: "RoiAlign", attrs: sampled(1, graph.A("output_height", int64(2)), graph.A("output_width", int64(2))), in: list(x, region(0.5, 0.5, 2.5, 2.5), first), want: list(tensor.Of([]float32{2.5, 3.5, 6.5, 7.5}, 1, 1, 2, 2))},
		{name: "small regions grow if unshifted", op: "RoiAlign", attrs: sampled(1, unshifted), in: list(x, region(1, 1, 1, 1), first), want: list(of(7.5))},
		{name: "on the border and beyond", op: "RoiAlign", attrs: sampled(1, unshifted), in: list(x, region(3, 3, 4.5, 4.5, 8, 8, 9, 9), i64(0, 0)), want: list(of(15, 0))},
		// The largest of the four weighted corners, 10 / 4.
		{name: "max", op: "RoiAlign", attrs: sampled(1, text("mode", "max")), in: list(x, region(1, 1, 3, 3), first), want: list(of(2.5))},
		{name: "second image", op: "RoiAlign", attrs: sampled(1), in: list(counting(2, 1, 2, 2), region(0, 0, 1, 1), i64(1)), want: list(of(4))},
		{name: "no region", op: "RoiAlign", in: list(x, nothing(0, 4), i64()), want: list(nothing(0, 1, 1, 1))},
		{name: "image", op: "RoiAlign", in: list(x, region(0, 0, 1, 1), i64(1)), err: "image 1 is outside [0, 1)"},
		{name: "endless", op: "RoiAlign", in: list(x, region(0, 0, 1e20, 1), first), err: "samples in each"},
		{name: "mode", op: "RoiAlign", attrs: attrs(text("mode", "sum")), in: list(x, region(0, 0, 1, 1), first), err: "neither avg nor max"},
	})
}

func TestMaxRoiPool(t *testing.T) {
	x := counting(1, 1, 4, 4)
	two := ints("pooled_shape", 2, 2)
	region := func(v ...float32) *tensor.Tensor { return tensor.Of(v, len(v)/5, 5) }
	pooled := func(v ...float32) *tensor.Tensor { return tensor.Of(v, len(v)/4, 1, 2, 2) }
	meet(t, []expectation{
		{op: "MaxRoiPool", attrs: attrs(two), in: list(x, region(0, 0, 0, 3, 3)), want: list(pooled(5, 7, 13, 15))},
		{name: "bins overlap", op: "MaxRoiPool", attrs: attrs(two), in: list(x, region(0, 0, 0, 2, 2)), want: list(pooled(5, 6, 9, 10))},
		{name: "corners are rounded", op: "MaxRoiPool", attrs: attrs(two, graph.A("spatial_scale", float32(0.5))), in: list(x, region(0, 0, 0, 5, 5)), want: list(pooled(5, 7, 13, 15))},
		{name: "beyond the border", op: "MaxRoiPool", attrs: attrs(two), in: list(x, region(0, 3, 3, 6, 6)), want: list(pooled(15, 0, 0, 0))},
		{name: "image", op: "MaxRoiPool", attrs: attrs(two), in: list(x, region(-1, 0, 0, 1, 1)), err: "image -1 is outside [0, 1)"},
	})
}
