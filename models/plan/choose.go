package plan

import (
	"slices"

	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// choice is how a device computes a node, or a group, whose values have certain
// types: by a kernel, or by none where the outputs lie in an input's memory.
type choice struct {
	exact   *graph.Node // the node with these types, of a group the last
	kernel  operators.Kernel
	inPlace []int   // inputs whose memory the first output may take
	places  []int64 // of inputs in the output, where the kernel only copies them there

	hostIn, hostOut []int // indexes of operands on the host

	from    int     // without a kernel: the input in whose memory the outputs lie
	offsets []int64 // and at which of its bytes
}

// choose returns how a node is computed, which is found anew only where types
// differ from those before.
func (m *maker) choose(n *graph.Node, a partition.Assignment) (*choice, error) {
	if c := m.choices[n]; c != nil {
		return c, nil
	}
	backend, exact := m.env.backend(a.Device), m.exact(n)
	c := m.view(exact, a.Device)
	if c != nil {
		m.choices[n] = c
		return c, nil
	}
	if v := backend.Supports(exact); v.Level == operators.Unsupported {
		return nil, &NodeError{n, m.env.Placement.DeviceName(a.Device), &partition.UnsupportedError{Nodes: []partition.Missing{{Node: exact, Verdicts: []string{v.String()}}}}}
	}
	c = &choice{exact: exact}
	if p, ok := backend.(operators.InPlacer); ok {
		c.inPlace = p.InPlace(exact)
	}
	if joiner, ok := backend.(operators.Joiner); ok {
		if places, ok := joiner.Join(exact); ok {
			c.places = places
		}
	}
	if h, ok := backend.(operators.HostOperands); ok {
		absent := func(i int) bool { return n.Output(i) == nil }
		c.hostIn, c.hostOut = h.HostInputs(exact), slices.DeleteFunc(slices.Clone(h.HostOutputs(exact)), absent)
	}
	var err error
	if c.kernel, err = m.env.build(exact, a.Device); err != nil {
		return nil, &NodeError{n, m.env.Placement.DeviceName(a.Device), err}
	}
	m.choices[n] = c
	return c, nil
}

// chooseGroup returns how the nodes of a group are computed together. It is without
// a kernel where not all of them run, or shapes are found only while running, or the
// device wants it so.
func (m *maker) chooseGroup(a partition.Assignment) (*choice, error) {
	last := a.Group[len(a.Group)-1]
	if c := m.groups[last]; c != nil {
		return c, nil
	}
	nodes := make([]*graph.Node, len(a.Group))
	whole := true
	for i, part := range a.Group {
		nodes[i] = m.exact(part)
		whole = whole && m.running[part] && m.fixedValues(nodes[i].Inputs) && m.fixedValues(nodes[i].Outputs)
	}
	c := &choice{exact: nodes[len(nodes)-1]}
	if whole {
		var err error
		if c.kernel, err = m.env.buildGroup(nodes, a.Device); err != nil {
			return nil, &NodeError{last, m.env.Placement.DeviceName(a.Device), err}
		}
		if p, ok := m.env.backend(a.Device).(operators.InPlacer); ok {
			moves := func(n *graph.Node) bool { return len(p.InPlace(n)) == 0 }
			if !slices.ContainsFunc(nodes, moves) {
				c.inPlace = p.InPlace(nodes[0])
			}
		}
	}
	m.groups[last] = c
	return c, nil
}

// action makes a step's action that of the choice, on the slots that it has.
func (c *choice) action(k *kernelAction) *kernelAction {
	k.exact, k.kernel, k.inPlace, k.places = c.exact, c.kernel, c.inPlace, c.places
	return k
}
