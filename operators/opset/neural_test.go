package opset

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/reference"
)

// form is an operator in an old form, and what it gave.
type form struct {
	name    string
	version int
	op      string
	attrs   []graph.Attribute
	in      []*tensor.Tensor
	want    []*tensor.Tensor
}

// hold lifts each form, with the extents of its inputs known and unknown, and
// compares what it gives then.
func hold(t *testing.T, forms []form) {
	t.Helper()
	for _, f := range forms {
		t.Run(f.op+" "+f.name, func(t *testing.T) {
			for _, extents := range []bool{true, false} {
				g, err := f.lift(extents)
				require.NoError(t, err)
				values := make([]tensor.Value, len(f.in))
				for i, x := range f.in {
					values[i] = x
				}
				got, err := reference.Evaluate(context.Background(), g, values)
				require.NoError(t, err)
				for i, want := range f.want {
					assert.NoError(t, onnxtest.Compare(got[i], want, 1e-6, 1e-7), "output %d", i)
				}
			}
		})
	}
}

func (f form) lift(extents bool) (*graph.Graph, error) {
	var inputs []*graph.Value
	for i, x := range f.in {
		typ := x.Type()
		if !extents {
			typ.Dims = tensor.UnknownDims(len(typ.Dims))
		}
		inputs = append(inputs, &graph.Value{Name: string(rune('a' + i)), Type: typ})
	}
	var outputs []string
	for i := range f.want {
		outputs = append(outputs, string(rune('v'+i)))
	}
	return Lift(context.Background(), model(f.version, inputs, node(f.op, inputs, outputs, f.attrs...)))
}

func integer(name string, v int64) graph.Attribute { return graph.A(name, v) }

func with(a ...graph.Attribute) []graph.Attribute { return a }

func TestOldProductsAndConvolutions(t *testing.T) {
	a, b := floats(tensor.Shape{2, 2}, 1, 2, 3, 4), floats(tensor.Shape{2, 2}, 5, 6, 7, 8)
	x, w := floats(tensor.Shape{1, 1, 2}, 1, 2), floats(tensor.Shape{1, 1, 3}, 1, 10, 100)
	stride := graph.A("strides", []int64{2})
	hold(t, []form{
		{"broadcast", 6, "Gemm", with(integer("broadcast", 1)), []*tensor.Tensor{a, b, floats(tensor.Shape{2}, 1, 2)}, []*tensor.Tensor{floats(tensor.Shape{2, 2}, 20, 24, 44, 52)}},
		{"not broadcast", 1, "Gemm", nil, []*tensor.Tensor{a, b, b}, []*tensor.Tensor{floats(tensor.Shape{2, 2}, 24, 28, 50, 58)}},
		// The full output is 1, 10, 102, 20, 200.
		{"cut behind", 1, "ConvTranspose", with(stride, graph.A("output_shape", []int64{4})), []*tensor.Tensor{x, w}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 4}, 1, 10, 102, 20)}},
		{"cut in front, whole shape", 10, "ConvTranspose", with(stride, graph.A("output_shape", []int64{1, 1, 4}), graph.A("auto_pad", "SAME_UPPER")), []*tensor.Tensor{x, w}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 4}, 10, 102, 20, 200)}},
		{"without a shape", 1, "ConvTranspose", with(stride, graph.A("auto_pad", "SAME_UPPER")), []*tensor.Tensor{x, w}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 4}, 1, 10, 102, 20)}},
	})
}

func TestOldPools(t *testing.T) {
	x := floats(tensor.Shape{1, 1, 3}, 4, 9, 0)
	half := graph.A("p", float32(0.5)) // (√4 + √9)²
	kernel := graph.A("kernel_shape", []int64{2})
	hold(t, []form{
		{"whole order", 1, "LpPool", with(kernel, graph.A("p", float32(1))), []*tensor.Tensor{x}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 2}, 13, 9)}},
		{"real order", 1, "LpPool", with(kernel, half), []*tensor.Tensor{x}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 2}, 25, 9)}},
		{"real order", 1, "GlobalLpPool", with(half), []*tensor.Tensor{x}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 1}, 25)}},
		{"default order", 1, "GlobalLpPool", nil, []*tensor.Tensor{floats(tensor.Shape{1, 1, 2}, 3, 4)}, []*tensor.Tensor{floats(tensor.Shape{1, 1, 1}, 5)}},
	})
}

func TestOldNormalizations(t *testing.T) {
	x := floats(tensor.Shape{2, 2}, 1, 2, 3, 4)
	volume := floats(tensor.Shape{2, 1, 2}, 1, 2, 3, 4)
	v := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{len(v)}, v...) }
	moments := []*tensor.Tensor{v(1, 2), v(0, 1), v(0, 1), v(1, 4)}
	features := []*tensor.Tensor{floats(tensor.Shape{1, 2}, 1, 2), floats(tensor.Shape{1, 2}, 0, 1), floats(tensor.Shape{1, 2}, 0, 1), floats(tensor.Shape{1, 2}, 1, 4)}
	in := func(x *tensor.Tensor, more ...*tensor.Tensor) []*tensor.Tensor {
		return append([]*tensor.Tensor{x}, more...)
	}
	epsilon, half := graph.A("epsilon", float32(0)), graph.A("momentum", float32(0.5))
	trained := floats(tensor.Shape{2, 2}, -1, -1, 1, 3)
	hold(t, []form{
		{"in test mode", 1, "BatchNormalization", with(graph.A("consumed_inputs", []int64{0, 0, 0, 1, 1}), integer("is_test", 1), epsilon), in(x, moments...), []*tensor.Tensor{x}},
		{"of one output", 6, "BatchNormalization", with(epsilon), in(x, moments...), []*tensor.Tensor{x}},
		{"in training", 7, "BatchNormalization", with(epsilon, half), in(x, moments...), []*tensor.Tensor{trained, v(1, 2), v(1, 2.5)}},
		{"moments of the batch", 9, "BatchNormalization", with(epsilon, half), in(floats(tensor.Shape{2, 2, 1}, 1, 2, 3, 4), moments...), []*tensor.Tensor{floats(tensor.Shape{2, 2, 1}, -1, -1, 1, 3), v(1, 2), v(1, 2.5), v(2, 3), v(1, 1)}},
		{"per feature", 8, "BatchNormalization", with(epsilon, integer("spatial", 0)), in(volume, features...), []*tensor.Tensor{volume}},
		{"per feature, in training", 7, "BatchNormalization", with(epsilon, half, integer("spatial", 0)), in(volume, features...), []*tensor.Tensor{
			floats(tensor.Shape{2, 1, 2}, -1, -1, 1, 3), floats(tensor.Shape{1, 2}, 1, 2), floats(tensor.Shape{1, 2}, 1, 2.5), floats(tensor.Shape{1, 2}, 2, 3), floats(tensor.Shape{1, 2}, 1, 1)}},
		{"with the attribute", 1, "InstanceNormalization", with(graph.A("consumed_inputs", []int64{0}), epsilon), in(floats(tensor.Shape{1, 1, 2}, 1, 3), v(2), v(1)), []*tensor.Tensor{floats(tensor.Shape{1, 1, 2}, -1, 3)}},
		{"scale per group", 18, "GroupNormalization", with(epsilon, integer("num_groups", 2)), in(floats(tensor.Shape{1, 4, 1}, 1, 3, 2, 6), v(1, 10), v(0, 5)), []*tensor.Tensor{floats(tensor.Shape{1, 4, 1}, -1, 1, -5, 15)}},
	})
	f := form{"", 6, "BatchNormalization", with(integer("is_test", 1)), in(x, moments...), []*tensor.Tensor{x, x}}
	_, err := f.lift(true)
	assert.ErrorContains(t, err, "only Y exists then")
}

func TestOldResizes(t *testing.T) {
	x := floats(tensor.Shape{1, 1, 1, 2}, 1, 2)
	wide := func(v ...float32) []*tensor.Tensor {
		return []*tensor.Tensor{floats(tensor.Shape{1, 1, 1, len(v)}, v...)}
	}
	in := func(x *tensor.Tensor, more ...*tensor.Tensor) []*tensor.Tensor {
		return append([]*tensor.Tensor{x}, more...)
	}
	v := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{len(v)}, v...) }
	mode := func(m string) graph.Attribute { return graph.A("mode", m) }
	behind, none := graph.A("coordinate_transformation_mode", "tf_half_pixel_for_nn"), v()
	hold(t, []form{
		{"by sides", 1, "Upsample", with(graph.A("height_scale", float32(1)), graph.A("width_scale", float32(2)), mode("bilinear")), in(x), wide(1, 1.5, 2, 2)},
		{"by attribute", 8, "Upsample", with(graph.A("scales", []float32{1, 1, 1, 2.5})), in(x), wide(1, 1, 1, 2, 2)},
		{"by input", 9, "Upsample", with(mode("linear")), in(x, v(1, 1, 1, 2)), wide(1, 1.5, 2, 2)},
		{"deprecated", 13, "Upsample", nil, in(x, v(1, 1, 1, 2)), wide(1, 1, 2, 2)},
		{"first form", 10, "Resize", with(mode("linear")), in(x, v(1, 1, 1, 2)), wide(1, 1.5, 2, 2)},
		{"first form, down", 10, "Resize", nil, in(floats(tensor.Shape{4}, 1, 2, 3, 4), v(0.5)), []*tensor.Tensor{v(1, 3)}},
		// Coordinates (i + 0.5) / 2: 0.25, 0.75, 1.25, 1.75.
		{"half a pixel behind, down", 11, "Resize", with(behind, graph.A("nearest_mode", "floor")), in(v(1, 2), none, v(2)), []*tensor.Tensor{v(1, 1, 2, 2)}},
		{"half a pixel behind, to nearest", 12, "Resize", with(behind), in(v(1, 2, 3), none, v(2)), []*tensor.Tensor{v(1, 2, 2, 3, 3, 3)}},
		{"half a pixel behind, up", 11, "Resize", with(behind, graph.A("nearest_mode", "ceil")), in(v(1, 2, 3), none, v(2)), []*tensor.Tensor{v(2, 2, 3, 3, 3, 3)}},
		{"half a pixel behind, linear", 11, "Resize", with(behind, mode("linear")), in(v(0, 4), none, v(2)), []*tensor.Tensor{v(1, 3, 4, 4)}},
		{"bilinear", 16, "GridSample", with(mode("bilinear")), in(floats(tensor.Shape{1, 1, 1, 2}, 1, 2), floats(tensor.Shape{1, 1, 1, 2}, 0, 0)), wide(1.5)},
		{"bicubic", 16, "GridSample", with(mode("bicubic"), graph.A("padding_mode", "border")), in(floats(tensor.Shape{1, 1, 1, 2}, 1, 2), floats(tensor.Shape{1, 1, 1, 2}, 0, 0)), wide(1.5)},
		{"unshifted", 10, "RoiAlign", with(integer("sampling_ratio", 1)), in(floats(tensor.Shape{1, 1, 2, 2}, 1, 2, 3, 4), floats(tensor.Shape{1, 4}, 0, 0, 1, 1), tensor.Of([]int64{0})), []*tensor.Tensor{floats(tensor.Shape{1, 1, 1, 1}, 2.5)}},
	})
	for _, c := range []struct {
		nearest string
		ops     []string
	}{{"floor", []string{"Resize"}}, {"ceil", []string{"midplane.legacy.Resize"}}} {
		g, err := form{"", 11, "Resize", with(behind, graph.A("nearest_mode", c.nearest)), in(v(1, 2), none, v(2)), in(none)}.lift(true)
		require.NoError(t, err)
		assert.Equal(t, c.ops, operatorsOf(g))
	}
}
