package conformance

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/oracle"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators/witness"
)

// VerifyOptions say what verifying a package needs besides the package.
type VerifyOptions struct {
	// ONNX are the folders of ONNX's backend tests that the manifest names by
	// their last element.
	ONNX []string

	// Models are the folders of models, likewise.
	Models []string

	// Replay is how many cases are run again on the device that Open opens.
	// Limit, Isolate and Child are as in [Options]. Choice is what the cases are
	// chosen from; 0: something that nobody could know before.
	Replay  int
	Open    Open
	Limit   time.Duration
	Isolate bool
	Child   []string
	Choice  uint64

	// Framework is the front end that the package names, where that is not
	// midplane itself.
	Framework Framework

	// Workers is how many cases are judged side by side; 0: as many as there are
	// processors.
	Workers int

	// Progress, if set, is called after each case.
	Progress func(done, total int, last Result)
}

// Verification is what came of judging a package again.
type Verification struct {
	Judged   int      `json:"judged"`   // verdicts that follow again from what the package holds
	Unjudged int      `json:"unjudged"` // those that only a device can show again
	Replayed int      `json:"replayed"` // cases run again
	Same     int      `json:"same"`     // of these, with the same verdict
	SameBits int      `json:"same_bits"`
	Choice   uint64   `json:"choice,omitempty"` // from which the replayed cases were chosen
	Problems []string `json:"problems"`         // why the package is refused; none: it is not
	Notes    []string `json:"notes"`            // what a reader should know
}

// Verify judges a package again: the problems are drawn again from the seed, the
// oracle computes again what is expected, and every verdict, score and count has
// to follow again from what the package holds of the outputs. It needs no device,
// but to replay cases.
//
// An error says that the package could not be judged; that it is refused is in
// the Verification.
func Verify(ctx context.Context, p *result.Package, o *VerifyOptions) (*Verification, error) {
	if o == nil {
		o = &VerifyOptions{}
	}
	v := &Verification{Problems: []string{}, Notes: []string{}}
	options, err := optionsOf(p.Manifest, o)
	if err != nil {
		return nil, err
	}
	cases, err := options.cases(ctx)
	if err != nil {
		return nil, err
	}
	v.manifest(p, cases)
	if len(v.Problems) > 0 {
		return v, nil
	}
	if err := v.judge(ctx, p, cases, options, o); err != nil {
		return nil, err
	}
	if o.Replay > 0 {
		err = v.replay(ctx, p, cases, options, o)
	}
	return v, err
}

// optionsOf returns the options with which the cases of a manifest are drawn
// again.
func optionsOf(m result.Manifest, o *VerifyOptions) (*Options, error) {
	options := &Options{Profile: Profile(m.Profile), Shard: m.Shard, Shards: m.Shards, Seed: m.Seed, Workers: o.Workers}
	if m.Match != "" {
		var err error
		if options.Match, err = regexp.Compile(m.Match); err != nil {
			return nil, fmt.Errorf("conformance: the manifest's pattern of cases: %w", err)
		}
	}
	var err error
	if options.ONNX, err = named(m.ONNX, o.ONNX, "ONNX's backend tests"); err != nil {
		return nil, err
	}
	options.Models, err = named(m.Models, o.Models, "models")
	return options, err
}

// named returns the folders whose paths end in the names that a manifest has.
func named(names, dirs []string, what string) ([]string, error) {
	var found []string
	for _, name := range names {
		i := slices.IndexFunc(dirs, func(dir string) bool { return base(dir) == name })
		if i < 0 {
			return nil, fmt.Errorf("conformance: the package has the cases of a folder of %s called %q, which is not among %q", what, name, dirs)
		}
		found = append(found, dirs[i])
	}
	return found, nil
}

func (v *Verification) problem(format string, args ...any) {
	v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
}

// manifest checks all that the manifest says of the results.
func (v *Verification) manifest(p *result.Package, cases []testcase) {
	m := p.Manifest
	report := p.Report()
	if len(cases) != len(p.Results) {
		v.problem("the package has %d results; its profile, pattern and shard have %d cases", len(p.Results), len(cases))
		return
	}
	for i, c := range cases {
		if c.id() != p.Results[i].ID {
			v.problem("result %d is of case %s; the profile, pattern and shard have %s there", i, p.Results[i].ID, c.id())
			return
		}
	}
	if m.Cases != len(p.Results) || m.CaseIDs != result.IDs(p.Results) {
		v.problem("the manifest describes %d other cases", m.Cases)
	}
	if m.Summary != report.Summary {
		v.problem("the manifest counts %v; the results make %v", m.Summary, report.Summary)
	}
	if !same(m.Scores, report.Scores) {
		v.problem("the manifest's scores are not those that the results make")
	}
	if brief, err := p.Brief(); err != nil || !same(brief, report.Brief()) {
		v.problem("%s is not what the results make", result.ReportFile)
	}
	if m.Challenge != "" && m.Seed != SeedOf(m.Challenge, m.Subject) {
		v.problem("the seed %d does not follow from the challenge %q and the subject: that is %d", m.Seed, m.Challenge, SeedOf(m.Challenge, m.Subject))
	}
	if m.Grade != result.SelfDeclared {
		v.problem("the manifest calls itself %q: nobody but a reader can say so, and a package says %q", m.Grade, result.SelfDeclared)
	}
	if s := Version(); m.Suite != s {
		v.Notes = append(v.Notes, fmt.Sprintf("made by version %s of the suite, judged by %s", m.Suite, s))
	}
	if e := p.Platform(); e.Arch != runtime.GOARCH {
		v.Notes = append(v.Notes, fmt.Sprintf("made on %s, judged on %s, where last bits of what the oracle computes may differ", e.Arch, runtime.GOARCH))
	}
}

// same compares what two values are in JSON.
func same(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// judge judges every case again.
func (v *Verification) judge(ctx context.Context, p *result.Package, cases []testcase, options *Options, o *VerifyOptions) error {
	outputs, err := p.Outputs()
	if err != nil {
		v.problem("%v", err)
		return nil
	}
	r := &runner{options: options, behaviour: oracle.Declared(p.Manifest.Device.Properties)}
	var ok bool
	if r.class, ok = oracle.ParseClass(p.Manifest.Device.Accuracy); !ok {
		return fmt.Errorf("conformance: the manifest declares the accuracy class %q; there are A, B and C", p.Manifest.Device.Accuracy)
	}
	problems := make([]string, len(cases))
	var mu sync.Mutex
	done := 0
	err = each(ctx, options.workers(len(cases)), len(cases), func(i int) {
		judged, problem := r.again(witness.Watch(ctx, nil), cases[i], p.Results[i], outputs[i])
		mu.Lock()
		defer mu.Unlock()
		if problems[i] = problem; judged {
			v.Judged++
		} else {
			v.Unjudged++
		}
		if done++; o.Progress != nil {
			o.Progress(done, len(cases), p.Results[i])
		}
	})
	for _, problem := range problems {
		if problem != "" {
			v.Problems = append(v.Problems, problem)
		}
	}
	return err
}

// again judges one result again, and says what is wrong with it. A result that
// only a device can show again is not judged, nor is a fault of the suite.
func (r *runner) again(ctx context.Context, c testcase, was Result, stored [][]byte) (judged bool, problem string) {
	e, ok := c.(examined)
	if was.Status != was.Outcome.Status() {
		return true, fmt.Sprintf("%s: the status is %s, and that of %s is %s", was.ID, was.Status, was.Outcome, was.Outcome.Status())
	}
	if !ok || was.Outcome == result.Fault {
		return false, ""
	}
	defer func() {
		if p := recover(); p != nil {
			judged, problem = true, fmt.Sprintf("%s: what is kept of it cannot be judged: %v", was.ID, p)
		}
	}()
	now, err := r.rejudge(ctx, e, was, stored)
	if err != nil {
		return true, fmt.Sprintf("%s: %v", was.ID, err)
	}
	was.Trials = nil
	switch {
	case now.Outcome != was.Outcome:
		return true, fmt.Sprintf("%s: the package says %s, but from what it holds follows %s (%s)", was.ID, was.Outcome, now.Outcome, now.Reason)
	case !same(now, was):
		return true, fmt.Sprintf("%s: %s, but what the package says of it does not follow from what it holds: %s", was.ID, was.Outcome, difference(now, was))
	}
	return true, ""
}

// rejudge makes a result from what a package holds.
func (r *runner) rejudge(ctx context.Context, c examined, was Result, stored [][]byte) (Result, error) {
	now := Result{ID: was.ID}
	e, err := c.exam(ctx, r)
	if err != nil {
		return now, err
	}
	defer e.done()
	var seen []*trial.Observation
	for i, t := range was.Trials {
		o, err := e.recall(t, i, stored)
		if err != nil {
			return now, err
		}
		seen = append(seen, o)
		stored = stored[len(kept(t)):]
		if o.End != trial.Done && i+1 < len(was.Trials) {
			return now, fmt.Errorf("trial %d ended as %s, and there is one behind it", i, o.End)
		}
	}
	if len(seen) < len(e.trials) && (len(seen) == 0 || seen[len(seen)-1].End == trial.Done) {
		return now, fmt.Errorf("the package holds %d of %d trials", len(seen), len(e.trials))
	}
	e.rule(&now, seen)
	return now, nil
}

func kept(t result.Trial) []*result.Set {
	r := Result{Trials: []result.Trial{t}}
	return r.Sets()
}

// difference names the first field in which results differ.
func difference(now, was Result) string {
	a, b := reflect.ValueOf(now), reflect.ValueOf(was)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			return fmt.Sprintf("%s is %v, not %v", a.Type().Field(i).Name, x, y)
		}
	}
	return "nothing"
}

// replay runs cases again.
func (v *Verification) replay(ctx context.Context, p *result.Package, cases []testcase, options *Options, o *VerifyOptions) error {
	if o.Open == nil {
		return errors.New("conformance: cases are replayed on a device, and none is named")
	}
	options.Framework = o.Framework
	options.Limit, options.Isolate, options.Child = o.Limit, o.Isolate, o.Child
	r, err := newRunner(ctx, o.Open, options)
	if err != nil {
		return err
	}
	defer r.close()
	if now := described(options, r.info, "").Framework; now != p.Manifest.Device.Framework {
		return fmt.Errorf("conformance: the package is about %s, and cases would be replayed through %s", p.Manifest.Device.Framework, now)
	}
	v.compareDevices(p.Manifest.Device, r.info)
	for v.Choice = o.Choice; v.Choice == 0; {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		v.Choice = binary.LittleEndian.Uint64(b[:])
	}
	chosen := mathrand.New(mathrand.NewPCG(v.Choice, 0)).Perm(len(cases))
	chosen = chosen[:min(o.Replay, len(chosen))]
	slices.Sort(chosen)
	var mu sync.Mutex
	return each(ctx, options.workers(len(chosen)), len(chosen), func(k int) {
		i := chosen[k]
		was, now := p.Results[i], r.one(ctx, cases[i]).Result
		mu.Lock()
		defer mu.Unlock()
		v.Replayed++
		if now.Outcome != was.Outcome {
			v.problem("%s: %s in the package, %s when it was run again: %s", was.ID, was.Outcome, now.Outcome, now.Reason)
		} else {
			v.Same++
		}
		if slices.EqualFunc(now.Sets(), was.Sets(), func(a, b *result.Set) bool { return a.Digest == b.Digest }) {
			v.SameBits++
		}
		if o.Progress != nil {
			o.Progress(v.Replayed, len(chosen), now)
		}
	})
}

// compareDevices notes where the device of a replay is not that of the package.
func (v *Verification) compareDevices(was result.Device, info driver.Info) {
	for _, f := range []struct{ name, was, now string }{
		{"description", was.Description, info.Description}, {"vendor", was.Vendor, info.Vendor}, {"version", was.Version, info.Version},
	} {
		if f.was != f.now {
			v.Notes = append(v.Notes, fmt.Sprintf("replayed on a device of another %s: %q, not %q", f.name, f.now, f.was))
		}
	}
}

// each calls f for 0 to n-1, side by side, until the context ends.
func each(ctx context.Context, workers, n int, f func(i int)) error {
	todo := make(chan int)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := range todo {
				f(i)
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		todo <- i
	}
	close(todo)
	wait.Wait()
	return ctx.Err()
}
