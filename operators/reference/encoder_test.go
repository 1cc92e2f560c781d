package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestEncoders(t *testing.T) {
	words := []string{"a", "b", "c"}
	for _, c := range []struct {
		name, op string
		attrs    []graph.Attribute
		in       []tensor.Value
		want     *tensor.Tensor
	}{
		{"strings to integers", "LabelEncoder", attrs(graph.A("keys_strings", words), graph.A("values_int64s", []int64{5, 6, 7}), graph.A("default_int64", int64(42))),
			vs(tensor.Of([]string{"c", "x", "a", "a"}, 2, 2)), tensor.Of([]int64{7, 42, 5, 5}, 2, 2)},
		{"no default", "LabelEncoder", attrs(graph.A("keys_int64s", []int64{1, 2}), graph.A("values_strings", []string{"one", "two"})),
			vs(tensor.Of([]int64{2, 3})), tensor.Of([]string{"two", "_Unused"})},
		{"the last of equal keys", "LabelEncoder", attrs(graph.A("keys_floats", []float32{1, nan32, 0, 1}), graph.A("values_floats", []float32{10, 20, 30, 40})),
			vs(tensor.Of([]float32{1, float32(math.Float32frombits(0xFFC00001)), float32(math.Copysign(0, -1)), 9})), tensor.Of([]float32{40, 20, 30, 0})},
		{"the last of equal keys, of many elements", "LabelEncoder", attrs(graph.A("keys_floats", []float32{1, nan32, 0, 1}), graph.A("values_floats", []float32{10, 20, 30, 40})),
			vs(tensor.Of([]float32{1, 0, 1, nan32, float32(math.Copysign(0, -1)), 9})), tensor.Of([]float32{40, 30, 40, 20, 30, 0})},
		{"many strings", "CategoryMapper", attrs(graph.A("cats_int64s", []int64{4, 5, 6}), graph.A("cats_strings", []string{"a", "b", "a"})),
			vs(tensor.Of([]string{"a", "b", "c", "a", "", "b"})), tensor.Of([]int64{6, 5, -1, 6, -1, 5})},
		{"tensors", "LabelEncoder", attrs(graph.A("keys_tensor", tensor.Of([]float64{0.1, 0.2})), graph.A("values_tensor", tensor.Of([]int16{-1, -2})), graph.A("default_tensor", tensor.Of([]int16{9}))),
			vs(tensor.Of([]float64{0.2, 0.1, 0.3})), tensor.Of([]int16{-2, -1, 9})},
		{"64-bit keys and a tensor without default", "LabelEncoder", attrs(graph.A("keys_int64s", []int64{1<<60 + 1}), graph.A("values_tensor", tensor.Of([]int32{3}))),
			vs(tensor.Of([]int64{1 << 60, 1<<60 + 1})), tensor.Of([]int32{-1, 3})},
		{"empty", "LabelEncoder", attrs(graph.A("keys_strings", words), graph.A("values_int64s", []int64{5, 6, 7})),
			vs(tensor.Of([]string{}, 0, 2)), tensor.Of([]int64{}, 0, 2)},
		{"integers to strings", "CategoryMapper", attrs(graph.A("cats_int64s", []int64{4, 5, 4}), graph.A("cats_strings", words), graph.A("default_string", "?")),
			vs(tensor.Of([]int64{4, 5, 6}, 1, 3)), tensor.Of([]string{"c", "b", "?"}, 1, 3)},
		{"strings to integers", "CategoryMapper", attrs(graph.A("cats_int64s", []int64{4, 5, 4}), graph.A("cats_strings", words)),
			vs(tensor.Of([]string{"c", "d"})), tensor.Of([]int64{4, -1})},
		{"integers", "OneHotEncoder", attrs(graph.A("cats_int64s", []int64{3, 1})),
			vs(tensor.Of([]int64{1, 2, 3}, 3, 1)), tensor.Of([]float32{0, 1, 0, 0, 1, 0}, 3, 1, 2)},
		{"floats are truncated", "OneHotEncoder", attrs(graph.A("cats_int64s", []int64{3, -1})),
			vs(tensor.Of([]float64{3.9, -1.9, 2.9})), tensor.Of([]float32{1, 0, 0, 1, 0, 0}, 3, 2)},
		{"a scalar string", "OneHotEncoder", attrs(graph.A("cats_strings", words)),
			vs(tensor.Scalar("b")), tensor.Of([]float32{0, 1, 0})},
		{"cut and padded", "FeatureVectorizer", attrs(graph.A("inputdimensions", []int64{1, 3})),
			vs(tensor.Of([]int64{1, 2, 3, 4}, 2, 2), tensor.Of([]int64{5, 6, 7, 8}, 2, 2)), tensor.Of([]float32{1, 5, 6, 0, 3, 7, 8, 0}, 2, 4)},
		{"lists are one example", "FeatureVectorizer", nil,
			vs(tensor.Of([]float64{1, 2}), tensor.Of([]float64{3}, 1, 1)), tensor.Of([]float32{1, 2, 3}, 1, 3)},
		{"the last axis", "ArrayFeatureExtractor", nil,
			vs(tensor.Of([]string{"a", "b", "c", "d", "e", "f"}, 1, 2, 3), tensor.Of([]int64{2, 0}, 1, 2)), tensor.Of([]string{"c", "a", "f", "d"}, 1, 2, 2)},
		{"a list is one example", "ArrayFeatureExtractor", nil,
			vs(tensor.Of([]int32{7, 8, 9}), tensor.Of([]int64{1, 1, 2, 0}, 2, 2)), tensor.Of([]int32{8, 8, 9, 7}, 1, 4)},
		{"vocabulary order", "DictVectorizer", attrs(graph.A("string_vocabulary", []string{"a", "c", "b", "z"})),
			vs(&tensor.Map{Keys: tensor.Of([]string{"c", "a", "q"}), Values: tensor.Of([]int64{8, 4, 1})}), tensor.Of([]int64{4, 8, 0, 0}, 1, 4)},
		{"strings by integers", "DictVectorizer", attrs(graph.A("int64_vocabulary", []int64{2, 1})),
			vs(&tensor.Map{Keys: tensor.Of([]int64{1}), Values: tensor.Of([]string{"one"})}), tensor.Of([]string{"", "one"}, 1, 2)},
		{"dense, by key", "CastMap", nil,
			vs(&tensor.Map{Keys: tensor.Of([]int64{5, -2, 3}), Values: tensor.Of([]string{"1.5", "2", "3e1"})}), tensor.Of([]float32{2, 30, 1.5}, 1, 3)},
		{"sparse", "CastMap", attrs(graph.A("cast_to", "TO_INT64"), graph.A("map_form", "SPARSE"), graph.A("max_map", int64(4))),
			vs(&tensor.Map{Keys: tensor.Of([]int64{3, 0}), Values: tensor.Of([]float32{-1.9, 7})}), tensor.Of([]int64{7, 0, 0, -1}, 1, 4)},
		{"to strings", "CastMap", attrs(graph.A("cast_to", "TO_STRING")),
			vs(&tensor.Map{Keys: tensor.Of([]int64{1}), Values: tensor.Of([]float32{0.1})}), tensor.Of([]string{"0.1"}, 1, 1)},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			out, err := ml(c.op, 1, c.attrs, c.in...)
			require.NoError(t, err)
			sameTensor(t, c.want, out[0])
		})
	}
}

func vs(v ...tensor.Value) []tensor.Value { return v }

func TestZipMap(t *testing.T) {
	scores := tensor.Of([]float32{0.1, 0.9, 0.8, 0.2}, 2, 2)
	out, err := ml("ZipMap", 1, attrs(graph.A("classlabels_strings", []string{"no", "yes"})), scores)
	require.NoError(t, err)
	s := out[0].(*tensor.Sequence)
	assert.Equal(t, "sequence(map(string, float32[]))", s.Type().String())
	require.Len(t, s.Items, 2)
	second := s.Items[1].(*tensor.Map)
	assert.Equal(t, []string{"no", "yes"}, second.Keys.Strings())
	sameTensor(t, tensor.Of([]float32{0.8, 0.2}), second.Values)

	out, err = ml("ZipMap", 1, attrs(graph.A("classlabels_int64s", []int64{7, 9})), tensor.Of([]float32{1, 2}))
	require.NoError(t, err)
	require.Len(t, out[0].(*tensor.Sequence).Items, 1, "a list is one example")

	_, err = ml("ZipMap", 1, attrs(graph.A("classlabels_int64s", []int64{7})), scores)
	assert.ErrorContains(t, err, "2 scores for each example, but 1 class labels")
}

func TestEncodersReject(t *testing.T) {
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{"LabelEncoder", attrs(graph.A("keys_strings", []string{"a"}), graph.A("values_int64s", []int64{1})), vs(tensor.Of([]int64{1})), "keys of type string do not match elements of type int64"},
		{"LabelEncoder", attrs(graph.A("keys_strings", []string{"a"}), graph.A("values_int64s", []int64{1, 2})), vs(tensor.Of([]string{"a"})), "1 keys for 2 values"},
		{"LabelEncoder", attrs(graph.A("keys_strings", []string{"a"}), graph.A("keys_int64s", []int64{1})), vs(tensor.Of([]string{"a"})), "2 of the attributes keys_* are set"},
		{"LabelEncoder", attrs(graph.A("keys_strings", []string{"a"}), graph.A("values_tensor", tensor.Of([]int16{1})), graph.A("default_tensor", tensor.Of([]int64{1}))), vs(tensor.Of([]string{"b"})), "is not one element of type int16"},
		{"OneHotEncoder", attrs(graph.A("cats_int64s", []int64{1}), graph.A("zeros", int64(0))), vs(tensor.Of([]int64{1, 2})), "element 1 is in none of 1 categories"},
		{"OneHotEncoder", attrs(graph.A("cats_strings", []string{"a"})), vs(tensor.Of([]int64{1})), "do not match"},
		{"OneHotEncoder", nil, vs(tensor.Of([]int64{1})), "exactly one of cats_int64s and cats_strings"},
		{"FeatureVectorizer", attrs(graph.A("inputdimensions", []int64{2})), vs(tensor.Of([]int64{1}), tensor.Of([]int64{1})), "1 inputdimensions for 2 inputs"},
		{"FeatureVectorizer", nil, vs(tensor.Of([]int64{1, 2}, 2, 1), tensor.Of([]int64{1})), "input 1 has 1 examples, but those before it 2"},
		{"ArrayFeatureExtractor", nil, vs(tensor.Of([]int64{1}), tensor.Of([]int64{-1})), "feature -1 is outside [0, 1)"},
		{"DictVectorizer", attrs(graph.A("int64_vocabulary", []int64{2})), vs(tensor.Of([]int64{1})), "must be a map"},
		{"CastMap", attrs(graph.A("map_form", "SPARSE"), graph.A("max_map", int64(2))), vs(&tensor.Map{Keys: tensor.Of([]int64{2}), Values: tensor.Of([]float32{1})}), "key 2 is outside [0, max_map), max_map being 2"},
		{"CastMap", nil, vs(&tensor.Map{Keys: tensor.Of([]int64{2}), Values: tensor.Of([]string{"x"})}), `"x" is no number`},
	} {
		_, err := ml(c.op, 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}
