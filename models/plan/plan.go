// Package plan turns a placed graph into a list of steps and runs it.
//
// A [Program] is a graph with its bodies; [Program.Plan] makes it ready for
// inputs of given types: every shape that follows from them is computed, values
// that follow from shapes alone become constants, kernels are built, and every
// value of known size gets its offset in one arena per device. A [Plan] is
// immutable and cached; one for other types is made of what was found for the
// last. An [Execution] is the state of one run: streams, arenas and pools; it runs
// one plan at a time, in a straight line over its steps.
//
// What a value's size is found only while running (data-dependent shapes), it
// lives in a pool instead of the arena. If and Loop run the plans of their
// bodies, made for the types that arise.
package plan

import (
	"fmt"
	"strings"
	"sync/atomic"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Plan is a program made ready for inputs of certain types.
type Plan struct {
	program *Program
	steps   []step
	slots   []slot
	params  []int       // slot of each parameter of the program
	outputs []int       // slot of each output, at the location that the program wants
	arenas  []int64     // bytes per device
	turns   int         // how many bodies its nodes have
	dropped atomic.Bool // from the program's plans: later runs have another
}

// Steps returns how many steps the plan has.
func (p *Plan) Steps() int { return len(p.steps) }

// ArenaBytes returns the size of the arena on a device.
func (p *Plan) ArenaBytes(device int) int64 { return p.arenas[device] }

// largest describes the value that takes most of the arena on a device.
func (p *Plan) largest(device int) string {
	most, found := int64(-1), slot{}
	for _, s := range p.slots {
		if s.storage != inArena || s.location != device {
			continue
		}
		if size := p.program.env.Devices[device].ValueSize(s.dtype, s.shape); size > most {
			most, found = size, s
		}
	}
	from := "an input"
	if n := found.value.Producer; n != nil {
		from = "node " + n.Label()
	}
	return fmt.Sprintf("%q of %s, %v%v, takes %d", found.value.Name, from, found.dtype, found.shape, most)
}

// Describe lists the steps, one line each, for people.
func (p *Plan) Describe() []string {
	lines := make([]string, len(p.steps))
	for i, s := range p.steps {
		lines[i] = s.action.describe(p)
	}
	return lines
}

// slot is a value at one location.
type slot struct {
	value    *graph.Value
	location int
	storage  storage
	dtype    tensor.DType
	dims     tensor.Dims       // as far as they are known
	shape    tensor.Shape      // nil where it is found while running
	offset   int64             // in the arena
	view     int               // 1 + the slot in whose memory it lies; 0: it has its own
	at       int64             // the byte where it begins there
	constant operators.Operand // of constants
	tensor   *tensor.Tensor    // likewise: kept, with what lies on a device for it
}

// storage says whose memory a slot's value lies in.
type storage uint8

const (
	inConstant storage = iota // the session's
	inParam                   // the caller's
	inArena                   // a fixed place of the frame's arena
	inPool                    // a block of the execution's pool
	onHost                    // the garbage collector's
	inView                    // that of the slot that it is a view of
)

// step is one action and what is no longer needed after it.
type step struct {
	action  action
	release []int // slots of pool or host values
}

// action does the work of a step.
type action interface {
	run(x *Execution, f *frame, i int) error // i is the step, for frame.calls
	describe(p *Plan) string
	// place says which node the action is for, nil for copies.
	place() *partition.Assignment
	// reads and writes list slots.
	reads() []int
	writes() []int
}

// NodeError is a failure of one node while running.
type NodeError struct {
	Node   *graph.Node
	Device string
	Err    error
}

// Error implements error. A cause that names the node too does so once.
func (e *NodeError) Error() string {
	label := e.Node.Label()
	return fmt.Sprintf("node %s on %s: %s", label, e.Device, strings.TrimPrefix(e.Err.Error(), "node "+label+": "))
}

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

// name describes a slot for people: `"x"@cpu:0`.
func (p *Plan) name(slot int) string {
	if slot < 0 {
		return "-"
	}
	s := p.slots[slot]
	return fmt.Sprintf("%q@%s", s.value.Name, p.program.env.Placement.DeviceName(s.location))
}

func (p *Plan) names(slots []int) string {
	out := ""
	for i, s := range slots {
		if i > 0 {
			out += ", "
		}
		out += p.name(s)
	}
	return out
}
