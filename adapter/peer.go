package adapter

import (
	"context"
	"errors"

	"example.com/midplane/adapter/driver"
)

// CanCopy says how bytes come from another device to this one.
func (d *Device) CanCopy(from *Device) driver.CopyPath {
	if from == d && d.copier != nil {
		return driver.PathDirect
	}
	if peer, ok := As[driver.PeerCopier](d); ok && from != d && d.enter("PeerPath") == nil {
		defer d.leave()
		if path := peer.PeerPath(from.drv); path != driver.PathNone {
			return path
		}
	}
	return driver.PathStaged
}

// Links lists the ways to other devices of the same driver, none where they are
// not known.
func (d *Device) Links() []driver.Link {
	linker, ok := As[driver.Linker](d)
	if !ok || d.enter("Links") != nil {
		return nil
	}
	defer d.leave()
	return linker.Links()
}

// CopyFrom enqueues a copy from another device, whose work on the source must be
// done: have this stream wait for an event of it. Where there is no direct path
// the bytes take the way through host memory, and the stream is synchronised.
func (s *Stream) CopyFrom(ctx context.Context, dst driver.Region, from *Device, src driver.Region) error {
	const op = "CopyPeer"
	d := s.dev
	if from == d {
		return s.Copy(ctx, dst, src)
	}
	if err := s.enterCtx(ctx, op); err != nil {
		return err
	}
	defer d.leave()
	if from == nil {
		return d.refuse(op, "no device to copy from")
	}
	if err := from.enter(op); err != nil {
		return err
	}
	defer from.leave()
	if err := d.checkCopy(op, dst.Size, src.Size, dst); err != nil {
		return err
	}
	if err := from.checkCopy(op, dst.Size, src.Size, src); err != nil || dst.Size == 0 {
		return err
	}
	if peer, ok := As[driver.PeerCopier](d); ok && peer.PeerPath(from.drv) != driver.PathNone {
		if err := peer.CopyPeer(s.drv, dst, from.drv, src); !errors.Is(err, driver.ErrSkip) {
			return d.named(op, err)
		}
	}
	return s.stage(ctx, dst, func(part []byte, offset int64) error {
		return from.CopyOut(ctx, part, driver.Region{Buffer: src.Buffer, Offset: src.Offset + offset, Size: int64(len(part))})
	})
}
