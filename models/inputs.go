package models

import (
	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators"
)

// ordered checks named inputs against the model and puts them in its order, nil
// for one that is left to its default.
func (s *Session) ordered(inputs map[string]tensor.Value) ([]tensor.Value, error) {
	values := make([]tensor.Value, len(s.inputs))
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
			return nil, err
		}
		if t, ok := v.(*adapter.Tensor); ok && s.location(t) == plan.Host {
			return nil, s.badInput(in.Name, "the tensor lies on %s, which is none of the session's devices (see Session.Devices)", t.Device().Name())
		}
		values[i] = v
	}
	if found < len(inputs) {
		for name := range inputs {
			if _, ok := s.index[name]; !ok {
				return nil, s.badInput(name, "the model has no such input; it takes %v", names(s.inputs))
			}
		}
	}
	if missing >= 0 {
		in := s.inputs[missing]
		return nil, s.badInput(in.Name, "the input is missing; the model takes it as %v", in.Type)
	}
	return values, nil
}

// arguments says of each input of the variant what a plan has to know.
func (v *variant) arguments(values []tensor.Value) ([]plan.Given, []operators.Operand) {
	given := make([]plan.Given, len(v.inputs))
	operands := make([]operators.Operand, len(v.inputs))
	for k, i := range v.inputs {
		given[k], operands[k] = plan.Given{Type: values[i].Type(), Location: plan.Host}, operators.Operand{Host: values[i]}
		switch t := values[i].(type) {
		case *tensor.Tensor:
			operands[k].DType, operands[k].Shape = t.DType(), t.Shape()
		case *adapter.Tensor:
			given[k].Location = v.session.location(t)
			operands[k] = operators.Operand{DType: t.DType(), Shape: t.Shape(), Region: t.Region()}
		}
	}
	return given, operands
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
