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
	x := &executable{session: s, device: d, types: make([]tensor.Type, len(g.Outputs))}
	for i, v := range g.Outputs {
		x.types[i] = v.Type
	}
	x.ready.Store(true)
	if x.assigned, err = s.assignment(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	d.keep(s)
	return x, nil
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
	types    []tensor.Type // that the model declares for its outputs
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
	l := x.session.lib
	s := &scope{lib: l}
	defer s.close()
	in, out := make([]handle, len(inputs)), make([]handle, len(x.types))
	var err error
	for i, v := range inputs {
		if v == nil {
			continue
		}
		if in[i], err = s.value(v); err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
	}
	outputs := make([]tensor.Value, len(out))
	for i, t := range x.types {
		if shape, known := t.Dims.Shape(); ready && known && t.IsTensor() && t.DType != tensor.String {
			host, err := tensor.New(t.DType, shape)
			if err != nil {
				return nil, err
			}
			if out[i], err = s.tensor(host); err != nil {
				return nil, err
			}
			outputs[i] = host
		}
	}
	err = x.session.run(ctx, in, out)
	for i, v := range out {
		if outputs[i] == nil {
			s.own(v)
		}
	}
	if err != nil {
		return nil, err
	}
	for i, v := range out {
		if outputs[i] != nil {
			continue
		}
		if outputs[i], err = l.read(v, x.types[i]); err != nil {
			return nil, fmt.Errorf("output %d: %w", i, err)
		}
	}
	return outputs, nil
}

// Kernel implements operators.Located.
func (x *executable) Kernel(n *graph.Node) string { return x.assigned.kernel(n) }

// Close implements operators.Executable.
func (x *executable) Close() error {
	x.device.forget(x.session)
	return x.session.close()
}
