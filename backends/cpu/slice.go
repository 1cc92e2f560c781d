package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// slice holds Slice, Concat, Split, Pad.
var slice = family{
	{op: "Slice", kernel: "copy/strided", inputs: firstMoves, build: sliceOf, values: []int{1, 2, 3, 4}},
	{op: "Concat", kernel: "copy/strided", inputs: [][]tensor.DType{movable}, build: concat},
	{op: "Split", kernel: "copy/strided", inputs: firstMoves, build: split},
	{op: "Pad", kernel: "copy/strided", inputs: [][]tensor.DType{movable, nil, movable, nil}, build: pad, values: []int{1, 3}, accept: constantPad},
}

func sliceOf(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		var lists [5][]int64 // starts, ends, axes and steps are inputs 1 to 4
		for i := 1; i < len(lists); i++ {
			var err error
			if lists[i], err = integers(c, i); err != nil {
				return nil, nil
			}
		}
		w := d.newRelocation(c)
		from := c.Inputs[0].Shape
		starts, ends, axes, by := lists[1], lists[2], lists[3], lists[4]
		if w == nil || len(ends) != len(starts) || axes != nil && len(axes) != len(starts) || by != nil && len(by) != len(starts) || len(starts) > len(from) {
			return nil, nil
		}
		base, steps, extents := 0, from.Strides(), from.Clone()
		seen := make([]bool, len(from))
		for i := range starts {
			number, step := int64(i), int64(1)
			if axes != nil {
				number = axes[i]
			}
			if by != nil {
				step = by[i]
			}
			axis, ok := axisIn(number, len(from))
			if !ok || seen[axis] || step == 0 {
				return nil, nil
			}
			seen[axis] = true
			first, count := reference.SliceRange(starts[i], ends[i], step, from[axis])
			extents[axis] = count
			base += first * steps[axis]
			if count > 1 {
				steps[axis] *= int(step)
			}
		}
		if !extents.Equal(w.outputs[0]) || !w.addBox(extents, 0, base, steps, 0, 0, extents.Strides()) {
			return nil, nil
		}
		return w, nil
	}, nil
}

func concat(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := d.newRelocation(c)
		if w == nil {
			return nil, nil
		}
		target := w.outputs[0]
		axis, ok := axisIn(n.Int("axis", 0), len(target))
		if !ok {
			return nil, nil
		}
		strides, at := target.Strides(), 0
		for i, o := range c.Inputs {
			fits := len(o.Shape) == len(target) && o.DType == w.dtype
			for k := range min(len(o.Shape), len(target)) {
				fits = fits && (k == axis || o.Shape[k] == target[k])
			}
			if !fits || !w.addBox(o.Shape, i, 0, o.Shape.Strides(), 0, at*strides[axis], strides) {
				return nil, nil
			}
			at += o.Shape[axis]
		}
		if at != target[axis] {
			return nil, nil
		}
		return w, nil
	}, nil
}

// split relies on the outputs' shapes for the sizes of the parts.
func split(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := d.newRelocation(c)
		from := c.Inputs[0].Shape
		axis, ok := axisIn(n.Int("axis", 0), len(from))
		if w == nil || !ok {
			return nil, nil
		}
		steps, at := from.Strides(), 0
		for i, s := range w.outputs {
			if len(s) != len(from) || !w.addBox(s, 0, at*steps[axis], steps, i, 0, s.Strides()) {
				return nil, nil
			}
			at += s[axis]
		}
		if at != from[axis] {
			return nil, nil
		}
		return w, nil
	}, nil
}

// constantPad takes the mode that writes one value everywhere around.
func constantPad(n *graph.Node) operators.Verdict {
	if mode := n.Text("mode", "constant"); mode != "constant" {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "mode " + mode}
	}
	return native
}

// pad fills the output and copies into it what is left of the input: negative
// amounts cut.
func pad(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := d.newRelocation(c)
		amounts, err := integers(c, 1)
		axes, err2 := integers(c, 3)
		from := c.Inputs[0].Shape
		if w == nil || err != nil || err2 != nil {
			return nil, nil
		}
		if axes == nil {
			for axis := range from {
				axes = append(axes, int64(axis))
			}
		}
		if len(amounts) != 2*len(axes) || len(w.outputs[0]) != len(from) || has(c, 2) && (c.Inputs[2].Shape.Size() != 1 || c.Inputs[2].DType != w.dtype) {
			return nil, nil
		}
		extents, steps, strides := from.Clone(), from.Strides(), w.outputs[0].Strides()
		base, to := 0, 0
		for i, a := range axes {
			axis, ok := axisIn(a, len(from))
			if !ok {
				return nil, nil
			}
			before, after := int(amounts[i]), int(amounts[i+len(axes)])
			if from[axis]+before+after != w.outputs[0][axis] {
				return nil, nil
			}
			base += max(-before, 0) * steps[axis]
			to += max(before, 0) * strides[axis]
			extents[axis] += min(before, 0) + min(after, 0)
			if extents[axis] < 0 {
				return nil, nil
			}
		}
		w.blank = 2
		if !w.addBox(extents, 0, base, steps, 0, to, strides) {
			return nil, nil
		}
		return w, nil
	}, nil
}

// axisIn brings an axis into [0, rank).
func axisIn(axis int64, rank int) (int, bool) {
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), axis >= 0 && axis < int64(rank)
}
