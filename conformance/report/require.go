package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"slices"

	"example.com/midplane/conformance/result"
)

// Acceptance is what is required of a package. What is left out is not
// required.
type Acceptance struct {
	Grade   string        `json:"grade,omitempty"` // or a better one
	Signed  bool          `json:"signed,omitempty"`
	Key     string        `json:"key,omitempty"` // of the maker, in hexadecimal
	Profile string        `json:"profile,omitempty"`
	Faults  int           `json:"faults"` // of the suite, at most
	Waived  *int          `json:"waived,omitempty"`
	Flags   *int          `json:"flags,omitempty"`
	Require []Requirement `json:"require"`
}

// Requirement is what is required of the cases that a pattern matches.
type Requirement struct {
	Cases string `json:"cases"` // as in waivers: "op/Conv/...", "test_relu*"

	Cells    int      `json:"cells,omitempty"`    // at least so many
	Verified int      `json:"verified,omitempty"` // at least
	Coverage *float64 `json:"coverage,omitempty"` // verified of all, at least: 0 to 1
	Honesty  *float64 `json:"honesty,omitempty"`  // verified of declared, at least
	Passed   *float64 `json:"passed,omitempty"`   // of all, whoever computed them, at least
	Failed   *int     `json:"failed,omitempty"`   // at most; waived ones count
	Fallback *int     `json:"fallback,omitempty"` // at most
	Class    string   `json:"class,omitempty"`    // of every verified cell: this one or a stricter
}

// ReadAcceptance reads what is required from a JSON file. A name that it does not
// know is an error.
func ReadAcceptance(file string) (*Acceptance, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	a := &Acceptance{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(a); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return a, a.valid(file)
}

var grades = []string{result.SelfDeclared, result.Witnessed, result.Laboratory}

func (a *Acceptance) valid(file string) error {
	if a.Grade != "" && !slices.Contains(grades, a.Grade) {
		return fmt.Errorf("%s: the grade %q is none of %q", file, a.Grade, grades)
	}
	for i, r := range a.Require {
		if _, err := path.Match(r.Cases, ""); err != nil || r.Cases == "" {
			return fmt.Errorf("%s: requirement %d: %q is no pattern of cases", file, i, r.Cases)
		}
		if !slices.Contains([]string{"", "A", "B", "C"}, r.Class) {
			return fmt.Errorf("%s: requirement %d: the class %q is none of A, B and C", file, i, r.Class)
		}
	}
	return nil
}

// Unmet says what a package lacks. Its grade is one for the reader (see
// [result.Package.Grade]).
func (a *Acceptance) Unmet(p *result.Package, grade string) []string {
	report := p.Report()
	l := &lack{}
	l.when(slices.Index(grades, grade) < slices.Index(grades, a.Grade), "the grade is %s, not %s", grade, a.Grade)
	l.when(a.Signed && !p.Signed, "the package is unsigned")
	l.when(a.Key != "" && p.Manifest.Key != a.Key, "the maker's key is %q, not %q", p.Manifest.Key, a.Key)
	l.when(a.Profile != "" && p.Manifest.Profile != a.Profile, "the profile is %q, not %q", p.Manifest.Profile, a.Profile)
	l.when(p.Manifest.Match != "", "the package has only the cases that match %q", p.Manifest.Match)
	l.when(p.Manifest.Shards > 1, "the package is shard %d of %d", p.Manifest.Shard, p.Manifest.Shards)
	l.when(report.Summary.Faults > a.Faults, "%d faults of the suite, more than %d", report.Summary.Faults, a.Faults)
	l.when(a.Waived != nil && report.Summary.Waived > *a.Waived, "%d waived failures, more than %d", report.Summary.Waived, orZero(a.Waived))
	l.when(a.Flags != nil && len(report.Flags) > *a.Flags, "%d flags, more than %d: %q", len(report.Flags), orZero(a.Flags), report.Flags)
	for _, r := range a.Require {
		r.unmet(l, p.Results)
	}
	return l.list
}

// lack gathers what is lacking.
type lack struct{ list []string }

func (l *lack) when(lacking bool, format string, args ...any) {
	if lacking {
		l.list = append(l.list, fmt.Sprintf(format, args...))
	}
}

func orZero[T int | float64](v *T) T {
	if v == nil {
		return 0
	}
	return *v
}

func (r Requirement) unmet(l *lack, results []result.Result) {
	pattern := result.Waiver{Cases: r.Cases}
	var mine []result.Result
	passed := 0
	for _, c := range results {
		if pattern.Covers(c.ID) {
			mine = append(mine, c)
			if c.Status == result.Passed {
				passed++
			}
		}
	}
	if len(mine) == 0 {
		l.when(true, "%s: no case is called so", r.Cases)
		return
	}
	s := result.Groups(mine, func(result.Result) string { return r.Cases })[0]
	share := float64(passed) / float64(len(mine))
	l.when(s.Cells < r.Cells, "%s: %d cells, fewer than %d", r.Cases, s.Cells, r.Cells)
	l.when(s.Verified() < r.Verified, "%s: %d cells are verified, fewer than %d", r.Cases, s.Verified(), r.Verified)
	l.when(s.Coverage() < orZero(r.Coverage), "%s: %.4f of the cells are verified, less than %v", r.Cases, s.Coverage(), orZero(r.Coverage))
	l.when(s.Honesty() < orZero(r.Honesty), "%s: %.4f of the declared cells are verified, less than %v", r.Cases, s.Honesty(), orZero(r.Honesty))
	l.when(share < orZero(r.Passed), "%s: %.4f of the cases passed, less than %v", r.Cases, share, orZero(r.Passed))
	l.when(r.Failed != nil && s.Failed > orZero(r.Failed), "%s: %d failed, more than %d", r.Cases, s.Failed, orZero(r.Failed))
	l.when(r.Fallback != nil && s.Fallback > orZero(r.Fallback), "%s: midplane took over in %d cells, more than %d", r.Cases, s.Fallback, orZero(r.Fallback))
	for class, n := range s.Classes {
		l.when(r.Class != "" && class > r.Class, "%s: %d verified cells are in class %s only, where %s is required", r.Cases, n, class, r.Class)
	}
}
