package plan

import (
	"fmt"

	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// viewAction makes a value that is another's elements under its own shape.
type viewAction struct {
	assignment partition.Assignment
	from, to   int
}

// viewNode emits a node whose output is its i-th input under another shape.
func (m *maker) viewNode(n *graph.Node, a partition.Assignment, i int) error {
	from, err := m.at(n.Inputs[i], a.Device)
	if err != nil {
		return err
	}
	to := m.add(n.Outputs[0], a.Device)
	m.plan.slots[to].storage, m.plan.slots[to].view = inView, from+1
	a.Kernel = "view"
	m.emit(&viewAction{a, from, to})
	return nil
}

// fixed reports whether the shape of a value with exact type is known.
func (m *maker) fixed(v *graph.Value) bool {
	_, ok := v.Type.Dims.Shape()
	return ok && v.Type.IsTensor()
}

// root returns the slot in whose memory a slot lies: itself, unless it is a view.
func (p *Plan) root(slot int) int {
	for p.slots[slot].view > 0 {
		slot = p.slots[slot].view - 1
	}
	return slot
}

func (v *viewAction) place() *partition.Assignment { return &v.assignment }
func (v *viewAction) reads() []int                 { return []int{v.from} }
func (v *viewAction) writes() []int                { return []int{v.to} }
func (v *viewAction) describe(p *Plan) string {
	return fmt.Sprintf("view %s as %s%v", p.name(v.from), p.name(v.to), p.slots[v.to].shape)
}

func (v *viewAction) run(_ *Execution, f *frame, _ int) error {
	s := f.plan.slots[v.to]
	if s.storage == inArena {
		return nil // it lies where its root does in every run
	}
	f.values[v.to] = operators.Operand{DType: s.dtype, Shape: s.shape, Region: f.values[v.from].Region}
	f.blocks[v.to] = f.blocks[v.from].retain()
	return nil
}
