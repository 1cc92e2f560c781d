package emu

import (
	"context"
	"errors"
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
	faults  *injector

	closed atomic.Bool
	lost   atomic.Pointer[driver.Error] // why everything fails, nil as long as it does not
	life   context.Context              // ends when the device is lost or closed, with that as its cause
	die    context.CancelCauseFunc

	mu      sync.Mutex
	streams map[*stream]struct{} // those not closed
	opened  uint64               // streams ever made
	parts   map[*Device]float64  // partitions not closed, with their shares
	socket  *socket              // that it is plugged into, nil for one that New made
	parent  *Device              // of a partition
	share   float64              // of the parent's compute units, 1 for a whole device

	pace     pace
	watchers watchers
	profile  atomic.Pointer[recording]
	enqueued atomic.Uint64 // pieces of work, for correlation
}

// Info implements driver.Device.
func (d *Device) Info() driver.Info { return d.info }

// ready is asked before everything that the device does but work.
func (d *Device) ready(op string) error { return d.readyFor(context.Background(), op) }

// readyFor is ready for a call that the end of the context ends.
func (d *Device) readyFor(ctx context.Context, op string) error {
	_, err := d.begin(ctx, op)
	return failure(op, driver.ScopeCall, err)
}

// begin is asked before everything that the device does. It waits as long as a
// fault and the context want, and says whether a bit is to flip.
func (d *Device) begin(ctx context.Context, op string) (flip bool, err error) {
	if err := d.alive(op); err != nil {
		return false, err
	}
	flip, err = d.faults.strike(ctx, d, op)
	if err == nil && d.options.Fault != nil {
		err = d.options.Fault(op)
	}
	if errors.Is(err, driver.DeviceLost) {
		return false, d.lose(driver.AsError(op, err))
	}
	if err == nil {
		err = d.alive(op) // it may have waited
	}
	return flip, err
}

// alive fails once the device is closed or lost.
func (d *Device) alive(op string) error {
	if lost := d.lost.Load(); lost != nil {
		return lost
	}
	if d.closed.Load() {
		return errClosed(op)
	}
	return nil
}

func errClosed(op string) *driver.Error {
	return &driver.Error{Code: driver.Closed, Scope: driver.ScopeDevice, Sticky: true, Op: op, Text: "the device was closed before"}
}

// able fails for a function of a capability about which the device lies.
func (d *Device) able(c driver.Caps, op string) error {
	if d.options.Lies.Has(c) {
		return driver.Errorf(driver.Unsupported, op, "declared, but not there")
	}
	return nil
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
	if err := d.alive("Synchronize"); err != nil {
		return failure("Synchronize", driver.ScopeCall, err)
	}
	var first error
	for _, s := range d.open() {
		if err := s.await(ctx); err != nil {
			return failure("Synchronize", driver.ScopeCall, err)
		}
		if _, err := s.Query(); first == nil {
			first = err
		}
	}
	if lost := d.lost.Load(); lost != nil && first == nil {
		return lost // though another wait may have had the failure of the work
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
	d.die(errClosed("Close"))
	err := d.closePartitions()
	for _, s := range d.open() {
		s.end()
	}
	err = also(err, d.memory.close())
	if d.socket != nil {
		d.socket.remove(d)
	}
	if d.parent != nil {
		d.parent.takeBack(d)
	}
	return err
}
