package optimize

import (
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// mergePads makes a Pad with zeros, of the axes that the windows of a Conv move
// over, part of the Conv, where nothing else reads what is padded.
var mergePads = everywhere(func(p *pattern, n *graph.Node) bool {
	if n.Operator() != "Conv" || n.Text("auto_pad", "NOTSET") != "NOTSET" {
		return false
	}
	pad := p.inner(n.Inputs[0], "Pad")
	if pad == nil || pad.Text("mode", "constant") != "constant" || pad.Input(3) != nil || !p.zero(pad.Input(2)) {
		return false
	}
	rank, amounts := p.rank(n.Inputs[0]), p.constant(pad.Input(1))
	if amounts == nil || amounts.DType() != tensor.Int64 || rank < 3 || amounts.Len() != 2*rank {
		return false
	}
	pads, a := make([]int64, 2*(rank-2)), tensor.Slice[int64](amounts)
	copy(pads, n.Ints("pads"))
	for side := range 2 {
		of := a[side*rank : (side+1)*rank]
		if of[0] != 0 || of[1] != 0 || slices.ContainsFunc(of, func(v int64) bool { return v < 0 }) {
			return false
		}
		for i, v := range of[2:] {
			pads[side*(rank-2)+i] += v
		}
	}
	p.absorb(n, pad)
	n.Inputs[0] = pad.Inputs[0]
	n.Set(graph.A("pads", pads))
	return true
})

// zero reports whether a value is absent or the number 0.
func (p *pattern) zero(v *graph.Value) bool {
	if v == nil {
		return true
	}
	number, ok := p.number(v)
	return ok && number == 0
}
