package emu

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
)

// Device is an emulated accelerator.
type Device struct {
	driver.Unimplemented
	*operators.Registry
	options Options
	info    driver.Info
	memory  memory
	closed  atomic.Bool
	lost    atomic.Pointer[driver.Error] // why everything fails, nil as long as it does not

	mu      sync.Mutex
	streams map[*stream]struct{} // those not closed
	opened  uint64               // streams ever made
}

// Info implements driver.Device.
func (d *Device) Info() driver.Info { return d.info }

// CopyIn implements driver.Device. It is not ordered with the work of streams.
func (d *Device) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	if err := ctx.Err(); err != nil {
		return failure("CopyIn", driver.ScopeCall, err)
	}
	return d.CopyInAsync(nil, dst, src)
}

// CopyOut implements driver.Device. It is not ordered with the work of streams.
func (d *Device) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	if err := ctx.Err(); err != nil {
		return failure("CopyOut", driver.ScopeCall, err)
	}
	return d.CopyOutAsync(nil, dst, src)
}

// CopyInAsync implements driver.AsyncCopier. The bytes are read when the stream
// gets there.
func (d *Device) CopyInAsync(s driver.Stream, dst driver.Region, src []byte) error {
	return d.copy(s, "CopyIn", dst.Size, int64(len(src)), func(mem *access) error {
		to, err := mem.view(dst)
		copy(to, src)
		return err
	}, dst)
}

// CopyOutAsync implements driver.AsyncCopier. The bytes are written when the
// stream gets there.
func (d *Device) CopyOutAsync(s driver.Stream, dst []byte, src driver.Region) error {
	return d.copy(s, "CopyOut", int64(len(dst)), src.Size, func(mem *access) error {
		from, err := mem.view(src)
		copy(dst, from)
		return err
	}, src)
}

// Copy implements driver.Copier.
func (d *Device) Copy(s driver.Stream, dst, src driver.Region) error {
	if overlap(dst, src) {
		return driver.Errorf(driver.InvalidArgument, "Copy", "bytes [%d, %d) onto [%d, %d) of the same buffer",
			src.Offset, src.Offset+src.Size, dst.Offset, dst.Offset+dst.Size)
	}
	return d.copy(s, "Copy", dst.Size, src.Size, func(mem *access) error {
		from, err := mem.view(src)
		if err != nil {
			return err
		}
		to, err := mem.view(dst)
		copy(to, from)
		return err
	}, dst, src)
}

// copy submits a copy that touches the regions.
func (d *Device) copy(s driver.Stream, op string, dst, src int64, run func(*access) error, regions ...driver.Region) error {
	if dst != src {
		return driver.Errorf(driver.InvalidArgument, op, "%d bytes into %d", src, dst)
	}
	w := &work{op: op, mem: access{dev: d}, run: run}
	if err := w.mem.hold(regions...); err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	return d.submit(s, w)
}

// work is a piece of what the device does.
type work struct {
	op  string // for errors and faults
	mem access // what it touches
	run func(mem *access) error
}

// submit does a piece of work: at once where s is nil, else when the stream gets
// there.
func (d *Device) submit(s driver.Stream, w *work) error {
	if s == nil {
		return failure(w.op, driver.ScopeCall, w.do())
	}
	on, err := d.stream(s)
	if err == nil {
		err = on.enqueue(func(failed error) error {
			if failed != nil {
				return w.mem.end()
			}
			return failure(w.op, driver.ScopeStream, w.do())
		})
	}
	if err != nil {
		return failure(w.op, driver.ScopeCall, also(err, w.mem.end()))
	}
	return nil
}

// do does the work and lets its memory go. Nothing panics out of it.
func (w *work) do() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
		err = also(err, w.mem.end())
	}()
	if err := w.mem.dev.ready(w.op); err != nil {
		return err
	}
	return w.run(&w.mem)
}

// ready is asked before everything that the device does.
func (d *Device) ready(op string) error {
	if d.closed.Load() {
		return &driver.Error{Code: driver.Closed, Scope: driver.ScopeDevice, Sticky: true, Op: op, Text: "the device was closed before"}
	}
	if lost := d.lost.Load(); lost != nil {
		return lost
	}
	if d.options.Fault == nil {
		return nil
	}
	err := d.options.Fault(op)
	if errors.Is(err, driver.DeviceLost) {
		lost := driver.AsError(op, err)
		lost.Scope, lost.Sticky = driver.ScopeDevice, true
		d.lost.CompareAndSwap(nil, lost)
		return lost
	}
	return err
}

// failure returns err as a driver.Error of at least that scope, nil for nil.
func failure(op string, scope driver.Scope, err error) error {
	if err == nil {
		return nil
	}
	e := driver.AsError(op, err)
	e.Scope = max(e.Scope, scope)
	return e
}

// also joins two errors of which one at least is usually nil.
func also(a, b error) error {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return errors.Join(a, b)
}

// Synchronize implements driver.Device. The first failure that a stream has and
// has not reported is returned, and stays with the stream.
func (d *Device) Synchronize(ctx context.Context) error {
	var first error
	for _, s := range d.open() {
		if err := s.await(ctx); err != nil {
			return failure("Synchronize", driver.ScopeCall, err)
		}
		if _, err := s.Query(); first == nil {
			first = err
		}
	}
	return first
}

// open returns the streams that are not closed.
func (d *Device) open() []*stream {
	d.mu.Lock()
	defer d.mu.Unlock()
	streams := make([]*stream, 0, len(d.streams))
	for s := range d.streams {
		streams = append(streams, s)
	}
	return streams
}

// Close implements driver.Device. It waits for the work that is being done, and
// drops what is still enqueued.
func (d *Device) Close() error {
	if !d.closed.CompareAndSwap(false, true) {
		return nil
	}
	for _, s := range d.open() {
		s.end()
	}
	return d.memory.close()
}
