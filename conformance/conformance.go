// Package conformance holds a backend to what it says: it runs cases on a device
// and reports what passed, what failed and what the device does not support.
//
// A vendor's test is one call:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, open, &conformance.Options{ONNX: []string{"testdata/node"}})
//	}
//
// Programs call [Score] instead and get a [Report].
//
// The cases are ONNX's own backend tests, read from folders, under ONNX's own
// rule: shape and element type equal, strings equal, numbers within rtol 1e-3
// and atol 1e-7, NaN equal to NaN. Every case has a device of its own, and no
// other: nothing falls back. A case of which the device lacks an operator is
// unsupported, with the reason; it is never left out.
//
// # Concurrency
//
// Cases run side by side, each with a device from the factory.
package conformance

import (
	"context"
	"fmt"
	"regexp"

	"example.com/midplane/adapter/driver"
)

// Open returns a device to run one case on. The case closes it.
type Open func(ctx context.Context) (driver.Device, error)

// Options choose cases. Nil runs nothing, which is an error.
type Options struct {
	// ONNX are folders of ONNX's backend tests: of case folders, or of flat
	// X.onnx with X_output_0.pb.
	ONNX []string

	// Match, if set, keeps the cases whose ID it matches.
	Match *regexp.Regexp

	// Shard and Shards, if Shards is not 0, keep every Shards-th case,
	// beginning with the Shard-th (from 0).
	Shard, Shards int

	// Workers is how many cases run side by side; 0: as many as there are
	// processors.
	Workers int

	// Progress, if set, is called after each case.
	Progress func(done, total int, last Result)
}

// Status is what became of a case.
type Status string

// The statuses. A case that could not even be read is failed.
const (
	Passed      Status = "passed"
	Failed      Status = "failed"
	Unsupported Status = "unsupported"
)

// Result is what became of one case.
type Result struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
	Reason string `json:"reason,omitempty"` // why it did not pass
	Route  string `json:"route,omitempty"`  // how its nodes ran: "kernel", "decomposed+kernel", …
}

// Summary counts results.
type Summary struct {
	Passed      int `json:"passed"`
	Failed      int `json:"failed"`
	Unsupported int `json:"unsupported"`
}

// String returns "N passed, N failed, N unsupported".
func (s Summary) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d unsupported", s.Passed, s.Failed, s.Unsupported)
}

// Report is what became of all cases.
type Report struct {
	Summary Summary  `json:"summary"`
	Cases   []Result `json:"cases"`
}

func (r *Report) add(result Result) {
	r.Cases = append(r.Cases, result)
	switch result.Status {
	case Passed:
		r.Summary.Passed++
	case Failed:
		r.Summary.Failed++
	case Unsupported:
		r.Summary.Unsupported++
	}
}
