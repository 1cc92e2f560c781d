package plan

import (
	"fmt"
	"slices"

	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// viewAction makes values that are another's elements, or some of them, under
// shapes of their own.
type viewAction struct {
	assignment partition.Assignment
	from       int
	to         []int
}

// view returns how the outputs of a node with exact types lie in its input's memory,
// if the device says so, or nil.
func (m *maker) view(exact *graph.Node, device int) *choice {
	viewer, ok := m.env.backend(device).(operators.Viewer)
	if !ok || m.env.Apart || !m.fixedValues(exact.Outputs) {
		return nil
	}
	i, offsets, ok := viewer.View(exact)
	if !ok || !m.fixed(exact.Inputs[i]) || !m.within(exact.Inputs[i], exact.Outputs, offsets, device) {
		return nil
	}
	return &choice{exact: exact, from: i, offsets: offsets}
}

// viewNode emits a node that needs no kernel.
func (m *maker) viewNode(n *graph.Node, a partition.Assignment, c *choice) error {
	from, err := m.at(n.Inputs[c.from], a.Device)
	if err != nil {
		return err
	}
	v := &viewAction{assignment: a, from: from, to: m.addAll(n.Outputs, a.Device)}
	for _, to := range v.to {
		if to >= 0 {
			m.plan.slots[to].storage, m.plan.slots[to].view = inView, from+1
		}
	}
	m.begin(v, c)
	v.assignment.Kernel = "view"
	m.emit(v)
	return nil
}

// begin notes where views begin.
func (m *maker) begin(v *viewAction, c *choice) {
	for k, to := range v.to {
		if to >= 0 {
			m.plan.slots[to].at = c.offsets[k]
		}
	}
}

// within reports whether parts can lie in a whole at the given bytes: inside it,
// and aligned as the device wants values.
func (m *maker) within(whole *graph.Value, parts []*graph.Value, offsets []int64, device int) bool {
	d := m.env.Devices[device]
	size := func(v *graph.Value) int64 {
		shape, ok := v.Type.Dims.Shape()
		if _, err := shape.Elements(); !ok || err != nil {
			return tooMuch
		}
		return d.ValueSize(v.Type.DType, shape)
	}
	room := size(whole)
	for i, v := range parts {
		if v != nil && (offsets[i] < 0 || offsets[i]%d.Alignment() != 0 || offsets[i] > room-size(v)) {
			return false
		}
	}
	return true
}

// fixed reports whether the shape of a value with exact type is known.
func (m *maker) fixed(v *graph.Value) bool {
	_, ok := v.Type.Dims.Shape()
	return ok && v.Type.IsTensor()
}

// fixedValues reports whether the shapes of all values there are known.
func (m *maker) fixedValues(values []*graph.Value) bool {
	return !slices.ContainsFunc(values, func(v *graph.Value) bool { return v != nil && v.Const == nil && !m.fixed(v) })
}

// root returns the slot in whose memory a slot lies, itself unless it is a view,
// and at which byte.
func (p *Plan) root(slot int) (root int, at int64) {
	for p.slots[slot].view > 0 {
		at += p.slots[slot].at
		slot = p.slots[slot].view - 1
	}
	return slot, at
}

func (v *viewAction) place() *partition.Assignment { return &v.assignment }
func (v *viewAction) reads() []int                 { return []int{v.from} }
func (v *viewAction) writes() []int                { return v.to }
func (v *viewAction) describe(p *Plan) string {
	return fmt.Sprintf("view %s as %s", p.name(v.from), p.placed(v.to))
}

// placed describes slots with their shapes, and where in another they lie.
func (p *Plan) placed(slots []int) string {
	out := ""
	for i, s := range slots {
		if i > 0 {
			out += ", "
		}
		if out += p.name(s); s >= 0 {
			out += fmt.Sprint(p.slots[s].shape)
		}
		if s >= 0 && p.slots[s].at > 0 {
			out += fmt.Sprintf("+%d", p.slots[s].at)
		}
	}
	return out
}

func (v *viewAction) run(_ *Execution, f *frame, _ int) error {
	for _, to := range v.to {
		if to < 0 || f.plan.slots[to].storage == inArena {
			continue // it lies where its root does in every run
		}
		s := f.plan.slots[to]
		r := f.values[v.from].Region
		r.Offset += s.at
		r.Size = min(r.Size-s.at, f.plan.program.env.Devices[s.location].ValueSize(s.dtype, s.shape))
		f.values[to] = operators.Operand{DType: s.dtype, Shape: s.shape, Region: r}
		f.blocks[to] = f.blocks[v.from].retain()
	}
	return nil
}
