package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/midplane/conformance/result"
)

// Difference is why a score moved.
type Difference struct {
	Scores  []ScoreChange `json:"scores"`  // of groups
	Changes []Change      `json:"changes"` // of cases, grouped
	OnlyOld []string      `json:"only_old"`
	OnlyNew []string      `json:"only_new"`
}

// ScoreChange is how the score of a group moved.
type ScoreChange struct {
	Group    string       `json:"group"`
	Old, New result.Score `json:"-"`
	Cells    int          `json:"cells"`
	Verified int          `json:"verified"`
	Failed   int          `json:"failed"`
	Declined int          `json:"declined"`
}

// Change is a group of cases of one operator that changed in the same way.
type Change struct {
	From   result.Outcome `json:"from"`
	To     result.Outcome `json:"to"`
	Of     string         `json:"of"` // the operator, or the group of other cases
	Cases  []string       `json:"cases"`
	Reason string         `json:"reason,omitempty"` // of the first one
}

// Diff compares results of two packages, case by case.
func Diff(before, after *result.Report) *Difference {
	d := &Difference{Scores: []ScoreChange{}, Changes: []Change{}, OnlyOld: []string{}, OnlyNew: []string{}}
	was := make(map[string]result.Result)
	for _, c := range before.Cases {
		was[c.ID] = c
	}
	at := make(map[string]int)
	for _, c := range after.Cases {
		old, known := was[c.ID]
		delete(was, c.ID)
		switch {
		case !known:
			d.OnlyNew = append(d.OnlyNew, c.ID)
		case old.Outcome != c.Outcome:
			d.changed(at, old, c)
		}
	}
	for _, c := range before.Cases {
		if _, left := was[c.ID]; left {
			d.OnlyOld = append(d.OnlyOld, c.ID)
		}
	}
	slices.SortStableFunc(d.Changes, func(a, b Change) int { return len(b.Cases) - len(a.Cases) })
	d.scores(before.Scores, after.Scores)
	return d
}

func (d *Difference) changed(at map[string]int, old, now result.Result) {
	of := result.Operator(now)
	if of == "" {
		of = result.Group(now)
	}
	key := fmt.Sprint(old.Outcome, " ", now.Outcome, " ", of)
	i, ok := at[key]
	if !ok {
		i = len(d.Changes)
		at[key] = i
		d.Changes = append(d.Changes, Change{From: old.Outcome, To: now.Outcome, Of: of, Reason: firstLine(now.Reason)})
	}
	d.Changes[i].Cases = append(d.Changes[i].Cases, now.ID)
}

func (d *Difference) scores(before, after []result.Score) {
	old := make(map[string]result.Score)
	var groups []string
	for _, s := range before {
		old[s.Group] = s
		groups = append(groups, s.Group)
	}
	now := make(map[string]result.Score)
	for _, s := range after {
		now[s.Group] = s
		groups = append(groups, s.Group)
	}
	slices.Sort(groups)
	for _, g := range slices.Compact(groups) {
		a, b := old[g], now[g]
		d.Scores = append(d.Scores, ScoreChange{Group: g, Old: a, New: b, Cells: b.Cells - a.Cells,
			Verified: b.Verified() - a.Verified(), Failed: b.Failed - a.Failed, Declined: b.Declined - a.Declined})
	}
}

// Same reports whether no case changed.
func (d *Difference) Same() bool { return len(d.Changes)+len(d.OnlyOld)+len(d.OnlyNew) == 0 }

// Text writes the difference for people.
func (d *Difference) Text(w io.Writer) error {
	p := &page{w: w}
	for _, s := range d.Scores {
		p.line("%s: %d cells (%+d), %d verified (%+d), %d failed (%+d), %d declined (%+d), honesty %s, was %s", s.Group, s.New.Cells, s.Cells,
			s.New.Verified(), s.Verified, s.New.Failed, s.Failed, s.New.Declined, s.Declined,
			result.Percent(s.New.Honesty(), s.New.Declared()), result.Percent(s.Old.Honesty(), s.Old.Declared()))
	}
	for _, c := range d.Changes {
		p.line("%d of %s: %s -> %s%s", len(c.Cases), c.Of, c.From, c.To, withReason(c.Reason))
		p.line("    %s", some(c.Cases))
	}
	if n := len(d.OnlyOld); n > 0 {
		p.line("%d cases are only in the first: %s", n, some(d.OnlyOld))
	}
	if n := len(d.OnlyNew); n > 0 {
		p.line("%d cases are only in the second: %s", n, some(d.OnlyNew))
	}
	if d.Same() {
		p.line("no case changed")
	}
	return p.err
}

func withReason(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// some lists the first of many names.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s, and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
