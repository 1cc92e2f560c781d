// Package indicator measures how well a card is divided into instances, and how
// well these are shared out: the indicators of computing virtualization and of
// scheduling. [All] has the definitions; [Measure] measures.
//
// Indicators of virtualization are measured on one card. Those of scheduling are
// measured on a pool of several, some of them in simulated time: there, real
// instances of real cards are held for times that nobody waits for, so that
// these figures follow from the decisions alone and repeat.
package indicator

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/midplane/adapter"
)

// Indicator is something that is measured.
type Indicator struct {
	Name       string
	Unit       string
	Definition string // with the formula
	Source     string // of the formula, "" where it is a plain measurement

	// Bound is what passes: at most that much, or at least. BoundText says it in
	// words where it depends on the card.
	Bound     float64
	AtLeast   bool
	BoundText string

	Timed bool // it can be spoilt by what else the machine does

	measure func(context.Context, *bench) (Reading, error)
}

// The names of the indicators.
const (
	Instances       = "instances"
	Create          = "create"
	Destroy         = "destroy"
	MemoryAccuracy  = "memory-accuracy"
	ComputeAccuracy = "compute-accuracy"
	MemoryIsolation = "memory-isolation"
	FaultIsolation  = "fault-isolation"
	Interference    = "interference"
	Overhead        = "overhead"
	Latency         = "allocation-latency"
	Utilization     = "utilization"
	Fragmentation   = "fragmentation"
	Fairness        = "fairness"
	Recovery        = "recovery"
)

// All lists the indicators.
func All() []Indicator {
	return []Indicator{
		{Name: Instances, Unit: "instances", Bound: 2, AtLeast: true, measure: instances,
			Definition: "the smallest instances, of one step of memory and of compute, that one card has at once, counted up to 64"},
		{Name: Create, Unit: "ms", Bound: 1000, Timed: true, measure: create,
			Definition: "median time to make an instance of an eighth of the card"},
		{Name: Destroy, Unit: "ms", Bound: 1000, Timed: true, measure: destroy,
			Definition: "median time to close one"},
		{Name: MemoryAccuracy, Unit: "steps", Bound: 1, measure: memoryAccuracy,
			Definition: "|bytes that an instance can allocate − its quota| / the step in which the card gives memory"},
		{Name: ComputeAccuracy, Unit: "share", Bound: 0.15, BoundText: "0.15, or a step of compute", Timed: true, measure: computeAccuracy,
			Definition: "the largest |rate of work on an instance / rate of the same work on the whole card − its share|, for shares of a half and a quarter"},
		{Name: MemoryIsolation, Unit: "share", Bound: 1, AtLeast: true, measure: memoryIsolation,
			Definition: "share of the attempts to reach a neighbour's memory, what was left in memory by others, or bytes outside a buffer, that fail without a trace"},
		{Name: FaultIsolation, Unit: "share", Bound: 1, AtLeast: true, measure: faultIsolation,
			Definition: "share of the faults made in an instance after which its neighbour and the card work as before"},
		{Name: Interference, Unit: "share", Bound: 0.5, Timed: true, measure: interference,
			Definition: "1 − rate of work on one half of the card while the other half works / while it does not"},
		{Name: Overhead, Unit: "share", Bound: 0.25, Timed: true, measure: overhead,
			Definition: "time of work on an instance with all of the card / on the card itself − 1"},
		{Name: Latency, Unit: "µs", Bound: 1e6, Timed: true, measure: latency,
			Definition: "median time from a request to its lease where there is room, the making of the instance included"},
		{Name: Utilization, Unit: "share", Bound: 0.5, AtLeast: true, measure: utilization,
			Definition: "∫ share of the cards' compute units that instances have dt / time, in simulated time, as long as requests wait"},
		{Name: Fragmentation, Unit: "share", Bound: 0.5, measure: fragmentation,
			Definition: "mean over the same time of 1 − compute that further instances of the smallest request could have / compute that is free",
			Source:     "after Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent, USENIX ATC 2023"},
		{Name: Fairness, Unit: "index", Bound: 0.9, AtLeast: true, measure: fairness,
			Definition: "(Σx)² / (n·Σx²), of the compute × time x that each of n = 4 owners got while all had requests waiting, of whom one asks for four times as much as each other; 1 is equal, 1/n is all to one",
			Source:     "Jain, Chiu and Hawe, A Quantitative Measure of Fairness and Discrimination, DEC-TR-301, 1984"},
		{Name: Recovery, Unit: "ms", Bound: 2000, Timed: true, measure: recovery,
			Definition: "time from the loss of a card to the lease on another card that takes the place of the one it ended"},
	}
}

// Work prepares a piece of work on a device, the same on every device: step does
// it once and waits for it, done gives back what it takes.
type Work func(ctx context.Context, d *adapter.Device) (step func(context.Context) error, done func() error, err error)

// Options say what is measured, and how.
type Options struct {
	// Open opens the card. Every call returns a device of its own.
	Open func(ctx context.Context) (*adapter.Device, error)

	// Work is what rates are measured by. Default: fills of a megabyte, which say
	// nothing on a device whose units do not fill.
	Work Work

	// Only, if there are any, are the names of the indicators to measure.
	Only []string
}

// Reading is what an indicator was found to be.
type Reading struct {
	Name   string   `json:"name"`
	Value  *float64 `json:"value"` // nil where it could not be measured
	Unit   string   `json:"unit"`
	Bound  string   `json:"bound"`
	Passed bool     `json:"passed"`
	Note   string   `json:"note,omitempty"` // why not, or what else is worth knowing

	Err error `json:"-"` // what went wrong, where something did

	limit float64 // where it is not the indicator's
}

// Report is the readings of a card.
type Report struct {
	Device      string    `json:"device"`
	Description string    `json:"description"`
	Readings    []Reading `json:"readings"`
}

// read is a reading of a value.
func read(v float64, format string, args ...any) Reading {
	return Reading{Value: &v, Note: fmt.Sprintf(format, args...)}
}

// unknown is a reading of nothing.
func unknown(format string, args ...any) Reading {
	return Reading{Note: fmt.Sprintf(format, args...)}
}

// Measure measures the indicators. What a card cannot do is a reading without a
// value; the error is for cards that cannot be opened or divided, for a name that
// is no indicator's, and for a context that has ended.
func Measure(ctx context.Context, o *Options) (*Report, error) {
	all := All()
	for _, name := range o.Only {
		if !slices.ContainsFunc(all, func(i Indicator) bool { return i.Name == name }) {
			return nil, fmt.Errorf("indicator: there is none called %q", name)
		}
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return nil, err
	}
	defer b.close()
	report := &Report{Device: b.card.Name(), Description: b.card.Info().Description}
	for _, i := range all {
		if len(o.Only) > 0 && !slices.Contains(o.Only, i.Name) {
			continue
		}
		r, err := i.attempt(ctx, b)
		if err != nil {
			return nil, err
		}
		report.Readings = append(report.Readings, r)
	}
	return report, nil
}

// attempt measures an indicator, three times if it takes time that others may
// take. A time that a busy machine has spoilt is not known.
func (i *Indicator) attempt(ctx context.Context, b *bench) (Reading, error) {
	for attempt := 1; ; attempt++ {
		before := processor()
		r, err := i.measure(ctx, b)
		if ctx.Err() != nil {
			return r, ctx.Err()
		}
		if err != nil {
			r = Reading{Note: err.Error(), Err: err}
		}
		r = i.judge(r)
		if r.Passed || !i.Timed || r.Value == nil {
			return r, nil
		}
		if share := min(before, processor()); attempt == 3 && share < enough {
			r.Note = fmt.Sprintf("the machine is busy: a process that computes gets %.2g of a processor; it would have been %s: %s", share, format(*r.Value), r.Note)
			r.Value = nil
		}
		if attempt == 3 {
			return r, nil
		}
	}
}

// judge holds a reading against the bound.
func (i *Indicator) judge(r Reading) Reading {
	r.Name, r.Unit, r.Bound = i.Name, i.Unit, i.bound()
	limit := i.Bound
	if r.limit != 0 {
		limit = r.limit
	}
	const rounding = 1e-9
	if r.Value != nil {
		r.Passed = *r.Value <= limit+rounding
		if i.AtLeast {
			r.Passed = *r.Value >= limit-rounding
		}
	}
	return r
}

func (i *Indicator) bound() string {
	relation := "≤ "
	if i.AtLeast {
		relation = "≥ "
	}
	if i.BoundText != "" {
		return relation + i.BoundText
	}
	return relation + format(i.Bound)
}

// Passed reports whether everything that could be measured is within its bound.
func (r *Report) Passed() bool {
	return !slices.ContainsFunc(r.Readings, func(r Reading) bool { return r.Value != nil && !r.Passed })
}

// Write writes the report as a table for people.
func (r *Report) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s: %s\n", r.Device, r.Description)
	fmt.Fprintln(t, "INDICATOR\tVALUE\tUNIT\tBOUND\tNOTE")
	for _, reading := range r.Readings {
		value, note := "-", reading.Note
		if reading.Value != nil {
			value = format(*reading.Value)
			if !reading.Passed {
				note = strings.TrimSuffix("outside its bound; "+note, "; ")
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", reading.Name, value, reading.Unit, reading.Bound, note)
	}
	return t.Flush()
}

// format writes a value with three digits that count.
func format(v float64) string {
	if v != 0 && math.Abs(v) < 1000 {
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.0f", v)
}
