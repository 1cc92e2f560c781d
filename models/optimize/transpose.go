package optimize

import (
	"slices"

	"example.com/midplane/operators/graph"
)

// joinTransposes makes a Transpose of a Transpose one, or none where the second
// undoes the first.
var joinTransposes = everywhere(func(p *pattern, n *graph.Node) bool {
	if n.Operator() != "Transpose" || n.Inputs[0] == nil || n.Inputs[0].Producer == nil || n.Inputs[0].Producer.Operator() != "Transpose" {
		return false
	}
	before := n.Inputs[0].Producer
	first, second := p.permutation(before), p.permutation(n)
	if first == nil || len(second) != len(first) {
		return false
	}
	both := make([]int64, len(second))
	unchanged := true
	for i, axis := range second {
		both[i] = first[axis]
		unchanged = unchanged && both[i] == int64(i)
	}
	if unchanged && !slices.Contains(p.graph.Outputs, n.Outputs[0]) {
		p.graph.Substitute(n.Outputs[0], before.Inputs[0])
		return true
	}
	if p.uses[n.Inputs[0]] == 1 {
		p.absorb(n, before)
	}
	n.Inputs[0] = before.Inputs[0]
	n.Set(graph.A("perm", both))
	return true
})

// permutation returns the axes of a Transpose, nil where the rank is not known.
func (p *pattern) permutation(n *graph.Node) []int64 {
	if perm := n.Ints("perm"); len(perm) > 0 {
		for _, axis := range perm {
			if axis < 0 || axis >= int64(len(perm)) {
				return nil
			}
		}
		return perm
	}
	rank := p.rank(n.Inputs[0])
	if rank < 1 {
		return nil
	}
	perm := make([]int64, rank)
	for i := range perm {
		perm[i] = int64(rank - 1 - i)
	}
	return perm
}
