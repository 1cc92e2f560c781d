package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// shape holds Reshape, Flatten, Squeeze, Unsqueeze, Identity, Expand, Tile,
// Transpose, DepthToSpace, SpaceToDepth.
var shape = family{
	{op: "Reshape", kernel: "copy", inputs: firstMoves, build: whole},
	{op: "Flatten", kernel: "copy", inputs: firstMoves, build: whole},
	{op: "Squeeze", kernel: "copy", inputs: firstMoves, build: whole},
	{op: "Unsqueeze", kernel: "copy", inputs: firstMoves, build: whole},
	{op: "Identity", kernel: "copy", inputs: firstMoves, build: whole},
	{op: "Expand", kernel: "copy/strided", inputs: firstMoves, build: expand, values: []int{1}},
	{op: "Tile", kernel: "copy/strided", inputs: firstMoves, build: tile, values: []int{1}},
	{op: "Transpose", kernel: "transpose", inputs: firstMoves, build: transpose},
	{op: "DepthToSpace", kernel: "transpose", inputs: firstMoves, build: depthToSpace},
	{op: "SpaceToDepth", kernel: "transpose", inputs: firstMoves, build: spaceToDepth},
}

// movable are the types whose elements are words of 1, 2, 4 or 8 bytes.
var movable = []tensor.DType{
	tensor.Float32, tensor.Uint8, tensor.Int8, tensor.Uint16, tensor.Int16, tensor.Int32, tensor.Int64, tensor.Bool,
	tensor.Float16, tensor.Float64, tensor.Uint32, tensor.Uint64, tensor.Complex64, tensor.BFloat16,
	tensor.Float8E4M3FN, tensor.Float8E4M3FNUZ, tensor.Float8E5M2, tensor.Float8E5M2FNUZ, tensor.Float8E8M0,
}

// firstMoves is the key of operators that move the elements of their first input
// and take numbers in the others.
var firstMoves = [][]tensor.DType{movable, nil}

// newRelocation returns a relocation into the outputs that a call has already,
// without boxes; nil if one of them is still to be made.
func (d *Device) newRelocation(c *operators.Call) *relocation {
	w := &relocation{device: d, dtype: c.Inputs[0].DType, blank: noBlank, outputs: make([]tensor.Shape, len(c.Outputs))}
	for i, o := range c.Outputs {
		if !o.Present() {
			return nil
		}
		w.outputs[i] = o.Shape.Clone()
	}
	return w
}

// whole copies all elements in their order.
func whole(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := d.newRelocation(c)
		n := c.Inputs[0].Shape.Size()
		if w == nil || w.outputs[0].Size() != n || !w.addBox(tensor.Shape{n}, 0, 0, []int{1}, 0, 0, []int{1}) {
			return nil, nil
		}
		return w, nil
	}, nil
}

func expand(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := d.newRelocation(c)
		if w == nil {
			return nil, nil
		}
		steps, ok := broadcastSteps(c.Inputs[0].Shape, w.outputs[0])
		if !ok || !w.addBox(w.outputs[0], 0, 0, steps, 0, 0, w.outputs[0].Strides()) {
			return nil, nil
		}
		return w, nil
	}, nil
}

// tile makes two axes of each: the repetitions, along which the input does not
// advance, and its own extent.
func tile(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := d.newRelocation(c)
		from := c.Inputs[0].Shape
		if w == nil || len(w.outputs[0]) != len(from) {
			return nil, nil
		}
		var extents tensor.Shape
		var fromSteps, toSteps []int
		own, strides := from.Strides(), w.outputs[0].Strides()
		for axis, n := range from {
			if n == 0 || w.outputs[0][axis]%n != 0 {
				return nil, nil
			}
			extents = append(extents, w.outputs[0][axis]/n, n)
			fromSteps = append(fromSteps, 0, own[axis])
			toSteps = append(toSteps, n*strides[axis], strides[axis])
		}
		if !w.addBox(extents, 0, 0, fromSteps, 0, 0, toSteps) {
			return nil, nil
		}
		return w, nil
	}, nil
}

func transpose(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		from := c.Inputs[0].Shape
		perm := make([]int, len(from))
		for i := range perm {
			perm[i] = len(perm) - 1 - i
		}
		if n.Has("perm") {
			request := n.Ints("perm")
			if len(request) != len(from) {
				return nil, nil
			}
			seen := make([]bool, len(perm))
			for i, axis := range request {
				if axis < 0 {
					axis += int64(len(from))
				}
				if axis < 0 || axis >= int64(len(from)) || seen[axis] {
					return nil, nil
				}
				perm[i], seen[axis] = int(axis), true
			}
		}
		return d.permutation(c, from, perm)
	}, nil
}

// permutation returns the work of laying out an input, seen as a tensor of shape
// from, with axis perm[i] as its i-th.
func (d *Device) permutation(c *operators.Call, from tensor.Shape, perm []int) (work, error) {
	w := d.newRelocation(c)
	if w == nil || w.outputs[0].Size() != from.Size() {
		return nil, nil
	}
	own := from.Strides()
	extents, steps := make(tensor.Shape, len(perm)), make([]int, len(perm))
	for i, axis := range perm {
		extents[i], steps[i] = from[axis], own[axis]
	}
	if !w.addBox(extents, 0, 0, steps, 0, 0, extents.Strides()) {
		return nil, nil
	}
	return w, nil
}

// depthToSpace moves blocks of channels into blocks of pixels:
// [N, C, H, W] -> [N, C/b², H×b, W×b].
func depthToSpace(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, b := c.Inputs[0].Shape, int(n.Int("blocksize", 0))
		if len(s) != 4 || b < 1 || s[1]%b != 0 || s[1]/b%b != 0 {
			return nil, nil
		}
		depth := s[1] / b / b
		switch n.Text("mode", "DCR") {
		case "DCR":
			return d.permutation(c, tensor.Shape{s[0], b, b, depth, s[2], s[3]}, []int{0, 3, 4, 1, 5, 2})
		case "CRD":
			return d.permutation(c, tensor.Shape{s[0], depth, b, b, s[2], s[3]}, []int{0, 1, 4, 2, 5, 3})
		}
		return nil, nil
	}, nil
}

// spaceToDepth moves blocks of pixels into blocks of channels:
// [N, C, H, W] -> [N, C×b², H/b, W/b].
func spaceToDepth(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, b := c.Inputs[0].Shape, int(n.Int("blocksize", 0))
		if len(s) != 4 || b < 1 || s[2]%b != 0 || s[3]%b != 0 {
			return nil, nil
		}
		return d.permutation(c, tensor.Shape{s[0], s[1], s[2] / b, b, s[3] / b, b}, []int{0, 3, 5, 1, 2, 4})
	}, nil
}
