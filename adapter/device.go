package adapter

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Device is an opened device of any driver.
type Device struct {
	name    string
	drv     driver.Device
	info    driver.Info
	version driver.Version // of the interface, that driver and program have in common
	origin  *origin        // how it was opened, nil for one that New made

	// Optional interfaces of drv that every run needs, nil where it has none.
	streamer driver.Streamer
	async    driver.AsyncCopier
	copier   driver.Copier
	statter  driver.Statter
	mapper   driver.HostMapper
	importer driver.HostImporter
	sizer    driver.Sizer

	state   sync.RWMutex // of closed; not held while a call is under way, because work that it waits for may make calls itself
	closed  bool
	calls   sync.WaitGroup // under way
	closing context.Context
	close   context.CancelFunc // of closing, when Close begins

	loss     sync.Once
	lost     chan struct{} // closed when the device is lost
	lostWhy  *Error        // valid then
	memory   accounts
	division division
}

// New returns a Device over a driver's device, for programs and tests that do
// not go through the registry. The name is what errors and placements show.
func New(name string, d driver.Device) *Device {
	return newDevice(name, d, d.Info().Caps, driver.Interface)
}

// NewOf is [New] for a device of which exactly the capabilities in caps count,
// whatever it declares: for suites that take each away.
func NewOf(name string, d driver.Device, caps driver.Caps) *Device {
	return newDevice(name, d, caps, driver.Interface)
}

// newDevice returns a Device that uses what a version of the interface has.
func newDevice(name string, d driver.Device, caps driver.Caps, version driver.Version) *Device {
	dev := &Device{name: name, drv: d, info: d.Info(), version: version, lost: make(chan struct{})}
	dev.info.Caps = caps & driver.CapsOf(version)
	dev.closing, dev.close = context.WithCancel(context.Background())
	dev.streamer, _ = As[driver.Streamer](dev)
	dev.async, _ = As[driver.AsyncCopier](dev)
	dev.copier, _ = As[driver.Copier](dev)
	dev.statter, _ = As[driver.Statter](dev)
	dev.mapper, _ = As[driver.HostMapper](dev)
	dev.importer, _ = As[driver.HostImporter](dev)
	dev.sizer, _ = As[driver.Sizer](dev)
	return dev
}

// As returns what a device's driver implements besides the device interface:
// the operator interfaces of package operators, or a vendor's own.
func As[T any](d *Device) (T, bool) { return driver.AsOf[T](d.drv, d.info.Caps) }

// Name returns the device's name: "cpu:0".
func (d *Device) Name() string { return d.name }

// Info describes the device. Its capabilities are those that driver and program
// both know.
func (d *Device) Info() driver.Info { return d.info }

// Status is what has become of a device.
type Status string

// The statuses.
const (
	StatusReady  Status = "ready"
	StatusLost   Status = "lost"   // it is gone, or was taken back; open it again when it is there
	StatusClosed Status = "closed" // Close was called
)

// Status says whether the device can be used, as far as calls have shown.
func (d *Device) Status() Status {
	d.state.RLock()
	defer d.state.RUnlock()
	switch {
	case d.closed:
		return StatusClosed
	case d.isLost():
		return StatusLost
	}
	return StatusReady
}

// enter notes a call under way, or fails if the device is closed or lost.
func (d *Device) enter(op string) error {
	if d.isLost() {
		e := *d.lostWhy
		e.Op = op
		return &e
	}
	return d.enterToFree(op)
}

// enterToFree is enter for calls that give back what a handle holds on the host,
// which a lost device takes too.
func (d *Device) enterToFree(op string) error {
	d.state.RLock()
	defer d.state.RUnlock()
	if d.closed {
		return &Error{Code: Closed, Device: d.name, Op: op, Sticky: true, Scope: driver.ScopeDevice, Text: "the device was closed before"}
	}
	d.calls.Add(1)
	return nil
}

// enterCtx is enter for a call that the end of the context cancels.
func (d *Device) enterCtx(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return d.named(op, err)
	}
	return d.enter(op)
}

func (d *Device) leave() { d.calls.Done() }

// Hold keeps Close from closing the driver's device until [Device.Unhold], for
// those who use that directly: kernels do. It fails as a call would.
func (d *Device) Hold(op string) error { return d.enter(op) }

// Unhold ends what one Hold without an error began.
func (d *Device) Unhold() { d.leave() }

// call is one call of the driver.
func (d *Device) call(op string, f func() error) error {
	if err := d.enter(op); err != nil {
		return err
	}
	defer d.leave()
	return d.named(op, f())
}

// named returns err as an Error that names the device, and notes its loss.
func (d *Device) named(op string, err error) error {
	if err == nil {
		return nil
	}
	e := driver.AsError(op, err)
	e.Device = d.name
	if e.Code == DeviceLost {
		e.Scope, e.Sticky = max(e.Scope, driver.ScopeDevice), true
		d.lose(e)
	}
	return e
}

// refuse returns an error about an argument.
func (d *Device) refuse(op, format string, args ...any) error {
	return d.named(op, driver.Errorf(InvalidArgument, op, format, args...))
}

// lacks returns the error of a call that takes a capability.
func (d *Device) lacks(op, capability string) error {
	return d.named(op, driver.Errorf(Unsupported, op, "the device has not the capability %s", capability))
}

// Close waits for calls under way and gives the device back, with every buffer,
// stream and partition that is left. Closing twice does nothing.
func (d *Device) Close() error {
	d.state.Lock()
	again := d.closed
	d.closed = true
	d.state.Unlock()
	d.close()
	d.calls.Wait()
	if again {
		return nil
	}
	err := d.division.closeAll()
	err = errors.Join(err, d.named("Close", d.drv.Close()))
	d.origin.release()
	return err
}

// Synchronize waits for all work on all streams, and returns early with
// [Canceled] if the context ends.
func (d *Device) Synchronize(ctx context.Context) error {
	if err := d.enterCtx(ctx, "Synchronize"); err != nil {
		return err
	}
	defer d.leave()
	return d.named("Synchronize", d.drv.Synchronize(ctx))
}

// ValueSize returns how many bytes a tensor takes on the device.
func (d *Device) ValueSize(t tensor.DType, shape tensor.Shape) int64 {
	if d.sizer != nil {
		return d.sizer.ValueSize(t, shape)
	}
	return int64(t.Bytes(shape.Size()))
}

// Alignment returns how values must be aligned inside a buffer, in bytes.
func (d *Device) Alignment() int64 {
	if d.sizer != nil {
		return max(d.sizer.Alignment(), 1)
	}
	return defaultAlignment
}

// SetDeterminism demands that results repeat.
func (d *Device) SetDeterminism(level driver.Determinism) error {
	const op = "SetDeterminism"
	setter, ok := As[driver.DeterminismSetter](d)
	switch {
	case level > driver.SameModel:
		return d.refuse(op, "level %d", level)
	case !ok:
		return d.lacks(op, "DeterminismSetter")
	}
	return d.call(op, func() error { return setter.SetDeterminism(level) })
}

// accounts count what went through a Device.
type accounts struct {
	inUse, peak, allocs, frees, largest, failed, limit atomic.Int64

	capacity atomic.Int64 // bytes for buffers and for partitions made by opening the device again, 0: not bounded here
	reserved atomic.Int64 // of those, partitions'
}
