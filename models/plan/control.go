package plan

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// branch is the body of a control-flow node and where the enclosing frame holds
// what it captures.
type branch struct {
	program  *Program
	captured []int // slots, in the order of the program's parameters after the body's own
	index    int   // of its turn in frames
}

// turn is the last run of a body in a frame: the next one with arguments of the
// same types has the same plan.
type turn struct {
	args  []argument
	given []Given
	plan  *Plan
}

// branch prepares the body of a node: what it captures is at hand where it was
// made.
func (m *maker) branch(n *graph.Node, name string) (branch, error) {
	body := n.Body(name)
	p, err := m.program.body(body)
	if err != nil {
		return branch{}, err
	}
	b := branch{program: p, index: m.plan.turns}
	m.plan.turns++
	for _, v := range p.params[len(body.Inputs):] {
		s, err := m.captured(v, n, body)
		if err != nil {
			return b, err
		}
		b.captured = append(b.captured, s)
	}
	return b, nil
}

// captured returns a slot of what a body captures: of numbers that lie on the host, and
// that a kernel in the body of a loop reads, on the kernel's device, so that they are
// copied once and not in every iteration.
func (m *maker) captured(v *graph.Value, n *graph.Node, body *graph.Graph) (int, error) {
	s, err := m.anywhere(v)
	if err != nil || n.Op != "Loop" || m.plan.slots[s].location != Host || !v.Type.IsTensor() || !v.Type.DType.IsFloat() {
		return s, err
	}
	for reader := range body.All {
		if a := m.env.Placement.Of(reader); a.Route == partition.Kernel && a.Device != Host && slices.Contains(reader.Inputs, v) {
			return m.at(v, a.Device)
		}
	}
	return s, nil
}

// anywhere returns a slot of a value at the location where it first was.
func (m *maker) anywhere(v *graph.Value) (int, error) {
	for location := Host; location < len(m.env.Devices); location++ {
		if s, ok := m.slots[place{v, location}]; ok && m.plan.slots[s].storage != inConstant {
			return s, nil
		}
	}
	return m.at(v, Host)
}

// call runs a body: own are the arguments for its inputs. What comes out is the
// caller's until the body runs again.
func (b branch) call(x *Execution, f *frame, own []argument) ([]argument, error) {
	t := &f.turns[b.index]
	t.args = append(t.args[:0], own...)
	for _, s := range b.captured {
		t.args = append(t.args, argument{f.values[s], f.blocks[s], f.plan.slots[s].location})
	}
	defer clear(t.args)
	if !t.again() {
		t.plan, t.given = nil, make([]Given, len(t.args))
		for i, a := range t.args {
			t.given[i] = Given{Type: a.typ(), Location: a.location}
		}
		var err error
		if t.plan, err = b.program.Plan(x.ctx, t.given); err != nil {
			return nil, err
		}
	}
	return x.run(t.plan, t.args, nil)
}

// again reports whether the arguments are of the types that the plan is for.
func (t *turn) again() bool {
	if t.plan == nil {
		return false
	}
	for i, a := range t.args {
		if !t.given[i].Is(a.Operand, a.location) {
			return false
		}
	}
	return true
}

// typ returns the exact type of an argument.
func (a argument) typ() tensor.Type {
	if a.Host != nil {
		return a.Host.Type()
	}
	return tensor.TensorType(a.DType, tensor.KnownDims(a.Shape))
}

// controlOutputs makes the slots of a control-flow node's outputs, at the
// locations where its bodies leave them.
func (m *maker) controlOutputs(n *graph.Node, wants []int) []int {
	slots := make([]int, len(n.Outputs))
	for i, v := range n.Outputs {
		slots[i] = -1
		if v == nil {
			continue
		}
		slots[i] = m.add(v, wants[i])
		if m.plan.slots[slots[i]].storage == inArena {
			m.plan.slots[slots[i]].storage = inPool
		}
	}
	return slots
}

// ifAction runs one of two bodies.
type ifAction struct {
	assignment partition.Assignment
	condition  int
	then, els  branch
	outputs    []int
}

func (m *maker) ifNode(n *graph.Node, a partition.Assignment) error {
	c := &ifAction{assignment: a}
	var err error
	if c.condition, err = m.at(n.Input(0), Host); err != nil {
		return err
	}
	if c.then, err = m.branch(n, "then_branch"); err != nil {
		return err
	}
	if c.els, err = m.branch(n, "else_branch"); err != nil {
		return err
	}
	c.outputs = m.controlOutputs(n, c.then.program.wants)
	m.emit(c)
	return nil
}

func (c *ifAction) place() *partition.Assignment { return &c.assignment }
func (c *ifAction) writes() []int                { return c.outputs }
func (c *ifAction) reads() []int {
	return append(append([]int{c.condition}, c.then.captured...), c.els.captured...)
}
func (c *ifAction) describe(p *Plan) string {
	return fmt.Sprintf("If %s -> %s", p.name(c.condition), p.names(c.outputs))
}

func (c *ifAction) run(x *Execution, f *frame, _ int) error {
	condition, err := truth(f.values[c.condition])
	if err != nil {
		return err
	}
	taken := c.els
	if condition {
		taken = c.then
	}
	out, err := taken.call(x, f, nil)
	if err != nil {
		return err
	}
	for i, o := range out {
		if err := x.take(f, c.outputs, i, o); err != nil {
			return err
		}
	}
	return nil
}

// take makes o the value of the i-th of some slots, or forgets it.
func (x *Execution) take(f *frame, slots []int, i int, o argument) error {
	if i >= len(slots) || slots[i] < 0 {
		o.block.release()
		return nil
	}
	if o.Host != nil {
		return x.hold(f, slots[i], o.Host)
	}
	f.values[slots[i]], f.blocks[slots[i]] = o.Operand, o.block
	return nil
}

func truth(o operators.Operand) (bool, error) {
	t, ok := o.Host.(*tensor.Tensor)
	if !ok || t.DType() != tensor.Bool || t.Len() != 1 {
		return false, fmt.Errorf("the condition must be one bool, got %v", o.Host)
	}
	return tensor.Slice[bool](t)[0], nil
}

// number reads an integer of one element.
func number(o operators.Operand) (int64, error) {
	t, ok := o.Host.(*tensor.Tensor)
	if !ok || !t.DType().IsInteger() || t.Len() != 1 {
		return 0, fmt.Errorf("the trip count must be one integer, got %v", o.Host)
	}
	return t.Int64s()[0], nil
}
