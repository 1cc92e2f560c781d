// Package conformance holds a backend to what it says: it runs cases on a device
// and reports what passed, what failed, what the device does not support, and
// what midplane computed by itself.
//
// A vendor's test is one call:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, open, &conformance.Options{Profile: conformance.Core})
//	}
//
// Programs call [Score] instead and get a [Report].
//
// # Cases
//
// The cells of a profile (package cell): every way of using every operator, drawn
// from a seed, held against operators/reference within bounds that follow from
// the element type and the number of terms (package oracle). Laws, which need no
// expected values. Conditions that have to end in an error. ONNX's own backend
// tests, from folders, under ONNX's own rule: shape and element type equal,
// strings equal, numbers within rtol 1e-3 and atol 1e-7, NaN equal to NaN. Whole
// models, and their nodes one by one (package mine).
//
// Every case has a device of its own, and no other: nothing falls back. What the
// device lacks is unsupported, with the reason; it is never left out, and it
// stays in the denominator. A case that the oracle's own code computed counts for
// nobody, nor does one of which nothing ran on the device.
//
// # Packages
//
// With [Options].Dir everything that was seen is kept in a package of files
// (package result), from which [Verify] makes every verdict again.
//
// # Concurrency
//
// Cases run side by side, each with a device from the factory.
package conformance

import (
	"context"
	"crypto/ed25519"
	"regexp"
	"time"

	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
)

// Open returns a device to run one case on. The case closes it.
type Open = trial.Open

// Framework is a front end through which models reach the device.
type Framework = trial.Framework

// Profile says which cells are run.
type Profile string

// The profiles, each with the cells of those before. Their times are for the
// processor's backend on two cores.
const (
	Smoke Profile = "smoke" // the usual uses of every operator: a minute
	Core  Profile = "core"  // every use of every operator in its newest version, and the usual ones of the older: a quarter of an hour
	Full  Profile = "full"  // everything: two hours
)

// Options choose cases and say how they are run. Nil and zero values are
// defaults.
type Options struct {
	// Profile chooses cells. Default: those of Smoke where neither ONNX nor Models
	// names folders, else none.
	Profile Profile

	// ONNX are folders of ONNX's backend tests: of case folders, or of flat
	// X.onnx with X_output_0.pb.
	ONNX []string

	// Models are folders of models with data, laid out as ONNX's backend tests
	// are: each is run as it is, with and without the passes of package optimize,
	// and its distinct nodes are run on data drawn from the seed.
	Models []string

	// Framework is the front end that is scored together with the device; nil:
	// midplane itself.
	Framework Framework

	// Match, if set, keeps the cases whose ID it matches.
	Match *regexp.Regexp

	// Shard and Shards, if Shards is not 0, keep every Shards-th case,
	// beginning with the Shard-th (from 0).
	Shard, Shards int

	// Workers is how many cases run side by side; 0: as many as there are
	// processors.
	Workers int

	// Seed is what everything random is drawn from. Equal seeds give equal
	// cases.
	Seed uint64

	// Limit is how long a case may take; 0: a minute.
	Limit time.Duration

	// Isolate runs cases in child processes, so that one that crashes or hangs
	// ends alone, and no expected value is in the device's process. Child is the
	// command of a process that calls [Serve]; [Run] knows its own.
	Isolate bool
	Child   []string

	// Waivers are failures that are known and excused until a day.
	Waivers []result.Waiver

	// Dir, if set, is a folder for a package of everything: results, outputs,
	// platform (see package result). A package that was begun there by a run that
	// did not end is taken up. Key signs it. Name is what the device is called in
	// it, Subject the programs and libraries that are tried, Challenge what a
	// tester gave them and Seed follows from.
	Dir       string
	Key       ed25519.PrivateKey
	Name      string
	Subject   []result.File
	Challenge string

	// Progress, if set, is called after each case.
	Progress func(done, total int, last Result)

	filter func(id string) bool // of Run: the cases that go test -run asks for; nil: all
}

// What became of cases; see package result.
type (
	Status  = result.Status
	Result  = result.Result
	Summary = result.Summary
	Report  = result.Report
)

// The statuses. A case that could not even be read is failed.
const (
	Passed      = result.Passed
	Failed      = result.Failed
	Unsupported = result.Unsupported
	Waived      = result.Waived
	Faulty      = result.Faulty
)

// testcase is one case.
type testcase interface {
	id() string
	run(ctx context.Context, r *runner) outcome
}

// outcome is a result with the outputs that it is based on.
type outcome struct {
	Result
	outputs [][]byte // encoded, of each of Result.Sets(); nil for those that are not stored
}
