package emu

import (
	"context"
	"sync"

	"example.com/midplane/adapter/driver"
)

// timeline is a counter that streams and the host signal and wait for.
type timeline struct {
	dev *Device

	mu      sync.Mutex
	value   uint64
	failed  error
	closed  bool
	changed chan struct{} // closed and made anew when anything above changes
}

// NewTimeline implements driver.Timeliner.
func (d *Device) NewTimeline(initial uint64) (driver.Timeline, error) {
	const op = "NewTimeline"
	if err := d.able(driver.CapTimeliner, op); err != nil {
		return nil, err
	}
	if err := d.ready(op); err != nil {
		return nil, err
	}
	return &timeline{dev: d, value: initial, changed: make(chan struct{})}, nil
}

// change tells those who wait. The lock is held.
func (t *timeline) change() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// open fails once the timeline is closed.
func (t *timeline) open(op string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return driver.Errorf(driver.Closed, op, "the timeline was closed before")
	}
	return nil
}

// Signal implements driver.Timeline.
func (t *timeline) Signal(s driver.Stream, value uint64) error {
	const op = "Signal"
	if err := t.open(op); err != nil {
		return err
	}
	if s == nil {
		return failure(op, driver.ScopeCall, t.signal(value))
	}
	on, err := t.dev.stream(s)
	if err == nil && on.captures(func(on *stream) error { return t.Signal(on, value) }) {
		return nil
	}
	if err == nil {
		err = on.enqueue(func(failed error) error {
			if failed == nil {
				failed = t.dev.alive(op)
			}
			if failed != nil {
				t.Fail(failed)
				return nil
			}
			return failure(op, driver.ScopeStream, t.signal(value))
		}, false)
	}
	return failure(op, driver.ScopeCall, err)
}

func (t *timeline) signal(value uint64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.failed != nil:
		return t.failed
	case value <= t.value:
		return driver.Errorf(driver.InvalidArgument, "Signal", "value %d after %d", value, t.value)
	}
	t.value = value
	t.change()
	return nil
}

// Wait implements driver.Timeline.
func (t *timeline) Wait(s driver.Stream, value uint64) error {
	const op = "Wait"
	if err := t.open(op); err != nil {
		return err
	}
	on, err := t.dev.stream(s)
	if err == nil && on.captures(func(on *stream) error { return t.Wait(on, value) }) {
		return nil
	}
	if err == nil {
		err = on.enqueue(func(error) error {
			return failure(op, driver.ScopeStream, t.reach(t.dev.life, value))
		}, false)
	}
	return failure(op, driver.ScopeCall, err)
}

// reach waits for a value.
func (t *timeline) reach(ctx context.Context, value uint64) error {
	for {
		t.mu.Lock()
		reached, failed, changed := t.value >= value, t.failed, t.changed
		t.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case reached:
			return nil
		}
		select {
		case <-changed:
		case <-t.dev.life.Done():
			return context.Cause(t.dev.life)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Value implements driver.Timeline.
func (t *timeline) Value() (uint64, error) {
	if err := t.open("Value"); err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value, t.failed
}

// Await implements driver.Timeline.
func (t *timeline) Await(ctx context.Context, value uint64) error {
	if err := t.open("Await"); err != nil {
		return err
	}
	return failure("Await", driver.ScopeCall, t.reach(ctx, value))
}

// Fail implements driver.Timeline.
func (t *timeline) Fail(cause error) error {
	if err := t.open("Fail"); err != nil {
		return err
	}
	if cause == nil {
		return driver.Errorf(driver.InvalidArgument, "Fail", "no cause")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = cause
		t.change()
	}
	return nil
}

// Close implements driver.Timeline.
func (t *timeline) Close() error {
	if err := t.open("Close"); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.failed == nil {
		t.failed = driver.Errorf(driver.Closed, "", "the timeline was closed")
	}
	t.change()
	return nil
}
