// Package emu is an emulated accelerator: a device that lives in this process
// and is as unlike the processor as can be. It finds the mistakes that a
// synchronous device with plain memory forgives, and it is the template for a
// vendor's backend.
//
// Importing it registers the driver "emu", which has two devices:
//
//	import _ "example.com/midplane/backends/emu"
//
// "emu:0" runs every operator of package reference. "emu:1" is a small
// accelerator in the manner of an NPU: it runs the operators of [Dense] and
// nothing else, so that a model has to be spread over several devices.
//
// # What makes it unlike the processor
//
//   - Its memory cannot be touched from the host. The pages of a buffer are
//     inaccessible but while the device itself works on them, so that a stray
//     access faults. Fresh memory holds [Poison], never zeros.
//   - It is asynchronous. A stream is a goroutine that does its work in order,
//     each piece after a random delay; who forgets to synchronise sees poison.
//   - Shapes are wanted on the host: see [Device.HostInputs].
//   - It is strict: regions outside a buffer, foreign buffers, memory freed
//     before, kernels whose outputs lie over their inputs, operands on the wrong
//     side are typed errors.
//   - It fails on demand: see [Options].Fault.
//
// # Reading it as a template
//
// Each file holds one concern of a backend: emu.go the driver and the opening
// of devices, device.go copies and the device's state, memory.go buffers,
// stream.go and event.go asynchronous work, kernels.go the operators. A first
// version of a backend needs the driver, Alloc, the two copies and the kernels;
// streams, events, asynchronous copies and statistics are optional interfaces,
// announced in [driver.Info].Caps.
package emu

import (
	"context"
	"runtime"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
)

func init() { adapter.Register(Driver{}) }

// Driver is the driver "emu".
type Driver struct{}

// Name implements driver.Driver.
func (Driver) Name() string { return "emu" }

// models are the devices of the driver, by index.
var models = []struct {
	description string
	options     Options
}{
	{"emulated accelerator with every operator", Options{Memory: 16 << 30}},
	{"emulated accelerator with dense operators only", Options{Memory: 1 << 30, Operators: Dense()}},
}

// Probe implements driver.Driver.
func (Driver) Probe(context.Context) ([]driver.Info, error) {
	infos := make([]driver.Info, len(models))
	for i, m := range models {
		infos[i] = info(i, m.description, m.options.Memory)
	}
	return infos, nil
}

// Open implements driver.Driver. Threads have no meaning here: a stream is one
// thread.
func (Driver) Open(_ context.Context, index int, o *driver.Options) (driver.Device, error) {
	if index < 0 || index >= len(models) {
		return nil, driver.Errorf(driver.NotFound, "Open", "device %d of %d", index, len(models))
	}
	m := models[index]
	options := m.options
	if o.MemoryLimit > 0 {
		options.Memory = min(options.Memory, o.MemoryLimit)
	}
	d := New(&options)
	d.info = info(index, m.description, options.Memory)
	return d, nil
}

func info(index int, description string, memory int64) driver.Info {
	return driver.Info{
		Index:       index,
		Class:       driver.Accelerator,
		Description: description,
		Vendor:      "midplane",
		Version:     runtime.Version(),
		Memory:      memory,
		Caps:        driver.CapStreamer | driver.CapAsyncCopier | driver.CapCopier | driver.CapStatter,
	}
}

// Options say what a device made by [New] is like. Zero values are defaults.
type Options struct {
	// Operators are the nodes that the device runs, as far as package reference
	// computes them; nil stands for all of these.
	Operators []operators.Key

	// Memory is how many bytes its buffers may take, in whole pages; by default
	// 1 GiB.
	Memory int64

	// MaxDelay is the longest that a stream waits before a piece of work; by
	// default 50 µs. A negative one means no delay.
	MaxDelay time.Duration

	// Seed determines the delays.
	Seed uint64

	// Unchecked leaves out the check, at the cost of reading them twice, that
	// the inputs of a kernel stay as they are while it runs.
	Unchecked bool

	// Fault, if set, is asked before everything that the device does, by any
	// goroutine: op is "Alloc", "CopyIn", "CopyOut", "Copy", "NewStream",
	// "NewEvent" or the operator of a kernel. What it returns is that
	// operation's failure. After a [driver.DeviceLost] everything fails.
	Fault func(op string) error
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
	if options.Memory <= 0 {
		options.Memory = defaultMemory
	}
	if options.MaxDelay == 0 {
		options.MaxDelay = defaultDelay
	}
	d := &Device{options: options, info: info(0, "emulated accelerator", options.Memory)}
	d.memory.limit = options.Memory
	d.memory.buffers = make(map[*buffer]struct{})
	d.streams = make(map[*stream]struct{})
	d.Registry = d.kernels(options.Operators)
	return d
}
