package adapter

import (
	"context"
	"errors"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
)

// Buffer is memory of a device. It may be freed once; what is freed is refused
// from then on.
type Buffer struct {
	dev      *Device
	drv      driver.Buffer
	size     int64
	imported bool
	freed    atomic.Bool
}

// Alloc returns a buffer of size bytes of undefined contents. A size of 0 is
// allowed and takes memory for one byte.
func (d *Device) Alloc(size int64, kind driver.MemoryKind) (*Buffer, error) {
	if err := d.enter("Alloc"); err != nil {
		return nil, err
	}
	defer d.leave()
	if size < 0 {
		return nil, named(d.name, "Alloc", driver.Errorf(InvalidArgument, "Alloc", "%d bytes", size))
	}
	drv, err := d.drv.Alloc(max(size, 1), kind)
	if err != nil {
		return nil, named(d.name, "Alloc", err)
	}
	d.allocs.Add(1)
	now := d.inUse.Add(size)
	for peak := d.peak.Load(); now > peak && !d.peak.CompareAndSwap(peak, now); peak = d.peak.Load() {
	}
	return &Buffer{dev: d, drv: drv, size: size}, nil
}

// Import returns a buffer over host memory, without copying where the device
// can work on it where it lies. The bytes must stay unchanged until the buffer
// is freed.
func (d *Device) Import(ctx context.Context, host []byte) (*Buffer, error) {
	if d.importer != nil && len(host) > 0 {
		if err := d.enter("Import"); err != nil {
			return nil, err
		}
		drv, err := d.importer.Import(host)
		d.leave()
		if err == nil {
			return &Buffer{dev: d, drv: drv, size: int64(len(host)), imported: true}, nil
		}
		if !errors.Is(err, driver.ErrSkip) {
			return nil, named(d.name, "Import", err)
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
func (b *Buffer) Free() error {
	if !b.freed.CompareAndSwap(false, true) {
		return &Error{Code: Closed, Device: b.dev.name, Op: "Free", Text: "the buffer was freed before"}
	}
	if err := b.dev.enter("Free"); err != nil {
		return nil // closing the device freed it
	}
	defer b.dev.leave()
	if !b.imported {
		b.dev.frees.Add(1)
		b.dev.inUse.Add(-b.size)
	}
	return named(b.dev.name, "Free", b.drv.Free())
}

// Slice returns size bytes of the buffer from offset on.
func (b *Buffer) Slice(offset, size int64) (driver.Region, error) {
	if b.freed.Load() {
		return driver.Region{}, &Error{Code: Closed, Device: b.dev.name, Op: "Slice", Text: "the buffer was freed before"}
	}
	if offset < 0 || size < 0 || offset > b.size-size {
		return driver.Region{}, named(b.dev.name, "Slice", driver.Errorf(InvalidArgument, "Slice",
			"%d bytes from %d on in a buffer of %d", size, offset, b.size))
	}
	return driver.Region{Buffer: b.drv, Offset: offset, Size: size}, nil
}

// CopyIn copies host bytes to the device and returns when src may be reused.
func (d *Device) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	if err := d.enter("CopyIn"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyIn", dst.Size, int64(len(src)), dst); err != nil || len(src) == 0 {
		return err
	}
	return named(d.name, "CopyIn", d.drv.CopyIn(ctx, dst, src))
}

// CopyOut copies bytes of the device to the host.
func (d *Device) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	if err := d.enter("CopyOut"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyOut", int64(len(dst)), src.Size, src); err != nil || len(dst) == 0 {
		return err
	}
	return named(d.name, "CopyOut", d.drv.CopyOut(ctx, dst, src))
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

// checkCopy refuses copies whose sizes differ or that leave a buffer.
func (d *Device) checkCopy(op string, dst, src int64, regions ...driver.Region) error {
	if dst != src {
		return named(d.name, op, driver.Errorf(InvalidArgument, op, "%d bytes into %d", src, dst))
	}
	for _, r := range regions {
		if r.Buffer == nil {
			return named(d.name, op, driver.Errorf(InvalidArgument, op, "a region without a buffer, or of one that was freed"))
		}
		if size := r.Buffer.Size(); r.Offset < 0 || r.Size < 0 || r.Offset > size-r.Size {
			return named(d.name, op, driver.Errorf(InvalidArgument, op,
				"%d bytes from %d on in a buffer of %d", r.Size, r.Offset, size))
		}
	}
	return nil
}
