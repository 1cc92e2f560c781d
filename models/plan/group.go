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
	c, err := m.chooseGroup(a)
	if err != nil {
		return err
	}
	if c.kernel != nil {
		return m.groupKernel(a, c)
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
func (m *maker) groupKernel(a partition.Assignment, c *choice) error {
	k := c.action(&kernelAction{assignment: a})
	for _, v := range operators.GroupInputs(a.Group) {
		s, err := m.at(v, a.Device)
		if err != nil {
			return err
		}
		k.inputs = append(k.inputs, s)
	}
	k.outputs = m.addAll(a.Group[len(a.Group)-1].Outputs, a.Device)
	m.groupInPlace(k)
	m.emit(k)
	return nil
}

// groupInPlace leaves a group the inputs in place of which it can work that none of
// its nodes but the first reads.
func (m *maker) groupInPlace(k *kernelAction) {
	later := k.inputs[len(k.assignment.Group[0].Inputs):]
	k.inPlace = slices.DeleteFunc(slices.Clone(k.inPlace), func(i int) bool { return slices.Contains(later, k.inputs[i]) })
}

// alone is the assignment of a node of a group that has a step of its own.
func (e *Env) alone(n *graph.Node) partition.Assignment {
	a := e.Placement.Of(n)
	a.Group, a.Kernel = nil, e.backend(a.Device).Supports(n).Kernel
	return a
}
