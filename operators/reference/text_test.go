package reference_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestText(t *testing.T) {
	words := func(w ...string) *tensor.Tensor { return tensor.Of(w) }
	stop := func(w ...string) graph.Attribute { return graph.A("stopwords", w) }
	action := func(a string) graph.Attribute { return graph.A("case_change_action", a) }
	sensitive := graph.A("is_case_sensitive", int64(1))
	pattern := func(p string) []graph.Attribute { return attrs(graph.A("pattern", p)) }
	for _, c := range []struct {
		name, op string
		attrs    []graph.Attribute
		in       []tensor.Value
		want     *tensor.Tensor
	}{
		{"broadcast", "StringConcat", nil, vs(tensor.Of([]string{"a", "b"}, 2, 1), words("x", "", "ž")), tensor.Of([]string{"ax", "a", "až", "bx", "b", "bž"}, 2, 3)},
		{"scalars", "StringConcat", nil, vs(tensor.Scalar("a"), tensor.Scalar("b")), tensor.Scalar("ab")},
		{"nothing", "StringConcat", nil, vs(tensor.Of([]string{}, 0), words("x")), tensor.Of([]string{}, 0)},
		{"the default changes nothing", "StringNormalizer", nil, vs(words("Mon", "", "Mon")), words("Mon", "", "Mon")},
		{"any case is removed", "StringNormalizer", attrs(stop("MON")), vs(words("mon", "Mond", "Mon")), words("Mond")},
		{"only the same case is removed", "StringNormalizer", attrs(stop("MON"), sensitive), vs(words("mon", "MON")), words("mon")},
		{"removed before the case changes", "StringNormalizer", attrs(stop("MON"), sensitive, action("UPPER")), vs(tensor.Of([]string{"mon", "MON", "éa"}, 1, 3)), tensor.Of([]string{"MON", "ÉA"}, 1, 2)},
		{"lower", "StringNormalizer", attrs(action("LOWER"), stop("ÉCOLE")), vs(words("École", "ÀB", "ß")), words("àb", "ß")},
		{"all removed", "StringNormalizer", attrs(stop("a")), vs(words("a", "A")), words("")},
		{"all removed of a row", "StringNormalizer", attrs(stop("a")), vs(tensor.Of([]string{"a"}, 1, 1)), tensor.Of([]string{""}, 1, 1)},
		{"Turkish", "StringNormalizer", attrs(action("UPPER"), graph.A("locale", "tr-TR")), vs(words("iı")), words("İI")},
		{"English", "StringNormalizer", attrs(action("UPPER"), graph.A("locale", "en_US")), vs(words("iı")), words("II")},
		{"the longer alternative", "RegexFullMatch", pattern("a|ab"), vs(tensor.Of([]string{"a", "ab", "abc", "xa"}, 2, 2)), tensor.Of([]bool{true, true, false, false}, 2, 2)},
		{"a dot is no new line", "RegexFullMatch", pattern("a.b"), vs(words("a\nb", "a.b")), tensor.Of([]bool{false, true})},
		{"anchors", "RegexFullMatch", pattern("^a$"), vs(words("a", "a\n")), tensor.Of([]bool{true, false})},
		{"an open quotation", "RegexFullMatch", pattern(`\Qa.`), vs(words("a.", "ab")), tensor.Of([]bool{true, false})},
		{"flags", "RegexFullMatch", pattern(`(?i)É\d+`), vs(words("é12", "É")), tensor.Of([]bool{true, false})},
		{"the empty pattern", "RegexFullMatch", pattern(""), vs(words("", "a")), tensor.Of([]bool{true, false})},
	} {
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			out, err := operate(c.op, 1, c.attrs, c.in...)
			require.NoError(t, err)
			sameTensor(t, c.want, out[0])
		})
	}
}

func TestStringSplit(t *testing.T) {
	by := func(d string) graph.Attribute { return graph.A("delimiter", d) }
	most := func(n int64) graph.Attribute { return graph.A("maxsplit", n) }
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		x     *tensor.Tensor
		parts *tensor.Tensor
		count []int64
	}{
		{"white space", nil, tensor.Of([]string{" a b\t c ", "", "x"}), tensor.Of([]string{"a", "b", "c", "", "", "", "x", "", ""}, 3, 3), []int64{3, 0, 1}},
		{"white space, once", attrs(by(""), most(1)), tensor.Of([]string{" a b  c ", " "}), tensor.Of([]string{"a", "b  c", "", ""}, 2, 2), []int64{2, 0}},
		{"white space, never", attrs(most(0)), tensor.Of([]string{" a b "}), tensor.Of([]string{"a b"}, 1, 1), []int64{1}},
		{"delimiters side by side", attrs(by("-")), tensor.Of([]string{"a--b-", ""}), tensor.Of([]string{"a", "", "b", "", "", "", "", ""}, 2, 4), []int64{4, 1}},
		{"long delimiter, once", attrs(by("--"), most(1)), tensor.Of([]string{"a--b--c", "a-b"}, 1, 2), tensor.Of([]string{"a", "b--c", "a-b", ""}, 1, 2, 2), []int64{2, 1}},
		{"never", attrs(by("-"), most(0)), tensor.Of([]string{"a-b"}), tensor.Of([]string{"a-b"}, 1, 1), []int64{1}},
		{"more than there are", attrs(by("-"), most(1<<62)), tensor.Of([]string{"a-b"}), tensor.Of([]string{"a", "b"}, 1, 2), []int64{2}},
		{"a scalar", attrs(by("-")), tensor.Scalar("a-b"), tensor.Of([]string{"a", "b"}), []int64{2}},
		{"nothing", nil, tensor.Of([]string{}, 0, 2), tensor.Of([]string{}, 0, 2, 0), []int64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := operate("StringSplit", 2, c.attrs, c.x)
			require.NoError(t, err)
			sameTensor(t, c.parts, out[0])
			sameTensor(t, shaped(tensor.Of(c.count), c.x.Shape()...), out[1])
		})
	}
}

func TestTfIdfVectorizer(t *testing.T) {
	// 1-grams 2, 3 in columns 1, 0; 2-grams 5 4, 2 5 in columns 3, 2.
	base := attrs(graph.A("mode", "TF"), graph.A("min_gram_length", int64(1)), graph.A("max_gram_length", int64(2)), graph.A("max_skip_count", int64(1)),
		graph.A("ngram_counts", []int64{0, 2}), graph.A("ngram_indexes", []int64{1, 0, 3, 2}), graph.A("pool_int64s", []int64{2, 3, 5, 4, 2, 5}))
	weights := graph.A("weights", []float32{10, 20, 30, 40})
	set := func(name string, v int64) graph.Attribute { return graph.A(name, v) }
	x := tensor.Of([]int64{2, 3, 5, 4, 2, 2})
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		x     *tensor.Tensor
		want  *tensor.Tensor
	}{
		{"counts", base, x, tensor.Of([]float32{1, 3, 1, 1})},
		{"weights", with(base, graph.A("mode", "IDF"), weights), x, tensor.Of([]float32{20, 10, 40, 30})},
		{"weighted counts", with(base, graph.A("mode", "TFIDF"), weights), x, tensor.Of([]float32{20, 30, 40, 30})},
		{"no weights are ones", with(base, graph.A("mode", "IDF")), x, tensor.Of([]float32{1, 1, 1, 1})},
		{"no skips", with(base, set("max_skip_count", 0)), x, tensor.Of([]float32{1, 3, 0, 1})},
		{"1-grams only", with(base, set("max_gram_length", 1), set("max_skip_count", 5)), x, tensor.Of([]float32{1, 3, 0, 0})},
		{"2-grams only", with(base, set("min_gram_length", 2)), x, tensor.Of([]float32{0, 0, 1, 1})},
		{"n-grams of one column", with(base, graph.A("ngram_indexes", []int64{0, 0, 1, 1})), x, tensor.Of([]float32{4, 2})},
		{"rows do not touch", base, tensor.Of([]int32{5, 2, 4, 2}, 2, 2), tensor.Of([]float32{0, 1, 0, 0, 0, 1, 0, 0}, 2, 4)},
		{"empty rows", base, tensor.Of([]int64{}, 2, 0), tensor.Of(make([]float32, 8), 2, 4)},
		{"no rows", base, tensor.Of([]int64{}, 0, 3), tensor.Of([]float32{}, 0, 4)},
		{"a scalar", base, tensor.Scalar(int64(2)), tensor.Of([]float32{0, 1, 0, 0})},
		{"strings", attrs(graph.A("mode", "TF"), set("min_gram_length", 2), set("max_gram_length", 3), set("max_skip_count", 0), graph.A("ngram_counts", []int64{0, 0, 4}),
			graph.A("ngram_indexes", []int64{0, 1, 2}), graph.A("pool_strings", []string{"a", "b", "b", "a", "a", "b", "a"})),
			tensor.Of([]string{"a", "b", "a", "c", "a", "b"}), tensor.Of([]float32{2, 1, 1})},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := operate("TfIdfVectorizer", 1, c.attrs, c.x)
			require.NoError(t, err)
			sameTensor(t, c.want, out[0])
		})
	}
	for _, c := range []struct {
		attr graph.Attribute
		x    *tensor.Tensor
		want string
	}{
		{graph.A("mode", "DF"), x, `mode "DF" is none of TF, IDF, TFIDF`},
		{graph.A("ngram_counts", []int64{0, 3}), x, "the 2-grams from 3 to 6 do not fit"},
		{graph.A("ngram_counts", []int64{4, 2}), x, "the 1-grams from 4 to 2 do not fit"},
		{graph.A("ngram_indexes", []int64{0, 1, 2}), x, "3 ngram_indexes for 4 n-grams"},
		{graph.A("ngram_indexes", []int64{0, 1, 2, -1}), x, "ngram_indexes[3] is -1"},
		{graph.A("weights", []float32{1}), x, "1 weights for 4 ngram_indexes"},
		{graph.A("min_gram_length", int64(3)), x, "min_gram_length 3, max_gram_length 2"},
		{graph.A("doc", ""), tensor.Of([]string{"a"}), "6 pool_int64s and 0 pool_strings for elements of type string"},
		{graph.A("doc", ""), tensor.Of([]int64{1}, 1, 1, 1), "[C] or [N,C]"},
	} {
		_, err := operate("TfIdfVectorizer", 1, with(base, c.attr), c.x)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestTextRejects(t *testing.T) {
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{"StringConcat", nil, vs(tensor.Of([]string{"a", "b"}), tensor.Of([]string{"a", "b", "c"})), "do not broadcast"},
		{"StringNormalizer", nil, vs(tensor.Of([]string{"a", "b"}, 2, 1)), "must have the shape [C] or [1,C]"},
		{"StringNormalizer", attrs(graph.A("case_change_action", "TITLE")), vs(tensor.Of([]string{"a"})), `case_change_action "TITLE" is none of`},
		{"RegexFullMatch", attrs(graph.A("pattern", "(?=a)")), vs(tensor.Of([]string{"a"})), `pattern "(?=a)" is no RE2 expression`},
		{"RegexFullMatch", nil, vs(tensor.Of([]string{"a"})), "no pattern is set"},
	} {
		_, err := operate(c.op, 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}
