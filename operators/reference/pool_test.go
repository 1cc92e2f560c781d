package reference_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func flag(name string) graph.Attribute { return graph.A(name, int64(1)) }

func TestMaxPool(t *testing.T) {
	x, two := signal(1, 3, 2, 5, 4), ints("kernel_shape", 2)
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	index := func(v ...int64) *tensor.Tensor { return tensor.Of(v, 1, 1, len(v)) }
	image := counting(2, 1, 2, 3)
	meet(t, []expectation{
		{op: "MaxPool", attrs: attrs(two), in: list(x), want: list(signal(3, 3, 5, 5), index(1, 1, 3, 3))},
		{name: "strided", op: "MaxPool", attrs: attrs(two, ints("strides", 2)), in: list(x), want: list(signal(3, 5), index(1, 3))},
		{name: "rounded up", op: "MaxPool", attrs: attrs(two, ints("strides", 2), flag("ceil_mode")), in: list(x), want: list(signal(3, 5, 4), index(1, 3, 4))},
		{name: "padded", op: "MaxPool", attrs: attrs(two, ints("pads", 1, 0)), in: list(signal(-1, -2)), want: list(signal(-1, -1), index(0, 0))},
		{name: "dilated", op: "MaxPool", attrs: attrs(two, ints("dilations", 3)), in: list(x), want: list(signal(5, 4), index(3, 4))},
		{name: "same, padding behind", op: "MaxPool", attrs: attrs(two, text("auto_pad", "SAME_UPPER"), ints("strides", 3)), in: list(x), want: list(signal(3, 5), index(1, 3))},
		{name: "same, padding in front", op: "MaxPool", attrs: attrs(two, text("auto_pad", "SAME_LOWER")), in: list(signal(1, 2, 0)), want: list(signal(1, 2, 2), index(0, 1, 1))},
		{name: "valid ignores rounding up", op: "MaxPool", attrs: attrs(two, text("auto_pad", "VALID"), ints("strides", 2), flag("ceil_mode")), in: list(x), want: list(signal(3, 5), nil)},
		{name: "no window starts in the padding", op: "MaxPool", attrs: attrs(ints("kernel_shape", 1), ints("strides", 2), ints("pads", 0, 1), flag("ceil_mode")), in: list(signal(1, 2)), want: list(signal(1), index(0))},
		{name: "window of padding", op: "MaxPool", attrs: attrs(ints("kernel_shape", 1), ints("strides", 2), ints("pads", 0, 1)), in: list(signal(1, 2)), want: list(signal(1, inf), index(0, -1))},
		{name: "images, indexed by rows", op: "MaxPool", attrs: attrs(ints("kernel_shape", 2, 2)), in: list(image), want: list(shaped(f32s(4, 5, 10, 11), 2, 1, 1, 2), tensor.Of([]int64{4, 5, 10, 11}, 2, 1, 1, 2))},
		{name: "images, indexed by columns", op: "MaxPool", attrs: attrs(ints("kernel_shape", 2, 2), flag("storage_order")), in: list(image), want: list(shaped(f32s(4, 5, 10, 11), 2, 1, 1, 2), tensor.Of([]int64{3, 5, 9, 11}, 2, 1, 1, 2))},
		{name: "NaN", op: "MaxPool", attrs: attrs(two), in: list(signal(1, nan, 2, 3)), want: list(signal(nan, nan, 3), index(1, 1, 3))},
		{name: "int8", op: "MaxPool", attrs: attrs(two, ints("pads", 2, 0)), in: list(tensor.Of([]int8{-5, -7}, 1, 1, 2)), want: list(tensor.Of([]int8{-128, -5, -5}, 1, 1, 3), index(-1, 0, 0))},
		{name: "uint8", op: "MaxPool", attrs: attrs(two), in: list(tensor.Of([]uint8{200, 100}, 1, 1, 2)), want: list(tensor.Of([]uint8{200}, 1, 1, 1))},
		{name: "no image", op: "MaxPool", attrs: attrs(two), in: list(nothing(0, 1, 3)), want: list(nothing(0, 1, 2), nil)},
		{name: "rank", op: "MaxPool", attrs: attrs(two), in: list(nothing(1, 2)), err: "with 1 or more spatial axes is needed"},
		{name: "kernel", op: "MaxPool", in: list(x), err: "attribute kernel_shape is missing"},
	})
}

func TestAveragePool(t *testing.T) {
	x, two := signal(2, 4), ints("kernel_shape", 2)
	meet(t, []expectation{
		{op: "AveragePool", attrs: attrs(two), in: list(signal(1, 3, 6)), want: list(signal(2, 4.5))},
		{name: "padding not counted", op: "AveragePool", attrs: attrs(two, ints("pads", 1, 1)), in: list(x), want: list(signal(2, 3, 4))},
		{name: "padding counted", op: "AveragePool", attrs: attrs(two, ints("pads", 1, 1), flag("count_include_pad")), in: list(x), want: list(signal(1, 3, 2))},
		{name: "beyond the padding is not counted", op: "AveragePool", attrs: attrs(two, ints("strides", 2), flag("ceil_mode"), flag("count_include_pad")), in: list(signal(1, 2, 3)), want: list(signal(1.5, 3))},
		{name: "same padding counted", op: "AveragePool", attrs: attrs(two, text("auto_pad", "SAME_UPPER"), flag("count_include_pad")), in: list(x), want: list(signal(3, 2))},
		{name: "dilated", op: "AveragePool", attrs: attrs(two, ints("dilations", 2)), in: list(signal(1, 3, 6)), want: list(signal(3.5))},
		{name: "image", op: "AveragePool", attrs: attrs(ints("kernel_shape", 2, 2), ints("pads", 0, 0, 1, 1)), in: list(counting(1, 1, 2, 2)), want: list(shaped(f32s(1.5, 2, 2.5, 3), 1, 1, 2, 2))},
		{name: "window of padding", op: "AveragePool", attrs: attrs(ints("kernel_shape", 1), ints("pads", 1, 0)), in: list(x), want: list(signal(0, 2, 4))},
	})
}

func TestLpPool(t *testing.T) {
	meet(t, []expectation{
		{op: "LpPool", attrs: attrs(ints("kernel_shape", 2)), in: list(signal(3, -4, 0)), want: list(signal(5, 4))},
		{name: "p 1, padded", op: "LpPool", attrs: attrs(ints("kernel_shape", 2), graph.A("p", int64(1)), ints("pads", 1, 0)), in: list(signal(3, -4)), want: list(signal(3, 7))},
		{name: "p 0", op: "LpPool", attrs: attrs(ints("kernel_shape", 2), graph.A("p", int64(0))), in: list(signal(3, -4)), err: "attribute p is 0"},
	})
}

func TestGlobalPools(t *testing.T) {
	x := shaped(f32s(1, 3, -3, 4), 1, 2, 2)
	meet(t, []expectation{
		{op: "GlobalMaxPool", in: list(x), want: list(shaped(f32s(3, 4), 1, 2, 1))},
		{op: "GlobalAveragePool", in: list(x), want: list(shaped(f32s(2, 0.5), 1, 2, 1))},
		{op: "GlobalLpPool", attrs: attrs(graph.A("p", int64(1))), in: list(x), want: list(shaped(f32s(4, 7), 1, 2, 1))},
		{name: "of an image", op: "GlobalAveragePool", in: list(counting(2, 1, 2, 2)), want: list(shaped(f32s(1.5, 5.5), 2, 1, 1, 1))},
		{name: "no image", op: "GlobalMaxPool", in: list(nothing(0, 2, 3)), want: list(nothing(0, 2, 1))},
		{name: "rank", op: "GlobalMaxPool", in: list(nothing(3)), err: "(N, C, D1, …)"},
	})
}

func TestMaxUnpool(t *testing.T) {
	two, stride := ints("kernel_shape", 2), ints("strides", 2)
	index := func(v ...int64) *tensor.Tensor { return tensor.Of(v, 1, 1, len(v)) }
	meet(t, []expectation{
		{op: "MaxUnpool", attrs: attrs(two, stride), in: list(signal(5, 6), index(1, 2)), want: list(signal(0, 5, 6, 0))},
		{name: "padded", op: "MaxUnpool", attrs: attrs(two, stride, ints("pads", 1, 0)), in: list(signal(5, 6), index(0, 2)), want: list(signal(5, 0, 6))},
		{name: "into a larger shape", op: "MaxUnpool", attrs: attrs(ints("kernel_shape", 1, 2), ints("strides", 1, 2)), in: list(shaped(f32s(5, 6), 1, 1, 2, 1), tensor.Of([]int64{1, 2}, 1, 1, 2, 1), i64(1, 1, 2, 3)), want: list(shaped(f32s(0, 5, 0, 6, 0, 0), 1, 1, 2, 3))},
		{name: "index", op: "MaxUnpool", attrs: attrs(two, stride), in: list(signal(5), index(2)), err: "index 2 is outside [0, 2)"},
		{name: "indices", op: "MaxUnpool", attrs: attrs(two, stride), in: list(signal(5), index(0, 1)), err: "they must be equal"},
		{name: "into a smaller shape", op: "MaxUnpool", attrs: attrs(two, stride), in: list(signal(5), index(1), i64(1, 1, 1)), err: "outside output_shape [1,1,1]"},
	})
}
