package models

import (
	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/plan"
)

// order checks named inputs against the model and sets values to them in its
// order, nil for one that is left to its default.
func (s *Session) order(inputs map[string]tensor.Value, values []tensor.Value) error {
	found, missing := 0, -1
	for i, in := range s.inputs {
		v, ok := inputs[in.Name]
		if ok {
			found++
		}
		if !ok || v == nil {
			if !in.Optional && missing < 0 {
				missing = i
			}
			continue
		}
		if err := s.check(in, v); err != nil {
			return err
		}
		if t, ok := v.(*adapter.Tensor); ok && s.location(t) == plan.Host {
			return s.badInput(in.Name, "the tensor lies on %s, which is none of the session's devices (see Session.Devices)", t.Device().Name())
		}
		values[i] = v
	}
	if found < len(inputs) {
		for name := range inputs {
			if _, ok := s.index[name]; !ok {
				return s.badInput(name, "the model has no such input; it takes %v", names(s.inputs))
			}
		}
	}
	if missing >= 0 {
		in := s.inputs[missing]
		return s.badInput(in.Name, "the input is missing; the model takes it as %v", in.Type)
	}
	return nil
}

func (s *Session) location(t *adapter.Tensor) int {
	for i, d := range s.devices {
		if d == t.Device() {
			return i
		}
	}
	return plan.Host
}

// check holds a value against the declared type of an input.
func (s *Session) check(in ValueInfo, v tensor.Value) error {
	if t, ok := v.(*tensor.Tensor); ok && in.Type.IsTensor() && t.DType() == in.Type.DType && in.Shape.Accepts(t.Shape()) {
		return nil
	}
	got := v.Type()
	switch {
	case in.Type.Kind == tensor.KindUnknown:
		return nil
	case got.Kind != in.Type.Kind, got.DType != in.Type.DType && in.Type.DType != tensor.Undefined:
		return s.badInput(in.Name, "the model takes %v, got %v", in.Type, got)
	}
	if shape, ok := got.Dims.Shape(); ok && !in.Shape.Accepts(shape) {
		return s.badInput(in.Name, "the model takes shape %v, got %v", in.Shape, shape)
	}
	return nil
}

func names(infos []ValueInfo) []string {
	out := make([]string, len(infos))
	for i, v := range infos {
		out[i] = v.Name
	}
	return out
}
