package emu

import (
	"sync"

	"example.com/midplane/adapter/driver"
)

// captured is recorded work: functions that enqueue a piece each.
type captured struct {
	dev *Device

	mu     sync.Mutex
	pieces []func(on *stream) error
	closed bool
}

// BeginCapture implements driver.Capturer.
func (d *Device) BeginCapture(s driver.Stream) error {
	const op = "BeginCapture"
	if err := d.able(driver.CapCapturer, op); err != nil {
		return err
	}
	on, err := d.stream(s)
	if err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	if err := d.ready(op); err != nil {
		return err
	}
	on.mu.Lock()
	defer on.mu.Unlock()
	switch {
	case on.closed:
		return errStreamClosed(op)
	case on.capture != nil:
		return errCapturing(op)
	}
	on.capture = &captured{dev: d}
	return nil
}

func errCapturing(op string) error {
	return driver.Errorf(driver.InvalidArgument, op, "the stream is being captured")
}

// captures records a piece of work, if the stream is being captured, and says
// whether it is.
func (s *stream) captures(piece func(on *stream) error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.capture == nil {
		return false
	}
	s.capture.pieces = append(s.capture.pieces, piece)
	return true
}

// capturing reports whether the stream is being captured.
func (s *stream) capturing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capture != nil
}

// EndCapture implements driver.Capturer.
func (d *Device) EndCapture(s driver.Stream) (driver.Graph, error) {
	const op = "EndCapture"
	if err := d.able(driver.CapCapturer, op); err != nil {
		return nil, err
	}
	on, err := d.stream(s)
	if err != nil {
		return nil, failure(op, driver.ScopeCall, err)
	}
	on.mu.Lock()
	defer on.mu.Unlock()
	g := on.capture
	if g == nil {
		return nil, driver.Errorf(driver.InvalidArgument, op, "the stream is not being captured")
	}
	on.capture = nil
	return g, nil
}

// Launch implements driver.Graph. What it enqueues is in order, but work that
// others enqueue at the same time may come between.
func (g *captured) Launch(s driver.Stream) error {
	const op = "Launch"
	on, err := g.dev.stream(s)
	if err != nil {
		return failure(op, driver.ScopeCall, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return driver.Errorf(driver.Closed, op, "the graph was closed before")
	}
	for _, piece := range g.pieces {
		if err := piece(on); err != nil {
			return failure(op, driver.ScopeCall, err)
		}
	}
	return nil
}

// Close implements driver.Graph. Work that was launched goes on.
func (g *captured) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return driver.Errorf(driver.Closed, "Close", "the graph was closed before")
	}
	g.closed, g.pieces = true, nil
	return nil
}
