package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// places is a grid of points (x, y) for one image, in one row.
func places(xy ...float32) *tensor.Tensor { return tensor.Of(xy, 1, 1, len(xy)/2, 2) }

func TestGridSample(t *testing.T) {
	x := shaped(f32s(1, 2, 3, 4), 1, 1, 2, 2)
	line := shaped(f32s(1, 2, 4, 8), 1, 1, 4)
	along := func(v ...float32) *tensor.Tensor { return tensor.Of(v, 1, len(v), 1) }
	row := func(v ...float32) *tensor.Tensor { return tensor.Of(v, 1, 1, 1, len(v)) }
	corners := flag("align_corners")
	mode := func(m, padding string, more ...graph.Attribute) []graph.Attribute {
		return append(more, text("mode", m), text("padding_mode", padding))
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	meet(t, []expectation{
		{op: "GridSample", in: list(x, places(0, 0, -0.5, -0.5, 0.5, -0.5)), want: list(row(2.5, 1, 2))},
		{name: "corners", op: "GridSample", attrs: attrs(corners), in: list(x, places(-1, -1, 1, -1, 0, 1)), want: list(row(1, 2, 3.5))},
		{name: "zeros outside", op: "GridSample", in: list(x, places(-1, -1, 9, 9)), want: list(row(0.25, 0))},
		{name: "border", op: "GridSample", attrs: mode("linear", "border"), in: list(x, places(-1, -1, 9, -9)), want: list(row(1, 2))},
		// In elements of four: −1, 4 and 9.
		{name: "mirrored at edges", op: "GridSample", attrs: mode("linear", "reflection"), in: list(line, along(-1.25, 1.25, 3.75)), want: list(signal(1, 8, 2))},
		// In elements of four: −3, 4.5 and 6.
		{name: "mirrored at centres", op: "GridSample", attrs: mode("linear", "reflection", corners), in: list(line, along(-3, 2, 3)), want: list(signal(8, 3, 1))},
		{name: "mirrored in one element", op: "GridSample", attrs: mode("nearest", "reflection", corners), in: list(signal(7), along(-3, 0, 5)), want: list(signal(7, 7, 7))},
		{name: "nearest, ties to even", op: "GridSample", attrs: mode("nearest", "zeros"), in: list(line, along(-0.5, 0, 0.5, -1)), want: list(signal(1, 4, 4, 1))},
		{name: "nearest text", op: "GridSample", attrs: mode("nearest", "zeros"), in: list(tensor.Of([]string{"a", "b"}, 1, 1, 2), along(0.5, 3)), want: list(tensor.Of([]string{"b", ""}, 1, 1, 2))},
		{name: "cubic between", op: "GridSample", attrs: mode("cubic", "zeros"), in: list(line, along(0)), want: list(signal((-3*1 + 19*2 + 19*4 - 3*8) / 32.))},
		{name: "cubic at the border", op: "GridSample", attrs: mode("cubic", "border"), in: list(line, along(-1, -3)), want: list(signal((-3*1+19*1+19*1-3*2)/32., 1))},
		{name: "integers are cut", op: "GridSample", in: list(tensor.Of([]int32{0, 3}, 1, 1, 2), along(0)), want: list(tensor.Of([]int32{1}, 1, 1, 1))},
		{name: "volume", op: "GridSample", attrs: attrs(corners), in: list(counting(1, 1, 2, 2, 2), tensor.Of([]float32{0, 0, 0, 1, -1, -1}, 1, 1, 1, 2, 3)), want: list(tensor.Of([]float32{3.5, 1}, 1, 1, 1, 1, 2))},
		{name: "channels of two images", op: "GridSample", attrs: attrs(corners), in: list(counting(2, 2, 2), tensor.Of([]float32{-1, 1}, 2, 1, 1)), want: list(shaped(f32s(0, 2, 5, 7), 2, 2, 1))},
		{name: "nowhere", op: "GridSample", in: list(line, along(nan, inf, -inf)), want: list(signal(0, 0, 0))},
		{name: "grid", op: "GridSample", in: list(x, along(0)), err: "it must be (1, D1, …, D2, 2)"},
		{name: "mode", op: "GridSample", attrs: mode("bilinear", "zeros"), in: list(x, places(0, 0)), err: `attribute mode is "bilinear"`},
		{name: "padding", op: "GridSample", attrs: mode("linear", "wrap"), in: list(x, places(0, 0)), err: `padding_mode is "wrap"`},
		{name: "no element", op: "GridSample", in: list(nothing(1, 1, 0), along(0)), err: "there is no element to sample"},
	})
}

func TestAffineGrid(t *testing.T) {
	identity := shaped(f32s(1, 0, 0, 0, 1, 0), 1, 2, 3)
	meet(t, []expectation{
		{op: "AffineGrid", in: list(identity, i64(1, 1, 1, 2)), want: list(shaped(f32s(-0.5, 0, 0.5, 0), 1, 1, 2, 2))},
		{name: "corners", op: "AffineGrid", attrs: attrs(flag("align_corners")), in: list(identity, i64(1, 1, 2, 1)), want: list(shaped(f32s(0, -1, 0, 1), 1, 2, 1, 2))},
		{name: "turned and moved", op: "AffineGrid", in: list(shaped(f32s(0, -1, 10, 1, 0, 20), 1, 2, 3), i64(1, 1, 2, 2)), want: list(shaped(f32s(10.5, 19.5, 10.5, 20.5, 9.5, 19.5, 9.5, 20.5), 1, 2, 2, 2))},
		{name: "volume", op: "AffineGrid", in: list(shaped(f32s(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0), 1, 3, 4), i64(1, 1, 2, 1, 1)), want: list(shaped(f32s(0, 0, -0.5, 0, 0, 0.5), 1, 2, 1, 1, 3))},
		{name: "theta", op: "AffineGrid", in: list(identity, i64(2, 1, 1, 1)), err: "it must be [2,2,3]"},
		{name: "size", op: "AffineGrid", in: list(identity, i64(1, 1, 1)), err: "size has 3 elements"},
	})
}
