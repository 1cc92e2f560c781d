package emu

import (
	"bytes"
	"context"

	"example.com/midplane/adapter/driver"
)

// CopyIn implements driver.Device. It is not ordered with the work of streams.
func (d *Device) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	if err := ctx.Err(); err != nil {
		return failure("CopyIn", driver.ScopeCall, err)
	}
	return d.copyIn(ctx, nil, dst, src)
}

// CopyOut implements driver.Device. It is not ordered with the work of streams.
func (d *Device) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	if err := ctx.Err(); err != nil {
		return failure("CopyOut", driver.ScopeCall, err)
	}
	return d.copyOut(ctx, nil, dst, src)
}

// CopyInAsync implements driver.AsyncCopier. The bytes are read when the stream
// gets there.
func (d *Device) CopyInAsync(s driver.Stream, dst driver.Region, src []byte) error {
	if err := d.able(driver.CapAsyncCopier, "CopyIn"); err != nil {
		return err
	}
	return d.copyIn(context.Background(), s, dst, src)
}

// CopyOutAsync implements driver.AsyncCopier. The bytes are written when the
// stream gets there.
func (d *Device) CopyOutAsync(s driver.Stream, dst []byte, src driver.Region) error {
	if err := d.able(driver.CapAsyncCopier, "CopyOut"); err != nil {
		return err
	}
	return d.copyOut(context.Background(), s, dst, src)
}

func (d *Device) copyIn(ctx context.Context, s driver.Stream, dst driver.Region, src []byte) error {
	return d.copy(ctx, s, "CopyIn", dst.Size, int64(len(src)), func(mem *access) error {
		to, err := mem.write(dst)
		copy(to, src)
		return err
	}, dst)
}

func (d *Device) copyOut(ctx context.Context, s driver.Stream, dst []byte, src driver.Region) error {
	return d.copy(ctx, s, "CopyOut", int64(len(dst)), src.Size, func(mem *access) error {
		from, err := mem.view(src)
		copy(dst, from)
		mem.written = dst
		return err
	}, src)
}

// copy submits a copy that touches the regions. The end of the context ends one
// that is done at once.
func (d *Device) copy(ctx context.Context, s driver.Stream, op string, dst, src int64, run func(*access) error, regions ...driver.Region) error {
	if dst != src {
		return driver.Errorf(driver.InvalidArgument, op, "%d bytes into %d", src, dst)
	}
	return d.submit(s, &work{op: op, run: run, regions: regions, bytes: src, ctx: ctx})
}

// Copy implements driver.Copier.
func (d *Device) Copy(s driver.Stream, dst, src driver.Region) error {
	if err := d.able(driver.CapCopier, "Copy"); err != nil {
		return err
	}
	if err := apart("Copy", dst, src); err != nil {
		return err
	}
	return d.copy(context.Background(), s, "Copy", dst.Size, src.Size, func(mem *access) error {
		to, from, err := mem.pair(dst, src)
		copy(to, from)
		return err
	}, dst, src)
}

// CopyRect implements driver.RectCopier.
func (d *Device) CopyRect(s driver.Stream, dst driver.Region, dstPitch int64, src driver.Region, srcPitch, width, rows int64) error {
	const op = "CopyRect"
	if err := d.able(driver.CapRectCopier, op); err != nil {
		return err
	}
	if err := apart(op, dst, src); err != nil {
		return err
	}
	for _, side := range []struct{ size, pitch int64 }{{dst.Size, dstPitch}, {src.Size, srcPitch}} {
		if width < 1 || rows < 1 || side.pitch < width || width > side.size || rows-1 > (side.size-width)/side.pitch {
			return driver.Errorf(driver.InvalidArgument, op, "%d rows of %d bytes at a pitch of %d in a region of %d", rows, width, side.pitch, side.size)
		}
	}
	return d.copy(context.Background(), s, op, width*rows, width*rows, func(mem *access) error {
		to, from, err := mem.pair(dst, src)
		for row := range rows {
			if err != nil {
				break
			}
			copy(to[row*dstPitch:][:width], from[row*srcPitch:][:width])
		}
		return err
	}, dst, src)
}

// apart refuses regions that share bytes.
func apart(op string, dst, src driver.Region) error {
	if overlap(dst, src) {
		return driver.Errorf(driver.InvalidArgument, op, "bytes [%d, %d) onto [%d, %d) of the same buffer",
			src.Offset, src.Offset+src.Size, dst.Offset, dst.Offset+dst.Size)
	}
	return nil
}

// Fill implements driver.Filler.
func (d *Device) Fill(s driver.Stream, dst driver.Region, pattern []byte) error {
	if err := d.able(driver.CapFiller, "Fill"); err != nil {
		return err
	}
	n := int64(len(pattern))
	if n == 0 || n > 16 || n&(n-1) != 0 || dst.Size%n != 0 {
		return driver.Errorf(driver.InvalidArgument, "Fill", "a pattern of %d bytes in a region of %d", n, dst.Size)
	}
	pattern = bytes.Clone(pattern)
	return d.copy(context.Background(), s, "Fill", dst.Size, dst.Size, func(mem *access) error {
		to, err := mem.write(dst)
		repeat(to, pattern)
		return err
	}, dst)
}

// repeat fills memory with a pattern.
func repeat(b, pattern []byte) {
	for n := copy(b, pattern); n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// PeerPath implements driver.PeerCopier: other emulated devices are near.
func (d *Device) PeerPath(from driver.Device) driver.CopyPath {
	if other, ok := from.(*Device); !ok || other == d || d.options.Lies.Has(driver.CapPeerCopier) {
		return driver.PathNone
	}
	return driver.PathDirect
}

// CopyPeer implements driver.PeerCopier.
func (d *Device) CopyPeer(s driver.Stream, dst driver.Region, from driver.Device, src driver.Region) error {
	const op = "CopyPeer"
	if err := d.able(driver.CapPeerCopier, op); err != nil {
		return err
	}
	other, ok := from.(*Device)
	if !ok || other == d {
		return driver.Errorf(driver.InvalidArgument, op, "from a device that is no peer (%T)", from)
	}
	if dst.Size != src.Size {
		return driver.Errorf(driver.InvalidArgument, op, "%d bytes into %d", src.Size, dst.Size)
	}
	if _, err := d.buffer(dst); err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	if _, err := other.buffer(src); err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	return d.submit(s, &work{op: op, peer: other, regions: []driver.Region{dst, src}, bytes: src.Size, run: func(mem *access) error {
		if err := other.alive(op); err != nil {
			return driver.Errorf(driver.Unavailable, op, "the device to copy from: %v", err)
		}
		to, from, err := mem.pair(dst, src)
		copy(to, from)
		return err
	}})
}

// Links implements driver.Linker: every other socket of the driver.
func (d *Device) Links() []driver.Link {
	all, err := sockets()
	if err != nil || d.options.Lies.Has(driver.CapLinker) {
		return nil
	}
	var links []driver.Link
	for i := range all {
		if i != d.info.Index {
			links = append(links, driver.Link{Peer: i, Path: driver.PathDirect})
		}
	}
	return links
}
