package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// boxesOf are boxes (N, count, 4) of which many overlap.
func boxesOf(seed uint64, images, count int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(seed, 5))
	v := make([]float32, 0, images*count*4)
	for range images * count {
		y, x := float32(r.IntN(40)), float32(r.IntN(40))
		v = append(v, y, x, y+float32(r.IntN(20)-5), x+float32(r.IntN(20)))
	}
	return tensor.Of(v, images, count, 4)
}

func TestNonMaxSuppression(t *testing.T) {
	number := func(v float32) *tensor.Tensor { return tensor.Of([]float32{v}) }
	boxes, scores := boxesOf(1, 2, 200), random(2, tensor.Float32, 2, 3, 200)
	for centred := range int64(2) {
		for _, inputs := range [][]*tensor.Tensor{
			{boxes, scores, ints(10), number(0.5), number(0)},
			{boxes, scores, ints(3), number(0.2), nil},
			{boxes, withSpecials(scores), ints(20), number(0.4), nil},
			{boxes, scores, ints(1000), number(0.3), number(-0.5)},
			{boxes, scores, ints(1000), number(0), nil},
			{boxes, scores, ints(1000), number(1), number(9)},
			{boxes, scores, ints(1000), number(-1), nil},
			{boxes, scores, ints(1000), number(float32(nan)), number(float32(nan))},
			{boxes, withSpecials(scores), ints(1000), number(0.4), nil},
			{boxes, tensor.Zeros(tensor.Float32, tensor.Shape{2, 3, 200}), ints(50), number(0.4), nil},
			{boxes, scores, ints(-3), number(0.5), number(0)},
			{boxes, scores, nil, nil, nil},
			{boxesOf(1, 0, 5), random(2, tensor.Float32, 0, 3, 5), ints(10), nil, nil},
			{boxesOf(1, 2, 0), random(2, tensor.Float32, 2, 3, 0), ints(10), nil, nil},
			{boxes, random(2, tensor.Float32, 2, 3, 100), ints(10), nil, nil},
			{boxes, scores, ints(10), tensor.Of([]float32{}), nil},
		} {
			agreement{
				op: "NonMaxSuppression", kernel: "detection", inputs: inputs,
				attributes: []graph.Attribute{graph.A("center_point_box", centred)},
			}.check(t)
		}
	}
}

func TestRoiAlign(t *testing.T) {
	x := random(1, tensor.Float32, 2, 7, 9, 12)
	rois := tensor.Of([]float32{0, 0, 11, 8, 2, 1, 5, 6, -4, -3, 20, 30, 3, 3, 3, 3, 5, 5, 2, 2, 0.5, 0.25, 7.75, 3.5}, 6, 4)
	images := ints(0, 1, 1, 0, 0, 1)
	for _, mode := range []string{"avg", "max"} {
		for _, coordinates := range []string{"half_pixel", "output_half_pixel"} {
			for ratio := range int64(3) {
				for _, scale := range []float32{1, 0.25} {
					agreement{
						op: "RoiAlign", kernel: "detection", inputs: []*tensor.Tensor{x, rois, images}, tolerance: 1e-6,
						attributes: []graph.Attribute{
							graph.A("mode", mode), graph.A("coordinate_transformation_mode", coordinates), graph.A("sampling_ratio", ratio),
							graph.A("spatial_scale", scale), graph.A("output_height", int64(4)), graph.A("output_width", int64(3)),
						},
					}.check(t)
				}
			}
		}
	}
	for _, mode := range []string{"avg", "max"} {
		agreement{
			op: "RoiAlign", kernel: "detection", inputs: []*tensor.Tensor{withSpecials(x), rois, images}, tolerance: 1e-6,
			attributes: []graph.Attribute{graph.A("mode", mode), graph.A("output_height", int64(5)), graph.A("output_width", int64(7)), graph.A("sampling_ratio", int64(2))},
		}.check(t)
	}
	for _, inputs := range [][]*tensor.Tensor{
		{x, rois, ints(0, 1, 2, 0, 0, 1)},
		{x, rois, ints(0, 1)},
		{x, random(1, tensor.Float32, 0, 4), ints()},
		{x, tensor.Of([]float32{0, 0, float32(nan), 4}, 1, 4), ints(0)},
		{x, tensor.Of([]float32{0, 0, 1e30, 4}, 1, 4), ints(0)},
	} {
		agreement{op: "RoiAlign", kernel: "detection", inputs: inputs}.check(t)
	}
}

func TestGridSample(t *testing.T) {
	cases := []struct{ x, grid tensor.Shape }{
		{tensor.Shape{2, 3, 5, 7}, tensor.Shape{2, 6, 4, 2}}, {tensor.Shape{1, 2, 3, 4, 5}, tensor.Shape{1, 2, 3, 5, 3}},
		{tensor.Shape{1, 2, 1, 1}, tensor.Shape{1, 9, 9, 2}}, {tensor.Shape{1, 2, 6}, tensor.Shape{1, 9, 1}},
		{tensor.Shape{1, 2, 6, 5}, tensor.Shape{1, 0, 3, 2}}, {tensor.Shape{1, 2, 6, 5}, tensor.Shape{1, 4, 3, 3}},
	}
	for _, c := range cases {
		for _, mode := range []string{"linear", "nearest", "cubic"} {
			for _, padding := range []string{"zeros", "border", "reflection"} {
				for align := range int64(2) {
					for _, grid := range []*tensor.Tensor{random(3, tensor.Float32, c.grid...), withSpecials(random(3, tensor.Float32, c.grid...))} {
						agreement{
							op: "GridSample", kernel: "grid", inputs: []*tensor.Tensor{random(1, tensor.Float32, c.x...), grid}, tolerance: 1e-6,
							attributes: []graph.Attribute{graph.A("mode", mode), graph.A("padding_mode", padding), graph.A("align_corners", align)},
						}.check(t)
					}
				}
			}
		}
	}
}

// Elements that are infinite or NaN count where they have a weight, and only there.
func TestGridSampleOfSpecials(t *testing.T) {
	x := make([]float32, 2*5*5)
	for i := range x {
		x[i] = float32(i)
	}
	x[7], x[12], x[31] = float32(nan), float32(math.Inf(1)), float32(math.Inf(-1))
	grid := make([]float32, 0, 2*81)
	for i := range 81 {
		grid = append(grid, float32(i%9-4)/4, float32(i/9-4)/4) // on elements and half-way between
	}
	for _, mode := range []string{"linear", "nearest", "cubic"} {
		agreement{
			op: "GridSample", kernel: "grid", inputs: []*tensor.Tensor{tensor.Of(x, 1, 2, 5, 5), tensor.Of(grid, 1, 9, 9, 2)}, tolerance: 1e-6,
			attributes: []graph.Attribute{graph.A("mode", mode), graph.A("align_corners", int64(1))},
		}.check(t)
	}
}
