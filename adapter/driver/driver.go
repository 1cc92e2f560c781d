// Package driver is what a hardware vendor implements; programs use package
// adapter, which stands between.
//
// A vendor writes three small types: a [Driver] that finds and opens devices, a
// [Device] that allocates memory and copies to and from it, and a [Buffer].
// That is the whole mandatory contract: eleven functions. Everything else is an
// optional interface in this package, announced by one bit of [Caps] and used
// only where both are there; without it the portable side takes a slower path
// of its own, or refuses the call as [Unsupported]. How a device runs operators
// is the subject of package operators.
//
// Package spec has every function in one table, from which the capability bits
// and docs/device-interface.md are generated; a test holds this package and the
// table against each other.
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
//
// # Loss
//
// A device may go away at any time. Then every call on it, and all work under
// way, ends with [DeviceLost] within [LossBound]; Free and Close go on giving
// host resources back; nothing else changes, and a device that comes back is
// opened anew.
package driver

import "context"

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
	MemoryLimit int64 // bytes that its buffers, and what its kernels keep beside them, may take together; 0: no limit but the device's own

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
