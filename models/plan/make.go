package plan

import (
	"context"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// make builds the plan of a program for parameters of the given types, with what
// making the last one has found.
func (p *Program) make(ctx context.Context, given []Given) (*Plan, error) {
	m := p.last
	p.last = nil // where making fails, nothing is kept
	if m == nil {
		m = newMaker(p)
	}
	m.ctx = ctx
	if err := m.draft(given); err != nil {
		return nil, err
	}
	plan, err := m.finish()
	if err != nil {
		return nil, err
	}
	if !p.fixed {
		m.ctx, p.last = nil, m
	}
	return plan, nil
}

// maker makes the plans of a program, one after another: what it knows is of the
// last one, and serves the next as far as types are the same.
type maker struct {
	ctx     context.Context
	program *Program
	env     *Env
	plan    *Plan // every value in memory of its own
	facts   infer.Facts
	slots   map[place]int
	typed   map[*graph.Value]*graph.Value
	running map[*graph.Node]bool    // the nodes that have to run
	choices map[*graph.Node]*choice // of single nodes
	groups  map[*graph.Node]*choice // of groups, by their last nodes
}

func newMaker(p *Program) *maker {
	return &maker{
		program: p, env: p.env,
		typed:   make(map[*graph.Value]*graph.Value),
		choices: make(map[*graph.Node]*choice),
		groups:  make(map[*graph.Node]*choice),
	}
}

// draft makes the steps of a plan, with every value in memory of its own.
func (m *maker) draft(given []Given) error {
	known := make(infer.Facts, len(given))
	for i, g := range given {
		known[m.program.params[i]] = infer.Fact{Type: g.Type}
	}
	if m.facts != nil {
		if done, err := m.revise(given, known); done || err != nil {
			return err
		}
	} else {
		var err error
		if m.facts, err = infer.Run(m.ctx, m.program.graph, known); err != nil {
			return err
		}
	}
	m.plan = &Plan{program: m.program}
	m.slots = make(map[place]int)
	m.params(given)
	m.running = m.needed()
	for _, n := range m.program.graph.Nodes {
		if m.running[n] {
			if err := m.node(n); err != nil {
				return err
			}
		}
	}
	return m.outputs()
}

// finish returns the plan of a draft with every value in its place.
func (m *maker) finish() (*Plan, error) {
	p := &Plan{
		program: m.program, params: m.plan.params, outputs: m.plan.outputs, turns: m.plan.turns,
		steps: slices.Clone(m.plan.steps), slots: slices.Clone(m.plan.slots), arenas: make([]int64, len(m.env.Devices)),
	}
	f := &maker{ctx: m.ctx, program: m.program, env: m.env, plan: p}
	return p, f.layout()
}

// place is a value at a location.
type place struct {
	value    *graph.Value
	location int
}

// constant returns the value of v if it is known before running.
func (m *maker) constant(v *graph.Value) *tensor.Tensor {
	if f, ok := m.facts[v]; ok {
		return f.Const
	}
	return v.Const // an initializer of a surrounding graph
}

// needed returns the nodes whose outputs are not constants and reach an output.
func (m *maker) needed() map[*graph.Node]bool {
	wanted := make(map[*graph.Value]bool)
	want := func(v *graph.Value) {
		if v != nil && m.constant(v) == nil {
			wanted[v] = true
		}
	}
	for _, v := range m.program.graph.Outputs {
		want(v)
	}
	nodes := make(map[*graph.Node]bool)
	for _, n := range slices.Backward(m.program.graph.Nodes) {
		if !slices.ContainsFunc(n.Outputs, func(v *graph.Value) bool { return wanted[v] }) {
			continue
		}
		nodes[n] = true
		reads := n.Inputs
		if len(n.Bodies()) > 0 {
			reads = n.Reads()
		}
		for _, v := range reads {
			want(v)
		}
	}
	return nodes
}

// params makes a slot for every parameter.
func (m *maker) params(given []Given) {
	for i, v := range m.program.params {
		s := m.add(v, given[i].Location)
		m.plan.slots[s].storage = inParam
		m.plan.params = append(m.plan.params, s)
	}
}

// add makes a slot for a value at a location, in the storage that its type asks
// for.
func (m *maker) add(v *graph.Value, location int) int {
	f := m.facts[v]
	s := slot{value: v, location: location, dtype: f.Type.DType, dims: f.Type.Dims, storage: inPool}
	if shape, ok := f.Type.Dims.Shape(); ok && f.Type.IsTensor() {
		s.shape = shape
		if _, err := shape.Elements(); err == nil && location != Host {
			s.storage = inArena
		}
	}
	if location == Host {
		s.storage = onHost
	}
	m.plan.slots = append(m.plan.slots, s)
	m.slots[place{v, location}] = len(m.plan.slots) - 1
	return len(m.plan.slots) - 1
}

// at returns the slot of a value at a location, copying it there if need be; -1
// for an absent value.
func (m *maker) at(v *graph.Value, location int) (int, error) {
	if v == nil {
		return -1, nil
	}
	if s, ok := m.slots[place{v, location}]; ok {
		return s, nil
	}
	if t := m.constant(v); t != nil {
		return m.constantSlot(v, t, location)
	}
	for from := Host; from < len(m.env.Devices); from++ {
		if s, ok := m.slots[place{v, from}]; ok {
			to := m.add(v, location)
			m.emit(&copyAction{from: s, to: to})
			return to, nil
		}
	}
	return 0, fmt.Errorf("value %q is read before it is written", v.Name)
}

func (m *maker) constantSlot(v *graph.Value, t *tensor.Tensor, location int) (int, error) {
	s := m.add(v, location)
	m.plan.slots[s].storage = inConstant
	return s, m.setConstant(s, t)
}

// setConstant makes a tensor what a slot for a constant holds.
func (m *maker) setConstant(i int, t *tensor.Tensor) (err error) {
	s := &m.plan.slots[i]
	s.dtype, s.shape, s.tensor = t.DType(), t.Shape(), t
	if s.constant, err = m.env.constant(m.ctx, t, s.location, t != s.value.Const); err != nil {
		return fmt.Errorf("constant %q: %w", s.value.Name, err)
	}
	return nil
}

func (m *maker) emit(a action) { m.plan.steps = append(m.plan.steps, step{action: a}) }

// node emits the steps of one node.
func (m *maker) node(n *graph.Node) error {
	a := m.env.Placement.Of(n)
	switch {
	case a.Route == partition.Control && n.Op == "If":
		return m.ifNode(n, a)
	case a.Route == partition.Control:
		return m.loopNode(n, a)
	case a.Device == Host:
		return m.hostNode(n, a)
	case a.Group != nil:
		return m.groupNode(n, a)
	}
	return m.kernelNode(n, a)
}

// kernelNode emits the kernel of a node for the types found, unless the node needs
// none.
func (m *maker) kernelNode(n *graph.Node, a partition.Assignment) error {
	c, err := m.choose(n, a)
	if err != nil {
		return err
	}
	if c.kernel == nil {
		return m.viewNode(n, a, c)
	}
	k := c.action(&kernelAction{assignment: a, hostOutputs: c.hostOut})
	for i, v := range n.Inputs {
		location := a.Device
		if slices.Contains(c.hostIn, i) {
			location = Host
		}
		s, err := m.at(v, location)
		if err != nil {
			return err
		}
		k.inputs = append(k.inputs, s)
	}
	for i, v := range n.Outputs {
		if v == nil {
			k.outputs = append(k.outputs, -1)
			continue
		}
		location := a.Device
		if slices.Contains(c.hostOut, i) {
			location = Host
		}
		k.outputs = append(k.outputs, m.add(v, location))
	}
	m.emit(k)
	return nil
}

// exact returns a copy of a node whose values have the types found.
func (m *maker) exact(n *graph.Node) *graph.Node {
	c := *n
	c.Inputs = m.exactValues(n.Inputs)
	c.Outputs = m.exactValues(n.Outputs)
	return &c
}

func (m *maker) exactValues(values []*graph.Value) []*graph.Value {
	out := make([]*graph.Value, len(values))
	for i, v := range values {
		if v == nil {
			continue
		}
		if m.typed[v] == nil {
			typed := *v
			if f, ok := m.facts[v]; ok && f.Type.Kind != tensor.KindUnknown {
				typed.Type = f.Type
			}
			typed.Const = m.constant(v)
			m.typed[v] = &typed
		}
		out[i] = m.typed[v]
	}
	return out
}

// hostNode emits a node whose values live on the host.
func (m *maker) hostNode(n *graph.Node, a partition.Assignment) error {
	h := &hostAction{assignment: a}
	var err error
	if h.inputs, err = m.allAt(n.Inputs, Host); err != nil {
		return err
	}
	h.outputs = m.addAll(n.Outputs, Host)
	m.emit(h)
	return nil
}

func (m *maker) allAt(values []*graph.Value, location int) ([]int, error) {
	slots := make([]int, len(values))
	for i, v := range values {
		var err error
		if slots[i], err = m.at(v, location); err != nil {
			return nil, err
		}
	}
	return slots, nil
}

func (m *maker) addAll(values []*graph.Value, location int) []int {
	slots := make([]int, len(values))
	for i, v := range values {
		slots[i] = -1
		if v != nil {
			slots[i] = m.add(v, location)
		}
	}
	return slots
}

// outputs brings every output to where it is wanted. An output of a body must
// outlive the body's frame, so it may not lie in the arena.
func (m *maker) outputs() error {
	for i, v := range m.program.graph.Outputs {
		s, err := m.at(v, m.program.wants[i])
		if err != nil {
			return err
		}
		if r, _ := m.plan.root(s); m.plan.slots[r].storage == inArena {
			m.plan.slots[r].storage = inPool
		}
		m.plan.outputs = append(m.plan.outputs, s)
	}
	for _, s := range m.plan.steps {
		if k, ok := s.action.(*kernelAction); ok {
			k.dynamic = slices.ContainsFunc(k.outputs, func(w int) bool { return w >= 0 && m.plan.slots[w].storage == inPool })
		}
	}
	return nil
}
