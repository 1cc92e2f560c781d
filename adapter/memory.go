package adapter

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
)

// Buffer is memory of a device. It may be freed once; what is freed is refused
// from then on.
type Buffer struct {
	dev   *Device
	drv   driver.Buffer
	size  int64
	kind  driver.MemoryKind
	freed atomic.Bool
}

// Alloc returns a buffer of size bytes of undefined contents. A size of 0 is
// allowed and takes memory for one byte.
func (d *Device) Alloc(size int64, kind driver.MemoryKind) (*Buffer, error) {
	return d.alloc("Alloc", size, kind, func(size int64) (driver.Buffer, error) { return d.drv.Alloc(size, kind) })
}

// alloc checks, allocates and counts.
func (d *Device) alloc(op string, size int64, kind driver.MemoryKind, f func(size int64) (driver.Buffer, error)) (*Buffer, error) {
	if err := d.enter(op); err != nil {
		return nil, err
	}
	defer d.leave()
	switch {
	case size < 0:
		return nil, d.refuse(op, "%d bytes", size)
	case kind > driver.UnifiedMemory:
		return nil, d.refuse(op, "%v memory cannot be allocated", kind)
	}
	if err := d.memory.take(size); err != nil {
		return nil, d.named(op, err)
	}
	drv, err := f(max(size, 1))
	if err != nil {
		d.memory.untake(size, errors.Is(err, OutOfMemory))
		return nil, d.named(op, err)
	}
	d.memory.taken(size)
	return &Buffer{dev: d, drv: drv, size: size, kind: kind}, nil
}

// take counts bytes about to be allocated, and keeps the limit that was set and
// what partitions have left.
func (a *accounts) take(size int64) error {
	now := a.inUse.Add(size)
	if limit := a.limit.Load(); limit > 0 && (now > limit || now < size) {
		a.untake(size, true)
		return &Error{Code: OutOfMemory, Retryable: size <= limit, Wanted: size, Available: max(limit-(now-size), 0),
			Text: "the limit that was set would be passed"}
	}
	capacity, reserved := a.capacity.Load(), a.reserved.Load()
	if left := capacity - reserved - (now - size); capacity > 0 && size > left {
		a.untake(size, true)
		return &Error{Code: OutOfMemory, Retryable: size <= capacity, Wanted: size, Available: max(left, 0),
			Text: fmt.Sprintf("of %d bytes, %d are in use and %d are partitions'", capacity, now-size, reserved)}
	}
	return nil
}

// reserve takes memory for a partition out of a total, 0 where that is unknown.
func (a *accounts) reserve(total, size int64) error {
	if total > 0 {
		a.capacity.CompareAndSwap(0, total)
	}
	reserved := a.reserved.Add(size)
	capacity := a.capacity.Load()
	if left := capacity - a.inUse.Load() - (reserved - size); capacity > 0 && size > left {
		a.reserved.Add(-size)
		return &Error{Code: OutOfMemory, Retryable: size <= capacity, Wanted: size, Available: max(left, 0),
			Text: fmt.Sprintf("a partition of %d bytes, with %d of %d in use or given to others", size, capacity-left, capacity)}
	}
	return nil
}

func (a *accounts) untake(size int64, full bool) {
	a.inUse.Add(-size)
	if full {
		a.failed.Add(1)
	}
}

func (a *accounts) taken(size int64) {
	a.allocs.Add(1)
	raise(&a.peak, a.inUse.Load())
	raise(&a.largest, size)
}

// raise makes a maximum at least v.
func raise(most *atomic.Int64, v int64) {
	for old := most.Load(); v > old && !most.CompareAndSwap(old, v); old = most.Load() {
	}
}

// Import returns a buffer over host memory, without copying where the device
// can work on it where it lies. The bytes must stay unchanged until the buffer
// is freed.
func (d *Device) Import(ctx context.Context, host []byte) (*Buffer, error) {
	if d.importer != nil && len(host) > 0 {
		if err := d.enterCtx(ctx, "Import"); err != nil {
			return nil, err
		}
		drv, err := d.importer.Import(host)
		d.leave()
		if err == nil {
			return &Buffer{dev: d, drv: drv, size: int64(len(host)), kind: driver.ImportedMemory}, nil
		}
		if !errors.Is(err, driver.ErrSkip) {
			return nil, d.named("Import", err)
		}
	}
	b, err := d.Alloc(int64(len(host)), driver.DeviceMemory)
	if err != nil {
		return nil, err
	}
	if err := d.CopyIn(ctx, b.All(), host); err != nil {
		return nil, errors.Join(err, b.Free())
	}
	return b, nil
}

// CanImport reports whether [Device.Import] may work without copying.
func (d *Device) CanImport() bool { return d.importer != nil }

// Size returns the size in bytes that was asked for.
func (b *Buffer) Size() int64 { return b.size }

// Kind returns the kind of memory.
func (b *Buffer) Kind() driver.MemoryKind { return b.kind }

// Device returns the device whose memory it is.
func (b *Buffer) Device() *Device { return b.dev }

// All returns the whole buffer as a region, none once it is freed.
func (b *Buffer) All() driver.Region {
	if b.freed.Load() {
		return driver.Region{}
	}
	return driver.Region{Buffer: b.drv, Size: b.size}
}

// Free gives the memory back. A second Free is an error.
func (b *Buffer) Free() error { return b.free("Free", b.drv.Free) }

func (b *Buffer) free(op string, f func() error) error {
	d := b.dev
	if !b.freed.CompareAndSwap(false, true) {
		return &Error{Code: Closed, Device: d.name, Op: op, Text: "the buffer was freed before"}
	}
	if err := d.enterToFree(op); err != nil {
		return nil // closing the device freed it
	}
	defer d.leave()
	if b.kind != driver.ImportedMemory {
		d.memory.frees.Add(1)
		d.memory.inUse.Add(-b.size)
	}
	return d.named(op, f())
}

// Slice returns size bytes of the buffer from offset on.
func (b *Buffer) Slice(offset, size int64) (driver.Region, error) {
	if b.freed.Load() {
		return driver.Region{}, &Error{Code: Closed, Device: b.dev.name, Op: "Slice", Text: "the buffer was freed before"}
	}
	if offset < 0 || size < 0 || offset > b.size-size {
		return driver.Region{}, b.dev.refuse("Slice", "%d bytes from %d on in a buffer of %d", size, offset, b.size)
	}
	return driver.Region{Buffer: b.drv, Offset: offset, Size: size}, nil
}

// HostBytes returns the bytes of a region where the host can address them, and
// whether it can. The caller synchronises with the device's work.
func (d *Device) HostBytes(r driver.Region) ([]byte, bool) {
	if d.mapper == nil || d.enter("HostBytes") != nil {
		return nil, false
	}
	defer d.leave()
	if d.checkCopy("HostBytes", r.Size, r.Size, r) != nil {
		return nil, false
	}
	b, err := d.mapper.HostBytes(r)
	return b, err == nil
}

// AllocOn returns a buffer for later work of the stream.
func (s *Stream) AllocOn(size int64, kind driver.MemoryKind) (*Buffer, error) {
	d := s.dev
	allocator, ok := As[driver.StreamAllocator](d)
	if s.closed.Load() {
		return nil, closedBefore(d, "AllocOn", "stream")
	}
	if !ok || s.drv == nil {
		return d.Alloc(size, kind)
	}
	return d.alloc("AllocOn", size, kind, func(size int64) (driver.Buffer, error) { return allocator.AllocOn(s.drv, size, kind) })
}

// FreeOn frees a buffer of the same device. Work of the stream enqueued before
// still sees it.
func (s *Stream) FreeOn(b *Buffer) error {
	d := s.dev
	switch {
	case s.closed.Load():
		return closedBefore(d, "FreeOn", "stream")
	case b == nil || b.dev != d:
		return d.refuse("FreeOn", "the buffer is not of this device")
	}
	allocator, ok := As[driver.StreamAllocator](d)
	if !ok || s.drv == nil {
		return b.Free()
	}
	return b.free("FreeOn", func() error { return allocator.FreeOn(s.drv, b.drv) })
}
