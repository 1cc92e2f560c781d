package adapter

import (
	"context"
	"errors"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
)

// Stream is a queue of a device's work. On a device without streams of its own
// everything is done when its call returns, and the methods that wait do not.
type Stream struct {
	dev    *Device
	drv    driver.Stream // nil on a synchronous device
	closed atomic.Bool
}

// NewStream returns a new queue.
func (d *Device) NewStream() (*Stream, error) {
	if err := d.enter("NewStream"); err != nil {
		return nil, err
	}
	defer d.leave()
	if d.streamer == nil {
		return &Stream{dev: d}, nil
	}
	s, err := d.streamer.NewStream()
	if err != nil {
		return nil, named(d.name, "NewStream", err)
	}
	return &Stream{dev: d, drv: s}, nil
}

// Driver returns the driver's stream, nil on a synchronous device. Kernels
// enqueue on it.
func (s *Stream) Driver() driver.Stream { return s.drv }

// Device returns the device that the stream belongs to.
func (s *Stream) Device() *Device { return s.dev }

// enter notes a call under way, or fails if the stream or its device is closed.
func (s *Stream) enter(op string) error {
	if s.closed.Load() {
		return closedBefore(s.dev, op, "stream")
	}
	return s.dev.enter(op)
}

func closedBefore(d *Device, op, what string) error {
	return &Error{Code: Closed, Sticky: true, Device: d.name, Op: op, Text: "the " + what + " was closed before"}
}

// Synchronize waits for all work enqueued and returns its first failure.
func (s *Stream) Synchronize(ctx context.Context) error {
	if err := s.enter("Synchronize"); err != nil {
		return err
	}
	defer s.dev.leave()
	if s.drv == nil {
		return nil
	}
	return named(s.dev.name, "Synchronize", s.drv.Synchronize(ctx))
}

// Close waits for the work and gives the queue back. A second Close is an error.
func (s *Stream) Close() error {
	if !s.closed.CompareAndSwap(false, true) {
		return closedBefore(s.dev, "Close", "stream")
	}
	if s.drv == nil || s.dev.enter("Close") != nil {
		return nil // closing the device closed it
	}
	defer s.dev.leave()
	return named(s.dev.name, "Close", s.drv.Close())
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
	if err := s.enter("CopyInAsync"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyInAsync", dst.Size, int64(len(src)), dst); err != nil || len(src) == 0 {
		return err
	}
	return named(d.name, "CopyInAsync", d.async.CopyInAsync(s.drv, dst, src))
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
	if err := s.enter("CopyOutAsync"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("CopyOutAsync", int64(len(dst)), src.Size, src); err != nil || len(dst) == 0 {
		return err
	}
	return named(d.name, "CopyOutAsync", d.async.CopyOutAsync(s.drv, dst, src))
}

// Copy enqueues a copy inside the device's memory. The regions must not overlap.
func (s *Stream) Copy(ctx context.Context, dst, src driver.Region) error {
	d := s.dev
	if err := s.enter("Copy"); err != nil {
		return err
	}
	defer d.leave()
	if err := d.checkCopy("Copy", dst.Size, src.Size, dst, src); err != nil || dst.Size == 0 {
		return err
	}
	if d.copier != nil {
		if err := d.copier.Copy(s.drv, dst, src); !errors.Is(err, driver.ErrSkip) {
			return named(d.name, "Copy", err)
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

// Record enqueues an event of the same device.
func (s *Stream) Record(e *Event) error {
	if err := s.enter("Record"); err != nil {
		return err
	}
	defer s.dev.leave()
	switch {
	case e.dev != s.dev:
		return named(s.dev.name, "Record", driver.Errorf(InvalidArgument, "Record", "the event is of %s", e.dev.name))
	case e.closed.Load():
		return closedBefore(s.dev, "Record", "event")
	case s.drv == nil:
		e.happen()
		return nil
	}
	return named(s.dev.name, "Record", s.drv.Record(e.drv))
}

// Wait makes later work of the stream wait for the event, which may belong to
// another device: then the host waits for it before it enqueues more.
func (s *Stream) Wait(ctx context.Context, e *Event) error {
	if err := s.enter("Wait"); err != nil {
		return err
	}
	defer s.dev.leave()
	if s.drv == nil || e.dev != s.dev {
		return e.Synchronize(ctx)
	}
	if e.closed.Load() {
		return closedBefore(s.dev, "Wait", "event")
	}
	return named(s.dev.name, "Wait", s.drv.Wait(e.drv))
}
