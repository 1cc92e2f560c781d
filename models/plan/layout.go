package plan

// lifetime is the steps between which a slot is needed.
type lifetime struct{ first, last int }

// layout finds how long every slot is needed, lets values lie in each other's
// memory, places what lies in arenas, and notes after which step the rest may go.
func (m *maker) layout() error {
	lives := m.lifetimes()
	m.overlay(lives)
	spans := make([][]span, len(m.env.Devices))
	for i := range m.plan.slots {
		s := &m.plan.slots[i]
		root, _ := m.plan.root(i)
		switch {
		case root != i && m.plan.slots[root].storage == inArena:
			s.storage = inArena // where its root lies
		case s.storage == inArena:
			spans[s.location] = append(spans[s.location], span{i, max(m.size(i), 1), lives[i].first, lives[i].last})
		case (s.storage == inPool || s.storage == onHost || s.storage == inView) && lives[i].last < len(m.plan.steps):
			step := &m.plan.steps[lives[i].last]
			step.release = append(step.release, i)
		}
	}
	for d, list := range spans {
		offsets, size, err := layout(m.ctx, list, m.env.Devices[d].Alignment())
		if err != nil {
			return err
		}
		m.plan.arenas[d] = size
		for slot, offset := range offsets {
			m.plan.slots[slot].offset = offset
		}
	}
	for i := range m.plan.slots {
		root, at := m.plan.root(i)
		m.plan.slots[i].offset = m.plan.slots[root].offset + at
	}
	return nil
}

// lifetimes returns how long each slot is needed; what lies in an arena is needed
// as long as its last view.
func (m *maker) lifetimes() []lifetime {
	lives := make([]lifetime, len(m.plan.slots))
	for i, s := range m.plan.steps {
		for _, w := range s.action.writes() {
			if w >= 0 {
				lives[w] = lifetime{i, i}
			}
		}
		for _, r := range s.action.reads() {
			if r >= 0 {
				lives[r].last = i
			}
		}
	}
	for _, o := range m.plan.outputs {
		lives[o].last = len(m.plan.steps)
	}
	for i := range m.plan.slots {
		if r, _ := m.plan.root(i); r != i && m.plan.slots[r].storage == inArena {
			lives[r].last = max(lives[r].last, lives[i].last)
		}
	}
	return lives
}

// size returns the bytes that a slot of known shape takes.
func (m *maker) size(slot int) int64 {
	s := m.plan.slots[slot]
	return m.env.Devices[s.location].ValueSize(s.dtype, s.shape)
}
