package reference_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func epsilon(v float32) graph.Attribute { return graph.A("epsilon", v) }

func TestBatchNormalization(t *testing.T) {
	x := shaped(f32s(1, 2, 3, 4), 2, 2)
	scale, bias, mean, variance := f32s(1, 2), f32s(0, 1), f32s(0, 1), f32s(1, 4)
	training := attrs(epsilon(0), flag("training_mode"), graph.A("momentum", float32(0.5)))
	meet(t, []expectation{
		{op: "BatchNormalization", attrs: attrs(epsilon(0)), in: list(x, scale, bias, mean, variance), want: list(shaped(f32s(1, 2, 3, 4), 2, 2))},
		{name: "with epsilon", op: "BatchNormalization", attrs: attrs(epsilon(3)), in: list(shaped(f32s(4), 1, 1), f32s(1), f32s(1), f32s(0), f32s(1)), want: list(shaped(f32s(3), 1, 1))},
		{name: "training", op: "BatchNormalization", attrs: training, in: list(x, scale, bias, mean, variance), want: list(shaped(f32s(-1, -1, 1, 3), 2, 2), f32s(1, 2), f32s(1, 2.5))},
		{name: "training over spatial axes", op: "BatchNormalization", attrs: training, in: list(shaped(f32s(1, 3, 5, 5), 1, 2, 2), scale, bias, mean, f32s(1, 1)), want: list(nil, f32s(1, 3), f32s(1, 0.5))},
		{name: "statistics of another type", op: "BatchNormalization", attrs: training, in: list(shaped(floats(tensor.Float16, 1, 3), 2, 1), floats(tensor.Float16, 1), floats(tensor.Float16, 0), f32s(0), f32s(0)), want: list(shaped(floats(tensor.Float16, -1, 1), 2, 1), f32s(1), f32s(0.5))},
		{name: "rank 1", op: "BatchNormalization", attrs: attrs(epsilon(0)), in: list(f32s(1, 2, 3), f32s(2), f32s(1), f32s(1), f32s(4)), want: list(f32s(1, 2, 3))},
		{name: "no image", op: "BatchNormalization", in: list(nothing(0, 2), scale, bias, mean, variance), want: list(nothing(0, 2))},
		{name: "scalar", op: "BatchNormalization", in: list(tensor.Scalar(float32(1)), scale, bias, mean, variance), err: "input X is a scalar"},
		{name: "channels", op: "BatchNormalization", in: list(x, scale, bias, mean, f32s(1)), err: "input_var has the shape [1], but the input has 2 channels"},
	})
}

func TestInstanceAndGroupNormalization(t *testing.T) {
	x := shaped(f32s(1, 3, 10, 30), 1, 2, 2)
	two := graph.A("num_groups", int64(2))
	meet(t, []expectation{
		{op: "InstanceNormalization", attrs: attrs(epsilon(0)), in: list(x, f32s(1, 2), f32s(0, 5)), want: list(shaped(f32s(-1, 1, 3, 7), 1, 2, 2))},
		{name: "with epsilon", op: "InstanceNormalization", attrs: attrs(epsilon(3)), in: list(shaped(f32s(1, 3), 1, 1, 2), f32s(2), f32s(0)), want: list(shaped(f32s(-1, 1), 1, 1, 2))},
		{name: "no image", op: "InstanceNormalization", in: list(nothing(0, 2, 2), f32s(1, 2), f32s(0, 5)), want: list(nothing(0, 2, 2))},
		{name: "group of each channel", op: "GroupNormalization", attrs: attrs(epsilon(0), two), in: list(x, f32s(1, 2), f32s(0, 5)), want: list(shaped(f32s(-1, 1, 3, 7), 1, 2, 2))},
		{name: "group of two channels", op: "GroupNormalization", attrs: attrs(epsilon(0), two), in: list(shaped(f32s(1, 3, 2, 6), 1, 4, 1), f32s(1, 2, 3, 4), f32s(0, 0, 10, 10)), want: list(shaped(f32s(-1, 2, 7, 14), 1, 4, 1))},
		{name: "groups", op: "GroupNormalization", attrs: attrs(graph.A("num_groups", int64(3))), in: list(x, f32s(1, 2), f32s(0, 5)), err: "2 channels cannot be divided into 3 groups"},
		{name: "scale", op: "InstanceNormalization", in: list(x, f32s(1), f32s(0, 5)), err: "scale has the shape [1]"},
	})
}

func TestLayerNormalization(t *testing.T) {
	x := shaped(f32s(1, 3, 2, 6), 2, 2)
	meet(t, []expectation{
		{op: "LayerNormalization", attrs: attrs(epsilon(0)), in: list(x, f32s(1, 10), f32s(0, 5)), want: list(shaped(f32s(-1, 15, -1, 15), 2, 2), shaped(f32s(2, 4), 2, 1), shaped(f32s(1, 0.5), 2, 1))},
		{name: "all axes", op: "LayerNormalization", attrs: attrs(epsilon(0), axis(0)), in: list(shaped(f32s(1, 3), 1, 2), tensor.Scalar(float32(2))), want: list(shaped(f32s(-2, 2), 1, 2), shaped(f32s(2), 1, 1), nil)},
		{name: "half, statistics in bfloat16", op: "LayerNormalization", attrs: attrs(epsilon(0), graph.A("stash_type", int64(16))), in: list(floats(tensor.Float16, 1, 3), floats(tensor.Float16, 1)), want: list(floats(tensor.Float16, -1, 1), floats(tensor.BFloat16, 2), floats(tensor.BFloat16, 1))},
		{name: "axis", op: "LayerNormalization", attrs: attrs(axis(2)), in: list(x, f32s(1)), err: "axis 2 is outside [-2, 2)"},
		{name: "scale", op: "LayerNormalization", in: list(x, f32s(1, 2, 3)), err: "Scale has the shape [3], which does not broadcast to that of X, [2,2]"},
		{name: "stash type", op: "LayerNormalization", attrs: attrs(graph.A("stash_type", int64(7))), in: list(x, f32s(1)), err: "stash_type is 7 (int64)"},
	})
}

func TestRMSNormalization(t *testing.T) {
	meet(t, []expectation{
		{op: "RMSNormalization", attrs: attrs(epsilon(0)), in: list(f32s(2, -2), f32s(1, 10)), want: list(f32s(1, -10))},
		{name: "with epsilon, over two axes", op: "RMSNormalization", attrs: attrs(epsilon(3), axis(-2)), in: list(shaped(f32s(1, 1, -1, 1), 2, 2), tensor.Scalar(float32(1))), want: list(shaped(f32s(0.5, 0.5, -0.5, 0.5), 2, 2))},
		{name: "type of the scale", op: "RMSNormalization", attrs: attrs(epsilon(0)), in: list(floats(tensor.Float16, 2), f32s(3)), want: list(f32s(3))},
	})
}

func TestLpNormalization(t *testing.T) {
	x := shaped(f32s(3, 0, 4, 0), 2, 2)
	meet(t, []expectation{
		{op: "LpNormalization", attrs: attrs(axis(0)), in: list(x), want: list(shaped(f32s(0.6, 0, 0.8, 0), 2, 2))},
		{name: "p 1", op: "LpNormalization", attrs: attrs(graph.A("p", int64(1))), in: list(f32s(1, -3)), want: list(f32s(0.25, -0.75))},
		{name: "zeros", op: "LpNormalization", in: list(f32s(0, 0)), want: list(f32s(0, 0))},
		{name: "p 3", op: "LpNormalization", attrs: attrs(graph.A("p", int64(3))), in: list(x), err: "only the norms 1 and 2 are defined"},
	})
}

func TestMeanVarianceNormalization(t *testing.T) {
	meet(t, []expectation{
		{op: "MeanVarianceNormalization", in: list(shaped(f32s(1, 3, 10, 30), 1, 2, 1, 2)), want: list(shaped(f32s(-1, 1, -1, 1), 1, 2, 1, 2))},
		{name: "one axis", op: "MeanVarianceNormalization", attrs: attrs(ints("axes", -1)), in: list(shaped(f32s(1, 3, 5, 5), 2, 2)), want: list(shaped(f32s(-1, 1, 0, 0), 2, 2))},
		{name: "rank", op: "MeanVarianceNormalization", in: list(f32s(1, 3)), err: "axis 2 is outside [-1, 1)"},
	})
}

// Squares over size channels, of which (size − 1) / 2 lie in front.
func TestLRN(t *testing.T) {
	like := attrs(graph.A("alpha", float32(2)), graph.A("beta", float32(1)), graph.A("bias", float32(0)), graph.A("size", int64(2)))
	meet(t, []expectation{
		{name: "even", op: "LRN", attrs: like, in: list(shaped(f32s(1, 2, 4), 1, 3, 1)), want: list(shaped(f32s(0.2, 0.1, 0.25), 1, 3, 1))},
		{name: "odd", op: "LRN", attrs: attrs(graph.A("alpha", float32(3)), graph.A("beta", float32(1)), graph.A("bias", float32(1)), graph.A("size", int64(3))), in: list(shaped(f32s(1, 0, 1, 3), 1, 4, 1)), want: list(shaped(f32s(0.5, 0, 1.0/11, 3.0/11), 1, 4, 1))},
		{name: "size", op: "LRN", in: list(nothing(1, 1)), err: "attribute size is 0"},
	})
}
