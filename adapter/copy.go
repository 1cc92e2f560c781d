package adapter

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"example.com/midplane/adapter/driver"
)

// CopyIn copies host bytes to the device and returns when src may be reused.
func (d *Device) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	if err := d.enterCtx(ctx, "CopyIn"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyIn", dst.Size, int64(len(src)), dst); err != nil || len(src) == 0 {
		return err
	}
	return d.named("CopyIn", d.drv.CopyIn(ctx, dst, src))
}

// CopyOut copies bytes of the device to the host.
func (d *Device) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	if err := d.enterCtx(ctx, "CopyOut"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyOut", int64(len(dst)), src.Size, src); err != nil || len(dst) == 0 {
		return err
	}
	return d.named("CopyOut", d.drv.CopyOut(ctx, dst, src))
}

// Copy copies inside the device's memory, at once. The regions must not overlap.
func (d *Device) Copy(ctx context.Context, dst, src driver.Region) error {
	return d.on(nil).Copy(ctx, dst, src)
}

// Fill repeats a pattern of 1, 2, 4, 8 or 16 bytes over a region, at once.
func (d *Device) Fill(ctx context.Context, dst driver.Region, pattern []byte) error {
	return d.on(nil).Fill(ctx, dst, pattern)
}

// CopyFrom copies from another device, at once: see [Stream.CopyFrom].
func (d *Device) CopyFrom(ctx context.Context, dst driver.Region, from *Device, src driver.Region) error {
	return d.on(nil).CopyFrom(ctx, dst, from, src)
}

// on returns a stream on which everything is done at once.
func (d *Device) on(s *Stream) *Stream {
	if s != nil {
		return s
	}
	return &Stream{dev: d}
}

// CopyIn enqueues a copy of host bytes to the device. They must stay unchanged
// until the stream is synchronised.
func (s *Stream) CopyIn(ctx context.Context, dst driver.Region, src []byte) error {
	d := s.dev
	if s.drv == nil || d.async == nil {
		if err := s.Synchronize(ctx); err != nil {
			return err
		}
		return d.CopyIn(ctx, dst, src)
	}
	if err := s.enterCtx(ctx, "CopyInAsync"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyInAsync", dst.Size, int64(len(src)), dst); err != nil || len(src) == 0 {
		return err
	}
	return d.named("CopyInAsync", d.async.CopyInAsync(s.drv, dst, src))
}

// CopyOut copies bytes of the device to the host after all work enqueued before
// it. They are there when the stream has been synchronised.
func (s *Stream) CopyOut(ctx context.Context, dst []byte, src driver.Region) error {
	d := s.dev
	if s.drv == nil || d.async == nil {
		if err := s.Synchronize(ctx); err != nil {
			return err
		}
		return d.CopyOut(ctx, dst, src)
	}
	if err := s.enterCtx(ctx, "CopyOutAsync"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyOutAsync", int64(len(dst)), src.Size, src); err != nil || len(dst) == 0 {
		return err
	}
	return d.named("CopyOutAsync", d.async.CopyOutAsync(s.drv, dst, src))
}

// Copy enqueues a copy inside the device's memory. The regions must not overlap.
func (s *Stream) Copy(ctx context.Context, dst, src driver.Region) error {
	d := s.dev
	if err := s.enterCtx(ctx, "Copy"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("Copy", dst.Size, src.Size, dst, src); err != nil || dst.Size == 0 {
		return err
	}
	if d.copier != nil {
		if err := d.copier.Copy(s.drv, dst, src); !errors.Is(err, driver.ErrSkip) {
			return d.named("Copy", err)
		}
	}
	host := make([]byte, src.Size)
	if err := s.CopyOut(ctx, host, src); err != nil {
		return err
	}
	if err := s.Synchronize(ctx); err != nil {
		return err
	}
	return d.CopyIn(ctx, dst, host)
}

// CopyRect enqueues a copy of rows of width bytes, of which the i-th begins i
// pitches into its region. The regions must not overlap.
func (s *Stream) CopyRect(ctx context.Context, dst driver.Region, dstPitch int64, src driver.Region, srcPitch, width, rows int64) error {
	const op = "CopyRect"
	d := s.dev
	if err := s.enterCtx(ctx, op); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy(op, 0, 0, dst, src); err != nil {
		return err
	}
	for _, side := range []struct{ size, pitch int64 }{{dst.Size, dstPitch}, {src.Size, srcPitch}} {
		empty := width == 0 || rows == 0
		if width < 0 || rows < 0 || side.pitch < width || !empty && (width > side.size || rows-1 > (side.size-width)/side.pitch) {
			return d.refuse(op, "%d rows of %d bytes at a pitch of %d in a region of %d", rows, width, side.pitch, side.size)
		}
	}
	if width == 0 || rows == 0 {
		return nil
	}
	if copier, ok := As[driver.RectCopier](d); ok {
		if err := copier.CopyRect(s.drv, dst, dstPitch, src, srcPitch, width, rows); !errors.Is(err, driver.ErrSkip) {
			return d.named(op, err)
		}
	}
	for row := range rows {
		to := driver.Region{Buffer: dst.Buffer, Offset: dst.Offset + row*dstPitch, Size: width}
		from := driver.Region{Buffer: src.Buffer, Offset: src.Offset + row*srcPitch, Size: width}
		if err := s.Copy(ctx, to, from); err != nil {
			return err
		}
	}
	return nil
}

// Fill enqueues repeating a pattern of 1, 2, 4, 8 or 16 bytes over a region.
func (s *Stream) Fill(ctx context.Context, dst driver.Region, pattern []byte) error {
	const op = "Fill"
	d := s.dev
	if err := s.enterCtx(ctx, op); err != nil {
		return err
	}
	defer d.leave()
	n := len(pattern)
	if !slices.Contains([]int{1, 2, 4, 8, 16}, n) || dst.Size%int64(n) != 0 {
		return d.refuse(op, "a pattern of %d bytes in a region of %d; 1, 2, 4, 8 or 16 that divide it can be", n, dst.Size)
	}
	if err := d.checkCopy(op, 0, 0, dst); err != nil || dst.Size == 0 {
		return err
	}
	if filler, ok := As[driver.Filler](d); ok {
		if err := filler.Fill(s.drv, dst, pattern); !errors.Is(err, driver.ErrSkip) {
			return d.named(op, err)
		}
	}
	return s.stage(ctx, dst, func(part []byte, _ int64) error {
		copy(part, bytes.Repeat(pattern, len(part)/n))
		return nil
	})
}

// stage fills a region with what produce leaves in host memory, piece by piece.
// The pieces are multiples of 16 bytes but for the last.
func (s *Stream) stage(ctx context.Context, dst driver.Region, produce func(part []byte, offset int64) error) error {
	if err := s.Synchronize(ctx); err != nil {
		return err
	}
	host := hostPiece(dst.Size)
	for offset := int64(0); offset < dst.Size; {
		part := host[:min(int64(len(host)), dst.Size-offset)]
		if err := produce(part, offset); err != nil {
			return err
		}
		to := driver.Region{Buffer: dst.Buffer, Offset: dst.Offset + offset, Size: int64(len(part))}
		if err := s.dev.CopyIn(ctx, to, part); err != nil {
			return err
		}
		offset += int64(len(part))
	}
	return nil
}

// hostPiece returns host memory through which size bytes pass.
func hostPiece(size int64) []byte {
	const most = 4 << 20
	return make([]byte, min(size, most))
}

// checkCopy refuses copies whose sizes differ or that leave a buffer.
func (d *Device) checkCopy(op string, dst, src int64, regions ...driver.Region) error {
	if dst != src {
		return d.refuse(op, "%d bytes into %d", src, dst)
	}
	for _, r := range regions {
		if r.Buffer == nil {
			return d.refuse(op, "a region without a buffer, or of one that was freed")
		}
		if size := r.Buffer.Size(); r.Offset < 0 || r.Size < 0 || r.Offset > size-r.Size {
			return d.refuse(op, "%d bytes from %d on in a buffer of %d", r.Size, r.Offset, size)
		}
	}
	return nil
}
