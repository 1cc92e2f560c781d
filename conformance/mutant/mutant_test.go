package mutant_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/backends/emu"
	"example.com/midplane/conformance"
	"example.com/midplane/conformance/mutant"
	"example.com/midplane/conformance/result"
	"example.com/midplane/conformance/trial"
)

var update = flag.Bool("update", false, "write docs/mutants.md")

// survivors are the mutants that no cell catches, and why.
var survivors = map[string]string{
	"counts nothing/Mul":                    "it allocates behind its own count, of which nothing but the device tells",
	"leak of memory that nobody counts/Add": "memory of the host's that a device holds until it is closed; only the size of a process in long runs shows it",
}

// inner returns the device that a mutant wraps.
func inner(m *mutant.Mutant) trial.Open {
	if m.Streams {
		return func(context.Context) (driver.Device, error) { return emu.New(&emu.Options{Seed: 1}), nil }
	}
	return func(context.Context) (driver.Device, error) { return cpu.New(nil), nil }
}

// caught reports whether a result speaks against the device.
func caught(r conformance.Result) bool {
	return r.Status == conformance.Failed || r.Outcome == result.UnsupportedUndeclared
}

// about matches the cases that are about an operator.
func about(operator string) *regexp.Regexp {
	return regexp.MustCompile("^(op|status|law/[a-z-]+)/" + regexp.QuoteMeta(operator) + "/")
}

// options are those of a mutant's run.
func options(m *mutant.Mutant, p conformance.Profile) *conformance.Options {
	o := &conformance.Options{Profile: p, Match: about(m.Operator), Seed: 1, Workers: 1, Limit: time.Minute}
	if m.Hangs {
		o.Limit = 300 * time.Millisecond
	}
	return o
}

// try runs the cases of a mutant's operator, of a profile, until one catches it.
func try(t *testing.T, m *mutant.Mutant, p conformance.Profile) (by string) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	o := options(m, p)
	o.Progress = func(_, _ int, r conformance.Result) {
		switch {
		case by != "":
		case caught(r):
			by = fmt.Sprintf("%s: %s: %s", r.ID, r.Outcome, r.Reason)
			stop()
		default:
			assert.NotEqual(t, conformance.Faulty, r.Status, "%s: %s", r.ID, r.Reason)
		}
	}
	if _, err := conformance.Score(ctx, m.Open(inner(m)), o); by == "" {
		assert.NoError(t, err, m.Name())
	}
	return by
}

// each calls f with mutants, side by side: with all of them, in short tests with
// a sample, or with those that MIDPLANE_MUTANTS matches.
func each(f func(m *mutant.Mutant)) {
	match := regexp.MustCompile(os.Getenv("MIDPLANE_MUTANTS"))
	todo := make(chan *mutant.Mutant)
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for m := range todo {
				f(m)
			}
		})
	}
	for i, m := range mutant.All() {
		if racy := raced && m.Mechanism == "work not waited for"; !racy && match.MatchString(m.Name()) && (!testing.Short() || i%20 == 7) {
			todo <- m
		}
	}
	close(todo)
	wait.Wait()
}

// Mutants are caught by cells of their operators, all but one in a hundred of
// either half; those that are not are known.
func TestMutantsAreCaught(t *testing.T) {
	var (
		mu                   sync.Mutex
		found                [2]int // mutants, by half
		missed               [2]int
		impossible, survived []string
	)
	each(func(m *mutant.Mutant) {
		by := try(t, m, conformance.Smoke)
		none := m.Refused() && !m.Touched()
		if by == "" && !none {
			by = try(t, m, conformance.Core)
			none = m.Refused() && !m.Touched()
		}
		mu.Lock()
		defer mu.Unlock()
		half := map[bool]int{true: 0, false: 1}[m.Mechanical]
		switch {
		case by != "":
			found[half]++
			t.Logf("%s: by %.160s", m.Name(), by)
		case none: // what it would ignore is needed, so that it does nothing wrong
			impossible = append(impossible, m.Name())
		default:
			found[half]++
			missed[half]++
			survived = append(survived, m.Name())
			assert.Contains(t, survivors, m.Name(), "it survives")
		}
	})
	t.Logf("%d mutants of the catalogue and %d of mechanisms, of which %d and %d survive: %v", found[0], found[1], missed[0], missed[1], survived)
	t.Logf("%d that cannot be: %v", len(impossible), impossible)
	if !testing.Short() && os.Getenv("MIDPLANE_MUTANTS") == "" {
		for half := range found {
			assert.GreaterOrEqual(t, found[half], 100)
			assert.LessOrEqual(t, 100*missed[half], found[half])
		}
		assert.ElementsMatch(t, survived, names(survivors), "the list is of those that survive")
	}
}

func names(m map[string]string) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// There are five of a mechanism at most, and no two of a name.
func TestMutantsAreMany(t *testing.T) {
	of, seen := make(map[string]int), make(map[string]bool)
	mechanical := 0
	for _, m := range mutant.All() {
		require.False(t, seen[m.Name()], m.Name())
		seen[m.Name()] = true
		if m.Mechanical {
			mechanical++
			continue
		}
		of[m.Mechanism]++
	}
	for name, n := range of {
		assert.LessOrEqual(t, n, 5, name)
	}
	assert.GreaterOrEqual(t, mechanical, 100)
	assert.GreaterOrEqual(t, len(seen)-mechanical, 100)
	for name := range survivors {
		assert.True(t, seen[name], name)
	}
}

// A wrapper with nothing wrong about it passes.
func TestNothingWrong(t *testing.T) {
	for _, op := range []string{"Add", "Conv", "MatMul", "NonZero", "TopK", "LSTM", "Cast", "Gather"} {
		open := mutant.Right(op, func(context.Context) (driver.Device, error) { return cpu.New(nil), nil })
		report, err := conformance.Score(t.Context(), open, &conformance.Options{Profile: conformance.Smoke, Match: about(op), Seed: 1})
		require.NoError(t, err)
		for _, r := range report.Cases {
			assert.Equal(t, conformance.Passed, r.Status, "%s: %s", r.ID, r.Reason)
		}
	}
}

// By hand: every mutant meets the whole smoke profile. Cells that never catch
// one alone are listed.
func TestMutantsMeetTheSmokeProfile(t *testing.T) {
	if os.Getenv("MIDPLANE_LONG") == "" {
		t.Skip("takes hours: MIDPLANE_LONG=1 runs it, MIDPLANE_MUTANTS=REGEX with some mutants")
	}
	var (
		mu    sync.Mutex
		all   = make(map[string]bool)
		alone = make(map[string]bool)
	)
	each(func(m *mutant.Mutant) {
		o := options(m, conformance.Smoke)
		o.Match = nil
		report, err := conformance.Score(t.Context(), m.Open(inner(m)), o)
		if !assert.NoError(t, err) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		var by []string
		for _, r := range report.Cases {
			all[r.ID] = true
			if caught(r) {
				by = append(by, r.ID)
			}
		}
		if len(by) == 1 {
			alone[by[0]] = true
		}
		t.Logf("%s: by %d cases", m.Name(), len(by))
		if len(by) == 0 && !m.Refused() {
			t.Logf("%s survives the smoke profile", m.Name())
		}
	})
	var never []string
	for id := range all {
		if !alone[id] {
			never = append(never, id)
		}
	}
	slices.Sort(never)
	t.Logf("%d cells of %d never catch a mutant alone:\n%s", len(never), len(all), strings.Join(never, "\n"))
}

const pagePath = "../../docs/mutants.md"

// The page lists what there is.
func TestPage(t *testing.T) {
	if *update {
		require.NoError(t, os.WriteFile(pagePath, []byte(page()), 0o644))
	}
	got, err := os.ReadFile(pagePath)
	require.NoError(t, err)
	assert.Equal(t, page(), string(got), "go test ./conformance/mutant -run TestPage -update writes it")
}

func page() string {
	var b strings.Builder
	b.WriteString(`<!-- Written by the tests of conformance/mutant; see the command below. -->

# Mutants

The suite is tried on backends that are broken on purpose (package ` + "`conformance/mutant`" + `): a device that is right, with a kernel of one operator that is wrong in one way, in a part of its uses. Half of them follow mechanically from the operator catalogue, the others are ways in which backends go wrong, at most five of each.

	go test ./conformance/mutant                                              each mutant against the cells of its operator: smoke, and where that finds nothing, core
	go test ./conformance/mutant -short                                       a sample
	MIDPLANE_LONG=1 go test ./conformance/mutant -timeout 0 -v -run Smoke     each against the whole smoke profile; lists the cells that never catch a mutant alone
	go test ./conformance/mutant -run TestPage -update                        writes this page

Mutants that ignore what a node cannot do without have no wrong result to give; the test logs them as such and does not count them. Of the others, 99 in 100 of either half have to be caught, and those that are not have to be listed here.

## Survivors

| mutant | why |
| --- | --- |
`)
	for _, name := range names(survivors) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, survivors[name])
	}
	for _, half := range []struct {
		title      string
		mechanical bool
	}{{"From the catalogue", true}, {"By mechanism", false}} {
		fmt.Fprintf(&b, "\n## %s\n\n| what is wrong | mutants | operators |\n| --- | --: | --- |\n", half.title)
		var order []string
		ops := make(map[string][]string)
		count := make(map[string]int)
		for _, m := range mutant.All() {
			if m.Mechanical != half.mechanical {
				continue
			}
			if count[m.Mechanism]++; count[m.Mechanism] == 1 {
				order = append(order, m.Mechanism)
			}
			if !slices.Contains(ops[m.Mechanism], m.Operator) {
				ops[m.Mechanism] = append(ops[m.Mechanism], m.Operator)
			}
		}
		for _, name := range order {
			list := strings.Join(ops[name], ", ")
			if half.mechanical {
				list = fmt.Sprintf("%d of them", len(ops[name]))
			}
			fmt.Fprintf(&b, "| %s | %d | %s |\n", name, count[name], list)
		}
	}
	return b.String()
}
