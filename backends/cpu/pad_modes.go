package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// padModes holds Pad in the modes that repeat the input around itself.
var padModes = family{
	{op: "Pad", kernel: "copy/mapped", inputs: [][]tensor.DType{movable, nil, movable, nil}, build: repeatedPad, values: []int{1, 3}, accept: repeatingPad},
}

// repeatingPad takes modes edge, reflect and wrap.
func repeatingPad(n *graph.Node) operators.Verdict {
	if mode := n.Text("mode", "constant"); inputIndex[mode] == nil {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "mode " + mode}
	}
	return native
}

// inputIndex maps, by mode, an index that may lie outside [0, n) to the one whose
// element is repeated there.
var inputIndex = map[string]func(i, n int) int{
	"edge": func(i, n int) int { return min(max(i, 0), n-1) },
	"wrap": func(i, n int) int { return (i%n + n) % n },
	"reflect": func(i, n int) int {
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = (i%period + period) % period
		return min(i, period-i)
	},
}

// remapping copies elements along every axis from where a list says.
type remapping struct {
	dtype tensor.DType
	shape tensor.Shape // of the result
	steps []int        // of the input, from element to element along each axis
	from  [][]int      // by axis and index in the result: the index in the input
	rows  int
	first int // of the last axis: elements [first, end) of the result follow each other in the input
	end   int
}

func repeatedPad(_ *Device, n *graph.Node) (planner, error) {
	index := inputIndex[n.Text("mode", "constant")]
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape
		amounts, err := integers(c, 1)
		axes, err2 := integers(c, 3)
		if err != nil || err2 != nil || len(s) == 0 || s.Size() == 0 || !c.Outputs[0].Present() || len(c.Outputs[0].Shape) != len(s) {
			return nil, nil
		}
		w := &remapping{dtype: c.Inputs[0].DType, shape: c.Outputs[0].Shape.Clone(), steps: s.Strides(), from: make([][]int, len(s))}
		before := make([]int, len(s))
		if axes == nil {
			for axis := range s {
				axes = append(axes, int64(axis))
			}
		}
		if len(amounts) != 2*len(axes) || w.shape.Size() == 0 {
			return nil, nil
		}
		for i, a := range axes {
			axis, ok := axisIn(a, len(s))
			if !ok || min(amounts[i], amounts[i+len(axes)]) < -limit || max(amounts[i], amounts[i+len(axes)]) > limit ||
				int64(w.shape[axis]) != int64(s[axis])+amounts[i]+amounts[i+len(axes)] {
				return nil, nil
			}
			before[axis] = int(amounts[i])
		}
		for axis, n := range w.shape {
			if n > mostRoom {
				return nil, nil
			}
			w.from[axis] = make([]int, n)
			for at := range n {
				w.from[axis][at] = index(at-before[axis], s[axis])
			}
		}
		last := len(s) - 1
		w.rows = w.shape[:last].Size()
		w.first = min(max(before[last], 0), w.shape[last])
		w.end = min(max(before[last]+s[last], w.first), w.shape[last])
		return w, nil
	}, nil
}

func (w *remapping) run(ctx context.Context, c *operators.Call) error {
	switch w.dtype.Bits() {
	case 8:
		return remap[uint8](ctx, w, c)
	case 16:
		return remap[uint16](ctx, w, c)
	case 32:
		return remap[uint32](ctx, w, c)
	case 64:
		return remap[uint64](ctx, w, c)
	}
	return errUnfit
}

func remap[U word](ctx context.Context, w *remapping, c *operators.Call) error {
	src, err := input[U](c, 0)
	if err != nil {
		return err
	}
	dst, err := output[U](c, 0, w.dtype, w.shape)
	if err != nil {
		return err
	}
	last := len(w.shape) - 1
	line, width := w.from[last], w.shape[last]
	for row := range w.rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, rest := 0, row
		for axis := last - 1; axis >= 0; axis-- {
			at += w.from[axis][rest%w.shape[axis]] * w.steps[axis]
			rest /= w.shape[axis]
		}
		to := dst[row*width:][:width]
		for i := range w.first {
			to[i] = src[at+line[i]]
		}
		if w.first < w.end {
			copy(to[w.first:w.end], src[at+line[w.first]:])
		}
		for i := w.end; i < width; i++ {
			to[i] = src[at+line[i]]
		}
	}
	return nil
}
