// Package result holds what became of cases, and the package of files from which
// every report is made.
package result

import (
	"fmt"
	"strings"
)

// Status is what became of a case, in short.
type Status string

// The statuses.
const (
	Passed      Status = "passed"
	Failed      Status = "failed"
	Unsupported Status = "unsupported"
	Waived      Status = "waived" // failed, and known to
	Faulty      Status = "fault"  // the suite's own failure: the score is of no use
)

// Outcome is what became of a case, in full.
type Outcome string

// The outcomes. A pass counts for the device if the device did the work: not by
// another route, nor by the oracle's own code.
const (
	Pass           Outcome = "pass"
	PassDecomposed Outcome = "pass-decomposed" // by kernels for what the operator consists of
	PassSelf       Outcome = "pass-self"       // by the oracle's own code, which proves nothing
	PassHost       Outcome = "pass-host"       // on the host: nothing ran on the device
	Fallback       Outcome = "fallback"        // by midplane, behind the device's back

	FailNumeric          Outcome = "fail-numeric"
	FailShape            Outcome = "fail-shape"
	FailType             Outcome = "fail-type"
	FailMemory           Outcome = "fail-memory" // wrote where it must not, or not where it must
	FailStatus           Outcome = "fail-status" // an error, or none where one was due
	FailCrash            Outcome = "fail-crash"
	FailHang             Outcome = "fail-hang"
	FailLeak             Outcome = "fail-leak"
	FailNondeterministic Outcome = "fail-nondeterministic"

	UnsupportedDeclared   Outcome = "unsupported-declared"   // the device said so before it ran
	UnsupportedUndeclared Outcome = "unsupported-undeclared" // the device said otherwise
	WaivedFailure         Outcome = "waived"
	Fault                 Outcome = "fault"
)

// Status returns the outcome in short.
func (o Outcome) Status() Status {
	switch {
	case strings.HasPrefix(string(o), "pass"):
		return Passed
	case strings.HasPrefix(string(o), "unsupported"):
		return Unsupported
	case o == WaivedFailure:
		return Waived
	case o == Fault:
		return Faulty
	}
	return Failed
}

// Result is what became of one case.
type Result struct {
	ID      string  `json:"id"`
	Status  Status  `json:"status"`
	Reason  string  `json:"reason,omitempty"` // why it did not pass, or not better
	Route   string  `json:"route,omitempty"`  // how its nodes ran: "kernel", "decomposed+kernel", …
	Outcome Outcome `json:"outcome,omitempty"`

	Class   string   `json:"class,omitempty"` // the accuracy class that the outputs are in
	MaxULP  float64  `json:"max_ulp,omitempty"`
	P99ULP  float64  `json:"p99_ulp,omitempty"`
	NMSE    float64  `json:"nmse,omitempty"`
	Kernels []string `json:"kernels,omitempty"`
	Waiver  string   `json:"waiver,omitempty"` // the ID of the one that applies
	Waived  Outcome  `json:"waived,omitempty"` // what it excuses

	Seconds  float64 `json:"seconds,omitempty"`
	CPU      float64 `json:"cpu_seconds,omitempty"`
	BytesIn  int64   `json:"bytes_in,omitempty"` // copied to the device in one run
	BytesOut int64   `json:"bytes_out,omitempty"`

	// What that run had to do: bytes of its operands and of its results; and
	// about how many multiplications all runs take, where the suite can tell.
	InputBytes  int64   `json:"input_bytes,omitempty"`
	OutputBytes int64   `json:"output_bytes,omitempty"`
	Operations  float64 `json:"operations,omitempty"`

	// Trials are what was seen on the device. All of the above follows from them
	// and from the case.
	Trials []Trial `json:"trials,omitempty"`
}

// Trial is what a package keeps of a trial (see package trial).
type Trial struct {
	End      string   `json:"end"`
	Text     string   `json:"text,omitempty"`
	Declared bool     `json:"declared,omitempty"`
	Route    string   `json:"route,omitempty"`
	Kernels  []string `json:"kernels,omitempty"`
	Helped   []string `json:"helped,omitempty"`
	Runs     int      `json:"runs,omitempty"`
	Unstable string   `json:"unstable,omitempty"`
	Faults   []string `json:"faults,omitempty"`
	Leak     string   `json:"leak,omitempty"`
	Seconds  float64  `json:"seconds,omitempty"`
	CPU      float64  `json:"cpu_seconds,omitempty"`
	BytesIn  int64    `json:"bytes_in,omitempty"`
	BytesOut int64    `json:"bytes_out,omitempty"`
	Sets     []Set    `json:"sets,omitempty"`
	Watched  *Set     `json:"watched,omitempty"` // of the first set, with memory watched
}

// Set is what a package keeps of the outputs for one set of inputs.
type Set struct {
	Name   string `json:"name,omitempty"`
	Digest string `json:"digest"` // of the outputs: SHA-256
	Size   int64  `json:"size"`   // of the outputs where they are stored, else 0
}

// Sets returns all that is kept of outputs, in the order in which they are
// stored.
func (r *Result) Sets() []*Set {
	var sets []*Set
	for i := range r.Trials {
		t := &r.Trials[i]
		for k := range t.Sets {
			sets = append(sets, &t.Sets[k])
		}
		if t.Watched != nil {
			sets = append(sets, t.Watched)
		}
	}
	return sets
}

// As sets the outcome, and the status that goes with it.
func (r *Result) As(o Outcome, reason string) {
	r.Outcome, r.Status, r.Reason = o, o.Status(), reason
}

// Summary counts results.
type Summary struct {
	Passed      int `json:"passed"`
	Failed      int `json:"failed"`
	Unsupported int `json:"unsupported"`
	Waived      int `json:"waived,omitempty"`
	Faults      int `json:"faults,omitempty"`
}

// String returns "N passed, N failed, N unsupported".
func (s Summary) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d unsupported", s.Passed, s.Failed, s.Unsupported)
}

// Report is what became of all cases.
type Report struct {
	Summary Summary   `json:"summary"`
	Scores  []Score   `json:"scores,omitempty"`
	Flags   []string  `json:"flags,omitempty"` // what a reader should look into: see Flags
	Cases   []Result  `json:"cases"`
	About   *Manifest `json:"about,omitempty"`
}

// Add adds a result.
func (r *Report) Add(result Result) {
	r.Cases = append(r.Cases, result)
	switch result.Status {
	case Passed:
		r.Summary.Passed++
	case Failed:
		r.Summary.Failed++
	case Unsupported:
		r.Summary.Unsupported++
	case Waived:
		r.Summary.Waived++
	case Faulty:
		r.Summary.Faults++
	}
}

// Brief is a report without what is only of use to judge it again.
type Brief struct {
	Summary Summary     `json:"summary"`
	Cases   []BriefCase `json:"cases"`
}

// BriefCase is a result in a [Brief].
type BriefCase struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"`
	Route  string `json:"route,omitempty"`
}

// Brief shortens the report.
func (r *Report) Brief() Brief {
	b := Brief{Summary: r.Summary, Cases: []BriefCase{}}
	for _, c := range r.Cases {
		b.Cases = append(b.Cases, BriefCase{c.ID, c.Status, c.Reason, c.Route})
	}
	return b
}
