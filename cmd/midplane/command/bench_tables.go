package command

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
)

// table is lines of cells, the first of which are headings.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// print writes the table in columns, or for a page.
func (t table) print(w io.Writer, markdown bool) error {
	if markdown {
		for i, line := range t {
			fmt.Fprintf(w, "| %s |\n", strings.Join(line, " | "))
			if i == 0 {
				fmt.Fprintf(w, "|%s\n", strings.Repeat(" --- |", len(line)))
			}
		}
		_, err := fmt.Fprintln(w)
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range t {
		fmt.Fprintf(tw, "%s\t\n", strings.Join(line, "\t"))
	}
	return tw.Flush()
}

// print writes what the bench found for people: about the machine, the contenders,
// how they compare, and with --trace the slowest nodes.
func (b *benchFlags) print(w io.Writer, rows []benchJSON) error {
	if s := b.machine.describe(threadsOf(b.threads)); s != "" {
		fmt.Fprintln(w, s)
		if b.asMarkdown {
			fmt.Fprintln(w)
		}
	}
	if !b.asMarkdown || len(b.devices) == 1 {
		if err := benchTable(rows).print(w, b.asMarkdown); err != nil {
			return err
		}
	}
	for _, t := range b.ratios(rows) {
		if !b.asMarkdown {
			fmt.Fprintln(w)
		}
		if err := t.print(w, b.asMarkdown); err != nil {
			return err
		}
	}
	return printBenchNodes(w, rows)
}

func benchTable(rows []benchJSON) table {
	t := table{{"MODEL", "DEVICE", "MEDIAN ms", "P10", "P90", "RUNS", "GFLOP/s", "OF PEAK", "LOAD ms", "FIRST OUTPUT ms", "PEAK MB"}}
	number := func(v float64) string { return fmt.Sprintf("%.4g", v) }
	for _, r := range rows {
		t.add(r.Model, r.Device, number(r.Median), number(r.P10), number(r.P90), fmt.Sprint(r.Runs),
			orDash("%.3g", r.GFLOPS), orDash("%.0f %%", 100*r.Share), number(r.Load), number(r.First), number(r.PeakRSS))
	}
	return t
}

// orDash formats a number, "-" where it is 0.
func orDash(format string, v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// ratios sets every other contender's figures beside the first's, in two tables each:
// model by model, and geometric means.
func (b *benchFlags) ratios(rows []benchJSON) (tables []table) {
	for other := 1; other < len(b.devices); other++ {
		byModel := table{{b.devices[other] + " / " + b.devices[0], "GROUP", "TIME", "LOAD", "FIRST OUTPUT", "PEAK MEMORY"}}
		if b.asMarkdown {
			byModel = table{{"model", "group", b.devices[0] + " ms", "GFLOP/s", "of peak", b.devices[other] + " ms", "ratio", "load ms", "first output ms", "peak MB"}}
		}
		var slow, fast, load, first, memory ratios
		byGroup := make(map[string]*ratios)
		for i := 0; i+other < len(rows); i += len(b.devices) {
			ours, theirs := rows[i], rows[i+other]
			r := [...]float64{theirs.Median / ours.Median, theirs.Load / ours.Load, theirs.First / ours.First, theirs.PeakRSS / ours.PeakRSS}
			if b.asMarkdown {
				byModel.add(pageLine(ours, theirs)...)
			} else {
				byModel.add(ours.Model, ours.Group, times(r[0]), times(r[1]), times(r[2]), times(r[3]))
			}
			if theirs.Median >= 1 {
				slow.add(ours.Model, r[0])
			} else {
				fast.add(ours.Model, r[0])
			}
			if byGroup[ours.Group] == nil {
				byGroup[ours.Group] = &ratios{}
			}
			byGroup[ours.Group].add(ours.Model, r[0])
			load.add(ours.Model, r[1])
			first.add(ours.Model, r[2])
			memory.add(ours.Model, r[3])
		}
		means := table{{b.devices[other] + " / " + b.devices[0], "MODELS", "GEOMETRIC MEAN", "LEAST", "OF"}}
		slow.line(&means, "1 ms and more")
		fast.line(&means, "under 1 ms")
		for _, name := range groups {
			if g := byGroup[name]; g != nil {
				g.line(&means, name)
			}
		}
		load.line(&means, "load")
		first.line(&means, "first output")
		memory.line(&means, "peak memory")
		tables = append(tables, byModel, means)
	}
	return tables
}

// pageLine is the line of a page about one model; figures of loading and memory are
// ours, then theirs.
func pageLine(ours, theirs benchJSON) []string {
	both := func(a, b float64) string { return fmt.Sprintf("%.3g / %.3g", a, b) }
	return []string{"`" + ours.Model + "`", ours.Group, fmt.Sprintf("%.3g", ours.Median), orDash("%.3g", ours.GFLOPS), orDash("%.0f %%", 100*ours.Share),
		fmt.Sprintf("%.3g", theirs.Median), times(theirs.Median / ours.Median), both(ours.Load, theirs.Load), both(ours.First, theirs.First), both(ours.PeakRSS, theirs.PeakRSS)}
}

func times(v float64) string { return fmt.Sprintf("%.2f", v) }

// ratios gathers ratios of several models.
type ratios struct {
	count  int
	logs   float64
	least  float64
	lowest string // the model of the least
}

func (r *ratios) add(model string, v float64) {
	if r.count == 0 || v < r.least {
		r.least, r.lowest = v, model
	}
	r.count++
	r.logs += math.Log(v)
}

// line adds the line of a table that sums the ratios up, none for no ratios.
func (r *ratios) line(t *table, name string) {
	if r.count > 0 {
		t.add(name, fmt.Sprint(r.count), times(math.Exp(r.logs/float64(r.count))), times(r.least), r.lowest)
	}
}
