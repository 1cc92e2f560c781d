package onnxruntime

import (
	"context"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// RoundTrip makes a value of the library's from v and reads it back as the type
// want.
func RoundTrip(d driver.Device, v tensor.Value, want tensor.Type) (tensor.Value, error) {
	s := &scope{lib: d.(*Device).lib}
	defer s.close()
	h, err := s.value(v)
	if err != nil {
		return nil, err
	}
	return s.lib.read(h, want)
}

// Sessions returns how many sessions a device holds.
func Sessions(d driver.Device) int {
	dev := d.(*Device)
	dev.mu.Lock()
	defer dev.mu.Unlock()
	return len(dev.sessions)
}

// OldestAPI is the oldest version of the C API that is taken.
const OldestAPI = oldestAPI

// Bare runs a model file on ONNX Runtime and nothing else: a session with
// default options, whose outputs it makes itself.
func Bare(ctx context.Context, d driver.Device, path string, g *graph.Graph, inputs []tensor.Value) ([]tensor.Value, error) {
	l := d.(*Device).lib
	session, err := l.newSession(ctx, source{path: path}, settings{provider: provider{name: cpuProvider}}, names(g.Inputs), names(g.Outputs))
	if err != nil {
		return nil, err
	}
	defer session.close()
	s := &scope{lib: l}
	defer s.close()
	in, out := make([]handle, len(inputs)), make([]handle, len(g.Outputs))
	for i, v := range inputs {
		if v != nil {
			if in[i], err = s.value(v); err != nil {
				return nil, err
			}
		}
	}
	if err := session.run(ctx, in, out); err != nil {
		return nil, err
	}
	values := make([]tensor.Value, len(out))
	for i, h := range out {
		s.own(h)
		if values[i], err = l.read(h, g.Outputs[i].Type); err != nil {
			return nil, err
		}
	}
	return values, nil
}
