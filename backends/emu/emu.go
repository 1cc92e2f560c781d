// Package emu is an emulated accelerator: a device that lives in this process
// and is as unlike the processor as can be. It finds the mistakes that a
// synchronous device with plain memory forgives, it has every optional
// capability of package driver, and it is the template for a vendor's backend.
//
// Importing it registers the driver "emu", which has two devices:
//
//	import _ "example.com/midplane/backends/emu"
//
// "emu:0" runs every operator of package reference. "emu:1" is a small
// accelerator in the manner of an NPU: it runs the operators of [Dense] and
// nothing else, so that a model has to be spread over several devices. More are
// added by the environment: see [Devices].
//
// # What makes it unlike the processor
//
//   - Its memory cannot be touched from the host. The pages of a buffer are
//     inaccessible but while the device itself works on them, so that a stray
//     access faults. Fresh memory holds [Poison], never zeros.
//   - It is asynchronous. A stream is a goroutine that does its work in order,
//     each piece after a random delay; who forgets to synchronise sees poison.
//   - Shapes are wanted on the host: see [Device.HostInputs]. Values take more
//     than their packed size: see [Device.ValueSize].
//   - It is strict: regions outside a buffer, foreign buffers, memory freed
//     before, kernels whose outputs lie over their inputs, operands on the wrong
//     side are typed errors.
//   - It fails on demand: see [Fault], and [Options].Lies and Hidden. It can be
//     unplugged and plugged in again: see [Unplug].
//
// # Reading it as a template
//
// Each file holds one concern of a backend. A first version of one needs what is
// in emu.go (the driver), memory.go (Alloc), the two copies of copy.go and
// kernels.go (the operators): nine functions and a kernel's; examples/newbackend
// is such a version, in a module of its own. Every other file is optional, and
// implements the interfaces of package driver that it names, each announced in
// [driver.Info].Caps.
package emu

import (
	"context"
	"runtime"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

func init() { adapter.Register(Driver{}) }

// Driver is the driver "emu".
type Driver struct{}

// Name implements driver.Driver.
func (Driver) Name() string { return "emu" }

// InterfaceVersion implements driver.Versioner.
func (Driver) InterfaceVersion() driver.Version { return driver.Interface }

// Probe implements driver.Driver.
func (Driver) Probe(context.Context) ([]driver.Info, error) {
	all, err := sockets()
	if err != nil {
		return nil, err
	}
	infos := make([]driver.Info, len(all))
	for i, s := range all {
		infos[i] = s.info(i)
	}
	return infos, nil
}

// Open implements driver.Driver. Threads have no meaning here: a stream is one
// thread.
func (Driver) Open(_ context.Context, index int, o *driver.Options) (driver.Device, error) {
	all, err := sockets()
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(all) {
		return nil, driver.Errorf(driver.NotFound, "Open", "device %d of %d", index, len(all))
	}
	options := all[index].options
	if o.MemoryLimit > 0 {
		options.Memory = min(options.Memory, o.MemoryLimit)
	}
	d := New(&options)
	d.info.Index, d.info.Description, d.info.UUID = index, all[index].description, uuid(index)
	if err := all[index].insert(d); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// everything are the capabilities that there are here.
const everything = driver.CapStreamer | driver.CapAsyncCopier | driver.CapCopier | driver.CapStatter | driver.CapHostMapper |
	driver.CapHostImporter | driver.CapSizer | driver.CapMemoryDescriber | driver.CapSpecAllocator | driver.CapStreamAllocator |
	driver.CapTrimmer | driver.CapRectCopier | driver.CapFiller | driver.CapPeerCopier | driver.CapLinker | driver.CapWatcher |
	driver.CapSensor | driver.CapProfiler | driver.CapPartitioner | driver.CapPriorityStreamer | driver.CapHostCaller |
	driver.CapTimeliner | driver.CapCapturer | driver.CapRandomizer | driver.CapDeterminismSetter | driver.CapCollective | sharing

// info describes a device of these options.
func (o *Options) info() driver.Info {
	return driver.Info{
		Class:       o.Class,
		Description: "emulated accelerator",
		Vendor:      "midplane",
		Version:     runtime.Version(),
		Arch:        "emulated " + runtime.GOARCH,
		Units:       1,
		Memory:      o.Memory,
		Caps:        everything &^ o.Hidden,
		DTypes:      []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int8, tensor.Int32, tensor.Int64},
	}
}
