package report

import (
	"fmt"
	"io"
	"strings"

	"example.com/midplane/conformance/result"
)

// Markdown writes a page: what was scored, the scores, every operator's, and what
// did not pass.
func Markdown(w io.Writer, r *result.Report) error {
	p := &page{w: w}
	p.line("# Conformance%s", titled(r.About))
	p.line("")
	p.line("%v.", r.Summary)
	p.line("There is no overall number: what an operator is worth depends on who asks.")
	if r.About != nil {
		p.about(r.About)
	}
	p.scores("## Scores", r.Scores)
	if operators := operatorsOf(r.Cases); len(operators) > 0 {
		p.scores("## Operators", operators)
	}
	p.list("## Flags", r.Flags)
	p.cases("## Failed", r.Cases, result.Failed)
	p.cases("## Waived", r.Cases, result.Waived)
	p.cases("## Faults of the suite", r.Cases, result.Faulty)
	p.reasons(r.Cases)
	return p.err
}

// page writes lines until one cannot be written.
type page struct {
	w   io.Writer
	err error
}

func (p *page) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func titled(m *result.Manifest) string {
	if m == nil {
		return ""
	}
	return " of " + Subject(m)
}

// Subject names what a package is about: the framework, and the device that it
// ran on.
func Subject(m *result.Manifest) string {
	return strings.TrimSpace(fmt.Sprintf("%s on %s", m.Device.Framework, m.Device.Name))
}

func (p *page) about(m *result.Manifest) {
	p.line("")
	p.line("| | |")
	p.line("| --- | --- |")
	row := func(name, value string) {
		if value != "" {
			p.line("| %s | %s |", name, cellText(value))
		}
	}
	row("framework", m.Device.Framework)
	row("device", m.Device.Name)
	row("description", m.Device.Description)
	row("vendor", m.Device.Vendor)
	row("version", m.Device.Version)
	row("class", m.Device.Class)
	row("accuracy class declared", m.Device.Accuracy)
	row("profile", m.Profile)
	row("ONNX's backend tests", strings.Join(m.ONNX, ", "))
	row("models", strings.Join(m.Models, ", "))
	row("cases", m.Match)
	if m.Shards > 0 {
		row("shard", fmt.Sprintf("%d of %d, from 0", m.Shard, m.Shards))
	}
	row("seed", fmt.Sprint(m.Seed))
	row("challenge", m.Challenge)
	row("isolated", fmt.Sprint(m.Isolated))
	row("suite", m.Suite)
	if !m.Created.IsZero() {
		row("created", m.Created.Format("2006-01-02 15:04:05 MST"))
	}
	for _, f := range m.Subject {
		row("tried", fmt.Sprintf("%s, SHA-256 %s", f.Name, f.SHA256))
	}
}

// cellText makes a text fit a cell of a table.
func cellText(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

func (p *page) scores(title string, scores []result.Score) {
	p.line("\n%s\n", title)
	p.line("| | cells | verified | native | decomposed | self | host | fallback | failed | declined | undeclared | waived | faults | honesty | classes |")
	p.line("| --- |%s --- |", strings.Repeat(" ---: |", 13))
	for _, s := range scores {
		p.line("| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %d | %s | %s |", s.Group, s.Cells, s.Verified(), s.Native, s.Decomposed,
			s.Self, s.Host, s.Fallback, s.Failed, s.Declined, s.Undeclared, s.Waived, s.Faults, result.Percent(s.Honesty(), s.Declared()), classes(s))
	}
}

func classes(s result.Score) string {
	var list []string
	for _, c := range []string{"A", "B", "C"} {
		if n := s.Classes[c]; n > 0 {
			list = append(list, fmt.Sprintf("%s %d", c, n))
		}
	}
	return strings.Join(list, ", ")
}

// operatorsOf scores the operators.
func operatorsOf(cases []result.Result) []result.Score {
	scores := result.Groups(cases, result.Operator)
	if len(scores) > 0 && scores[0].Group == "" { // cases of no operator
		scores = scores[1:]
	}
	return scores
}

func (p *page) list(title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.line("\n%s\n", title)
	for _, l := range lines {
		p.line("- %s", l)
	}
}

func (p *page) cases(title string, cases []result.Result, status result.Status) {
	var lines []string
	for _, c := range cases {
		if c.Status == status {
			lines = append(lines, fmt.Sprintf("`%s`: %s: %s", c.ID, c.Outcome, firstLine(c.Reason)))
		}
	}
	p.list(title, lines)
}

// reasons lists why cases are unsupported.
func (p *page) reasons(cases []result.Result) {
	n := make(map[string]int)
	for _, c := range cases {
		if c.Status == result.Unsupported {
			n[string(c.Outcome)+": "+reasonOf(c)]++
		}
	}
	var lines []string
	for _, reason := range byCount(n) {
		lines = append(lines, fmt.Sprintf("%d cases: %s", n[reason], reason))
	}
	p.list("## Unsupported", lines)
}

// reasonOf is the operator of a cell, and the reason of any other case.
func reasonOf(c result.Result) string {
	if op := result.Operator(c); op != "" {
		return op
	}
	return firstLine(c.Reason)
}
