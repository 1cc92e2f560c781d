// Package report writes what became of cases for people and programs, holds
// results of two packages against each other, and a package against what is
// required of it.
//
// There is no overall number: what an operator is worth depends on who asks.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/midplane/conformance/result"
)

// Formats are the forms in which [Write] writes.
var Formats = []string{"text", "markdown", "junit"}

// Write writes a report in a format.
func Write(w io.Writer, format string, r *result.Report) error {
	switch format {
	case "text":
		return Text(w, r)
	case "markdown":
		return Markdown(w, r)
	case "junit":
		return JUnit(w, r)
	}
	return fmt.Errorf("report: no format is called %q: %s", format, strings.Join(Formats, ", "))
}

// Text writes what did not pass, the scores, and in the last line the summary.
func Text(w io.Writer, r *result.Report) error {
	declined := make(map[string]int) // cells, by operator or interface
	for _, c := range r.Cases {
		switch of := cmp.Or(result.Operator(c), result.Interface(c)); {
		case c.Status == result.Passed:
		case c.Status == result.Unsupported && of != "":
			declined[of]++
		default:
			fmt.Fprintf(w, "%-11s %s: %s\n", c.Status, c.ID, firstLine(c.Reason))
		}
	}
	if len(declined) > 0 {
		fmt.Fprintf(w, "unsupported cells: %s\n", counts(declined))
	}
	var cells []result.Score
	for _, s := range r.Scores {
		if s.Group != "official" {
			cells = append(cells, s)
		}
	}
	if len(cells) > 0 {
		if err := result.WriteScores(w, cells); err != nil {
			return err
		}
	}
	for _, f := range r.Flags {
		fmt.Fprintf(w, "flag: %s\n", f)
	}
	if s := r.Summary; s.Waived+s.Faults > 0 {
		fmt.Fprintf(w, "%d waived, %d faults of the suite\n", s.Waived, s.Faults)
	}
	_, err := fmt.Fprintln(w, r.Summary)
	return err
}

func firstLine(s string) string {
	line, more, found := strings.Cut(s, "\n")
	if found && strings.HasSuffix(line, ":") {
		next, _, _ := strings.Cut(more, "\n")
		line += " " + strings.TrimSpace(next)
	}
	return line
}

// counts lists counted names, the most frequent first.
func counts(n map[string]int) string {
	names := byCount(n)
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, n[name])
	}
	return strings.Join(names, ", ")
}

// byCount returns counted names, the most frequent first.
func byCount(n map[string]int) []string {
	names := make([]string, 0, len(n))
	for name := range n {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(n[b]-n[a], strings.Compare(a, b)) })
	return names
}
