package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
	"example.com/midplane/conformance/result"
)

// probe is a device that a cell is run on, and what the cell needs to say what it
// found. Its methods end the check where something is not as it has to be.
type probe struct {
	ctx    context.Context
	target Target
	note   string // of a check that passes

	drv    driver.Device
	d      *adapter.Device // the same, as programs see it
	caps   driver.Caps     // that count
	others []*adapter.Device
}

// open opens the device, and says why the cell cannot be run on it, if so.
func (p *probe) open(c Cell, counted func(driver.Caps) driver.Caps) string {
	drv, err := p.target.Open(p.ctx)
	if err != nil {
		p.failf(result.FailStatus, "the device cannot be opened: %v", err)
	}
	p.drv, p.caps = drv, drv.Info().Caps
	if counted != nil {
		p.caps = counted(p.caps)
	}
	p.d = adapter.NewOf("device", drv, p.caps)
	f, i := c.Function, owner(c.Function)
	switch {
	case c.always:
	case i.Owner == spec.OfDriver && p.target.Driver == nil:
		return "the suite was not told the device's name, by which its driver is found"
	case i.Owner == spec.OfDriver && !i.Required && !drives(i.Name, p.target.Driver):
		return i.Name + " is absent: " + i.Absent
	case counted == nil && !p.caps.Has(bit(f)):
		return i.Name + " is not declared: " + i.Absent
	}
	if _, ok := drv.(Faulter); c.faults && !ok {
		return "the device cannot be told to fail (device.Faulter)"
	}
	return ""
}

// drives reports whether a driver implements an optional interface.
func drives(name string, d driver.Driver) bool {
	ok := false
	switch name {
	case "Versioner":
		_, ok = d.(driver.Versioner)
	case "DriverWatcher":
		_, ok = d.(driver.DriverWatcher)
	case "Unloader":
		_, ok = d.(driver.Unloader)
	}
	return ok
}

// close closes what was opened.
func (p *probe) close() error {
	var errs []error
	for _, d := range append(p.others, p.d) {
		if d != nil && d.Status() != adapter.StatusClosed {
			errs = append(errs, d.Close())
		}
	}
	return errors.Join(errs...)
}

// second opens another handle of the device.
func (p *probe) second() *adapter.Device {
	drv, err := p.target.Open(p.ctx)
	p.must(err, "opening the device again")
	d := adapter.NewOf(fmt.Sprintf("device again (%d)", len(p.others)+1), drv, p.caps)
	p.others = append(p.others, d)
	return d
}

// native returns an optional interface of the device, which the device is to have.
func native[T any](p *probe) T {
	v, ok := p.drv.(T)
	if !ok {
		p.failf(result.UnsupportedUndeclared, "declared, and not implemented")
	}
	return v
}

// has reports whether capabilities count.
func (p *probe) has(c driver.Caps) bool { return p.caps.Has(c) }

// failf ends the check.
func (p *probe) failf(o result.Outcome, format string, args ...any) {
	panic(verdict{o, fmt.Sprintf(format, args...)})
}

// wrong ends the check of a function that does something else than it has to.
func (p *probe) wrong(format string, args ...any) { p.failf(result.FailStatus, format, args...) }

// expect ends the check where something does not hold.
func (p *probe) expect(holds bool, format string, args ...any) {
	if !holds {
		p.wrong(format, args...)
	}
}

// must ends the check where an error came that may not.
func (p *probe) must(err error, what string, args ...any) {
	if err == nil {
		return
	}
	o := result.FailStatus
	if errors.Is(err, driver.Unsupported) {
		o = result.UnsupportedUndeclared
	}
	p.failf(o, "%s: %v", fmt.Sprintf(what, args...), err)
}

// refused ends the check where no error came, or one of another code.
func (p *probe) refused(err error, code driver.Code, what string, args ...any) {
	p.refusedAs(err, []driver.Code{code}, what, args...)
}

// refusedAs is refused for errors of any of some codes.
func (p *probe) refusedAs(err error, codes []driver.Code, what string, args ...any) {
	what = fmt.Sprintf(what, args...)
	var typed *driver.Error
	switch {
	case err == nil:
		p.wrong("%s: accepted, where the error must be: %v", what, codes)
	case !errors.As(err, &typed):
		p.wrong("%s: an error without a type: %v", what, err)
	}
	for _, code := range codes {
		if errors.Is(err, code) {
			return
		}
	}
	p.wrong("%s: the error must be: %v; it is: %v", what, codes, err)
}

// failed ends the check where an injected fault did not come out as it has to.
func (p *probe) failed(err error, code driver.Code, scope driver.Scope, what string, args ...any) {
	p.refused(err, code, what, args...)
	var typed *driver.Error
	errors.As(err, &typed)
	p.expect(typed.Scope == scope, "%s: an error that reaches as far as the %v, not the %v: %v", fmt.Sprintf(what, args...), typed.Scope, scope, err)
}

// same ends the check where memory holds other bytes.
func (p *probe) same(got, want []byte, what string, args ...any) {
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	if at == len(got) || at == len(want) {
		p.failf(result.FailMemory, "%s: %d bytes instead of %d", fmt.Sprintf(what, args...), len(got), len(want))
	}
	p.failf(result.FailMemory, "%s: byte %d of %d is %#02x instead of %#02x", fmt.Sprintf(what, args...), at, len(want), got[at], want[at])
}

// alloc returns a buffer of device memory.
func (p *probe) alloc(size int64) *adapter.Buffer { return p.allocOn(p.d, size) }

func (p *probe) allocOn(d *adapter.Device, size int64) *adapter.Buffer {
	b, err := d.Alloc(size, driver.DeviceMemory)
	p.must(err, "allocating %d bytes", size)
	return b
}

// upload returns a buffer that holds bytes.
func (p *probe) upload(b []byte) *adapter.Buffer { return p.uploadTo(p.d, b) }

func (p *probe) uploadTo(d *adapter.Device, b []byte) *adapter.Buffer {
	buffer := p.allocOn(d, int64(len(b)))
	p.must(d.CopyIn(p.ctx, buffer.All(), b), "copying %d bytes to the device", len(b))
	return buffer
}

// bytes returns what a buffer holds.
func (p *probe) bytes(b *adapter.Buffer) []byte {
	got := make([]byte, b.Size())
	p.must(b.Device().CopyOut(p.ctx, got, b.All()), "copying %d bytes from the device", b.Size())
	return got
}

// region returns a part of a buffer.
func (p *probe) region(b *adapter.Buffer, offset, size int64) driver.Region {
	r, err := b.Slice(offset, size)
	p.must(err, "a region")
	return r
}

// stream returns a stream, which the device's own Close closes.
func (p *probe) stream() *adapter.Stream { return p.streamOf(p.d) }

func (p *probe) streamOf(d *adapter.Device) *adapter.Stream {
	s, err := d.NewStream()
	p.must(err, "a stream")
	return s
}

// sync waits for a stream whose work has to end well.
func (p *probe) sync(s *adapter.Stream) { p.must(s.Synchronize(p.ctx), "synchronising the stream") }

// event returns an event.
func (p *probe) event() *adapter.Event {
	e, err := p.d.NewEvent()
	p.must(err, "an event")
	return e
}

// eventually waits until something holds.
func (p *probe) eventually(within time.Duration, holds func() bool, what string, args ...any) {
	for start := time.Now(); !holds(); time.Sleep(200 * time.Microsecond) {
		if time.Since(start) > within {
			p.wrong("not within %v: %s", within, fmt.Sprintf(what, args...))
		}
	}
}

// inject makes the device fail.
func (p *probe) inject(schedule string) {
	p.must(p.drv.(Faulter).InjectFaults(schedule), "injecting %s", schedule)
}

// canceled returns a context that has ended.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// pattern returns bytes that differ from place to place and from seed to seed.
func pattern(n int64, seed byte) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
