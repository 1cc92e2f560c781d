package adapter

import (
	"context"
	"sync"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
)

// Timeline is a counter that streams and the host signal and wait for; see
// [driver.Timeline].
type Timeline struct {
	dev    *Device
	drv    driver.Timeline // nil where the host counts
	host   *counter
	closed atomic.Bool
}

// NewTimeline returns a counter.
func (d *Device) NewTimeline(initial uint64) (*Timeline, error) {
	timeliner, ok := As[driver.Timeliner](d)
	t := &Timeline{dev: d}
	err := d.call("NewTimeline", func() (err error) {
		if ok {
			t.drv, err = timeliner.NewTimeline(initial)
			return err
		}
		t.host = &counter{value: initial, changed: make(chan struct{})}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// do is one call, by the driver or by the host.
func (t *Timeline) do(ctx context.Context, op string, native, host func() error) error {
	if t.closed.Load() {
		return closedBefore(t.dev, op, "timeline")
	}
	if err := ctx.Err(); err != nil {
		return t.dev.named(op, err)
	}
	if t.drv == nil {
		return t.dev.call(op, host)
	}
	return t.dev.call(op, native)
}

// stream checks a stream that may be nil.
func (t *Timeline) stream(op string, s *Stream) error {
	switch {
	case s == nil:
		return nil
	case s.dev != t.dev:
		return t.dev.refuse(op, "the stream is of %s", s.dev.name)
	case s.closed.Load():
		return closedBefore(t.dev, op, "stream")
	}
	return nil
}

// Signal sets a greater value when the stream's work before is done, at once for
// a nil stream.
func (t *Timeline) Signal(ctx context.Context, s *Stream, value uint64) error {
	if err := t.stream("Signal", s); err != nil {
		return err
	}
	return t.do(ctx, "Signal", func() error { return t.drv.Signal(t.dev.on(s).drv, value) }, func() error {
		err := t.dev.on(s).Synchronize(ctx)
		if err != nil && ctx.Err() == nil {
			t.host.fail(err)
		}
		if err != nil {
			return err
		}
		return t.host.signal(value)
	})
}

// Wait makes later work of the stream wait until the value is reached.
func (t *Timeline) Wait(ctx context.Context, s *Stream, value uint64) error {
	if s == nil {
		return t.Await(ctx, value)
	}
	if err := t.stream("Wait", s); err != nil {
		return err
	}
	return t.do(ctx, "Wait", func() error {
		if s.drv == nil {
			return t.drv.Await(ctx, value)
		}
		return t.drv.Wait(s.drv, value)
	}, func() error { return t.host.await(ctx, t.dev, value) })
}

// Value returns the value reached, and the failure if there was one.
func (t *Timeline) Value() (value uint64, err error) {
	err = t.do(context.Background(), "Value", func() (err error) {
		value, err = t.drv.Value()
		return err
	}, func() error {
		t.host.mu.Lock()
		defer t.host.mu.Unlock()
		value = t.host.value
		return t.host.failed
	})
	return value, err
}

// Await waits on the host until the value is reached.
func (t *Timeline) Await(ctx context.Context, value uint64) error {
	return t.do(ctx, "Await", func() error { return t.drv.Await(ctx, value) }, func() error { return t.host.await(ctx, t.dev, value) })
}

// Fail makes everyone fail who waits, now and later. The first failure counts.
func (t *Timeline) Fail(cause error) error {
	if cause == nil {
		return t.dev.refuse("Fail", "no cause")
	}
	return t.do(context.Background(), "Fail", func() error { return t.drv.Fail(cause) }, func() error {
		t.host.fail(cause)
		return nil
	})
}

// Close gives the counter back. A second Close is an error.
func (t *Timeline) Close() error { return closeHandle(t.dev, "timeline", &t.closed, t.drv) }

// counter is a timeline in host memory.
type counter struct {
	mu      sync.Mutex
	value   uint64
	failed  error
	changed chan struct{} // closed and made anew when anything above changes
}

func (c *counter) change() {
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *counter) signal(value uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failed != nil:
		return c.failed
	case value <= c.value:
		return driver.Errorf(InvalidArgument, "Signal", "value %d after %d", value, c.value)
	}
	c.value = value
	c.change()
	return nil
}

func (c *counter) fail(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = cause
		c.change()
	}
}

func (c *counter) await(ctx context.Context, d *Device, value uint64) error {
	for {
		c.mu.Lock()
		reached, failed, changed := c.value >= value, c.failed, c.changed
		c.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case reached:
			return nil
		}
		select {
		case <-changed:
		case <-d.lost:
			return d.lostWhy
		case <-d.closing.Done():
			return driver.Errorf(Closed, "Await", "the device is being closed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
