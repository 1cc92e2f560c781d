package plan

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/models/partition"
)

// joinAction makes a value of parts that lie in its memory already, but for some
// that it copies there.
type joinAction struct {
	assignment partition.Assignment
	parts      []int // slots
	copied     []joined
	whole      int
}

// joined is a slot and its place in the whole, in bytes.
type joined struct {
	slot int
	at   int64
}

// join lets a node that only lays its inputs side by side have them made in the
// memory of its output, if that saves half of the copying or more. An input that
// lies in other memory for good (a constant, the caller's, a part of something
// else) is copied. The whole may in turn be a part of another.
func (m *maker) join(i int, k *kernelAction, lives []lifetime) {
	whole := k.outputs[0]
	if m.plan.slots[whole].storage != inArena {
		return
	}
	j := &joinAction{assignment: k.assignment, parts: k.inputs, whole: whole}
	j.assignment.Kernel = "view"
	alignment, end := m.env.Devices[k.assignment.Device].Alignment(), m.size(whole)
	var inside []joined
	var saved int64
	for n, at := range slices.Backward(k.places) {
		root, alone := m.alone(k.inputs[n])
		fits := at%alignment == 0 && at+m.size(k.inputs[n]) <= end
		if fits && alone && !slices.ContainsFunc(inside, func(other joined) bool { return other.slot == root }) {
			inside = append(inside, joined{root, at})
			saved += m.size(root)
		} else {
			j.copied = append(j.copied, joined{k.inputs[n], at})
		}
		end = at
	}
	if 2*saved < m.size(whole) || saved == 0 {
		return
	}
	for _, part := range inside {
		m.put(part.slot, whole, part.at, lives)
	}
	m.plan.steps[i].action = j
}

func (j *joinAction) place() *partition.Assignment { return &j.assignment }
func (j *joinAction) reads() []int                 { return j.parts }
func (j *joinAction) writes() []int                { return []int{j.whole} }
func (j *joinAction) describe(p *Plan) string {
	out := fmt.Sprintf("join %s as %s", p.names(j.parts), p.placed([]int{j.whole}))
	for i, c := range j.copied {
		out += map[bool]string{true: ", copying ", false: ", "}[i == 0] + p.name(c.slot)
	}
	return out
}

func (j *joinAction) run(x *Execution, f *frame, _ int) error {
	for _, c := range j.copied {
		from := packed(f.values[c.slot])
		r := f.values[j.whole].Region
		to := driver.Region{Buffer: r.Buffer, Offset: r.Offset + c.at, Size: from.Size}
		if err := x.streams[j.assignment.Device].Copy(x.ctx, to, from); err != nil {
			return err
		}
	}
	return nil
}
