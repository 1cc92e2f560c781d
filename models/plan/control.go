package plan

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// branch is the body of a control-flow node and where the enclosing frame holds
// what it captures.
type branch struct {
	program  *Program
	captured []int // slots, in the order of the program's parameters after the body's own
}

// branch prepares the body of a node: what it captures is at hand where it was
// made.
func (m *maker) branch(body *graph.Graph) (branch, error) {
	p, err := m.program.body(body)
	if err != nil {
		return branch{}, err
	}
	b := branch{program: p}
	for _, v := range p.params[len(body.Inputs):] {
		s, err := m.anywhere(v)
		if err != nil {
			return b, err
		}
		b.captured = append(b.captured, s)
	}
	return b, nil
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

// call runs a body: own are the arguments for its inputs.
func (b branch) call(x *Execution, f *frame, own []argument) ([]argument, error) {
	args := own
	for _, s := range b.captured {
		args = append(args, argument{f.values[s], f.blocks[s], f.plan.slots[s].location})
	}
	given := make([]Given, len(args))
	for i, a := range args {
		given[i] = Given{Type: a.typ(), Location: a.location}
	}
	p, err := b.program.Plan(x.ctx, given)
	if err != nil {
		return nil, err
	}
	return x.run(p, args)
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
	if c.then, err = m.branch(n.Body("then_branch")); err != nil {
		return err
	}
	if c.els, err = m.branch(n.Body("else_branch")); err != nil {
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
		f.take(c.outputs, i, o)
	}
	return nil
}

// take makes o the value of the i-th of some slots, or forgets it.
func (f *frame) take(slots []int, i int, o argument) {
	if i >= len(slots) || slots[i] < 0 {
		o.block.release()
		return
	}
	f.values[slots[i]], f.blocks[slots[i]] = o.Operand, o.block
}

func truth(o operators.Operand) (bool, error) {
	t, ok := o.Host.(*tensor.Tensor)
	if !ok || t.DType() != tensor.Bool || t.Len() != 1 {
		return false, fmt.Errorf("the condition must be one bool, got %v", o.Host.Type())
	}
	return tensor.Slice[bool](t)[0], nil
}

// loopAction runs a body over and over: ONNX's Loop.
type loopAction struct {
	assignment       partition.Assignment
	trips, condition int // slots on the host, -1 where absent
	state            []int
	body             branch
	outputs          []int
}

func (m *maker) loopNode(n *graph.Node, a partition.Assignment) error {
	l := &loopAction{assignment: a}
	var err error
	if l.trips, err = m.at(n.Input(0), Host); err != nil {
		return err
	}
	if l.condition, err = m.at(n.Input(1), Host); err != nil {
		return err
	}
	if l.body, err = m.branch(n.Body("body")); err != nil {
		return err
	}
	wants := l.body.program.wants[1:]
	for i, v := range n.Inputs[min(2, len(n.Inputs)):] {
		s, err := m.at(v, wants[i])
		if err != nil {
			return err
		}
		l.state = append(l.state, s)
	}
	l.outputs = m.controlOutputs(n, wants)
	m.emit(l)
	return nil
}

func (l *loopAction) place() *partition.Assignment { return &l.assignment }
func (l *loopAction) writes() []int                { return l.outputs }
func (l *loopAction) reads() []int {
	return append(append([]int{l.trips, l.condition}, l.state...), l.body.captured...)
}
func (l *loopAction) describe(p *Plan) string {
	return fmt.Sprintf("Loop %s -> %s", p.names(l.state), p.names(l.outputs))
}

func (l *loopAction) run(x *Execution, f *frame, _ int) error {
	trips, condition := int64(math.MaxInt64), true
	var err error
	if l.trips >= 0 {
		if trips, err = number(f.values[l.trips]); err != nil {
			return err
		}
	}
	if l.condition >= 0 {
		if condition, err = truth(f.values[l.condition]); err != nil {
			return err
		}
	}
	state := make([]argument, len(l.state))
	for i, s := range l.state {
		state[i] = argument{f.values[s], f.blocks[s].retain(), l.body.program.wants[1+i]}
	}
	scans := make([][]argument, len(l.body.program.graph.Outputs)-1-len(state))
	defer func() {
		for _, scan := range scans {
			releaseAll(scan)
		}
	}()
	trip := int64(0)
	for ; trip < trips && condition; trip++ {
		if err := x.ctx.Err(); err != nil {
			releaseAll(state)
			return err
		}
		own := append([]argument{
			{Operand: hostOperand(tensor.Scalar(trip)), location: Host},
			{Operand: hostOperand(tensor.Scalar(true)), location: Host},
		}, state...)
		out, err := l.body.call(x, f, own)
		releaseAll(state)
		if err != nil {
			return fmt.Errorf("iteration %d: %w", trip, err)
		}
		if condition, err = truth(out[0].Operand); err != nil {
			return fmt.Errorf("iteration %d: %w", trip, err)
		}
		copy(state, out[1:])
		for i, o := range out[1+len(state):] {
			scans[i] = append(scans[i], o)
		}
	}
	return l.results(x, f, state, scans, trip == 0)
}

func releaseAll(args []argument) {
	for _, a := range args {
		a.block.release()
	}
}

// results hands the final state and the stacked scan outputs to the frame.
func (l *loopAction) results(x *Execution, f *frame, state []argument, scans [][]argument, untouched bool) error {
	for i, o := range state {
		if untouched && o.Host == nil && o.block == nil && i < len(l.outputs) && l.outputs[i] >= 0 {
			// The initial value lies in memory that may be reused before the
			// output is read: it is copied.
			to, err := x.allocate(f, l.outputs[i], o.DType, o.Shape)
			if err == nil {
				err = x.streams[o.location].Copy(x.ctx, packed(to), packed(o.Operand))
			}
			if err != nil {
				return err
			}
			continue
		}
		f.take(l.outputs, i, o)
	}
	for i, scan := range scans {
		k := len(state) + i
		if k >= len(l.outputs) || l.outputs[k] < 0 {
			continue
		}
		if err := x.stack(f, l.outputs[k], scan); err != nil {
			return fmt.Errorf("scan output %d: %w", i, err)
		}
	}
	return nil
}

// stack joins values of equal shape along a new first axis into a slot.
func (x *Execution) stack(f *frame, slot int, parts []argument) error {
	s := f.plan.slots[slot]
	if len(parts) == 0 {
		return x.stackNothing(f, slot)
	}
	first := parts[0]
	for _, p := range parts {
		if p.DType != first.DType || !p.Shape.Equal(first.Shape) {
			return fmt.Errorf("iterations gave %v%v and %v%v, which do not stack", first.DType, first.Shape, p.DType, p.Shape)
		}
	}
	if s.location == Host || first.DType.Packed() {
		return x.stackOnHost(f, slot, parts)
	}
	out, err := x.allocate(f, slot, first.DType, append(tensor.Shape{len(parts)}, first.Shape...))
	if err != nil {
		return err
	}
	size := int64(first.DType.Bytes(first.Shape.Size()))
	to := packed(out)
	to.Size = size
	for _, p := range parts {
		if err := x.streams[s.location].Copy(x.ctx, to, packed(p.Operand)); err != nil {
			return err
		}
		to.Offset += size
	}
	return nil
}

// stackNothing makes the output of a loop that made no trip: an extent that
// inference could not find is 0.
func (x *Execution) stackNothing(f *frame, slot int) error {
	s := f.plan.slots[slot]
	dims := s.dims
	shape := make(tensor.Shape, max(len(dims), 1))
	for i, d := range dims {
		shape[i] = max(d.Size, 0)
	}
	shape[0] = 0
	if s.location == Host {
		t, err := tensor.New(s.dtype, shape)
		f.values[slot] = hostOperand(t)
		return err
	}
	_, err := x.allocate(f, slot, s.dtype, shape)
	return err
}

// stackOnHost stacks strings, and elements that share bytes.
func (x *Execution) stackOnHost(f *frame, slot int, parts []argument) error {
	s := f.plan.slots[slot]
	items := make([]tensor.Value, len(parts))
	for i, p := range parts {
		items[i] = p.Host
		if p.Host == nil {
			t, err := x.download(p.Operand, p.location)
			if err != nil {
				return err
			}
			items[i] = t
		}
	}
	n := &graph.Node{Op: "ConcatFromSequence", Inputs: []*graph.Value{{}}, Outputs: []*graph.Value{{}},
		Attributes: []graph.Attribute{graph.A("axis", int64(0)), graph.A("new_axis", int64(1))}}
	sequence := &tensor.Sequence{Elem: items[0].Type(), Items: items}
	out, err := reference.Run(x.ctx, n, []tensor.Value{sequence}, nil)
	if err != nil {
		return err
	}
	if s.location == Host {
		f.values[slot] = hostOperand(out[0])
		return nil
	}
	return x.upload(f, slot, out[0].(*tensor.Tensor))
}

// number reads an integer of one element.
func number(o operators.Operand) (int64, error) {
	t, ok := o.Host.(*tensor.Tensor)
	if !ok || !t.DType().IsInteger() || t.Len() != 1 {
		return 0, fmt.Errorf("the trip count must be one integer, got %v", o.Host.Type())
	}
	return t.Int64s()[0], nil
}
