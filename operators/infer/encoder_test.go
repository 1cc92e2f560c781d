package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestOperatorsOfML(t *testing.T) {
	ints := func(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
	texts := func(name string, v ...string) graph.Attribute { return graph.A(name, v) }
	floats := func(name string, n int) graph.Attribute { return graph.A(name, make([]float32, n)) }
	dictionary := infer.Fact{Type: tensor.MapType(tensor.String, typed(tensor.Float64).Type)}
	for _, c := range []struct {
		op      string
		outputs int
		attrs   []graph.Attribute
		in      []infer.Fact
		want    []string
	}{
		{"Scaler", 1, with(floats("offset", 3)), []infer.Fact{typed(tensor.Int64, "n", 3)}, []string{"float32[n,3]"}},
		{"Normalizer", 1, nil, []infer.Fact{typed(tensor.Float64, "n", "?")}, []string{"float32[n,?]"}},
		{"Imputer", 1, with(ints("imputed_value_int64s", 1)), []infer.Fact{typed(tensor.Int32, 2, 3)}, []string{"int32[2,3]"}},
		{"Binarizer", 1, nil, []infer.Fact{unranked(tensor.Float64)}, []string{"float64[...]"}},
		{"LabelEncoder", 1, with(texts("keys_strings", "a", "b"), graph.A("values_tensor", tensor.Of([]int16{1, 2}))), []infer.Fact{typed(tensor.String, "n", 2)}, []string{"int16[n,2]"}},
		{"CategoryMapper", 1, with(texts("cats_strings", "a"), ints("cats_int64s", 1)), []infer.Fact{typed(tensor.Int64, "n")}, []string{"string[n]"}},
		{"OneHotEncoder", 1, with(ints("cats_int64s", 4, 5, 6)), []infer.Fact{typed(tensor.Int32, "n", 2)}, []string{"float32[n,2,3]"}},
		{"FeatureVectorizer", 1, with(ints("inputdimensions", 2, 3)), []infer.Fact{typed(tensor.Int64, "n", 9), typed(tensor.Int64, "n", 3)}, []string{"float32[n,5]"}},
		{"FeatureVectorizer", 1, nil, []infer.Fact{f32(2), f32(1, "k")}, []string{"float32[1,?]"}},
		{"ArrayFeatureExtractor", 1, nil, []infer.Fact{typed(tensor.String, "n", 5), typed(tensor.Int64, 2, 3)}, []string{"string[n,6]"}},
		{"ArrayFeatureExtractor", 1, nil, []infer.Fact{f32(5), typed(tensor.Int64, "k")}, []string{"float32[1,?]"}},
		{"DictVectorizer", 1, with(texts("string_vocabulary", "a", "b")), []infer.Fact{dictionary}, []string{"float64[1,2]"}},
		{"CastMap", 1, with(graph.A("cast_to", "TO_INT64"), graph.A("map_form", "SPARSE"), graph.A("max_map", int64(7))), []infer.Fact{dictionary}, []string{"int64[1,7]"}},
		{"CastMap", 1, nil, []infer.Fact{dictionary}, []string{"float32[1,?]"}},
		{"ZipMap", 1, with(texts("classlabels_strings", "a")), []infer.Fact{f32("n", 1)}, []string{"sequence(map(string, float32[]))"}},
		{"LinearClassifier", 2, with(ints("classlabels_ints", 1, 2), floats("coefficients", 4)), []infer.Fact{f32("n", 4)}, []string{"int64[n]", "float32[n,2]"}},
		{"LinearRegressor", 1, with(graph.A("targets", int64(3))), []infer.Fact{f32("n", 4)}, []string{"float32[n,3]"}},
		{"SVMClassifier", 2, with(texts("classlabels_strings", "a", "b", "c", "d"), ints("vectors_per_class", 1, 0, 1, 1)), []infer.Fact{f32(4)}, []string{"string[1]", "float32[1,6]"}},
		{"SVMClassifier", 2, with(texts("classlabels_strings", "a", "b", "c", "d"), ints("vectors_per_class", 1, 0, 1, 1), floats("prob_a", 6)), []infer.Fact{f32(4)}, []string{"string[1]", "float32[1,4]"}},
		{"SVMRegressor", 1, nil, []infer.Fact{unranked(tensor.Float32)}, []string{"float32[?,1]"}},
		{"TreeEnsembleClassifier", 2, with(ints("classlabels_int64s", 1, 2, 3)), []infer.Fact{typed(tensor.Float64, "n", 4)}, []string{"int64[n]", "float32[n,3]"}},
		{"TreeEnsembleRegressor", 1, with(graph.A("n_targets", int64(2))), []infer.Fact{typed(tensor.Float64, "n", 4)}, []string{"float32[n,2]"}},
		{"TreeEnsemble", 1, with(graph.A("n_targets", int64(2))), []infer.Fact{typed(tensor.Float64, "n", 4)}, []string{"float64[n,2]"}},
	} {
		got, err := inferred("ai.onnx.ml."+c.op, c.outputs, c.attrs, c.in...)
		require.NoError(t, err, c.op)
		assert.Equal(t, c.want, got, c.op)
	}
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  string
	}{
		{"Scaler", with(floats("scale", 2)), []infer.Fact{f32("n", 3)}, "scale has 2 elements, but must have 1 or, for as many features, 3"},
		{"Normalizer", nil, []infer.Fact{f32(1, 2, 3)}, "examples have the shape [N,C] or [C]"},
		{"LabelEncoder", with(texts("keys_strings", "a"), ints("values_int64s", 1)), []infer.Fact{f32(1)}, "keys of type string do not match elements of type float32"},
		{"LabelEncoder", with(texts("keys_strings", "a")), []infer.Fact{typed(tensor.String, 1)}, "must be set"},
		{"OneHotEncoder", nil, []infer.Fact{f32(1)}, "exactly one of cats_int64s and cats_strings"},
		{"LinearClassifier", nil, []infer.Fact{f32(1)}, "neither classlabels_ints nor classlabels_strings"},
		{"TreeEnsemble", with(graph.A("n_targets", int64(0))), []infer.Fact{f32(1)}, "0 scores for each example"},
	} {
		_, err := inferred("ai.onnx.ml."+c.op, 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}
