package onnxruntime

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// Compile implements operators.Compiler: the library takes the model in the form
// in which the file has it.
func (d *Device) Compile(ctx context.Context, m operators.Source) (operators.Executable, error) {
	from := source{path: m.Path, bytes: m.Bytes}
	if from.path == "" && len(from.bytes) == 0 {
		encoded, err := onnx.Encode(m.Model)
		if err != nil {
			return nil, driver.Errorf(driver.Unsupported, "Compile", "the model cannot be written for ONNX Runtime: %v", err)
		}
		from.bytes = encoded
	}
	set := settings{provider: d.provider, threads: d.options.Threads, exact: d.options.Strict, alone: d.options.Strict, record: true}
	g := m.Model.Graph
	s, err := d.lib.newSession(ctx, from, set, names(g.Inputs), names(g.Outputs))
	if err != nil {
		return nil, declined(err)
	}
	x := &executable{session: s, device: d, types: make([]tensor.Type, len(g.Outputs)), shapes: make([]tensor.Shape, len(g.Outputs))}
	for i, v := range g.Outputs {
		x.types[i], x.shapes[i] = v.Type, ready(v)
	}
	x.ready.Store(true)
	if x.assigned, err = s.assignment(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	d.keep(s)
	return x, nil
}

// maxReady is the most bytes of an output that are allocated on the word of a
// model.
const maxReady = 256 << 20

// ready returns the shape of an output that can be made before a run: of a
// tensor of declared shape that a node writes. What no node writes the library
// does not write either.
func ready(v *graph.Value) tensor.Shape {
	shape, known := v.Type.Dims.Shape()
	if !known || v.Producer == nil || !v.Type.IsTensor() || v.Type.DType == tensor.String {
		return nil
	}
	if n, err := shape.Elements(); err != nil || n > maxReady || v.Type.DType.Bytes(n) > maxReady {
		return nil
	}
	return shape
}

func names(values []*graph.Value) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = v.Name
	}
	return list
}

// executable is a whole model.
type executable struct {
	session  *session
	device   *Device
	types    []tensor.Type  // that the model declares for its outputs
	shapes   []tensor.Shape // of those that can be made before a run; nil for others
	assigned assignment

	// ready says that outputs of declared shape are made before a run, so that
	// they need not be copied after it. It ends with the first run whose outputs
	// turn out otherwise.
	ready atomic.Bool
}

// Run implements operators.Executable.
func (x *executable) Run(ctx context.Context, inputs []tensor.Value) ([]tensor.Value, error) {
	outputs, err := x.run(ctx, inputs, x.ready.Load())
	if err == nil || !x.ready.Load() || errors.Is(err, driver.Canceled) {
		return outputs, err
	}
	again, err2 := x.run(ctx, inputs, false)
	if err2 != nil {
		return nil, err
	}
	x.ready.Store(false)
	return again, nil
}

func (x *executable) run(ctx context.Context, inputs []tensor.Value, ready bool) ([]tensor.Value, error) {
	s := &scope{lib: x.session.lib}
	defer s.close()
	in := make([]handle, len(inputs))
	for i, v := range inputs {
		if v == nil {
			continue
		}
		var err error
		if in[i], err = s.value(v); err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
	}
	outputs, out := make([]tensor.Value, len(x.types)), make([]handle, len(x.types))
	if ready {
		if err := x.prepare(s, outputs, out); err != nil {
			return nil, err
		}
	}
	err := x.session.run(ctx, in, out)
	for i, v := range out {
		if outputs[i] == nil {
			s.own(v)
		}
	}
	if err != nil {
		return nil, err
	}
	return outputs, x.collect(s, outputs, out)
}

// prepare makes the outputs whose shapes are known.
func (x *executable) prepare(s *scope, outputs []tensor.Value, out []handle) error {
	for i, shape := range x.shapes {
		if shape == nil {
			continue
		}
		t, err := tensor.New(x.types[i].DType, shape)
		if err == nil {
			out[i], err = s.tensor(t)
		}
		if err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
		outputs[i] = t
	}
	return nil
}

// collect copies the outputs that the library made.
func (x *executable) collect(s *scope, outputs []tensor.Value, out []handle) (err error) {
	for i, v := range out {
		if outputs[i] != nil {
			continue
		}
		if outputs[i], err = s.lib.read(v, x.types[i]); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

// Kernel implements operators.Located.
func (x *executable) Kernel(n *graph.Node) string { return x.assigned.kernel(n) }

// Close implements operators.Executable.
func (x *executable) Close() error {
	x.device.forget(x.session)
	return x.session.close()
}
