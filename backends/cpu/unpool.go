package cpu

import (
	"context"
	"slices"
	"sync/atomic"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// unpool holds MaxUnpool.
var unpool = family{
	{op: "MaxUnpool", kernel: "pool", build: maxUnpool, inputs: [][]tensor.DType{{tensor.Float32}, {tensor.Int64}}, values: []int{2}},
}

// maxUnpool puts every element where the pool found it. It takes indices that lie in the
// plane of their element, as pools give them, and no shape but that which follows from
// the attributes.
func maxUnpool(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape.Clone()
		shape, ok := unpooled(n, x)
		if !ok || x.Size() == 0 || shape.Size() == 0 || !c.Inputs[1].Shape.Equal(x) {
			return nil, nil
		}
		asked, err := integers(c, 2)
		if err != nil {
			return nil, err
		}
		if asked != nil && !slices.EqualFunc(asked, shape, func(a int64, b int) bool { return a == int64(b) }) {
			return nil, nil
		}
		planes, from, to := x[0]*x[1], x[2:].Size(), shape[2:].Size()
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			a, err := input[float32](c, 0)
			if err != nil {
				return err
			}
			indices, err := input[int64](c, 1)
			if err != nil {
				return err
			}
			var astray atomic.Bool
			err = d.each(ctx, planes, from, func(first, end int) {
				for i := first; i < end; i++ {
					if !allWithin(indices[i*from:][:from], int64(i*to), int64(to)) {
						astray.Store(true)
						return
					}
				}
			})
			if err != nil {
				return err
			}
			if astray.Load() {
				return errUnfit
			}
			dst, err := output[float32](c, 0, tensor.Float32, shape)
			if err != nil {
				return err
			}
			return d.each(ctx, planes, from+to/4, func(first, end int) {
				for i := first; i < end; i++ {
					clear(dst[i*to:][:to])
					list := indices[i*from:][:from]
					for k, v := range a[i*from:][:from] {
						dst[list[k]] = v
					}
				}
			})
		}), nil
	}, nil
}

// unpooled returns the shape of what a pool with the attributes of a node gives x for.
func unpooled(n *graph.Node, x tensor.Shape) (shape tensor.Shape, ok bool) {
	kernel, strides, pads := n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads")
	rank := len(x) - 2
	if rank < 1 || len(kernel) != rank || strides != nil && len(strides) != rank || pads != nil && len(pads) != 2*rank {
		return nil, false
	}
	shape = x[:2].Clone()
	for i, extent := range x[2:] {
		stride, before, after := int64(1), int64(0), int64(0)
		if strides != nil {
			stride = strides[i]
		}
		if pads != nil {
			before, after = pads[i], pads[rank+i]
		}
		if min(kernel[i], stride) < 1 || min(before, after) < 0 || max(kernel[i], stride, before, after, int64(extent)) > limit {
			return nil, false
		}
		shape = append(shape, tensor.Extent((int64(extent)-1)*stride+kernel[i]-before-after))
	}
	return shape, tensor.Fits(tensor.Float64, shape) == nil
}

// allWithin reports whether all numbers lie in [first, first + n).
func allWithin(list []int64, first, n int64) bool {
	for _, v := range list {
		if uint64(v-first) >= uint64(n) {
			return false
		}
	}
	return true
}
