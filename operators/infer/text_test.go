package infer_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func TestText(t *testing.T) {
	words := func(extents ...any) infer.Fact { return typed(tensor.String, extents...) }
	columns := with(graph.A("ngram_indexes", []int64{4, 0}))
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []infer.Fact
		want  []string
	}{
		{"StringConcat", nil, []infer.Fact{words("n", 1), words(3)}, []string{"string[n,3]"}},
		{"StringSplit", nil, []infer.Fact{words("n", 2)}, []string{"string[n,2,?]", "int64[n,2]"}},
		{"StringSplit", nil, []infer.Fact{unranked(tensor.String)}, []string{"string[...]", "int64[...]"}},
		{"StringNormalizer", nil, []infer.Fact{words(3)}, []string{"string[?]"}},
		{"StringNormalizer", nil, []infer.Fact{words("n", 3)}, []string{"string[1,?]"}},
		{"RegexFullMatch", nil, []infer.Fact{words("n", 3)}, []string{"bool[n,3]"}},
		{"TfIdfVectorizer", columns, []infer.Fact{typed(tensor.Int64, 9)}, []string{"float32[5]"}},
		{"TfIdfVectorizer", columns, []infer.Fact{words("n", "?")}, []string{"float32[n,5]"}},
	} {
		got, err := inferred(c.op, len(c.want), c.attrs, c.in...)
		require.NoError(t, err, c.op)
		assert.Equal(t, c.want, got, c.op)
	}
	for _, c := range []struct {
		op   string
		in   []infer.Fact
		want string
	}{
		{"StringConcat", []infer.Fact{words(2), words(3)}, "do not broadcast"},
		{"StringNormalizer", []infer.Fact{words(2, 3)}, "must have the shape [C] or [1,C]"},
		{"TfIdfVectorizer", []infer.Fact{words(1, 2, 3)}, "must have the shape [C] or [N,C]"},
	} {
		_, err := inferred(c.op, 1, nil, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}
