package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, textDraws) }

var textDraws = map[string]func(d *dice) *sample{
	"RegexFullMatch":   regexFullMatch,
	"StringConcat":     stringConcat,
	"StringNormalizer": stringNormalizer,
	"StringSplit":      stringSplit,
	"TfIdfVectorizer":  tfIdf,
}

func regexFullMatch(d *dice) *sample {
	n := d.node(d.strings(d.shape(d.rank(0))))
	attribute(n, "pattern", pick(d, "a*", "[a-z]+", ".*b", "", "-?[0-9.]+", "(?i)AB"))
	return n
}

func stringConcat(d *dice) *sample {
	s := d.shape(d.rank(0))
	return d.node(d.strings(s), d.strings(d.broadcasts(s)))
}

func stringNormalizer(d *dice) *sample {
	s := tensor.Shape{d.between(1, 5)}
	if d.one(2) {
		s = append(tensor.Shape{1}, s...)
	}
	x := d.strings(s)
	for i := range x.Strings() {
		x.Strings()[i] = pick(d, "a", "b", "Ab", "aB", "x Y", "monday") // locales of other letters are not everywhere
	}
	n := d.node(x)
	attribute(n, "locale", "C")
	if d.one(2) {
		attribute(n, "case_change_action", pick(d, "NONE", "LOWER", "UPPER"))
	}
	if d.one(2) {
		attribute(n, "is_case_sensitive", int64(d.IntN(2)))
	}
	if d.one(2) {
		attribute(n, "stopwords", []string{pick(d, "a", "ab", "AB"), "b"})
	}
	return n
}

func stringSplit(d *dice) *sample {
	x := d.strings(d.shape(d.rank(0)))
	for i := range x.Strings() {
		if d.one(2) {
			x.Strings()[i] = pick(d, "a b  c", " x ", "1,2,,3", ",", "eggs;milk;bread", "a,b c")
		}
	}
	n := d.node(x)
	n.outputs = 2
	if d.one(2) {
		attribute(n, "delimiter", pick(d, "", ",", ";", " "))
	}
	if d.one(3) {
		attribute(n, "maxsplit", int64(d.between(1, 2)))
	}
	return n
}

func tfIdf(d *dice) *sample {
	text := d.input(0) == tensor.String
	s := tensor.Shape{d.between(1, 8)}
	if d.one(2) {
		s = append(tensor.Shape{d.between(1, 3)}, s...)
	}
	letters := []string{"a", "b", "c"}
	n := d.node(tensor.Zeros(d.input(0), s))
	x := n.tensorAt(0)
	if text {
		for i := range x.Strings() {
			x.Strings()[i] = pick(d, letters...)
		}
	} else {
		n.inputs[0] = tensor.FromInt64s(x.DType(), s, d.list(s.Size(), 0, 2))
	}
	low := d.between(1, 2)
	attribute(n, "min_gram_length", int64(low))
	attribute(n, "max_gram_length", int64(d.between(low, 2)))
	attribute(n, "max_skip_count", int64(d.IntN(3)))
	attribute(n, "mode", pick(d, "TF", "IDF", "TFIDF"))
	attribute(n, "ngram_counts", []int64{0, 2})
	attribute(n, "ngram_indexes", []int64{1, 0, 2, 3})
	if text {
		attribute(n, "pool_strings", []string{"a", "b", "a", "c", "b", "b"})
	} else {
		attribute(n, "pool_int64s", []int64{0, 1, 0, 2, 1, 1})
	}
	if d.one(2) {
		attribute(n, "weights", []float32{0.5, 2, 1, 3})
	}
	return n
}
