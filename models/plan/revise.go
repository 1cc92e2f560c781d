package plan

import (
	"slices"

	"example.com/midplane/models/partition"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// revise makes the draft of the last plan that of one for other parameters, if the
// same steps lead there: then it looks only at the nodes of which a type or a
// constant differs. It reports whether it did; if not, facts and choices are right
// and the rest is to be made anew.
func (m *maker) revise(given []Given, known infer.Facts) (done bool, err error) {
	nodes, were, err := infer.Again(m.ctx, m.program.graph, known, m.facts)
	if err != nil {
		return false, err
	}
	m.forget(nodes, were)
	if !m.alikeParams(given) || !m.alikeConstants(were) {
		clear(m.groups) // which depend on the nodes that run
		return false, nil
	}
	for i := range m.plan.slots {
		if _, ok := were[m.plan.slots[i].value]; !ok {
			continue
		}
		if done, err := m.retype(i); !done || err != nil {
			return false, err
		}
	}
	for i := range m.plan.steps {
		if done, err := m.redo(&m.plan.steps[i]); !done || err != nil {
			return false, err
		}
	}
	return true, nil
}

// forget drops what was made for types that differ now: of values, and of the nodes
// that read them.
func (m *maker) forget(nodes []*graph.Node, were infer.Facts) {
	for v := range were {
		delete(m.typed, v)
	}
	for _, n := range nodes {
		delete(m.choices, n)
		if group := m.env.Placement.Of(n).Group; group != nil {
			delete(m.groups, group[len(group)-1])
		}
	}
}

// alikeParams reports whether the parameters lie where they did.
func (m *maker) alikeParams(given []Given) bool {
	for i, g := range given {
		if m.plan.slots[m.plan.params[i]].location != g.Location {
			return false
		}
	}
	return true
}

// alikeConstants reports whether the same values are constants as before, so that
// the same nodes run.
func (m *maker) alikeConstants(were infer.Facts) bool {
	for v, was := range were {
		if (was.Const == nil) != (m.facts[v].Const == nil) {
			return false
		}
	}
	return true
}

// retype gives a slot the type that its value has now, and reports whether it can
// stay in the storage where it is.
func (m *maker) retype(i int) (bool, error) {
	s, f := &m.plan.slots[i], m.facts[m.plan.slots[i].value]
	shape, known := f.Type.Dims.Shape()
	if !f.Type.IsTensor() || s.dtype != f.Type.DType || known != (s.shape != nil) {
		return false, nil
	}
	if s.dims = f.Type.Dims; !known {
		return true, nil
	}
	if s.storage == inConstant {
		return true, m.setConstant(i, f.Const)
	}
	if _, err := s.shape.Elements(); err != nil {
		return false, nil
	}
	s.shape = shape
	_, err := shape.Elements()
	return err == nil, nil
}

// redo brings a step up to date, and reports whether it can be the same but for
// its kernel.
func (m *maker) redo(s *step) (bool, error) {
	switch a := s.action.(type) {
	case *kernelAction:
		c, same, err := m.again(a.assignment)
		if err != nil || !same || c.kernel == nil {
			return false, err
		}
		if a.exact == c.exact { // nothing was chosen anew
			return true, nil
		}
		k := *a
		if c.action(&k); k.assignment.Group != nil {
			m.groupInPlace(&k)
		}
		s.action = &k
		return m.alikeOperands(a, c), nil
	case *viewAction:
		c, same, err := m.again(a.assignment)
		if err != nil || !same || c.kernel != nil || a.assignment.Node.Inputs[c.from] != m.plan.slots[a.from].value {
			return false, err
		}
		m.begin(a, c)
	}
	return true, nil
}

// again returns how the node or the group of a step is computed now, and whether
// it is still alone, or still a group.
func (m *maker) again(a partition.Assignment) (*choice, bool, error) {
	group := m.env.Placement.Of(a.Node)
	if group.Group == nil {
		c, err := m.choose(a.Node, a)
		return c, true, err
	}
	c, err := m.chooseGroup(group)
	if err != nil || (c.kernel != nil) != (a.Group != nil) {
		return nil, false, err
	}
	if a.Group == nil {
		c, err = m.choose(a.Node, a)
	}
	return c, true, err
}

// alikeOperands reports whether a choice wants operands on the host as the kernel
// before it did.
func (m *maker) alikeOperands(k *kernelAction, c *choice) bool {
	if !slices.Equal(k.hostOutputs, c.hostOut) {
		return false
	}
	if k.assignment.Group != nil {
		return true
	}
	for i, s := range k.inputs {
		if s >= 0 && (m.plan.slots[s].location == Host) != slices.Contains(c.hostIn, i) {
			return false
		}
	}
	return true
}
