package models

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators"
)

// Run runs the model on named inputs and returns its named outputs. Inputs
// without a default in the model must all be there, with the declared types and
// extents; they are only read, and only until Run returns. A tensor that lies
// on one of the session's devices (adapter.Tensor) is used where it lies.
// Outputs lie on the host and belong to the caller.
//
// When the context ends, Run returns soon, between nodes or inside long ones,
// with an error that is adapter.Canceled.
func (s *Session) Run(ctx context.Context, inputs map[string]tensor.Value) (map[string]tensor.Value, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.use.RUnlock()
	values, err := s.run(ctx, inputs, nil, nil)
	if err != nil {
		return nil, err
	}
	outputs := make(map[string]tensor.Value, len(values))
	for i, v := range values {
		outputs[s.outputs[i].Name] = v
	}
	return outputs, nil
}

// RunInto is [Session.Run] that writes into values of the caller's: tensors on
// the host, or on one of the session's devices, of the right type and shape.
// Outputs that are not named are dropped. What a run receives as an input may
// be given as an output too: it is written after everything was computed.
func (s *Session) RunInto(ctx context.Context, inputs, outputs map[string]tensor.Value) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.use.RUnlock()
	for name := range outputs {
		if !s.hasOutput(name) {
			return s.badInput(name, "the model has no such output; it has %v", names(s.outputs))
		}
	}
	wants, into, err := s.destinations(outputs)
	if err != nil {
		return err
	}
	values, err := s.run(ctx, inputs, wants, into)
	if err != nil {
		return err
	}
	for i, v := range values {
		if to, ok := outputs[s.outputs[i].Name].(*tensor.Tensor); ok {
			if err := s.store(s.outputs[i].Name, to, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// destinations returns, for each output, its location and the tensor on a device
// that takes it; nil if none goes to a device.
func (s *Session) destinations(outputs map[string]tensor.Value) (wants []int, into []operators.Operand, err error) {
	for i, o := range s.outputs {
		switch to := outputs[o.Name].(type) {
		case nil, *tensor.Tensor:
		case *adapter.Tensor:
			if s.location(to) == plan.Host {
				return nil, nil, s.badInput(o.Name, "the tensor lies on %s, which is none of the session's devices (see Session.Devices)", to.Device().Name())
			}
			if into == nil {
				into = make([]operators.Operand, len(s.outputs))
				wants = slices.Repeat([]int{plan.Host}, len(s.outputs))
			}
			wants[i] = s.location(to)
			into[i] = operators.Operand{DType: to.DType(), Shape: to.Shape(), Region: to.Region()}
		default:
			return nil, nil, s.badInput(o.Name, "an output cannot be written into a %T", to)
		}
	}
	return wants, into, nil
}

func (s *Session) hasOutput(name string) bool {
	for _, o := range s.outputs {
		if o.Name == name {
			return true
		}
	}
	return false
}

// store copies an output into a tensor of the caller's.
func (s *Session) store(name string, to *tensor.Tensor, v tensor.Value) error {
	from, ok := v.(*tensor.Tensor)
	if !ok {
		return s.badInput(name, "an output of type %v cannot be written into a tensor", v.Type())
	}
	if to.DType() != from.DType() || !to.Shape().Equal(from.Shape()) {
		return s.badInput(name, "the output is %v%v, what should take it is %v%v", from.DType(), from.Shape(), to.DType(), to.Shape())
	}
	copy(to.Bytes(), from.Bytes())
	copy(to.Strings(), from.Strings())
	return nil
}

// run checks the inputs and runs the whole model, or the plan for their types.
// Outputs for which into has a tensor are copied there; the others are returned.
func (s *Session) run(ctx context.Context, inputs map[string]tensor.Value, wants []int, into []operators.Operand) ([]tensor.Value, error) {
	if s.whole != nil {
		return s.runWhole(ctx, inputs, wants, into)
	}
	given, operands, err := s.arguments(inputs)
	if err != nil {
		return nil, err
	}
	p, err := s.programFor(wants).Plan(ctx, given)
	if err != nil {
		return nil, s.fail("plan", err)
	}
	x, err := s.execution()
	if err != nil {
		return nil, s.fail("run", err)
	}
	values, err := x.Run(ctx, p, operands, into)
	err = errors.Join(err, s.rest(x))
	if err != nil {
		return nil, s.fail("run", err)
	}
	return values, nil
}

// programFor returns the program whose outputs come out where they are to go.
func (s *Session) programFor(wants []int) *plan.Program {
	if wants == nil {
		return s.program
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := fmt.Sprint(wants)
	if s.elsewhere[key] == nil {
		if s.elsewhere == nil {
			s.elsewhere = make(map[string]*plan.Program)
		}
		s.elsewhere[key] = plan.New(s.env, wants)
	}
	return s.elsewhere[key]
}

// rest keeps an execution for later runs, or closes it where as many are idle as
// can run side by side.
func (s *Session) rest(x *plan.Execution) error {
	s.mu.Lock()
	room := len(s.idle) < runtime.GOMAXPROCS(0)
	if room {
		s.idle = append(s.idle, x)
	}
	s.mu.Unlock()
	if room {
		return nil
	}
	return x.Close()
}

// reclaim closes the idle executions.
func (s *Session) reclaim() {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, x := range idle {
		if err := x.Close(); err != nil {
			s.log.Warn("closing an idle execution", "error", err)
		}
	}
}

func (s *Session) execution() (*plan.Execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.idle); n > 0 {
		x := s.idle[n-1]
		s.idle = s.idle[:n-1]
		return x, nil
	}
	return plan.NewExecution(s.env)
}

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

// arguments checks named inputs and says of each what a plan has to know.
func (s *Session) arguments(inputs map[string]tensor.Value) ([]plan.Given, []operators.Operand, error) {
	values, err := s.ordered(inputs)
	if err != nil {
		return nil, nil, err
	}
	given := make([]plan.Given, len(values))
	operands := make([]operators.Operand, len(values))
	for i, v := range values {
		if v == nil {
			given[i] = plan.Given{Type: s.inputs[i].Type, Const: s.placement.Graph.Inputs[i].Const}
			continue
		}
		given[i], operands[i] = plan.Given{Type: v.Type(), Location: plan.Host}, operators.Operand{Host: v}
		switch t := v.(type) {
		case *tensor.Tensor:
			operands[i].DType, operands[i].Shape = t.DType(), t.Shape()
		case *adapter.Tensor:
			given[i].Location = s.location(t)
			operands[i] = operators.Operand{DType: t.DType(), Shape: t.Shape(), Region: t.Region()}
		}
	}
	return given, operands, nil
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

// Warm makes the plan for inputs of the given shapes, so that the first run
// with them does no work that later ones do not. Shapes that the model fixes
// may be left out.
func (s *Session) Warm(ctx context.Context, shapes map[string]tensor.Shape) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.use.RUnlock()
	inputs := make(map[string]tensor.Value)
	for _, in := range s.inputs {
		shape, given := shapes[in.Name]
		if !given {
			var fixed bool
			if shape, fixed = in.Shape.Shape(); in.Optional {
				continue
			} else if !fixed {
				return s.badInput(in.Name, "its shape %v is not fixed by the model: give one", in.Shape)
			}
		}
		t, err := tensor.New(in.DType, shape)
		if err != nil {
			return s.badInput(in.Name, "%w", err)
		}
		inputs[in.Name] = t
	}
	if s.whole != nil {
		_, err := s.ordered(inputs)
		return err
	}
	given, _, err := s.arguments(inputs)
	if err != nil {
		return err
	}
	if _, err := s.program.Plan(ctx, given); err != nil {
		return s.fail("plan", err)
	}
	return nil
}
