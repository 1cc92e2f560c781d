// Package guard wraps a device so that what its kernels do to memory can be
// seen: bytes around every buffer and every value are sentinels, outputs are
// filled with a pattern before a kernel runs, and after it nothing but its
// outputs may have changed. It also counts the bytes that cross between host and
// device, and notes which of midplane's own means took part in the device's
// kernels.
//
// A guarded device is for one session at a time.
package guard

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/witness"
)

const (
	margin  = 256  // bytes before and behind every buffer
	pattern = 0xA5 // what they hold, and outputs before a kernel writes them
)

// Device is a device whose memory is watched.
type Device struct {
	inner   driver.Device
	backend operators.Backend // nil if the device runs no operators

	mu      sync.Mutex
	buffers map[*buffer]struct{}
	faults  []string
	helped  map[string]witness.Means // by the name of the kernel
	runs    int
	in, out int64
}

// New watches a device, which closes with the returned one.
func New(inner driver.Device) *Device {
	d := &Device{inner: inner, buffers: make(map[*buffer]struct{}), helped: make(map[string]witness.Means)}
	d.backend, _ = driver.As[operators.Backend](inner)
	return d
}

// Faults returns what was done to memory that must not be.
func (d *Device) Faults() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults
}

// Helped returns the kernels, by the names that their backend gives them, in
// which midplane's own means computed.
func (d *Device) Helped() map[string]witness.Means {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.helped
}

// Runs returns how often a kernel of the device, or a model that it has compiled,
// was run.
func (d *Device) Runs() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runs
}

func (d *Device) ran() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.runs++
}

// Moved returns the bytes copied from the host to the device, and back.
func (d *Device) Moved() (in, out int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.in, d.out
}

func (d *Device) fault(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

// passed are the capabilities that a guarded device passes on.
const passed = driver.CapStreamer | driver.CapAsyncCopier | driver.CapCopier | driver.CapStatter | driver.CapHostMapper | driver.CapSizer

// Info implements driver.Device.
func (d *Device) Info() driver.Info {
	info := d.inner.Info()
	has := func(bit driver.Caps, ok bool) {
		if !ok {
			info.Caps &^= bit
		}
	}
	info.Caps &= passed
	_, ok := driver.As[driver.Streamer](d.inner)
	has(driver.CapStreamer, ok)
	_, ok = driver.As[driver.AsyncCopier](d.inner)
	has(driver.CapAsyncCopier, ok)
	_, ok = driver.As[driver.Copier](d.inner)
	has(driver.CapCopier, ok)
	_, ok = driver.As[driver.Statter](d.inner)
	has(driver.CapStatter, ok)
	_, ok = driver.As[driver.HostMapper](d.inner)
	has(driver.CapHostMapper, ok)
	_, ok = driver.As[driver.Sizer](d.inner)
	has(driver.CapSizer, ok)
	return info
}

// Synchronize implements driver.Device.
func (d *Device) Synchronize(ctx context.Context) error { return d.inner.Synchronize(ctx) }

// Close implements driver.Device. It looks at the sentinels of every buffer that
// is left.
func (d *Device) Close() error {
	_ = d.inner.Synchronize(context.Background()) // its failure is the run's, which reports it
	for _, b := range d.live() {
		b.check("the device is closed")
	}
	return d.inner.Close()
}

func (d *Device) live() []*buffer {
	d.mu.Lock()
	defer d.mu.Unlock()
	live := make([]*buffer, 0, len(d.buffers))
	for b := range d.buffers {
		live = append(live, b)
	}
	return live
}

// buffer is memory between two margins.
type buffer struct {
	dev   *Device
	inner driver.Buffer
	size  int64
}

// Alloc implements driver.Device.
func (d *Device) Alloc(size int64, kind driver.MemoryKind) (driver.Buffer, error) {
	inner, err := d.inner.Alloc(size+2*margin, kind)
	if err != nil {
		return nil, err
	}
	b := &buffer{d, inner, size}
	whole := driver.Region{Buffer: inner, Size: size + 2*margin}
	if err := d.inner.CopyIn(context.Background(), whole, bytes.Repeat([]byte{pattern}, int(whole.Size))); err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.buffers[b] = struct{}{}
	d.mu.Unlock()
	return b, nil
}

// Size implements driver.Buffer.
func (b *buffer) Size() int64 { return b.size }

// Free implements driver.Buffer.
func (b *buffer) Free() error {
	_ = b.dev.inner.Synchronize(context.Background())
	b.check("it is freed")
	b.dev.mu.Lock()
	delete(b.dev.buffers, b)
	b.dev.mu.Unlock()
	return b.inner.Free()
}

// check looks at the margins.
func (b *buffer) check(when string) {
	for _, side := range []struct {
		name   string
		offset int64
	}{{"before", 0}, {"behind", margin + b.size}} {
		got := make([]byte, margin)
		if err := b.dev.inner.CopyOut(context.Background(), got, driver.Region{Buffer: b.inner, Offset: side.offset, Size: margin}); err != nil {
			return // a device that is lost says so elsewhere
		}
		for i, v := range got {
			if v != pattern {
				b.dev.fault("byte %d %s a buffer of %d bytes was written to, found when %s", i, side.name, b.size, when)
				break
			}
		}
	}
}

// content returns the bytes of the buffer.
func (b *buffer) content() ([]byte, error) {
	got := make([]byte, b.size)
	err := b.dev.inner.CopyOut(context.Background(), got, driver.Region{Buffer: b.inner, Offset: margin, Size: b.size})
	return got, err
}

// region returns a region of the inner device.
func (d *Device) region(r driver.Region) (driver.Region, error) {
	if r.Buffer == nil {
		return r, nil
	}
	b, ok := r.Buffer.(*buffer)
	if !ok || b.dev != d {
		return r, driver.Errorf(driver.InvalidArgument, "", "a buffer that is not this device's (%T)", r.Buffer)
	}
	if r.Offset < 0 || r.Size < 0 || r.Offset > b.size-r.Size {
		return r, driver.Errorf(driver.InvalidArgument, "", "%d bytes from %d on in a buffer of %d", r.Size, r.Offset, b.size)
	}
	return driver.Region{Buffer: b.inner, Offset: r.Offset + margin, Size: r.Size}, nil
}

func (d *Device) count(in, out int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.in += int64(in)
	d.out += int64(out)
}

// CopyIn implements driver.Device.
func (d *Device) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	r, err := d.region(dst)
	if err != nil {
		return err
	}
	d.count(len(src), 0)
	return d.inner.CopyIn(ctx, r, src)
}

// CopyOut implements driver.Device.
func (d *Device) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	r, err := d.region(src)
	if err != nil {
		return err
	}
	d.count(0, len(dst))
	return d.inner.CopyOut(ctx, dst, r)
}

// Supports implements operators.Backend.
func (d *Device) Supports(n *graph.Node) operators.Verdict {
	if d.backend == nil {
		return operators.Verdict{Reason: operators.NoOperators}
	}
	return d.backend.Supports(n)
}

// HostInputs implements operators.HostOperands.
func (d *Device) HostInputs(n *graph.Node) []int {
	if h, ok := d.backend.(operators.HostOperands); ok {
		return h.HostInputs(n)
	}
	return nil
}

// HostOutputs implements operators.HostOperands.
func (d *Device) HostOutputs(n *graph.Node) []int {
	if h, ok := d.backend.(operators.HostOperands); ok {
		return h.HostOutputs(n)
	}
	return nil
}

// Compile implements operators.Compiler.
func (d *Device) Compile(ctx context.Context, m operators.Source) (operators.Executable, error) {
	c, ok := driver.As[operators.Compiler](d.inner)
	if !ok {
		return nil, driver.Errorf(driver.Unsupported, "Compile", "the device takes nodes only")
	}
	x, err := c.Compile(d.watched(ctx, "the whole graph"), m)
	if err != nil {
		return nil, err
	}
	return &executable{x, d}, nil
}

// watched returns a context under which midplane's own means are noted against a
// kernel.
func (d *Device) watched(ctx context.Context, kernel string) context.Context {
	return witness.Watch(ctx, func(m witness.Means, _ string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.helped[kernel] = m
	})
}
