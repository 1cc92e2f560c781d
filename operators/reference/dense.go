package reference

import (
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// DenseView implements the method of operators.Viewer for a device that keeps
// tensors dense and row-major: what gives a tensor another shape, and what takes
// parts that lie in one piece (Split, Slice).
func DenseView(n *graph.Node) (input int, offsets []int64, ok bool) {
	switch {
	case operators.Reshapes(n):
		return 0, []int64{0}, true
	case n.Domain != "":
		return 0, nil, false
	case n.Op == "Split":
		offsets, ok = denseParts(n.Inputs[0], n.Outputs, n.Int("axis", 0))
	case n.Op == "Slice":
		offsets, ok = denseSlice(n)
	}
	return 0, offsets, ok
}

// DenseJoin implements operators.Joiner for a device that keeps tensors dense and
// row-major: a Concat along an axis before which all extents are 1.
func DenseJoin(n *graph.Node) (offsets []int64, ok bool) {
	if n.Domain != "" || n.Op != "Concat" {
		return nil, false
	}
	return denseParts(n.Outputs[0], n.Inputs, n.Int("axis", 0))
}

// denseParts returns the bytes at which the parts begin that lie one behind the
// other along an axis of a whole, if each is one piece of its memory.
func denseParts(whole *graph.Value, parts []*graph.Value, axis int64) ([]int64, bool) {
	shape, ok := whole.Type.Dims.Shape()
	axes, err := axesIn([]int64{axis}, len(shape))
	if !ok || err != nil || shape[:axes[0]].Size() != 1 {
		return nil, false
	}
	offsets, bits := make([]int64, len(parts)), 0
	for i, v := range parts {
		if v == nil || v.Type.DType != whole.Type.DType || bits%8 != 0 {
			return nil, false
		}
		part, ok := v.Type.Dims.Shape()
		if !ok || len(part) != len(shape) || !part[axes[0]+1:].Equal(shape[axes[0]+1:]) {
			return nil, false
		}
		offsets[i] = int64(bits / 8)
		bits += part.Size() * v.Type.DType.Bits()
	}
	return offsets, bits == shape.Size()*whole.Type.DType.Bits()
}

// denseSlice returns the byte at which begins what a Slice by constants takes, if
// that is one piece of the input's memory.
func denseSlice(n *graph.Node) ([]int64, bool) {
	var lists [5][]int64 // starts, ends, axes and steps are inputs 1 to 4
	for i := 1; i < len(lists); i++ {
		if v := n.Input(i); v != nil {
			if v.Const == nil || !v.Const.DType().IsInteger() {
				return nil, false
			}
			lists[i] = v.Const.Int64s()
		}
	}
	from, ok := n.Inputs[0].Type.Dims.Shape()
	if !ok {
		return nil, false
	}
	target, base, strides, err := sliceBox(from, lists[1], lists[2], lists[3], lists[4])
	if err != nil {
		return nil, false
	}
	for axis, step := range target.Strides() {
		if target[axis] > 1 && strides[axis] != step {
			return nil, false
		}
	}
	bits := base * n.Inputs[0].Type.DType.Bits()
	return []int64{int64(bits / 8)}, bits%8 == 0
}
