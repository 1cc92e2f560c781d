package adapter

import (
	"context"
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
		return nil, d.named("NewStream", err)
	}
	return &Stream{dev: d, drv: s}, nil
}

// Priorities returns the least and the greatest priority of streams: both 0
// where all are equal.
func (d *Device) Priorities() (least, greatest int) {
	if p, ok := As[driver.PriorityStreamer](d); ok && d.enter("Priorities") == nil {
		defer d.leave()
		return p.Priorities()
	}
	return 0, 0
}

// NewPriorityStream returns a new queue of a priority, of which a greater one is
// preferred. What is beyond the device's priorities is brought to the nearest.
func (d *Device) NewPriorityStream(priority int) (*Stream, error) {
	const op = "NewPriorityStream"
	p, ok := As[driver.PriorityStreamer](d)
	if !ok || d.streamer == nil {
		return d.NewStream()
	}
	least, greatest := d.Priorities()
	var s driver.Stream
	err := d.call(op, func() (err error) {
		s, err = p.NewPriorityStream(min(max(priority, least), greatest))
		return err
	})
	if err != nil {
		return nil, err
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

func (s *Stream) enterCtx(ctx context.Context, op string) error {
	if s.closed.Load() {
		return closedBefore(s.dev, op, "stream")
	}
	return s.dev.enterCtx(ctx, op)
}

func closedBefore(d *Device, op, what string) error {
	return &Error{Code: Closed, Sticky: true, Device: d.name, Op: op, Text: "the " + what + " was closed before"}
}

// Query reports whether all work is done, and its first failure, which
// Synchronize reports again.
func (s *Stream) Query() (done bool, err error) {
	if err := s.enter("Query"); err != nil {
		return false, err
	}
	defer s.dev.leave()
	if s.drv == nil {
		return true, nil
	}
	done, err = s.drv.Query()
	return done, s.dev.named("Query", err)
}

// Synchronize waits for all work enqueued and returns its first failure.
func (s *Stream) Synchronize(ctx context.Context) error {
	if err := s.enterCtx(ctx, "Synchronize"); err != nil {
		return err
	}
	defer s.dev.leave()
	if s.drv == nil {
		return nil
	}
	return s.dev.named("Synchronize", s.drv.Synchronize(ctx))
}

// Close waits for the work and gives the queue back. A second Close is an error.
func (s *Stream) Close() error {
	return closeHandle(s.dev, "stream", &s.closed, s.drv)
}

// closeHandle closes a driver's handle, nil where the portable side has none,
// once.
func closeHandle[H interface {
	comparable
	Close() error
}](d *Device, what string, closed *atomic.Bool, h H) error {
	if !closed.CompareAndSwap(false, true) {
		return closedBefore(d, "Close", what)
	}
	var none H
	if h == none || d.enterToFree("Close") != nil {
		return nil // closing the device closed it
	}
	defer d.leave()
	return d.named("Close", h.Close())
}

// Record enqueues an event of the same device.
func (s *Stream) Record(e *Event) error {
	if err := s.enter("Record"); err != nil {
		return err
	}
	defer s.dev.leave()
	switch {
	case e == nil:
		return s.dev.refuse("Record", "no event")
	case e.dev != s.dev:
		return s.dev.refuse("Record", "the event is of %s", e.dev.name)
	case e.closed.Load():
		return closedBefore(s.dev, "Record", "event")
	case s.drv == nil:
		e.happen()
		return nil
	}
	return s.dev.named("Record", s.drv.Record(e.drv))
}

// Wait makes later work of the stream wait for the event, which may belong to
// another device: then the host waits for it before it enqueues more.
func (s *Stream) Wait(ctx context.Context, e *Event) error {
	if err := s.enterCtx(ctx, "Wait"); err != nil {
		return err
	}
	defer s.dev.leave()
	if e == nil {
		return s.dev.refuse("Wait", "no event")
	}
	if s.drv == nil || e.dev != s.dev {
		return e.Synchronize(ctx)
	}
	if e.closed.Load() {
		return closedBefore(s.dev, "Wait", "event")
	}
	return s.dev.named("Wait", s.drv.Wait(e.drv))
}

// CallHost enqueues a call of f, which gets the failure of the work before it or
// nil, and for which later work waits. f may not use the device.
func (s *Stream) CallHost(ctx context.Context, f func(failed error)) error {
	const op = "CallHost"
	if err := s.enterCtx(ctx, op); err != nil {
		return err
	}
	defer s.dev.leave()
	if f == nil {
		return s.dev.refuse(op, "no function")
	}
	if caller, ok := As[driver.HostCaller](s.dev); ok && s.drv != nil {
		return s.dev.named(op, caller.CallHost(s.drv, f))
	}
	err := s.Synchronize(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	f(err)
	return nil
}
