// Package device holds the device-management layer of a backend against the
// table of package spec: one cell at least for every function, in the manner
//
//	device/<group>/<function>/<aspect>
//
// The aspects: "works" uses the function as its description says; "refuses" gives
// it arguments that cannot be; "canceled" calls it under a context that has
// ended; "closed" calls it on a handle, and on a device, that was closed; "lost"
// calls it on a device that has gone. "truth" belongs to a capability: what a
// device declares is there and works, what it does not declare is not there, and
// the portable side does without. Others are named where they are made.
//
// A function that a device does not declare is unsupported, with what its absence
// means. Cells that have to make a device fail need one that is a [Faulter].
package device

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
	"example.com/midplane/conformance/result"
)

// Target is what cells are run on.
type Target struct {
	Open   func(context.Context) (driver.Device, error) // a device for each cell, which closes it
	Driver driver.Driver                                // that finds the device; nil where it is not known
	Limit  time.Duration                                // after which a device counts as hung; 0: a minute
}

// Faulter is implemented by a device that can be told to fail: an emulated one,
// or one whose driver has a means to test it. It is no part of the device
// interface.
type Faulter interface {
	// InjectFaults replaces what is to go wrong from now on. A schedule is a list
	// of op@at+every=kind:argument, separated by semicolons: the operation ("*"
	// for all), the time when it begins for the at-th time (1 where left out) and
	// every so many times after it (never again), and what happens then: fail,
	// oom, ecc, lost, hang, delay:DURATION.
	InjectFaults(schedule string) error
}

// Cell is one property of one function.
type Cell struct {
	Function *spec.Function
	Aspect   string
	Long     bool // takes minutes

	faults bool // needs a Faulter
	always bool // says something about devices without the function too
	check  func(p *probe)
}

// ID names the cell.
func (c Cell) ID() string {
	group := strings.ReplaceAll(string(c.Function.Group), " ", "-")
	return "device/" + group + "/" + c.Function.ID() + "/" + c.Aspect
}

// All lists the cells in the order of the functions.
func All() []Cell {
	var all []Cell
	byFunction := make(map[string][]Cell)
	for _, c := range rows() {
		id := c.Function.ID()
		byFunction[id] = append(byFunction[id], c)
	}
	for _, f := range spec.Functions() {
		all = append(all, byFunction[f.ID()]...)
	}
	return all
}

// rows are the cells of every group, the generated ones behind.
func rows() []Cell {
	var all []Cell
	for _, group := range [][]Cell{
		discoveryCells(), lifetimeCells(), memoryCells(), describedMemoryCells(), copyCells(), streamCells(), timelineCells(), captureCells(),
		randomCells(), collectiveCells(), healthCells(), partitionCells(), stressCells(), truthCells(), callCells(),
	} {
		all = append(all, group...)
	}
	return all
}

// function returns a function of the table.
func function(id string) *spec.Function {
	f, ok := spec.Lookup(id)
	if !ok {
		panic(fmt.Sprintf("device: %s is no function of the table", id))
	}
	return f
}

// cell is a row of a group's table.
func cell(id, aspect string, check func(*probe)) Cell {
	return Cell{Function: function(id), Aspect: aspect, check: check}
}

// faulty is a row for a device that is told to fail.
func faulty(id, aspect string, check func(*probe)) Cell {
	return Cell{Function: function(id), Aspect: aspect, faults: true, check: check}
}

// works and refuses are rows of the two most frequent aspects.
func works(id string, check func(*probe)) Cell   { return cell(id, "works", check) }
func refuses(id string, check func(*probe)) Cell { return cell(id, "refuses", check) }

// owner returns the interface that a capability bit announces a function by: that
// of the function, or for an object the one that makes it.
func owner(f *spec.Function) *spec.Interface {
	made := map[string]string{
		"Stream": "Streamer", "Event": "Streamer", "Timeline": "Timeliner", "Graph": "Capturer", "Generator": "Randomizer", "Comm": "Collective",
	}
	name, ok := made[f.Interface.Name]
	if !ok {
		return f.Interface
	}
	for _, i := range spec.Interfaces() {
		if i.Name == name {
			return i
		}
	}
	return f.Interface
}

// bit returns the capability of a function, 0 for one that needs none.
func bit(f *spec.Function) driver.Caps {
	if i := owner(f); i.Bit != spec.NoBit {
		return 1 << i.Bit
	}
	return 0
}

// Run runs the cell on a device of its own. Nothing that the device does panics
// out of it; a device that hangs is left behind.
func (c Cell) Run(ctx context.Context, t Target) (result.Outcome, string) {
	limit := t.Limit
	if limit <= 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan verdict, 1)
	go func() { done <- c.run(ctx, t, nil) }()
	const grace = 5 * time.Second // for the device to notice that the context has ended
	select {
	case v := <-done:
		return v.outcome, v.reason
	case <-time.After(limit + grace):
		return result.FailHang, fmt.Sprintf("not done after %v, and not to be stopped", limit)
	}
}

// run is Run without a limit, for a device of which the capabilities that counted
// returns count: nil for those that it declares.
func (c Cell) run(ctx context.Context, t Target, counted func(driver.Caps) driver.Caps) (v verdict) {
	p := &probe{ctx: ctx, target: t}
	defer func() {
		if r := recover(); r != nil {
			v = caught(r)
		}
		if err := safely(p.close); err != nil && v.passed() {
			v = verdict{result.FailStatus, fmt.Sprintf("afterwards: %v", err)}
		}
	}()
	if reason := p.open(c, counted); reason != "" {
		return verdict{result.UnsupportedDeclared, reason}
	}
	c.check(p)
	return verdict{result.Pass, p.note}
}

// verdict is what became of a cell. A check that has one to give panics with it.
type verdict struct {
	outcome result.Outcome
	reason  string
}

func (v verdict) passed() bool { return v.outcome.Status() == result.Passed }

// caught turns what a check panicked with into a verdict.
func caught(r any) verdict {
	if v, ok := r.(verdict); ok {
		return v
	}
	return verdict{result.FailCrash, fmt.Sprintf("panic: %v\n%s", r, debug.Stack())}
}

// safely turns a panic into an error.
func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}
