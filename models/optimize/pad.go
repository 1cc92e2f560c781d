package optimize

import (
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// mergePads makes a Pad with zeros, of the axes that windows move over, part of the
// Conv behind it, or of the MaxPool behind it where nothing padded is less than zero;
// nothing else may read what is padded.
var mergePads = everywhere(func(p *pattern, n *graph.Node) bool {
	if op := n.Operator(); op != "Conv" && op != "MaxPool" || n.Text("auto_pad", "NOTSET") != "NOTSET" {
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
	if n.Op == "MaxPool" && !p.zeroIsLeast(n, pad.Inputs[0], pads) {
		return false
	}
	p.absorb(n, pad)
	n.Inputs[0] = pad.Inputs[0]
	n.Set(graph.A("pads", pads))
	return true
})

// zeroIsLeast reports whether a MaxPool of x with some padding gives what it gives of x
// padded with zeros: no element is less, and every window sees one.
func (p *pattern) zeroIsLeast(pool *graph.Node, x *graph.Value, pads []int64) bool {
	kernel := pool.Ints("kernel_shape")
	if x.Producer == nil || pool.Output(1) != nil || pool.Bool("ceil_mode", false) || pool.Has("dilations") && slices.Max(pool.Ints("dilations")) > 1 || 2*len(kernel) != len(pads) {
		return false
	}
	for i, v := range pads {
		if v >= kernel[i%len(kernel)] {
			return false
		}
	}
	switch x.Producer.Operator() {
	case "Relu", "Sigmoid":
		return true
	case "Clip":
		least, ok := p.number(x.Producer.Input(1))
		if most := x.Producer.Input(2); most != nil {
			m, known := p.number(most)
			ok = ok && known && m >= 0
		}
		return ok && least >= 0
	}
	return false
}

// zero reports whether a value is absent or the number 0.
func (p *pattern) zero(v *graph.Value) bool {
	if v == nil {
		return true
	}
	number, ok := p.number(v)
	return ok && number == 0
}
