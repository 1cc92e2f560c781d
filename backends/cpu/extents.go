package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// extents holds Shape, Size. They read nothing of their operand but its shape.
var extents = family{
	{op: "Shape", kernel: "extents", inputs: firstMoves, build: func(_ *Device, n *graph.Node) (planner, error) {
		start, end, ends := n.Int("start", 0), n.Int("end", 0), n.Has("end")
		return func(c *operators.Call) (work, error) {
			s := c.Inputs[0].Shape
			from, to := bound(start, len(s)), len(s)
			if ends {
				to = bound(end, len(s))
			}
			list := make([]int64, 0, len(s))
			for _, n := range s[from:max(from, to)] {
				list = append(list, int64(n))
			}
			return &written{list, tensor.Shape{len(list)}}, nil
		}, nil
	}},
	{op: "Size", kernel: "extents", inputs: firstMoves, build: func(*Device, *graph.Node) (planner, error) {
		return func(c *operators.Call) (work, error) {
			return &written{[]int64{int64(c.Inputs[0].Shape.Size())}, tensor.Shape{}}, nil
		}, nil
	}},
}

// bound brings an axis, counted from the end where it is negative, into [0, rank].
func bound(axis int64, rank int) int {
	if axis < 0 {
		axis += int64(rank)
	}
	return int(min(max(axis, 0), int64(rank)))
}

// written writes numbers that were known before.
type written struct {
	list  []int64
	shape tensor.Shape
}

func (w *written) run(_ context.Context, c *operators.Call) error {
	dst, err := output[int64](c, 0, tensor.Int64, w.shape)
	copy(dst, w.list)
	return err
}
