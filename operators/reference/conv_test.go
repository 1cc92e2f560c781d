package reference_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func ints(name string, v ...int64) graph.Attribute { return graph.A(name, v) }

func text(name, v string) graph.Attribute { return graph.A(name, v) }

// signal returns one image of one channel with one spatial axis.
func signal(v ...float32) *tensor.Tensor { return tensor.Of(v, 1, 1, len(v)) }

func TestConv(t *testing.T) {
	x, ones := counting(1, 1, 3, 3), tensor.Of([]float32{1, 1, 1, 1}, 1, 1, 2, 2)
	pair := signal(1, 10)
	meet(t, []expectation{
		{op: "Conv", in: list(x, ones), want: list(shaped(f32s(8, 12, 20, 24), 1, 1, 2, 2))},
		{name: "padded and strided", op: "Conv", attrs: attrs(ints("pads", 1, 0, 0, 1), ints("strides", 2, 2)), in: list(x, ones), want: list(shaped(f32s(1, 2, 20, 13), 1, 1, 2, 2))},
		{name: "biased filters", op: "Conv", in: list(signal(1, 2, 3), tensor.Of([]float32{1, 0, 0, 1}, 2, 1, 2), f32s(10, 20)), want: list(shaped(f32s(11, 12, 22, 23), 1, 2, 2))},
		{name: "dilated", op: "Conv", attrs: attrs(ints("dilations", 2)), in: list(signal(0, 1, 2, 3, 4), signal(1, 1)), want: list(signal(2, 4, 6))},
		{name: "same, padding behind", op: "Conv", attrs: attrs(text("auto_pad", "SAME_UPPER")), in: list(signal(1, 2, 3), pair), want: list(signal(21, 32, 3))},
		{name: "same, padding in front", op: "Conv", attrs: attrs(text("auto_pad", "SAME_LOWER")), in: list(signal(1, 2, 3), pair), want: list(signal(10, 21, 32))},
		{name: "same, strided", op: "Conv", attrs: attrs(text("auto_pad", "SAME_UPPER"), ints("strides", 2)), in: list(signal(1, 2, 3), signal(1, 1, 1)), want: list(signal(3, 5))},
		{name: "valid", op: "Conv", attrs: attrs(text("auto_pad", "VALID")), in: list(signal(1, 2, 3), pair), want: list(signal(21, 32))},
		{name: "grouped", op: "Conv", attrs: attrs(graph.A("group", int64(2))), in: list(counting(1, 4, 1), counting(2, 2, 1)), want: list(shaped(f32s(1, 2*2+3*3), 1, 2, 1))},
		{name: "two images of two channels", op: "Conv", in: list(counting(2, 2, 2), tensor.Of([]float32{1, 10}, 1, 2, 1)), want: list(shaped(f32s(20, 31, 64, 75), 2, 1, 2))},
		{name: "volume", op: "Conv", in: list(counting(1, 1, 2, 2, 2), tensor.Of([]float32{1, 0, 0, 0, 0, 0, 0, 1}, 1, 1, 2, 2, 2)), want: list(shaped(f32s(7), 1, 1, 1, 1, 1))},
		{name: "no image", op: "Conv", in: list(nothing(0, 1, 3, 3), ones), want: list(nothing(0, 1, 2, 2))},
		{name: "no filter", op: "Conv", in: list(x, nothing(0, 1, 2, 2)), want: list(nothing(1, 0, 2, 2))},
		{name: "half", op: "Conv", in: list(shaped(floats(tensor.Float16, 2048, 1, 1), 1, 3, 1), shaped(floats(tensor.Float16, 1, 1, 1), 1, 3, 1)), want: list(shaped(floats(tensor.Float16, 2050), 1, 1, 1))},
		{name: "channels", op: "Conv", in: list(x, nothing(1, 2, 2, 2)), err: "need 2 input channels, got 1"},
		{name: "ranks", op: "Conv", in: list(x, pair), err: "the ranks differ"},
		{name: "kernel_shape", op: "Conv", attrs: attrs(ints("kernel_shape", 3, 3)), in: list(x, ones), err: "attribute kernel_shape is [3 3], but the weights have a kernel of [2,2]"},
		{name: "groups", op: "Conv", attrs: attrs(graph.A("group", int64(2))), in: list(x, ones), err: "1 filters cannot be divided into 2 groups"},
		{name: "large kernel", op: "Conv", in: list(signal(1), pair), err: "a window of 2 elements does not fit into an input of 1 with padding 0 and 0"},
		{name: "negative padding", op: "Conv", attrs: attrs(ints("pads", -1, 0)), in: list(signal(1, 2), pair), err: "attribute pads is [-1 0]"},
		{name: "strides of another rank", op: "Conv", attrs: attrs(ints("strides", 1, 1)), in: list(signal(1, 2), pair), err: "attribute strides has 2 elements"},
		{name: "auto_pad", op: "Conv", attrs: attrs(text("auto_pad", "SAME")), in: list(signal(1, 2), pair), err: `auto_pad is "SAME"`},
		{name: "bias", op: "Conv", in: list(x, ones, f32s(1, 2)), err: "the bias has the shape [2], but there are 1 output channels"},
	})
}

func TestConvTranspose(t *testing.T) {
	x, w := signal(1, 2), signal(1, 10, 100)
	stride := ints("strides", 2)
	meet(t, []expectation{
		{op: "ConvTranspose", in: list(x, w), want: list(signal(1, 12, 120, 200))},
		{name: "strided", op: "ConvTranspose", attrs: attrs(stride), in: list(x, w), want: list(signal(1, 10, 102, 20, 200))},
		{name: "padded", op: "ConvTranspose", attrs: attrs(stride, ints("pads", 1, 2)), in: list(x, w), want: list(signal(10, 102))},
		{name: "with more behind", op: "ConvTranspose", attrs: attrs(stride, ints("output_padding", 1)), in: list(x, w), want: list(signal(1, 10, 102, 20, 200, 0))},
		{name: "to a shape", op: "ConvTranspose", attrs: attrs(stride, ints("output_shape", 4)), in: list(x, w), want: list(signal(10, 102, 20, 200))},
		{name: "to a shape, cut behind", op: "ConvTranspose", attrs: attrs(stride, ints("output_shape", 4), text("auto_pad", "SAME_UPPER")), in: list(x, w), want: list(signal(1, 10, 102, 20))},
		{name: "same", op: "ConvTranspose", attrs: attrs(stride, text("auto_pad", "SAME_UPPER")), in: list(x, w), want: list(signal(1, 10, 102, 20))},
		{name: "same, cut in front", op: "ConvTranspose", attrs: attrs(stride, text("auto_pad", "SAME_LOWER")), in: list(x, w), want: list(signal(10, 102, 20, 200))},
		{name: "dilated", op: "ConvTranspose", attrs: attrs(ints("dilations", 2)), in: list(x, signal(1, 10)), want: list(signal(1, 2, 10, 20))},
		{name: "grouped and biased", op: "ConvTranspose", attrs: attrs(graph.A("group", int64(2))), in: list(shaped(f32s(1, 2), 1, 2, 1), shaped(f32s(1, 2, 3, 4), 2, 2, 1), f32s(0, 100, 200, 300)), want: list(shaped(f32s(1, 102, 206, 308), 1, 4, 1))},
		{name: "two axes", op: "ConvTranspose", in: list(shaped(f32s(1, 2), 1, 1, 1, 2), shaped(f32s(1, 10), 1, 1, 2, 1)), want: list(shaped(f32s(1, 2, 10, 20), 1, 1, 2, 2))},
		{name: "no image", op: "ConvTranspose", in: list(nothing(0, 1, 2), w), want: list(nothing(0, 1, 4))},
		{name: "channels", op: "ConvTranspose", in: list(nothing(1, 2, 2), w), err: "need 1 input channels, got 2"},
		{name: "padded away", op: "ConvTranspose", attrs: attrs(ints("pads", 3, 3)), in: list(x, w), err: "an output of 4 elements less padding 3 and 3 is negative"},
		{name: "empty kernel", op: "ConvTranspose", in: list(x, nothing(1, 1, 0)), err: "is outside [1, "},
	})
}

// With no offset a deformable convolution is a convolution; an offset of half an
// element takes the mean of two, and 0 beyond the border.
func TestDeformConv(t *testing.T) {
	x, w := signal(1, 2, 4), signal(1, 10)
	meet(t, []expectation{
		{op: "DeformConv", in: list(x, w, nothing(1, 2, 2)), want: list(signal(21, 42))},
		{name: "half", op: "DeformConv", in: list(x, w, shaped(f32s(0.5, 0, 0, 0.5), 1, 2, 2)), want: list(signal(1.5+20, 2+20))},
		{name: "masked and biased", op: "DeformConv", in: list(x, w, nothing(1, 2, 2), f32s(100), shaped(f32s(1, 0, 0.5, 1), 1, 2, 2)), want: list(signal(1+10+100, 0+40+100))},
		{name: "far away", op: "DeformConv", in: list(x, w, shaped(f32s(-1e30, 1e30, 0, 0), 1, 2, 2)), want: list(signal(20, 40))},
		{name: "image", op: "DeformConv", attrs: attrs(ints("pads", 1, 0, 0, 0)), in: list(counting(1, 1, 2, 2), tensor.Of([]float32{1}, 1, 1, 1, 1), shaped(f32s(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0), 1, 2, 3, 2)), want: list(shaped(f32s(0, 1, 0, 1, 0, 3), 1, 1, 3, 2)), err: ""},
		{name: "groups of offsets", op: "DeformConv", attrs: attrs(graph.A("offset_group", int64(2))), in: list(counting(1, 2, 2), tensor.Of([]float32{1, 1}, 1, 2, 1), shaped(f32s(1, 0, 0, -1), 1, 2, 2)), want: list(shaped(f32s(1+2, 1+2), 1, 1, 2))},
		{name: "offset shape", op: "DeformConv", in: list(x, w, nothing(1, 1, 2)), err: "offset has the shape [1,1,2]"},
	})
}

func TestCol2Im(t *testing.T) {
	x := shaped(f32s(1, 2, 10, 20), 1, 2, 2) // two blocks of two elements
	meet(t, []expectation{
		{op: "Col2Im", in: list(x, i64(3), i64(2)), want: list(signal(1, 12, 20))},
		{name: "side by side", op: "Col2Im", attrs: attrs(ints("strides", 2)), in: list(x, i64(4), i64(2)), want: list(signal(1, 10, 2, 20))},
		{name: "padded", op: "Col2Im", attrs: attrs(ints("pads", 1, 0)), in: list(x, i64(2), i64(2)), want: list(signal(12, 20))},
		{name: "dilated", op: "Col2Im", attrs: attrs(ints("dilations", 2)), in: list(x, i64(4), i64(2)), want: list(signal(1, 2, 10, 20))},
		{name: "image", op: "Col2Im", in: list(counting(1, 4, 1), i64(2, 2), i64(2, 2)), want: list(counting(1, 1, 2, 2))},
		{name: "wraps", op: "Col2Im", in: list(tensor.Of([]uint8{0, 200, 100, 0}, 1, 2, 2), i64(3), i64(2)), want: list(tensor.Of([]uint8{0, 44, 0}, 1, 1, 3))},
		{name: "complex", op: "Col2Im", in: list(tensor.Of([]complex64{1i, 2, 3, 4i}, 1, 2, 2), i64(3), i64(2)), want: list(tensor.Of([]complex64{1i, 5, 4i}, 1, 1, 3))},
		{name: "no image", op: "Col2Im", in: list(nothing(0, 2, 2), i64(3), i64(2)), want: list(nothing(0, 1, 3))},
		{name: "blocks", op: "Col2Im", in: list(x, i64(4), i64(2)), err: "it must be (N, C × 2, 3)"},
		{name: "text", op: "Col2Im", in: list(tensor.Of([]string{"a", "b"}, 1, 2, 1), i64(2), i64(2)), err: "strings are no numbers"},
	})
}

func TestCausalConvWithState(t *testing.T) {
	x, w := signal(1, 2), signal(1, 10, 100)
	meet(t, []expectation{
		{op: "CausalConvWithState", in: list(x, w), want: list(signal(100, 210), signal(1, 2))},
		{name: "with state", op: "CausalConvWithState", in: list(signal(1), w, nil, signal(7, 8)), want: list(signal(187), signal(8, 1))},
		{name: "per channel, biased", op: "CausalConvWithState", in: list(shaped(f32s(1, 2), 1, 2, 1), shaped(f32s(3, 4), 2, 1, 1), f32s(10, 20)), want: list(shaped(f32s(13, 28), 1, 2, 1), nothing(1, 2, 0))},
		{name: "swish", op: "CausalConvWithState", attrs: attrs(text("activation", "swish")), in: list(signal(0), signal(5)), want: list(signal(0), nothing(1, 1, 0))},
		{name: "activation", op: "CausalConvWithState", attrs: attrs(text("activation", "relu")), in: list(x, w), want: list(nil, nil), err: `activation is "relu"`},
		{name: "state", op: "CausalConvWithState", in: list(x, w, nil, signal(1)), want: list(nil, nil), err: "past_state has the shape [1,1,1]"},
	})
}
