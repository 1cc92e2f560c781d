package cell

import (
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
)

// texts holds operators on strings, which live on the host.
var texts = family{
	"StringConcat":     {shapes: pairwise, host: true, draw: stringConcat},
	"StringSplit":      {classes: classes("delimiter", "limit"), shapes: []Shape{Rank2, Scalar, Rank1, Rank3, Dynamic}, host: true, draw: stringSplit},
	"StringNormalizer": {classes: classes("lower", "upper", "stopwords", "stopwords-insensitive", "everything-stops"), shapes: []Shape{Rank1, Rank2, Dynamic}, host: true, draw: stringNormalizer},
	"RegexFullMatch":   {classes: []string{"letters", "optional", "alternatives"}, shapes: []Shape{Rank2, Scalar, Rank1, Rank3, Dynamic}, host: true, draw: regexFullMatch},
	"TfIdfVectorizer":  {classes: []string{"tf", "idf", "tfidf", "skips", "bigrams-only"}, shapes: []Shape{Rank1, Rank2, Dynamic}, draw: tfIdf},
}

func stringConcat(d *draft) {
	a, b := d.operandPair()
	d.data(a)
	d.data(b)
}

// from draws strings from a list.
func from(list ...string) fill {
	return func(r *rand.Rand, _ tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]string, s.Size())
		for i := range v {
			v[i] = list[r.IntN(len(list))]
		}
		return tensor.Of(v, s...)
	}
}

func stringSplit(d *draft) {
	texts := []string{"a,b,c", "one two", ",x,,y", "  lots of   space ", "über alles,ja"}
	if d.is("default") { // of how many parts an empty string is, is open where there is a delimiter
		texts = append(texts, "")
	}
	d.in(d.shape(2), plain, from(texts...))
	switch d.Attributes {
	case "delimiter":
		d.text("delimiter", ",")
	case "limit":
		d.text("delimiter", ",")
		d.int("maxsplit", 1)
	}
}

func stringNormalizer(d *draft) {
	s := tensor.Shape{4 + d.IntN(4)}
	if d.rank(1) == 2 {
		s = tensor.Shape{1, s[0]}
	}
	d.in(s, plain, from("Monday", "tuesday", "FRIDAY", "Zürich", "monday"))
	switch d.Attributes {
	case "lower":
		d.text("case_change_action", "LOWER")
	case "upper":
		d.text("case_change_action", "UPPER")
	case "stopwords":
		d.flag("is_case_sensitive")
		attr(d, "stopwords", []string{"monday", "FRIDAY"})
	case "stopwords-insensitive":
		attr(d, "stopwords", []string{"monday"})
	case "everything-stops":
		attr(d, "stopwords", []string{"monday", "tuesday", "friday", "zürich"})
	}
}

func regexFullMatch(d *draft) {
	d.in(d.shape(2), plain, from("abc", "ab", "", "abcabc", "xyz", "a1"))
	d.text("pattern", map[string]string{"letters": "[a-z]+", "optional": "abc?", "alternatives": "(abc)+|xyz"}[d.Attributes])
}

// tfIdf counts words 0 to 5 and pairs of them.
func tfIdf(d *draft) {
	mode := map[string]string{"idf": "IDF", "tfidf": "TFIDF"}[d.Attributes]
	if mode == "" {
		mode = "TF"
	}
	d.text("mode", mode)
	shortest, skips := 1, 0
	switch d.Attributes {
	case "bigrams-only":
		shortest = 2
	case "skips":
		skips = 2
	}
	d.int("min_gram_length", shortest)
	d.int("max_gram_length", 2)
	d.int("max_skip_count", skips)
	d.ints("ngram_counts", 0, 4)
	d.ints("ngram_indexes", 2, 0, 1, 3, 4, 6, 5)
	if mode != "TF" {
		attr(d, "weights", []float32{0.5, 2, 1.5, 0.25, 3, 0.75, 4})
	}
	f := between(0, 5)
	if d.DType == tensor.String {
		attr(d, "pool_strings", []string{"a", "b", "c", "d", "a", "b", "b", "c", "c", "c"})
		f = from("a", "b", "c", "d", "e")
	} else {
		d.ints("pool_int64s", 0, 1, 2, 3, 0, 1, 1, 2, 2, 2)
	}
	s := d.shape(1)
	s[len(s)-1] += 4
	d.in(s, plain, f)
}

// startingWith makes the first element a certain one.
func startingWith(first float64, f fill) fill {
	return func(r *rand.Rand, d tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := f(r, d, s).Float64s()
		if len(v) > 0 {
			v[0] = first
		}
		return tensor.FromFloat64s(d, s, v)
	}
}
