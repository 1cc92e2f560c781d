package emu

import (
	"context"
	"time"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
)

// Options say what a device made by [New] is like. Zero values are defaults.
type Options struct {
	// Operators are the nodes that the device runs, as far as package reference
	// computes them; nil stands for all of these.
	Operators []operators.Key

	// Class is what the device says it is; by default driver.Accelerator.
	Class driver.Class

	// Memory is how many bytes its buffers may take, in whole pages; by default
	// 1 GiB.
	Memory int64

	// MaxDelay is the longest that a stream waits before a piece of work; by
	// default 50 µs. A negative one means no delay.
	MaxDelay time.Duration

	// Seed determines the delays and the bits that flip.
	Seed uint64

	// Unchecked leaves out the check, at the cost of reading them twice, that
	// the inputs of a kernel stay as they are while it runs.
	Unchecked bool

	// Faults are what goes wrong, and when.
	Faults []Fault

	// Fault, if set, is asked before everything that the device does, by any
	// goroutine: op is "Alloc", "CopyIn", "CopyOut", "Copy", "CopyPeer",
	// "CopyRect", "Fill", "NewStream", "NewEvent", a draw, a collective or the
	// operator of a kernel. What it returns is that operation's failure. After a
	// [driver.DeviceLost] everything fails.
	Fault func(op string) error

	// Lies are capabilities that the device declares and of which every function
	// fails as unsupported. Hidden are capabilities that work and that it does
	// not declare.
	Lies, Hidden driver.Caps
}

const (
	defaultMemory = 1 << 30
	defaultDelay  = 50 * time.Microsecond
)

// New returns a device of its own, which shares nothing with others. Nil options
// are the defaults.
func New(o *Options) *Device {
	if o == nil {
		o = &Options{}
	}
	options := *o
	if options.Class == "" {
		options.Class = driver.Accelerator
	}
	if options.Memory <= 0 {
		options.Memory = defaultMemory
	}
	if options.MaxDelay == 0 {
		options.MaxDelay = defaultDelay
	}
	d := &Device{options: options, info: options.info(), share: 1}
	d.life, d.die = context.WithCancelCause(context.Background())
	d.faults = newInjector(options.Faults, options.Seed)
	d.memory.limit = options.Memory
	d.memory.buffers = make(map[*buffer]struct{})
	d.streams = make(map[*stream]struct{})
	d.Registry = d.kernels(options.Operators)
	return d
}
