package models

import (
	"context"
	"fmt"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators/witness"
)

// Run runs the model on named inputs and returns its named outputs. Inputs
// without a default in the model must all be there, with the declared types and
// extents; they are only read, and only until Run returns. A tensor that lies
// on one of the session's devices (adapter.Tensor) is used where it lies.
// Outputs lie on the host and belong to the caller.
//
// When the context ends, Run returns soon, between nodes or inside long ones,
// with an error that is adapter.Canceled.
func (s *Session) Run(ctx context.Context, inputs map[string]tensor.Value) (outputs map[string]tensor.Value, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.use.RUnlock()
	defer s.caught("run", &err)
	c := s.call()
	defer s.rest(c)
	if err := s.run(ctx, inputs, nil, c); err != nil {
		return nil, err
	}
	outputs = make(map[string]tensor.Value, len(c.outputs))
	for i, v := range c.outputs {
		outputs[s.outputs[i].Name] = v
	}
	return outputs, nil
}

// RunInto is [Session.Run] that writes into values of the caller's: tensors on
// the host, or on one of the session's devices, of the right type and shape.
// Outputs that are not named are dropped. What a run receives as an input may
// be given as an output too: it is written after everything was computed. After
// an error, outputs may hold anything.
func (s *Session) RunInto(ctx context.Context, inputs, outputs map[string]tensor.Value) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.use.RUnlock()
	defer s.caught("run", &err)
	for name := range outputs {
		if !s.hasOutput(name) {
			return s.badInput(name, "the model has no such output; it has %v", names(s.outputs))
		}
	}
	c := s.call()
	defer s.rest(c)
	if err := s.run(ctx, inputs, outputs, c); err != nil {
		return err
	}
	for i, v := range c.outputs {
		if to, ok := outputs[s.outputs[i].Name].(*tensor.Tensor); ok && v != to {
			if err := s.store(s.outputs[i].Name, to, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// destinations notes in a call where each output goes, and what takes it there.
func (s *Session) destinations(outputs map[string]tensor.Value, c *call) error {
	for i, o := range s.outputs {
		switch to := outputs[o.Name].(type) {
		case nil:
		case *tensor.Tensor:
			c.take(i, to)
		case *adapter.Tensor:
			if s.location(to) == plan.Host {
				return s.badInput(o.Name, "the tensor lies on %s, which is none of the session's devices (see Session.Devices)", to.Device().Name())
			}
			c.send(i, s.location(to), to)
		default:
			return s.badInput(o.Name, "an output cannot be written into a %T", to)
		}
	}
	return nil
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

// run checks the inputs and runs the whole model, or the plan for their types. It
// leaves the outputs in the call, but for those that tensors on devices take.
func (s *Session) run(ctx context.Context, inputs, outputs map[string]tensor.Value, c *call) error {
	witness.Note(ctx, witness.Session, s.file)
	if err := s.hold(); err != nil {
		return err
	}
	defer s.unhold(len(s.devices))
	if err := s.order(inputs, c.values); err != nil {
		return err
	}
	if err := s.destinations(outputs, c); err != nil {
		return err
	}
	if s.whole != nil {
		return s.runWhole(ctx, c)
	}
	v, err := s.variantFor(ctx, c.values)
	if err != nil {
		return err
	}
	return v.run(ctx, c)
}

// hold keeps the devices from being closed under a run: others may have opened
// them, or take them back.
func (s *Session) hold() error {
	for i, d := range s.devices {
		if err := d.Hold("Run"); err != nil {
			s.unhold(i)
			return s.fail("run", err)
		}
	}
	return nil
}

// unhold ends hold for the first n devices.
func (s *Session) unhold(n int) {
	for _, d := range s.devices[:n] {
		d.Unhold()
	}
}

// variantFor returns the variant for what a run overrides: most often nothing.
// Where there are too many variants it is the one for a run that overrides all
// defaults, and they become values.
func (s *Session) variantFor(ctx context.Context, values []tensor.Value) (*variant, error) {
	var overridden []int
	for i, in := range s.inputs {
		if in.Optional && values[i] != nil {
			overridden = append(overridden, i)
		}
	}
	if overridden == nil {
		return s.main, nil
	}
	v, err := s.variant(ctx, overridden)
	if v != nil || err != nil {
		return v, err
	}
	var optional []int
	for i, in := range s.inputs {
		if !in.Optional {
			continue
		}
		if optional = append(optional, i); values[i] == nil {
			values[i] = s.lifted.Inputs[i].Const
		}
	}
	return s.variant(ctx, optional)
}

// Warm makes the plan for inputs of the given shapes, so that the first run
// with them does no work that later ones do not. Shapes that the model fixes
// may be left out.
func (s *Session) Warm(ctx context.Context, shapes map[string]tensor.Shape) (err error) {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.use.RUnlock()
	defer s.caught("warm", &err)
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
	c := s.call()
	defer s.rest(c)
	if err := s.order(inputs, c.values); err != nil || s.whole != nil {
		return err
	}
	return s.main.plan(ctx, c)
}

// Steps lists what a run with inputs of these types and shapes does, a step a
// line, bodies of control flow left out: the plan, as Stage gives the graphs that
// it is made from.
func (s *Session) Steps(ctx context.Context, inputs map[string]tensor.Value) (steps []string, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.use.RUnlock()
	defer s.caught("plan", &err)
	if s.whole != nil {
		return nil, fmt.Errorf("%s took the model as a whole: there is no plan", s.devices[0].Name())
	}
	c := s.call()
	defer s.rest(c)
	if err := s.order(inputs, c.values); err != nil {
		return nil, err
	}
	v, err := s.variantFor(ctx, c.values)
	if err != nil {
		return nil, err
	}
	if err := v.plan(ctx, c); err != nil {
		return nil, err
	}
	return c.plan.Describe(), nil
}
