package conformance

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"example.com/midplane/conformance/result"
)

// Run is [Score] for a test: every case is a subtest under its ID, or where there
// are many, every operator. A failed case fails its subtest, an unsupported one
// is skipped with the reason.
//
// With Isolate the test's own binary is the child: it runs this test again and
// gets no further than here. Without a package to write, only the cases are run
// that go test's flag -run asks for: -run 'TestConformance/op/^Conv$'.
func Run(t *testing.T, open Open, o *Options) {
	t.Helper()
	if o == nil {
		o = &Options{}
	}
	if os.Getenv(childVariable) != "" {
		if err := Serve(t.Context(), open, o.Framework); err != nil {
			t.Fatal(err)
		}
		return
	}
	own := *o
	if own.Isolate && own.Child == nil {
		own.Child = []string{os.Args[0], "-test.run=^" + t.Name() + "$", "-test.timeout=0"}
	}
	if f := flag.Lookup("test.run"); f != nil && own.Dir == "" {
		own.filter = subtests(f.Value.String(), strings.Count(t.Name(), "/")+1)
	}
	report, err := Score(t.Context(), open, &own)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range grouped(report.Cases) {
		t.Run(group.name, group.check)
	}
	for _, s := range report.Scores {
		t.Logf("%s: %d cells, %d verified, %d self, %d failed, honesty %.4f", s.Group, s.Cells, s.Verified(), s.Self, s.Failed, s.Honesty())
	}
	t.Log(report.Summary)
}

// subtests returns what matches the IDs of the cases that a pattern of go test
// asks for: an expression for each element of a path, of which the first are for
// the test itself.
func subtests(pattern string, depth int) func(id string) bool {
	var elements []*regexp.Regexp
	for i, e := range strings.Split(pattern, "/") {
		if i < depth {
			continue
		}
		r, err := regexp.Compile(e)
		if err != nil {
			return nil // go test says so
		}
		elements = append(elements, r)
	}
	return func(id string) bool {
		for i, name := range strings.Split(id, "/") {
			if i < len(elements) && !elements[i].MatchString(name) {
				return false
			}
		}
		return true
	}
}

// group is the results that share a subtest.
type group struct {
	name    string
	results []Result
}

// few is how many cases are subtests of their own.
const few = 3000

// grouped gives every case a group of its own, or if there are many, every
// operator.
func grouped(results []Result) []group {
	var groups []group
	at := make(map[string]int)
	for _, r := range results {
		name := r.ID
		if op := result.Operator(r); op != "" && len(results) > few {
			name = "op/" + op
		}
		i, ok := at[name]
		if !ok {
			i = len(groups)
			at[name] = i
			groups = append(groups, group{name: name})
		}
		groups[i].results = append(groups[i].results, r)
	}
	return groups
}

// check fails or skips the subtest of a group.
func (g group) check(t *testing.T) {
	unsupported, reason := 0, ""
	for _, r := range g.results {
		switch r.Status {
		case Failed, Faulty:
			t.Errorf("%s: %s: %s", r.ID, r.Outcome, r.Reason)
		case Unsupported:
			unsupported, reason = unsupported+1, r.Reason
		}
	}
	if unsupported == len(g.results) {
		t.Skip(reason)
	}
}
