package plan

import (
	"slices"

	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// groupNode emits the step of a group of nodes in the place of its last: all that
// the group reads is there by then, and nobody else reads what the others write.
// Where not all of the group runs, or shapes are found only while running, or the
// device wants it so, each node has a step of its own.
func (m *maker) groupNode(n *graph.Node, a partition.Assignment) error {
	if n != a.Group[len(a.Group)-1] {
		return nil
	}
	nodes := make([]*graph.Node, len(a.Group))
	whole := true
	for i, part := range a.Group {
		nodes[i] = m.exact(part)
		whole = whole && m.running[part] && m.fixedValues(nodes[i].Inputs) && m.fixedValues(nodes[i].Outputs)
	}
	if whole {
		k, err := m.env.buildGroup(nodes, a.Device)
		if err != nil {
			return &NodeError{n, m.env.Placement.DeviceName(a.Device), err}
		}
		if k != nil {
			return m.groupKernel(a, nodes, k)
		}
	}
	for _, part := range a.Group {
		if m.running[part] {
			if err := m.kernelNode(part, m.env.alone(part)); err != nil {
				return err
			}
		}
	}
	return nil
}

// groupKernel emits the step of a kernel that computes several nodes.
func (m *maker) groupKernel(a partition.Assignment, nodes []*graph.Node, kernel operators.Kernel) error {
	k := &kernelAction{assignment: a, exact: nodes[len(nodes)-1], kernel: kernel}
	for _, v := range operators.GroupInputs(a.Group) {
		s, err := m.at(v, a.Device)
		if err != nil {
			return err
		}
		k.inputs = append(k.inputs, s)
	}
	if p, ok := m.env.backend(a.Device).(operators.InPlacer); ok {
		moves := func(n *graph.Node) bool { return len(p.InPlace(n)) == 0 }
		if !slices.ContainsFunc(nodes, moves) {
			later := k.inputs[len(nodes[0].Inputs):]
			k.inPlace = slices.DeleteFunc(p.InPlace(nodes[0]), func(i int) bool { return slices.Contains(later, k.inputs[i]) })
		}
	}
	k.outputs = m.addAll(a.Group[len(a.Group)-1].Outputs, a.Device)
	m.emit(k)
	return nil
}

// alone is the assignment of a node of a group that has a step of its own.
func (e *Env) alone(n *graph.Node) partition.Assignment {
	a := e.Placement.Of(n)
	a.Group, a.Kernel = nil, e.backend(a.Device).Supports(n).Kernel
	return a
}
