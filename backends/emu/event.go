package emu

import (
	"context"
	"sync"
	"time"

	"example.com/midplane/adapter/driver"
)

// event is a point in the order of a stream's work. Recorded again, it stands
// for the later point.
type event struct {
	dev    *Device
	mu     sync.Mutex
	last   *point // nil before the first Record
	closed bool
}

// point is one recording of an event.
type point struct {
	happened chan struct{} // closed when the stream has got there
	at       time.Time     // when; valid once it has happened
	failed   error         // why the work before it failed; valid likewise
}

// never is what an event stands for that was not recorded: it has happened.
var never = func() *point {
	p := &point{happened: make(chan struct{})}
	close(p.happened)
	return p
}()

// NewEvent implements driver.Streamer.
func (d *Device) NewEvent() (driver.Event, error) {
	if err := d.able(driver.CapStreamer, "NewEvent"); err != nil {
		return nil, err
	}
	if err := d.ready("NewEvent"); err != nil {
		return nil, err
	}
	return &event{dev: d}, nil
}

// event returns a driver's event as one of this device that is not closed.
func (d *Device) event(e driver.Event) (*event, error) {
	own, ok := e.(*event)
	if !ok || own.dev != d {
		return nil, driver.Errorf(driver.InvalidArgument, "", "an event that is not this device's (%T)", e)
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	if own.closed {
		return nil, driver.Errorf(driver.Closed, "", "the event was closed before")
	}
	return own, nil
}

// point returns the last recording.
func (e *event) point() *point {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		return never
	}
	return e.last
}

// Record implements driver.Stream.
func (s *stream) Record(e driver.Event) error {
	own, err := s.dev.event(e)
	if err != nil {
		return failure("Record", driver.ScopeCall, err)
	}
	if s.captures(func(on *stream) error { return on.Record(e) }) {
		return nil
	}
	p := &point{happened: make(chan struct{})}
	own.mu.Lock()
	defer own.mu.Unlock()
	err = s.enqueue(func(failed error) error {
		if lost := s.dev.lost.Load(); lost != nil && failed == nil {
			failed = lost
		}
		p.at, p.failed = time.Now(), failed
		close(p.happened)
		return nil
	}, false)
	if err != nil {
		return failure("Record", driver.ScopeCall, err)
	}
	own.last = p
	return nil
}

// Wait implements driver.Stream. Where the work before the event has failed, the
// work after Wait fails too.
func (s *stream) Wait(e driver.Event) error {
	own, err := s.dev.event(e)
	if err == nil && s.captures(func(on *stream) error { return on.Wait(e) }) {
		return nil
	}
	if err == nil {
		p := own.point()
		err = s.enqueue(func(error) error {
			select {
			case <-p.happened:
				return p.failed
			case <-s.dev.life.Done():
				return context.Cause(s.dev.life)
			}
		}, false)
	}
	return failure("Wait", driver.ScopeCall, err)
}

// Query implements driver.Event.
func (e *event) Query() (bool, error) {
	if _, err := e.dev.event(e); err != nil {
		return false, failure("Query", driver.ScopeCall, err)
	}
	p := e.point()
	select {
	case <-p.happened:
		return true, p.failed
	default:
		return false, nil
	}
}

// Synchronize implements driver.Event. It returns the failure of the work before
// the event, which stays with the stream.
func (e *event) Synchronize(ctx context.Context) error {
	if _, err := e.dev.event(e); err != nil {
		return failure("Synchronize", driver.ScopeCall, err)
	}
	p := e.point()
	select {
	case <-p.happened:
		return p.failed
	case <-ctx.Done():
		return failure("Synchronize", driver.ScopeCall, ctx.Err())
	}
}

// Since implements driver.Event.
func (e *event) Since(earlier driver.Event) (time.Duration, error) {
	var at [2]time.Time
	for i, v := range []driver.Event{earlier, e} {
		own, err := e.dev.event(v)
		if err != nil {
			return 0, failure("Since", driver.ScopeCall, err)
		}
		p := own.point()
		if p == never {
			return 0, driver.Errorf(driver.InvalidArgument, "Since", "an event that was never recorded")
		}
		select {
		case <-p.happened:
			at[i] = p.at
		default:
			return 0, driver.Errorf(driver.InvalidArgument, "Since", "an event that has not happened yet")
		}
	}
	return at[1].Sub(at[0]), nil
}

// Close implements driver.Event. Streams that wait for it go on waiting.
func (e *event) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return driver.Errorf(driver.Closed, "Close", "the event was closed before")
	}
	e.closed = true
	return nil
}
