package adapter

import (
	"context"
	"errors"
	"time"

	"example.com/midplane/adapter/driver"
)

// Stream is a queue of a device's work. On a device without streams of its own
// everything is done when its call returns, and the methods that wait do not.
type Stream struct {
	dev *Device
	drv driver.Stream // nil on a synchronous device
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

// Synchronize waits for all work enqueued and returns its first failure.
func (s *Stream) Synchronize(ctx context.Context) error {
	if s.drv == nil {
		return nil
	}
	return named(s.dev.name, "Synchronize", s.drv.Synchronize(ctx))
}

// Close waits for the work and gives the queue back.
func (s *Stream) Close() error {
	if s.drv == nil {
		return nil
	}
	if err := s.dev.enter("Close"); err != nil {
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
	if err := d.checkCopy("CopyOutAsync", int64(len(dst)), src.Size, src); err != nil || len(dst) == 0 {
		return err
	}
	return named(d.name, "CopyOutAsync", d.async.CopyOutAsync(s.drv, dst, src))
}

// Copy enqueues a copy inside the device's memory.
func (s *Stream) Copy(ctx context.Context, dst, src driver.Region) error {
	d := s.dev
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

// Event is a point in the order of a stream's work.
type Event struct {
	dev  *Device
	drv  driver.Event // nil on a synchronous device
	when time.Time    // when it was recorded there
}

// NewEvent returns an event that has not been recorded.
func (d *Device) NewEvent() (*Event, error) {
	if err := d.enter("NewEvent"); err != nil {
		return nil, err
	}
	defer d.leave()
	if d.streamer == nil {
		return &Event{dev: d}, nil
	}
	e, err := d.streamer.NewEvent()
	if err != nil {
		return nil, named(d.name, "NewEvent", err)
	}
	return &Event{dev: d, drv: e}, nil
}

// Record enqueues the event.
func (s *Stream) Record(e *Event) error {
	if s.drv == nil {
		e.when = time.Now()
		return nil
	}
	return named(s.dev.name, "Record", s.drv.Record(e.drv))
}

// Wait makes later work of the stream wait for the event, which may belong to
// another device: then the host waits for it before it enqueues more.
func (s *Stream) Wait(ctx context.Context, e *Event) error {
	switch {
	case e.drv == nil:
		return nil
	case s.drv == nil || e.dev != s.dev:
		return e.Synchronize(ctx)
	}
	return named(s.dev.name, "Wait", s.drv.Wait(e.drv))
}

// Synchronize waits until the event has happened.
func (e *Event) Synchronize(ctx context.Context) error {
	if e.drv == nil {
		return nil
	}
	return named(e.dev.name, "Synchronize", e.drv.Synchronize(ctx))
}

// Since returns the time from an earlier event of the same device to this one.
func (e *Event) Since(earlier *Event) (time.Duration, error) {
	if e.dev != earlier.dev {
		return 0, named(e.dev.name, "Since", driver.Errorf(InvalidArgument, "Since", "the earlier event is of %s", earlier.dev.name))
	}
	if e.drv == nil {
		return e.when.Sub(earlier.when), nil
	}
	took, err := e.drv.Since(earlier.drv)
	return took, named(e.dev.name, "Since", err)
}

// Close gives the event back.
func (e *Event) Close() error {
	if e.drv == nil {
		return nil
	}
	return named(e.dev.name, "Close", e.drv.Close())
}
