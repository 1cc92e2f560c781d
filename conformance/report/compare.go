package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/midplane/conformance/result"
)

// orNone is a value for people.
func orNone(v any) string {
	if s := fmt.Sprint(v); s != "" && s != "[]" {
		return s
	}
	return "none"
}

// Incomparable says why two packages are not to be compared; nothing, if they
// are: cases of the same suite, of the same profile, drawn from the same seed or
// for the same challenge.
func Incomparable(a, b *result.Manifest) []string {
	var why []string
	differ := func(what string, x, y any) {
		if fmt.Sprint(x) != fmt.Sprint(y) {
			why = append(why, fmt.Sprintf("the %s differs: %s and %s", what, orNone(x), orNone(y)))
		}
	}
	differ("version of the suite", a.Suite, b.Suite)
	differ("profile", a.Profile, b.Profile)
	differ("choice of cases", a.Match, b.Match)
	differ("choice of ONNX's backend tests", a.ONNX, b.ONNX)
	differ("choice of models", a.Models, b.Models)
	differ("challenge", a.Challenge, b.Challenge)
	if a.Challenge == "" {
		differ("seed", a.Seed, b.Seed)
	}
	if a.CaseIDs != b.CaseIDs {
		why = append(why, fmt.Sprintf("the cases differ: %d and %d", a.Cases, b.Cases))
	}
	for _, m := range []*result.Manifest{a, b} {
		if m.Shards > 1 {
			why = append(why, fmt.Sprintf("the package of %s is shard %d of %d: merge the shards first", Subject(m), m.Shard, m.Shards))
		}
	}
	return why
}

// Compare writes the scores of comparable packages side by side, without their
// waivers: by group, and by operator where they differ.
func Compare(w io.Writer, packages []*result.Package) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	names := make([]string, len(packages))
	for i, p := range packages {
		names[i] = Subject(&p.Manifest)
	}
	fmt.Fprintf(t, "verified of cells, failed, honesty\t%s\n", strings.Join(names, "\t"))
	columns(t, packages, result.Group, false)
	columns(t, packages, result.Operator, true)
	return t.Flush()
}

// columns writes the scores by a key, a column a package; with differing, only
// the lines in which they are not all the same.
func columns(w io.Writer, packages []*result.Package, key func(result.Result) string, differing bool) {
	scores := make([]map[string]result.Score, len(packages))
	var groups []string
	for i, p := range packages {
		scores[i] = make(map[string]result.Score)
		for _, s := range result.Groups(p.Results, key) {
			scores[i][s.Group] = s
			groups = append(groups, s.Group)
		}
	}
	slices.Sort(groups)
	for _, g := range slices.Compact(groups) {
		texts := make([]string, len(packages))
		for i := range packages {
			s := scores[i][g]
			texts[i] = fmt.Sprintf("%d of %d, %d, %s", s.Verified(), s.Cells, s.Failed, result.Percent(s.Honesty(), s.Declared()))
		}
		if g != "" && !(differing && len(slices.Compact(slices.Clone(texts))) == 1) {
			fmt.Fprintf(w, "%s\t%s\n", g, strings.Join(texts, "\t"))
		}
	}
}
