package models

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// Session is a loaded model on its devices.
type Session struct {
	file    string
	options Options
	log     *slog.Logger

	source    *onnx.File
	graph     *graph.Graph // canonical
	devices   []*adapter.Device
	owned     []*adapter.Device // those that the session opened
	places    []partition.Device
	placement *partition.Placement
	env       *plan.Env
	program   *plan.Program

	inputs, outputs []ValueInfo
	index           map[string]int // of inputs by name

	use    sync.RWMutex // held shared by runs, exclusively by Close
	closed bool

	mu   sync.Mutex
	idle []*plan.Execution
}

// Inputs describes what a run takes, in the order of the file.
func (s *Session) Inputs() []ValueInfo { return s.inputs }

// Outputs describes what a run returns, in the order of the file.
func (s *Session) Outputs() []ValueInfo { return s.outputs }

// Placement says where every node runs. It must not be changed.
func (s *Session) Placement() *partition.Placement { return s.placement }

// Model returns what the file says beside its graph: versions, metadata,
// functions. It must not be changed.
func (s *Session) Model() *graph.Model { return s.source.Model }

// Devices returns the session's devices in order of preference. Those that it
// opened itself are closed with it. Tensors made on them can be given to runs.
func (s *Session) Devices() []*adapter.Device { return s.devices }

// MemoryInUse returns the bytes that the session holds on its devices now.
func (s *Session) MemoryInUse() int64 {
	if s.env == nil {
		return 0
	}
	return s.env.InUse()
}

// enter notes a call under way, or fails if the session is closed.
func (s *Session) enter() error {
	s.use.RLock()
	if s.closed {
		s.use.RUnlock()
		return &Error{File: s.file, Stage: "run", Kind: ErrClosed, Err: ErrClosed}
	}
	return nil
}

// Close waits for runs under way and gives memory, devices and the file back.
// Closing twice does nothing.
func (s *Session) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, x := range s.idle {
		errs = append(errs, x.Close())
	}
	s.idle = nil
	if s.env != nil {
		errs = append(errs, s.env.Close())
	}
	for _, d := range s.owned {
		errs = append(errs, d.Close())
	}
	if s.source != nil {
		errs = append(errs, s.source.Close())
	}
	return errors.Join(errs...)
}

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
	values, err := s.run(ctx, inputs)
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
	values, err := s.run(ctx, inputs)
	if err != nil {
		return err
	}
	for i, v := range values {
		if into, ok := outputs[s.outputs[i].Name]; ok {
			if err := s.store(ctx, s.outputs[i].Name, into, v); err != nil {
				return err
			}
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

// store copies an output into a value of the caller's.
func (s *Session) store(ctx context.Context, name string, into, v tensor.Value) error {
	from, ok := v.(*tensor.Tensor)
	if !ok {
		return s.badInput(name, "an output of type %v cannot be written into a value that exists", v.Type())
	}
	switch to := into.(type) {
	case *tensor.Tensor:
		if to.DType() != from.DType() || !to.Shape().Equal(from.Shape()) {
			return s.badInput(name, "the output is %v%v, what should take it is %v%v", from.DType(), from.Shape(), to.DType(), to.Shape())
		}
		copy(to.Bytes(), from.Bytes())
		copy(to.Strings(), from.Strings())
		return nil
	case *adapter.Tensor:
		if to.DType() != from.DType() || !to.Shape().Equal(from.Shape()) {
			return s.badInput(name, "the output is %v%v, what should take it is %v%v", from.DType(), from.Shape(), to.DType(), to.Shape())
		}
		if err := to.Write(ctx, from); err != nil {
			return s.fail("run", err)
		}
		return nil
	}
	return s.badInput(name, "an output cannot be written into a %T", into)
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
	given, _, err := s.arguments(inputs)
	if err != nil {
		return err
	}
	if _, err := s.program.Plan(ctx, given); err != nil {
		return s.fail("plan", err)
	}
	return nil
}

// run checks the inputs and runs the plan for their types.
func (s *Session) run(ctx context.Context, inputs map[string]tensor.Value) ([]tensor.Value, error) {
	given, operands, err := s.arguments(inputs)
	if err != nil {
		return nil, err
	}
	p, err := s.program.Plan(ctx, given)
	if err != nil {
		return nil, s.fail("plan", err)
	}
	x, err := s.execution()
	if err != nil {
		return nil, s.fail("run", err)
	}
	values, err := x.Run(ctx, p, operands)
	err = errors.Join(err, s.rest(x))
	if err != nil {
		return nil, s.fail("run", err)
	}
	return values, nil
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

// arguments checks named inputs against the model and puts them in order.
func (s *Session) arguments(inputs map[string]tensor.Value) ([]plan.Given, []operators.Operand, error) {
	for name := range inputs {
		if _, ok := s.index[name]; !ok {
			return nil, nil, s.badInput(name, "the model has no such input; it takes %v", names(s.inputs))
		}
	}
	given := make([]plan.Given, len(s.inputs))
	operands := make([]operators.Operand, len(s.inputs))
	for i, in := range s.inputs {
		v, ok := inputs[in.Name]
		if !ok || v == nil {
			if !in.Optional {
				return nil, nil, s.badInput(in.Name, "the input is missing; the model takes it as %v", in.Type)
			}
			given[i] = plan.Given{Type: in.Type, Const: s.placement.Graph.Inputs[i].Const}
			continue
		}
		if err := s.check(in, v); err != nil {
			return nil, nil, err
		}
		given[i], operands[i] = plan.Given{Type: v.Type(), Location: plan.Host}, operators.Operand{Host: v}
		switch t := v.(type) {
		case *tensor.Tensor:
			operands[i].DType, operands[i].Shape = t.DType(), t.Shape()
		case *adapter.Tensor:
			location := s.location(t)
			if location == plan.Host {
				return nil, nil, s.badInput(in.Name, "the tensor lies on %s, which is none of the session's devices (see Session.Devices)", t.Device().Name())
			}
			given[i].Location = location
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
