package reference

import (
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// text holds StringConcat, StringSplit, StringNormalizer, RegexFullMatch, and
// TfIdfVectorizer of ngram.go.
var text = family{
	"StringConcat":     stringConcat,
	"StringSplit":      stringSplit,
	"StringNormalizer": stringNormalizer,
	"RegexFullMatch":   regexFullMatch,
	"TfIdfVectorizer":  tfIdfVectorizer,
}

func stringConcat(c *Call) ([]tensor.Value, error) {
	x, y := c.Tensor(0), c.Tensor(1)
	shape, err := broadcastTensors(x, y)
	if err != nil {
		return nil, err
	}
	heads, tails := spread(x.Strings(), x.Shape(), shape), spread(y.Strings(), y.Shape(), shape)
	if total, limit := lengths(heads)+lengths(tails), tensor.HostMemory()/4; total > limit {
		return nil, fmt.Errorf("strings of %d bytes together are %w: with the host's memory at most %d are made", total, tensor.ErrTooLarge, limit)
	}
	out := make([]string, len(heads))
	for i := range out {
		out[i] = heads[i] + tails[i]
	}
	return one(tensor.Of(out, shape...))
}

// lengths returns how many bytes strings have together.
func lengths(list []string) int64 {
	n := int64(0)
	for _, s := range list {
		n += int64(len(s))
	}
	return n
}

// stringSplit splits every element and pads the parts, along a new last axis,
// with empty strings to as many as the longest list has. The second output
// counts the parts.
func stringSplit(c *Call) ([]tensor.Value, error) {
	x, delimiter, limit := c.Tensor(0), c.Node.Text("delimiter", ""), -1
	if n := c.Node.Int("maxsplit", -1); n >= 0 {
		limit = 1 + int(min(n, math.MaxInt32-1))
	}
	lists, longest := make([][]string, x.Len()), 0
	counts := make([]int64, x.Len())
	for i, s := range x.Strings() {
		if delimiter == "" {
			lists[i] = splitWords(s, limit)
		} else {
			lists[i] = strings.SplitN(s, delimiter, limit)
		}
		counts[i] = int64(len(lists[i]))
		longest = max(longest, len(lists[i]))
	}
	shape := append(x.Shape().Clone(), longest)
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	y := tensor.Zeros(tensor.String, shape)
	for i, parts := range lists {
		copy(y.Strings()[i*longest:], parts)
	}
	z, err := tensor.FromSlice(x.Shape(), counts)
	return []tensor.Value{y, z}, err
}

// splitWords splits at white space into at most limit parts, any number if it is
// negative. The last part keeps the white space inside it.
func splitWords(s string, limit int) []string {
	var parts []string
	for s = strings.TrimSpace(s); s != ""; {
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 || len(parts) == limit-1 {
			return append(parts, s)
		}
		parts = append(parts, s[:end])
		s = strings.TrimLeftFunc(s[end:], unicode.IsSpace)
	}
	return parts
}

// stringNormalizer removes stop words and changes the case of what is left, one
// empty string if nothing is.
func stringNormalizer(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	if x.Rank() != 1 && (x.Rank() != 2 || x.Shape()[0] != 1) {
		return nil, fmt.Errorf("input of shape %v, but it must have the shape [C] or [1,C]", x.Shape())
	}
	change, err := caseChange(c.Node)
	if err != nil {
		return nil, err
	}
	key := func(s string) string { return s }
	if !c.Node.Bool("is_case_sensitive", false) {
		key = casing(c.Node).lower
	}
	stop := map[string]bool{}
	for _, s := range c.Node.Texts("stopwords") {
		stop[key(s)] = true
	}
	kept := []string{}
	for _, s := range x.Strings() {
		if !stop[key(s)] {
			kept = append(kept, change(s))
		}
	}
	if len(kept) == 0 {
		kept = []string{""}
	}
	if x.Rank() == 1 {
		return one(tensor.Of(kept))
	}
	return one(tensor.Of(kept, 1, len(kept)))
}

// caseChange returns the function of the attribute case_change_action.
func caseChange(n *graph.Node) (func(string) string, error) {
	switch action := n.Text("case_change_action", "NONE"); action {
	case "NONE":
		return func(s string) string { return s }, nil
	case "LOWER":
		return casing(n).lower, nil
	case "UPPER":
		return casing(n).upper, nil
	default:
		return nil, fmt.Errorf("case_change_action %q is none of NONE, LOWER, UPPER", action)
	}
}

type letterCase struct{ lower, upper func(string) string }

// casing returns how the attribute locale changes case, letter by letter:
// Turkish and Azeri tell dotted from dotless i, every other language follows
// Unicode's simple mappings.
func casing(n *graph.Node) letterCase {
	language, _, _ := strings.Cut(strings.ReplaceAll(n.Text("locale", "en_US"), "-", "_"), "_")
	if language == "tr" || language == "az" {
		special := unicode.TurkishCase
		return letterCase{
			lower: func(s string) string { return strings.ToLowerSpecial(special, s) },
			upper: func(s string) string { return strings.ToUpperSpecial(special, s) },
		}
	}
	return letterCase{strings.ToLower, strings.ToUpper}
}

func regexFullMatch(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	if !c.Node.Has("pattern") {
		return nil, fmt.Errorf("no pattern is set")
	}
	full, err := fullMatch(c.Node.Text("pattern", ""))
	if err != nil {
		return nil, err
	}
	out := make([]bool, x.Len())
	for i, s := range x.Strings() {
		out[i] = full.MatchString(s)
	}
	return one(tensor.Of(out, x.Shape()...))
}

// fullMatch compiles a pattern of RE2 syntax so that it matches whole strings
// only. It is parsed on its own, so that what it leaves open cannot reach out.
func fullMatch(pattern string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %q is no RE2 expression: %w", pattern, err)
	}
	return regexp.Compile(`\A(?:` + parsed.String() + `)\z`)
}
