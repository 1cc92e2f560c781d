package models

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"example.com/midplane/models/optimize"
	"example.com/midplane/models/partition"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// variant is a model made ready for runs that override certain defaults. Inputs
// that are left to their defaults are constants in it, so that everything that
// follows from them is known before a run.
type variant struct {
	session   *Session
	inputs    []int        // of the session, in the order of the graph's
	graph     *graph.Graph // canonical
	placement *partition.Placement
	env       *plan.Env

	mu       sync.Mutex
	programs map[string]*plan.Program // by where the outputs are wanted
	idle     []*plan.Execution
}

// maxVariants bounds how many variants a session keeps besides those that
// override none of the defaults, or all.
const maxVariants = 8

// variant returns the variant in which the given inputs are no constants,
// although they have defaults; it makes it where there is none yet, or returns
// nil where there are too many.
func (s *Session) variant(ctx context.Context, overridden []int) (*variant, error) {
	key := fmt.Sprint(overridden)
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.variants[key]; ok {
		return v, nil
	}
	if len(s.variants) > maxVariants && len(overridden) > 0 && len(overridden) < s.optional() {
		return nil, nil
	}
	v := &variant{session: s, programs: make(map[string]*plan.Program)}
	if err := v.prepare(ctx, overridden); err != nil {
		return nil, errors.Join(err, v.close())
	}
	if s.variants == nil {
		s.variants = make(map[string]*variant)
	}
	s.variants[key] = v
	return v, nil
}

// optional counts the inputs that have defaults.
func (s *Session) optional() int {
	n := 0
	for _, in := range s.inputs {
		if in.Optional {
			n++
		}
	}
	return n
}

// prepare takes the lifted graph through the stages up to placement.
func (v *variant) prepare(ctx context.Context, overridden []int) error {
	s, start := v.session, time.Now()
	v.graph = s.lifted.Clone(nil)
	v.fix(overridden)
	facts, err := infer.Run(ctx, v.graph, nil)
	if err != nil {
		return s.fail("infer", err)
	}
	infer.Annotate(v.graph, facts)
	s.stage("infer", start)
	if s.options.Unoptimized {
		return v.place(ctx)
	}
	start = time.Now()
	if err := optimize.Run(ctx, v.graph, facts, s.optimizers()...); err != nil {
		return s.fail("optimize", err)
	}
	s.stage("optimize", start)
	return v.place(ctx)
}

// fix makes constants of the inputs that are left to their defaults, and plain
// inputs of the others.
func (v *variant) fix(overridden []int) {
	var inputs []*graph.Value
	for i, in := range v.graph.Inputs {
		if in.Const != nil && !slices.Contains(overridden, i) {
			continue
		}
		if in.Const != nil {
			in.Const = nil
			v.graph.Initializers = slices.DeleteFunc(v.graph.Initializers, func(c *graph.Value) bool { return c == in })
		}
		inputs = append(inputs, in)
		v.inputs = append(v.inputs, i)
	}
	v.graph.Inputs = inputs
}

// place gives every node its device.
func (v *variant) place(ctx context.Context) error {
	s, start := v.session, time.Now()
	g := v.graph.Clone(nil)
	if err := partition.Loops(ctx, g); err != nil {
		return s.fail("place", err)
	}
	placement, err := partition.Assign(ctx, g, s.places, s.options.Fallback)
	if err != nil {
		var missing *partition.UnsupportedError
		if errors.As(err, &missing) {
			missing.Declined = s.declined
		}
		return s.fail("place", err)
	}
	if !s.options.Unoptimized {
		placement.Join()
	}
	v.placement = placement
	for _, a := range placement.Nodes {
		if a.Device > 0 {
			s.log.Warn("node not on the first device", "node", a.Node.Label(), "device", placement.DeviceName(a.Device), "reason", a.Reason)
		}
	}
	v.env = &plan.Env{Devices: s.devices, Placement: placement, Memory: &s.memory, Hook: s.options.Hook, Reclaim: v.reclaim, Apart: s.options.Unoptimized}
	s.stage("place", start)
	return nil
}

// program returns the program whose outputs come out where they are to go; nil
// means on the host.
func (v *variant) program(wants []int) *plan.Program {
	key := ""
	if wants != nil {
		key = fmt.Sprint(wants)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.programs[key] == nil {
		v.programs[key] = plan.New(v.env, wants)
	}
	return v.programs[key]
}

// plan finds the plan for the types of a call's inputs, and makes it where there
// is none yet.
func (v *variant) plan(ctx context.Context, c *call) (err error) {
	if c.arguments(v) {
		return nil
	}
	if c.plan, err = v.program(c.wants).Plan(ctx, c.given); err != nil {
		return v.session.fail("plan", err)
	}
	return nil
}

// run runs the plan for the types of a call's inputs.
func (v *variant) run(ctx context.Context, c *call) error {
	if err := v.plan(ctx, c); err != nil {
		return err
	}
	x, err := v.execution()
	if err != nil {
		return v.session.fail("run", err)
	}
	err = x.Run(ctx, c.plan, c.operands, c.into, c.outputs)
	if err = errors.Join(err, v.rest(x)); err != nil {
		return v.session.fail("run", err)
	}
	return nil
}

// execution returns an idle execution, or a new one.
func (v *variant) execution() (*plan.Execution, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.idle); n > 0 {
		x := v.idle[n-1]
		v.idle = v.idle[:n-1]
		return x, nil
	}
	return plan.NewExecution(v.env)
}

// rest keeps an execution for later runs, or closes it where as many are idle as
// can run side by side.
func (v *variant) rest(x *plan.Execution) error {
	v.mu.Lock()
	room := len(v.idle) < runtime.GOMAXPROCS(0)
	if room {
		v.idle = append(v.idle, x)
	}
	v.mu.Unlock()
	if room {
		return nil
	}
	return x.Close()
}

// reclaim closes the idle executions.
func (v *variant) reclaim() {
	v.mu.Lock()
	idle := v.idle
	v.idle = nil
	v.mu.Unlock()
	for _, x := range idle {
		if err := x.Close(); err != nil {
			v.session.log.Warn("closing an idle execution", "error", err)
		}
	}
}

// close gives everything back. No run is under way.
func (v *variant) close() error {
	v.reclaim()
	if v.env == nil {
		return nil
	}
	return v.env.Close()
}
