package plan

import "slices"

// overlay lets values lie in each other's memory: parts in the whole that they are
// laid side by side for, and outputs where inputs lie that nothing needs any more.
func (m *maker) overlay(lives []lifetime) {
	if m.env.Apart {
		return
	}
	for i, s := range m.plan.steps {
		if k, ok := s.action.(*kernelAction); ok && k.places != nil {
			m.join(i, k, lives)
		}
	}
	for i, s := range m.plan.steps {
		if k, ok := s.action.(*kernelAction); ok && len(k.inPlace) > 0 {
			m.takeOver(i, k, lives)
		}
	}
}

// takeOver lets the first output of a kernel lie where an input lies that nothing
// needs after it, if the kernel can work in place.
func (m *maker) takeOver(i int, k *kernelAction, lives []lifetime) {
	out := k.outputs[0]
	if out < 0 || m.plan.slots[out].storage != inArena {
		return
	}
	whole, _ := m.plan.root(out)
	for _, j := range k.inPlace {
		in := k.inputs[j]
		if in < 0 || m.plan.slots[in].location != m.plan.slots[out].location || !m.alike(in, out) {
			continue
		}
		root, _ := m.plan.root(in)
		if m.plan.slots[root].storage != inArena || lives[root].last != i || slices.ContainsFunc(k.inputs, func(other int) bool { return m.shares(other, in) }) {
			continue
		}
		if whole == out {
			m.put(out, in, 0, lives)
			return
		}
		if _, alone := m.alone(in); alone { // the output has its place: the input goes there
			m.put(root, out, 0, lives)
			return
		}
	}
}

// alike reports whether two slots have as many elements of the same size.
func (m *maker) alike(i, j int) bool {
	a, b := m.plan.slots[i], m.plan.slots[j]
	return a.dtype.Bits() == b.dtype.Bits() && a.shape.Size() == b.shape.Size() && m.size(i) == m.size(j)
}

// shares reports whether two slots, each a value of its own, lie in the same
// memory.
func (m *maker) shares(i, j int) bool {
	if i < 0 || i == j {
		return false
	}
	a, _ := m.plan.root(i)
	b, _ := m.plan.root(j)
	return a == b
}

// alone reports whether a slot is all that there is in its root, which lies in an
// arena, and returns that.
func (m *maker) alone(slot int) (root int, ok bool) {
	if slot < 0 {
		return slot, false
	}
	root, at := m.plan.root(slot)
	return root, at == 0 && m.plan.slots[root].storage == inArena && m.size(root) == m.size(slot)
}

// put places a slot that has memory of its own at a byte of another's.
func (m *maker) put(slot, into int, at int64, lives []lifetime) {
	m.plan.slots[slot].view, m.plan.slots[slot].at = into+1, at
	root, _ := m.plan.root(into)
	lives[root].first = min(lives[root].first, lives[slot].first)
	lives[root].last = max(lives[root].last, lives[slot].last)
}
