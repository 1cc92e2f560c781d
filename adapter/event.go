package adapter

import (
	"context"
	"sync/atomic"
	"time"

	"example.com/midplane/adapter/driver"
)

// Event is a point in the order of a stream's work. On a device without streams
// of its own it is a point in the host's time.
type Event struct {
	dev    *Device
	drv    driver.Event              // nil on a synchronous device
	when   atomic.Pointer[time.Time] // when it was recorded there
	closed atomic.Bool
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
		return nil, d.named("NewEvent", err)
	}
	return &Event{dev: d, drv: e}, nil
}

// enter notes a call under way, or fails if the event or its device is closed.
func (e *Event) enter(op string) error {
	if e.closed.Load() {
		return closedBefore(e.dev, op, "event")
	}
	return e.dev.enter(op)
}

// happen records the event of a synchronous device.
func (e *Event) happen() {
	now := time.Now()
	e.when.Store(&now)
}

// Query reports whether the event has happened. One never recorded has.
func (e *Event) Query() (bool, error) {
	if err := e.enter("Query"); err != nil {
		return false, err
	}
	defer e.dev.leave()
	if e.drv == nil {
		return true, nil
	}
	happened, err := e.drv.Query()
	return happened, e.dev.named("Query", err)
}

// Synchronize waits until the event has happened. One never recorded has.
func (e *Event) Synchronize(ctx context.Context) error {
	if err := e.enter("Synchronize"); err != nil {
		return err
	}
	defer e.dev.leave()
	if err := ctx.Err(); err != nil || e.drv == nil {
		return e.dev.named("Synchronize", err)
	}
	return e.dev.named("Synchronize", e.drv.Synchronize(ctx))
}

// Since returns the time from an earlier event of the same device to this one,
// both of which have happened.
func (e *Event) Since(earlier *Event) (time.Duration, error) {
	if err := e.enter("Since"); err != nil {
		return 0, err
	}
	defer e.dev.leave()
	switch {
	case earlier == nil:
		return 0, e.dev.refuse("Since", "no earlier event")
	case e.dev != earlier.dev:
		return 0, e.dev.refuse("Since", "the earlier event is of %s", earlier.dev.name)
	case earlier.closed.Load():
		return 0, closedBefore(e.dev, "Since", "earlier event")
	case e.drv != nil:
		took, err := e.drv.Since(earlier.drv)
		return took, e.dev.named("Since", err)
	}
	to, from := e.when.Load(), earlier.when.Load()
	if to == nil || from == nil {
		return 0, e.dev.refuse("Since", "an event that was never recorded")
	}
	return to.Sub(*from), nil
}

// Close gives the event back. A second Close is an error.
func (e *Event) Close() error { return closeHandle(e.dev, "event", &e.closed, e.drv) }
