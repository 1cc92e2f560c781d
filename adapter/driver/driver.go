// Package driver is what a hardware vendor implements; programs use package
// adapter, which stands between.
//
// A vendor writes three small types: a [Driver] that finds and opens devices, a
// [Device] that allocates memory and copies to and from it, and a [Buffer].
// That is the whole mandatory contract. Everything else is an optional
// interface in this package ([Streamer], [AsyncCopier], [Copier], [Statter],
// [HostMapper], [HostImporter], [Sizer]), announced by one bit of [Caps] and
// used only where both are there; without it the portable side takes a slower
// path of its own. How a device runs operators is the subject of package
// operators.
//
// # Errors
//
// A driver returns an [*Error] where it can say what kind of failure it was;
// any other error counts as an internal failure of the call. The portable side
// adds the device's name.
//
// # Concurrency
//
// Every method may be called from any goroutine at any time, except that Close
// of a device comes after every other call has returned.
package driver

import (
	"context"

	"example.com/midplane/adapter/tensor"
)

// Driver finds and opens the devices of one kind.
type Driver interface {
	// Name is the first part of its devices' names: "cpu", "opencl". It is a
	// constant of lower-case letters and digits.
	Name() string

	// Probe lists every device there is, usable or not. A device that cannot be
	// used says why in Info.Unusable; that is no error. It creates no state.
	Probe(ctx context.Context) ([]Info, error)

	// Open makes the device of that index in Probe's list ready. Options are
	// never nil. Devices opened twice are independent of each other.
	Open(ctx context.Context, index int, o *Options) (Device, error)
}

// Options are the portable part of what a device is opened with. Zero values
// are defaults.
type Options struct {
	Threads     int   // host threads that the device may use; 0: as many as the process has
	MemoryLimit int64 // bytes that its buffers may take together; 0: no limit but the device's own

	// Strict is for scoring: the device runs exactly the operators that it is
	// given, by means of its own. It rewrites nothing, and where something below
	// it would let other hardware help out, it declines instead.
	Strict bool
}

// Device is one opened device.
type Device interface {
	// Info describes the device as it was opened.
	Info() Info

	// Alloc returns a buffer of size bytes, at least 1, aligned to at least 64
	// bytes. Its contents are undefined.
	Alloc(size int64, kind MemoryKind) (Buffer, error)

	// CopyIn copies host memory to the device and returns when src may be used
	// again. The lengths are equal.
	CopyIn(ctx context.Context, dst Region, src []byte) error

	// CopyOut copies from the device to host memory and returns when dst holds
	// the bytes. The lengths are equal.
	CopyOut(ctx context.Context, dst []byte, src Region) error

	// Synchronize waits for everything enqueued on every stream.
	Synchronize(ctx context.Context) error

	// Close frees the device and every buffer and stream that is left.
	Close() error
}

// Buffer is memory of a device. The bytes may be anywhere: only the device
// reads and writes them.
type Buffer interface {
	// Size returns the size in bytes.
	Size() int64
	// Free gives the memory back. Work enqueued before still sees it.
	Free() error
}

// Region is a part of a buffer.
type Region struct {
	Buffer Buffer
	Offset int64 // in bytes
	Size   int64 // in bytes
}

// MemoryKind says what memory is for.
type MemoryKind uint8

// The kinds of memory. A device that does not tell them apart gives what it
// has.
const (
	DeviceMemory  MemoryKind = iota // for kernels
	PinnedMemory                    // host memory that copies fast
	UnifiedMemory                   // one address for host and device
)

// Class is what kind of hardware a device is.
type Class string

// The classes of hardware.
const (
	CPU         Class = "cpu"
	GPU         Class = "gpu"
	NPU         Class = "npu"
	FPGA        Class = "fpga"
	Accelerator Class = "accelerator"
)

// Info describes a device.
type Info struct {
	Index       int
	Class       Class
	Description string
	Vendor      string
	Version     string // of the driver or the runtime below it
	Memory      int64  // bytes in all, 0 where unknown
	Caps        Caps
	Unusable    string            // why the device cannot be opened, "" if it can
	Remedy      string            // what to do about that
	Properties  map[string]string // anything else worth knowing
}

// Caps are the optional interfaces that a device declares, one bit each.
type Caps uint64

// The capabilities, each named after its interface.
const (
	CapStreamer Caps = 1 << iota
	CapAsyncCopier
	CapCopier
	CapStatter
	CapHostMapper
	CapHostImporter
	CapSizer
)

// capNames are in the order of the bits.
var capNames = [...]string{"Streamer", "AsyncCopier", "Copier", "Statter", "HostMapper", "HostImporter", "Sizer"}

// Has reports whether every bit of want is set.
func (c Caps) Has(want Caps) bool { return c&want == want }

// Names returns the names of the capabilities in c.
func (c Caps) Names() []string {
	var names []string
	for i, name := range capNames {
		if c.Has(1 << i) {
			names = append(names, name)
		}
	}
	return names
}

// As returns the optional interface T of a device if the device implements it
// and, where T has a capability bit, declares it. It is the one place where
// optional interfaces are looked for.
func As[T any](d Device) (T, bool) {
	v, ok := d.(T)
	if !ok {
		return v, false
	}
	if bit := bitOf[T](); bit != 0 && !d.Info().Caps.Has(bit) {
		var none T
		return none, false
	}
	return v, true
}

func bitOf[T any]() Caps {
	var p *T
	switch any(p).(type) {
	case *Streamer:
		return CapStreamer
	case *AsyncCopier:
		return CapAsyncCopier
	case *Copier:
		return CapCopier
	case *Statter:
		return CapStatter
	case *HostMapper:
		return CapHostMapper
	case *HostImporter:
		return CapHostImporter
	case *Sizer:
		return CapSizer
	}
	return 0
}

// Sizer is implemented by a device on which values take other than their packed
// size, or whose buffers need other alignment than 64 bytes.
//
// Absent: DType.Bytes of the number of elements, aligned to 64.
type Sizer interface {
	// ValueSize returns how many bytes a tensor takes.
	ValueSize(d tensor.DType, shape tensor.Shape) int64
	// Alignment returns the alignment in bytes of a value inside a buffer.
	Alignment() int64
}
