package plan

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"
	"weak"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Host is the location of values in host memory; other locations are indexes
// into Env.Devices.
const Host = partition.Host

// NodeEvent tells of one node that has run.
type NodeEvent struct {
	Node     *graph.Node
	Device   string // "host" where it ran on none
	Route    partition.Route
	Kernel   string
	Start    time.Time
	Duration time.Duration
}

// Env is what the plans of one session share: devices, the constants that lie
// on them, and the count of memory. It is safe for concurrent use.
type Env struct {
	Devices   []*adapter.Device
	Placement *partition.Placement
	Memory    *Memory         // counts what plans hold
	Hook      func(NodeEvent) // called after every node, if set; streams are then synchronised per node
	Reclaim   func()          // called where memory runs out, if set: closes idle executions
	Apart     bool            // no value lies in another's memory

	mu        sync.Mutex
	constants map[constantKey]*adapter.Buffer
	kernels   []io.Closer // built, and to be closed
}

type constantKey struct {
	t        weak.Pointer[tensor.Tensor]
	location int
}

// backend returns how a device runs operators.
func (e *Env) backend(device int) operators.Backend { return e.Placement.Devices[device].Backend }

// alloc takes memory of a device, within the limit. Where there is none left, it
// has idle executions closed first.
func (e *Env) alloc(device int, size int64) (*adapter.Buffer, error) {
	b, err := e.take(device, size)
	if errors.Is(err, adapter.OutOfMemory) && e.Reclaim != nil {
		e.Reclaim()
		b, err = e.take(device, size)
	}
	return b, err
}

func (e *Env) take(device int, size int64) (*adapter.Buffer, error) {
	if err := e.Memory.reserve(size); err != nil {
		return nil, err
	}
	b, err := e.Devices[device].Alloc(size, driver.DeviceMemory)
	if err != nil {
		e.Memory.release(size)
	}
	return b, err
}

func (e *Env) free(b *adapter.Buffer) {
	e.Memory.release(b.Size())
	_ = b.Free() // fails only for a device that is gone, and the memory with it
}

// constant returns a tensor as an operand at a location, copied there once. One that
// was found for the shapes of some plans lies there until none of them is left, the
// model's own until Close.
func (e *Env) constant(ctx context.Context, t *tensor.Tensor, location int, found bool) (operators.Operand, error) {
	o := operators.Operand{DType: t.DType(), Shape: t.Shape()}
	if location == Host {
		o.Host = t
		return o, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key := constantKey{weak.Make(t), location}
	b, ok := e.constants[key]
	if !ok {
		var err error
		if b, err = e.place(ctx, t, location); err != nil {
			return o, err
		}
		if e.constants == nil {
			e.constants = make(map[constantKey]*adapter.Buffer)
		}
		e.constants[key] = b
		if found {
			env := weak.Make(e) // or what e refers to would live as long as t
			runtime.AddCleanup(t, func(key constantKey) { env.Value().forget(key) }, key)
		}
	}
	o.Region = b.All()
	return o, nil
}

// forget frees a constant that nothing refers to any more.
func (e *Env) forget(key constantKey) {
	if e == nil {
		return
	}
	e.mu.Lock()
	b, ok := e.constants[key]
	delete(e.constants, key)
	e.mu.Unlock()
	switch {
	case !ok: // closed
	case b.Kind() == driver.ImportedMemory:
		_ = b.Free() // fails only for a device that is gone
	default:
		e.free(b)
	}
}

// place puts a constant's elements on a device, without copying where it can.
func (e *Env) place(ctx context.Context, t *tensor.Tensor, device int) (*adapter.Buffer, error) {
	dev := e.Devices[device]
	if dev.CanImport() && t.Len() > 0 {
		return dev.Import(ctx, t.Bytes())
	}
	b, err := e.alloc(device, dev.ValueSize(t.DType(), t.Shape()))
	if err != nil {
		return nil, err
	}
	region := b.All()
	region.Size = int64(len(t.Bytes()))
	if err := dev.CopyIn(ctx, region, t.Bytes()); err != nil {
		e.free(b)
		return nil, err
	}
	return b, nil
}

// build makes the kernel of a node on a device, which Close closes.
func (e *Env) build(n *graph.Node, device int) (operators.Kernel, error) {
	k, err := e.backend(device).Build(n)
	e.own(k, err)
	return k, err
}

// buildGroup makes the kernel of a group, nil if the device has none.
func (e *Env) buildGroup(nodes []*graph.Node, device int) (operators.Kernel, error) {
	k, err := e.backend(device).(operators.Fuser).BuildGroup(nodes)
	e.own(k, err)
	return k, err
}

// own keeps a kernel that was built to be closed.
func (e *Env) own(k operators.Kernel, err error) {
	if c, ok := k.(io.Closer); ok && err == nil {
		e.mu.Lock()
		e.kernels = append(e.kernels, c)
		e.mu.Unlock()
	}
}

// closes reports whether kernels are there that have to be closed.
func (e *Env) closes() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.kernels) > 0
}

// Close closes the kernels and frees the constants. No plan may run any more.
func (e *Env) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, k := range e.kernels {
		errs = append(errs, k.Close())
	}
	e.kernels = nil
	for _, b := range e.constants {
		errs = append(errs, b.Free())
	}
	e.constants = nil
	return errors.Join(errs...)
}
