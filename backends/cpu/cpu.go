// Package cpu is the reference backend: it runs every operator on the processor
// that the program runs on, in pure Go.
//
// Importing it registers the driver "cpu", which has one device:
//
//	import _ "example.com/midplane/backends/cpu"
//
// The device is synchronous. Its buffers are Go memory, and it works on host
// memory where that lies, so weights of a mapped model are not copied.
// Operators without a faster kernel here run on package reference, under the
// kernel name "reference".
package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

func init() { adapter.Register(Driver{}) }

// Driver is the driver "cpu".
type Driver struct{}

// Name implements driver.Driver.
func (Driver) Name() string { return "cpu" }

// Probe implements driver.Driver.
func (Driver) Probe(context.Context) ([]driver.Info, error) { return []driver.Info{info()}, nil }

// Open implements driver.Driver.
func (Driver) Open(_ context.Context, _ int, o *driver.Options) (driver.Device, error) {
	return New(o), nil
}

func info() driver.Info {
	return driver.Info{
		Class:       driver.CPU,
		Description: fmt.Sprintf("%s/%s, %d threads", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0)),
		Vendor:      "midplane",
		Version:     runtime.Version(),
		Memory:      tensor.HostMemory(),
		Caps:        driver.CapCopier | driver.CapStatter | driver.CapHostMapper | driver.CapHostImporter,
	}
}

// Device is the processor.
type Device struct {
	driver.Unimplemented
	*operators.Registry
	threads int
	limit   int64
	inUse   atomic.Int64
	peak    atomic.Int64
	allocs  atomic.Int64
	frees   atomic.Int64
}

// New returns the processor as a device. Nil options are the defaults.
func New(o *driver.Options) *Device {
	if o == nil {
		o = &driver.Options{}
	}
	threads := o.Threads
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	d := &Device{threads: threads, limit: o.MemoryLimit}
	if d.limit <= 0 {
		d.limit = tensor.HostMemory()
	}
	d.Registry = d.kernels()
	return d
}

// Info implements driver.Device.
func (d *Device) Info() driver.Info { return info() }

// buffer is memory of this process.
type buffer struct {
	bytes []byte
	dev   *Device // nil for imported memory
	freed atomic.Bool
}

// Size implements driver.Buffer.
func (b *buffer) Size() int64 { return int64(len(b.bytes)) }

// Free implements driver.Buffer.
func (b *buffer) Free() error {
	if b.dev != nil && b.freed.CompareAndSwap(false, true) {
		b.dev.inUse.Add(-b.Size())
		b.dev.frees.Add(1)
	}
	return nil
}

// alignment of every buffer in bytes: a cache line, and a vector register.
const alignment = 64

// Alloc implements driver.Device.
func (d *Device) Alloc(size int64, _ driver.MemoryKind) (driver.Buffer, error) {
	now := d.inUse.Add(size)
	if now > d.limit || now < size || size > int64(^uint(0)>>1)-alignment {
		d.inUse.Add(-size)
		return nil, driver.Errorf(driver.OutOfMemory, "Alloc", "%d bytes more than the %d in use would pass the limit of %d", size, now-size, d.limit)
	}
	for peak := d.peak.Load(); now > peak && !d.peak.CompareAndSwap(peak, now); peak = d.peak.Load() {
	}
	d.allocs.Add(1)
	return &buffer{bytes: aligned(int(size)), dev: d}, nil
}

// aligned returns zeroed memory at a multiple of alignment.
func aligned(size int) []byte {
	raw := make([]byte, size+alignment)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(raw)))) & (alignment - 1)
	return raw[skip : skip+size : skip+size]
}

// Import implements driver.HostImporter.
func (d *Device) Import(host []byte) (driver.Buffer, error) { return &buffer{bytes: host}, nil }

// HostBytes implements driver.HostMapper.
func (d *Device) HostBytes(r driver.Region) ([]byte, error) { return bytesOf(r) }

// bytesOf returns the bytes of a region of one of this package's buffers.
func bytesOf(r driver.Region) ([]byte, error) {
	b, ok := r.Buffer.(*buffer)
	if !ok {
		return nil, driver.Errorf(driver.InvalidArgument, "", "a buffer of another device (%T)", r.Buffer)
	}
	if b.freed.Load() {
		return nil, driver.Errorf(driver.Closed, "", "the buffer was freed before")
	}
	return b.bytes[r.Offset : r.Offset+r.Size : r.Offset+r.Size], nil
}

// CopyIn implements driver.Device.
func (d *Device) CopyIn(_ context.Context, dst driver.Region, src []byte) error {
	b, err := bytesOf(dst)
	copy(b, src)
	return err
}

// CopyOut implements driver.Device.
func (d *Device) CopyOut(_ context.Context, dst []byte, src driver.Region) error {
	b, err := bytesOf(src)
	copy(dst, b)
	return err
}

// Copy implements driver.Copier.
func (d *Device) Copy(_ driver.Stream, dst, src driver.Region) error {
	from, err := bytesOf(src)
	if err != nil {
		return err
	}
	to, err := bytesOf(dst)
	copy(to, from)
	return err
}

// Stats implements driver.Statter.
func (d *Device) Stats() driver.Stats {
	return driver.Stats{InUse: d.inUse.Load(), Peak: d.peak.Load(), Allocs: d.allocs.Load(), Frees: d.frees.Load(), Limit: d.limit}
}
