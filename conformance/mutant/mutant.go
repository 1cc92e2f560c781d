// Package mutant breaks a backend on purpose, each time in one way, so that the
// suite can be seen to notice: a suite is worth as much as what it catches.
//
// A [Mutant] wraps a device that is right. Its kernel of one operator is wrong,
// in some of the operator's uses only. Half of the mutants follow mechanically
// from the operator catalogue: an attribute that is ignored, an input, an axis
// off by one, an element type treated wrongly. The others are ways in which
// backends are wrong in practice, at most five mutants for each.
package mutant

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/conformance/trial"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Mutant is one way of being wrong.
type Mutant struct {
	Mechanism  string // "stale output"
	Operator   string // whose kernel is wrong
	Detail     string // where: "float16", "dilations"
	Mechanical bool   // it follows from the catalogue
	Streams    bool   // it takes a device with streams
	Hangs      bool

	fault            fault
	touched, refused atomic.Bool
}

// Name returns "stale output/Conv/rank 4".
func (m *Mutant) Name() string {
	if m.Detail == "" {
		return m.Mechanism + "/" + m.Operator
	}
	return m.Mechanism + "/" + m.Operator + "/" + m.Detail
}

// Touched reports whether the mutant has yet changed a result, of mutants that
// do.
func (m *Mutant) Touched() bool { return m.touched.Load() }

// Refused reports whether nodes as the mutant takes them have had no result yet:
// what it ignores is needed.
func (m *Mutant) Refused() bool { return m.refused.Load() }

// fault is what is wrong. Functions that are nil change nothing.
type fault struct {
	when func(r *run) bool // the uses that are wrong; nil: all

	verdict func(n *graph.Node, v *operators.Verdict)
	build   func(n *graph.Node) error                      // refuses
	before  func(r *run) error                             // the kernel runs
	instead func(r *run) error                             // of running it
	after   func(r *run) error                             // it has run, and its work is done
	close   func(k *kernel) error                          // with the kernel
	device  func(d driver.Device, m *Mutant) driver.Device // around the device
	info    func(i *driver.Info)
}

// All returns the mutants, those of the catalogue first. The slice is shared and
// must not be changed.
func All() []*Mutant { return all() }

var all = sync.OnceValue(func() []*Mutant {
	list := catalogue()
	for _, m := range slices.Concat(numbers, elements, shapes, memories, times, lies) {
		for _, at := range m.at {
			f := m.fault
			if at.when != nil {
				f.when = at.when
			}
			list = append(list, &Mutant{Mechanism: m.name, Operator: at.operator, Detail: at.detail, Streams: m.streams, Hangs: m.hangs, fault: f})
		}
	}
	return list
})

// mechanism is a way of being wrong, and where mutants are.
type mechanism struct {
	name string
	fault
	at      []place
	streams bool
	hangs   bool
}

// place is an operator and the uses of it in which a mutant is wrong.
type place struct {
	operator, detail string
	when             func(r *run) bool
}

// everywhere are operators with mutants that are wrong in every use.
func everywhere(names ...string) []place {
	var list []place
	for _, n := range names {
		list = append(list, place{operator: n})
	}
	return list
}

// Open returns a factory of devices that are wrong in the mutant's way.
func (m *Mutant) Open(open trial.Open) trial.Open {
	return func(ctx context.Context) (driver.Device, error) {
		d, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return wrap(d, m)
	}
}

// Right wraps devices like a mutant's, with nothing wrong about them.
func Right(operator string, open trial.Open) trial.Open {
	return (&Mutant{Operator: operator}).Open(open)
}

// device is a device that is wrong. Of optional interfaces it passes on those
// that a run uses.
type device struct {
	driver.Device
	driver.Statter
	driver.Streamer
	driver.AsyncCopier
	driver.Copier
	driver.Sizer
	backend operators.Backend
	mutant  *Mutant
	caps    driver.Caps

	mu   sync.Mutex
	kept map[string]any // state that kernels share
}

func wrap(inner driver.Device, m *Mutant) (driver.Device, error) {
	backend, ok := driver.As[operators.Backend](inner)
	if !ok {
		return nil, fmt.Errorf("mutant: %T runs no operators", inner)
	}
	d := &device{Device: inner, backend: backend, mutant: m, kept: make(map[string]any)}
	keep[driver.Statter](d, &d.Statter, driver.CapStatter)
	keep[driver.Streamer](d, &d.Streamer, driver.CapStreamer)
	keep[driver.AsyncCopier](d, &d.AsyncCopier, driver.CapAsyncCopier)
	keep[driver.Copier](d, &d.Copier, driver.CapCopier)
	keep[driver.Sizer](d, &d.Sizer, driver.CapSizer)
	if m.fault.device != nil {
		return m.fault.device(d, m), nil
	}
	return d, nil
}

// keep takes over an optional interface that the inner device has.
func keep[T any](d *device, to *T, bit driver.Caps) {
	if v, ok := driver.As[T](d.Device); ok {
		*to = v
		d.caps |= bit
	}
}

// Info implements driver.Device.
func (d *device) Info() driver.Info {
	i := d.Device.Info()
	i.Caps = d.caps
	if d.mutant.fault.info != nil {
		d.mutant.fault.info(&i)
	}
	return i
}

// Supports implements operators.Backend: the mutant's operator has a kernel
// wherever the inner device has any.
func (d *device) Supports(n *graph.Node) operators.Verdict {
	v := d.backend.Supports(n)
	if n.Operator() != d.mutant.Operator {
		return v
	}
	if v.Level != operators.Unsupported {
		v.Kernel, v.LastResort = "mutant", false
	}
	if d.mutant.fault.verdict != nil {
		d.mutant.fault.verdict(n, &v)
	}
	return v
}

// Build implements operators.Backend.
func (d *device) Build(n *graph.Node) (operators.Kernel, error) {
	if n.Operator() != d.mutant.Operator {
		return d.backend.Build(n)
	}
	if d.mutant.fault.build != nil {
		if err := d.mutant.fault.build(n); err != nil {
			return nil, err
		}
	}
	inner, err := d.backend.Build(n)
	if err != nil {
		return nil, err
	}
	return &kernel{dev: d, node: n, inner: inner}, nil
}

// HostInputs implements operators.HostOperands.
func (d *device) HostInputs(n *graph.Node) []int {
	if h, ok := d.backend.(operators.HostOperands); ok {
		return h.HostInputs(n)
	}
	return nil
}

// HostOutputs implements operators.HostOperands.
func (d *device) HostOutputs(n *graph.Node) []int {
	if h, ok := d.backend.(operators.HostOperands); ok {
		return h.HostOutputs(n)
	}
	return nil
}
