package adapter

import (
	"sync/atomic"

	"example.com/midplane/adapter/driver"
)

// Graph is recorded work, to be done again with one call.
type Graph struct {
	dev    *Device
	drv    driver.Graph
	closed atomic.Bool
}

// BeginCapture makes the stream record work instead of doing it, until
// EndCapture. The device needs the capability Capturer.
func (s *Stream) BeginCapture() error {
	const op = "BeginCapture"
	capturer, ok := As[driver.Capturer](s.dev)
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.dev.leave()
	if !ok || s.drv == nil {
		return s.dev.lacks(op, "Capturer")
	}
	return s.dev.named(op, capturer.BeginCapture(s.drv))
}

// EndCapture returns what was recorded. Its buffers must live as long.
func (s *Stream) EndCapture() (*Graph, error) {
	const op = "EndCapture"
	capturer, ok := As[driver.Capturer](s.dev)
	if err := s.enter(op); err != nil {
		return nil, err
	}
	defer s.dev.leave()
	if !ok || s.drv == nil {
		return nil, s.dev.lacks(op, "Capturer")
	}
	g, err := capturer.EndCapture(s.drv)
	if err != nil {
		return nil, s.dev.named(op, err)
	}
	return &Graph{dev: s.dev, drv: g}, nil
}

// Launch enqueues all of the recorded work on a stream of the same device.
func (g *Graph) Launch(s *Stream) error {
	const op = "Launch"
	switch {
	case g.closed.Load():
		return closedBefore(g.dev, op, "graph")
	case s == nil || s.dev != g.dev:
		return g.dev.refuse(op, "the stream is not of this device")
	}
	if err := s.enter(op); err != nil {
		return err
	}
	defer g.dev.leave()
	return g.dev.named(op, g.drv.Launch(s.drv))
}

// Close gives the recording back. A second Close is an error.
func (g *Graph) Close() error { return closeHandle(g.dev, "graph", &g.closed, g.drv) }
