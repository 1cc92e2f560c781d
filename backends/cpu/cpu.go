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
//
// The fast kernels are in Go assembly where the processor has AVX2 and FMA, or
// AVX-512, or for products of bytes AMX as well, and in plain Go elsewhere and
// with the build tag noasm. The environment variable MIDPLANE_CPU, read at start,
// names the best instructions that may be used: amx, avx512, avx2 or generic.
package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/isa"
	"example.com/midplane/backends/cpu/internal/parallel"
	"example.com/midplane/backends/internal/host"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
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
	i := driver.Info{
		Class:       driver.CPU,
		Description: fmt.Sprintf("%s/%s, %d threads, %v", runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), isa.Best),
		Vendor:      "midplane",
		Version:     runtime.Version(),
		Arch:        runtime.GOARCH,
		Units:       runtime.GOMAXPROCS(0),
		Memory:      tensor.HostMemory(),
		DTypes:      []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int8, tensor.Uint8, tensor.Int32, tensor.Int64},
		Caps:        host.Caps,
		Properties:  map[string]string{"instructions": isa.Best.String()},
	}
	if isa.Err != nil {
		i.Unusable, i.Remedy = isa.Err.Error(), "unset it, or set it to one of these"
	}
	return i
}

// Device is the processor.
type Device struct {
	*host.Memory
	*operators.Registry
	threads int
	scratch scratch
	packed  packedConstants
	closed  sync.Once
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
	d := &Device{Memory: host.NewMemory(o.MemoryLimit), threads: threads}
	d.scratch.memory, d.packed.memory = d.Memory, d.Memory
	d.Memory.Reclaim = d.scratch.trim
	d.Registry = d.kernels()
	parallel.Retain()
	return d
}

// Close implements driver.Device.
func (d *Device) Close() error {
	d.closed.Do(parallel.Release)
	return d.Memory.Close()
}

// Info implements driver.Device.
func (d *Device) Info() driver.Info { return info() }

// bytesOf returns the bytes of a region of one of the device's buffers.
func bytesOf(r driver.Region) ([]byte, error) { return host.Bytes(r) }

// View implements operators.Viewer.
func (d *Device) View(n *graph.Node) (input int, offsets []int64, ok bool) {
	return reference.DenseView(n)
}

// Join implements operators.Joiner.
func (d *Device) Join(n *graph.Node) (offsets []int64, ok bool) { return reference.DenseJoin(n) }
