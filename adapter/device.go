package adapter

import (
	"context"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Device is an opened device of any driver.
type Device struct {
	name string
	drv  driver.Device
	info driver.Info

	// Optional interfaces of drv, nil where it has none.
	streamer driver.Streamer
	async    driver.AsyncCopier
	copier   driver.Copier
	statter  driver.Statter
	mapper   driver.HostMapper
	importer driver.HostImporter
	sizer    driver.Sizer

	state  sync.RWMutex // of closed; not held while a call is under way, because work that it waits for may make calls itself
	closed bool
	calls  sync.WaitGroup // under way

	inUse, peak, allocs, frees atomic.Int64
}

// New returns a Device over a driver's device, for programs and tests that do
// not go through the registry. The name is what errors and placements show.
func New(name string, d driver.Device) *Device {
	dev := &Device{name: name, drv: d, info: d.Info()}
	dev.streamer, _ = driver.As[driver.Streamer](d)
	dev.async, _ = driver.As[driver.AsyncCopier](d)
	dev.copier, _ = driver.As[driver.Copier](d)
	dev.statter, _ = driver.As[driver.Statter](d)
	dev.mapper, _ = driver.As[driver.HostMapper](d)
	dev.importer, _ = driver.As[driver.HostImporter](d)
	dev.sizer, _ = driver.As[driver.Sizer](d)
	return dev
}

// As returns what a device's driver implements besides the device interface:
// the operator interfaces of package operators, or a vendor's own.
func As[T any](d *Device) (T, bool) { return driver.As[T](d.drv) }

// Name returns the device's name: "cpu:0".
func (d *Device) Name() string { return d.name }

// Info describes the device.
func (d *Device) Info() driver.Info { return d.info }

// enter notes a call under way, or fails if the device is closed.
func (d *Device) enter(op string) error {
	d.state.RLock()
	defer d.state.RUnlock()
	if d.closed {
		return &Error{Code: Closed, Device: d.name, Op: op, Sticky: true, Scope: driver.ScopeDevice, Text: "the device was closed before"}
	}
	d.calls.Add(1)
	return nil
}

func (d *Device) leave() { d.calls.Done() }

// Close waits for calls under way and gives the device back, with every buffer
// and stream that is left. Closing twice does nothing.
func (d *Device) Close() error {
	d.state.Lock()
	again := d.closed
	d.closed = true
	d.state.Unlock()
	d.calls.Wait()
	if again {
		return nil
	}
	return named(d.name, "Close", d.drv.Close())
}

// Synchronize waits for all work on all streams, and returns early with
// [Canceled] if the context ends.
func (d *Device) Synchronize(ctx context.Context) error {
	if err := d.enter("Synchronize"); err != nil {
		return err
	}
	defer d.leave()
	return named(d.name, "Synchronize", d.drv.Synchronize(ctx))
}

// Stats says how the device's memory is used: by the driver's own count where
// it keeps one, else by what went through this Device.
func (d *Device) Stats() driver.Stats {
	if d.statter != nil && d.enter("Stats") == nil {
		defer d.leave()
		return d.statter.Stats()
	}
	return driver.Stats{InUse: d.inUse.Load(), Peak: d.peak.Load(), Allocs: d.allocs.Load(), Frees: d.frees.Load(), Limit: d.info.Memory}
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
	return 64
}
