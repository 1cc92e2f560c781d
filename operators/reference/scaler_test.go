package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// ml runs one node of ai.onnx.ml.
func ml(op string, outputs int, attrs []graph.Attribute, in ...tensor.Value) ([]tensor.Value, error) {
	return operate("ai.onnx.ml."+op, outputs, attrs, in...)
}

// sameTensor compares type, shape and elements; NaN equals NaN.
func sameTensor(t *testing.T, want *tensor.Tensor, got tensor.Value) {
	t.Helper()
	g, ok := got.(*tensor.Tensor)
	require.True(t, ok, "%T is no tensor", got)
	require.Equal(t, want.DType(), g.DType())
	require.Equal(t, want.Shape(), g.Shape())
	if want.DType() == tensor.String {
		assert.Equal(t, want.Strings(), g.Strings())
		return
	}
	for i, w := range want.Float64s() {
		if math.IsNaN(w) {
			assert.True(t, math.IsNaN(g.Float64s()[i]), "element %d: %v", i, g.Float64s()[i])
			continue
		}
		if math.IsInf(w, 0) {
			assert.Equal(t, w, g.Float64s()[i], "element %d", i)
			continue
		}
		assert.InDelta(t, w, g.Float64s()[i], 1e-6, "element %d of %v", i, g)
	}
}

var nan32 = float32(math.NaN())

func TestScalerFamily(t *testing.T) {
	for _, c := range []struct {
		name, op string
		attrs    []graph.Attribute
		x, want  *tensor.Tensor
	}{
		{"a scale for each feature", "Scaler", attrs(graph.A("offset", []float32{1, 2}), graph.A("scale", []float32{10, 0.5})),
			tensor.Of([]int64{1, 2, 3, 4}, 2, 2), tensor.Of([]float32{0, 0, 20, 1}, 2, 2)},
		{"one scale for all", "Scaler", attrs(graph.A("offset", []float32{1}), graph.A("scale", []float32{2})),
			tensor.Of([]float64{1, 2, 3}, 1, 3), tensor.Of([]float32{0, 2, 4}, 1, 3)},
		{"no attributes", "Scaler", nil, tensor.Of([]int32{-7}), tensor.Of([]float32{-7})},
		{"no examples", "Scaler", attrs(graph.A("offset", []float32{1}), graph.A("scale", []float32{2})),
			tensor.Of([]float32{}, 0, 3), tensor.Of([]float32{}, 0, 3)},
		{"max is signed", "Normalizer", nil, tensor.Of([]float32{-4, 2, -1, -2}, 2, 2), tensor.Of([]float32{-2, 1, 1, 2}, 2, 2)},
		{"l1", "Normalizer", attrs(graph.A("norm", "L1")), tensor.Of([]int64{1, -3}), tensor.Of([]float32{0.25, -0.75})},
		{"l2, a row of zeros stays", "Normalizer", attrs(graph.A("norm", "L2")),
			tensor.Of([]float64{-3, 4, 0, 0}, 2, 2), tensor.Of([]float32{-0.6, 0.8, 0, 0}, 2, 2)},
		{"NaN is replaced", "Imputer", attrs(graph.A("imputed_value_floats", []float32{7, 8}), graph.A("replaced_value_float", nan32)),
			tensor.Of([]float32{nan32, nan32, 1, nan32}, 2, 2), tensor.Of([]float32{7, 8, 1, 8}, 2, 2)},
		{"a float is replaced, NaN stays", "Imputer", attrs(graph.A("imputed_value_floats", []float32{7}), graph.A("replaced_value_float", float32(-1))),
			tensor.Of([]float64{-1, math.NaN(), 2}), tensor.Of([]float64{7, math.NaN(), 2})},
		{"integers", "Imputer", attrs(graph.A("imputed_value_int64s", []int64{7, 8}), graph.A("replaced_value_int64", int64(3))),
			tensor.Of([]int32{3, 3, 0, 1}, 2, 2), tensor.Of([]int32{7, 8, 0, 1}, 2, 2)},
		{"64 bits are kept", "Imputer", attrs(graph.A("imputed_value_int64s", []int64{1<<62 + 1})),
			tensor.Of([]int64{0, 1<<62 + 3}), tensor.Of([]int64{1<<62 + 1, 1<<62 + 3})},
		{"threshold itself gives 0", "Binarizer", attrs(graph.A("threshold", float32(1.5))),
			tensor.Of([]float32{1.5, 1.75, nan32, float32(math.Inf(1))}), tensor.Of([]float32{0, 1, 0, 1})},
		{"integers by a fractional threshold", "Binarizer", attrs(graph.A("threshold", float32(-1.5))),
			tensor.Of([]int32{-2, -1, 0}), tensor.Of([]int32{0, 1, 1})},
		{"integers beyond float64's precision", "Binarizer", attrs(graph.A("threshold", float32(1<<60))),
			tensor.Of([]int64{1 << 60, 1<<60 + 1}), tensor.Of([]int64{0, 1})},
		{"doubles", "Binarizer", nil, tensor.Of([]float64{-1, 0, 1e-300}, 3, 1), tensor.Of([]float64{0, 0, 1}, 3, 1)},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			out, err := ml(c.op, 1, c.attrs, c.x)
			require.NoError(t, err)
			sameTensor(t, c.want, out[0])
			if c.want.DType() == tensor.Int64 {
				assert.Equal(t, c.want.Int64s(), out[0].(*tensor.Tensor).Int64s())
			}
		})
	}
}

func TestScalerFamilyRejects(t *testing.T) {
	x := tensor.Of([]float32{1, 2, 3, 4}, 2, 2)
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		x     *tensor.Tensor
		want  string
	}{
		{"Scaler", attrs(graph.A("offset", []float32{1, 2, 3})), x, "offset has 3 elements, but must have 1 or, for as many features, 2"},
		{"Scaler", attrs(graph.A("offset", []float32{1}), graph.A("scale", []float32{1, 2})), x, "offset and scale have 1 and 2 elements"},
		{"Normalizer", attrs(graph.A("norm", "L3")), x, `norm "L3" is none of MAX, L1, L2`},
		{"Normalizer", nil, tensor.Of([]float32{1}, 1, 1, 1), "examples have the shape [N,C] or [C]"},
		{"Imputer", nil, x, "imputed_value_floats has 0 elements"},
		{"Imputer", attrs(graph.A("imputed_value_int64s", []int64{1 << 40})), tensor.Of([]int32{1}), "1099511627776 does not fit elements of type int32"},
	} {
		_, err := ml(c.op, 1, c.attrs, c.x)
		assert.ErrorContains(t, err, c.want)
	}
}
