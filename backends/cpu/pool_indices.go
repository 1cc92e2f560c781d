package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// poolIndices holds MaxPool that says where it found its elements.
var poolIndices = family{
	{op: "MaxPool", kernel: "pool", by: byType{tensor.Float32: maxPoolIndices[float32], tensor.Float64: maxPoolIndices[float64]}, accept: withIndices},
}

// withIndices takes a pool that says where it found its elements.
func withIndices(n *graph.Node) operators.Verdict {
	if n.Output(1) == nil {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "indices are not asked for"}
	}
	return spatialPool(n)
}

// found is a run of a MaxPool over planes.
type found[T float32 | float64] struct {
	windows *windows
	from    []T
	values  []T
	indices []int64
	strides [3]int // of the indices within a plane
	base    int    // elements before the plane
}

func maxPoolIndices[T float32 | float64](d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape
		if len(x) < 3 || x.Size() == 0 || n.Output(0) == nil || n.Output(1) == nil {
			return nil, nil
		}
		kernel := make([]int, len(n.Ints("kernel_shape")))
		for i, k := range n.Ints("kernel_shape") {
			kernel[i] = int(k)
		}
		ws, ok := windowsOf(n, x[2:], kernel)
		if !ok || volume(ws.out()) == 0 {
			return nil, nil
		}
		shape, in, planes, plane := convShape(x, x[1], &ws), ws.in(), x[0]*x[1], volume(ws.out())
		strides := [3]int{in[1] * in[2], in[2], 1}
		if n.Int("storage_order", 0) != 0 { // column by column
			strides = [3]int{1, in[0], in[0] * in[1]}
		}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			a, err := input[T](c, 0)
			if err != nil {
				return err
			}
			values, err := output[T](c, 0, tensor.DTypeOf[T](), shape)
			if err != nil {
				return err
			}
			indices, err := output[int64](c, 1, tensor.Int64, shape)
			if err != nil {
				return err
			}
			return d.each(ctx, planes, plane*volume(ws.kernel()), func(first, end int) {
				for i := first; i < end && ctx.Err() == nil; i++ {
					size := volume(in)
					r := found[T]{&ws, a[i*size:][:size], values[i*plane:][:plane], indices[i*plane:][:plane], strides, i * size}
					r.plane()
				}
			})
		}), nil
	}, nil
}

// plane goes through the outputs of a plane.
func (r *found[T]) plane() {
	out := r.windows.out()
	for i := range r.values {
		r.values[i], r.indices[i] = r.greatest([3]int{i / (out[1] * out[2]), i / out[2] % out[1], i % out[2]})
	}
}

// greatest returns the first greatest element of a window, or NaN, and its index; -1
// where it sees only padding.
func (r *found[T]) greatest(at [3]int) (T, int64) {
	var taps [3][2]int // the first tap on the input, and the one behind the last
	var start [3]int
	for axis := range r.windows {
		w := &r.windows[axis]
		start[axis] = at[axis]*w.stride - w.before
		taps[axis][0] = max(0, (-start[axis]+w.dilation-1)/w.dilation)
		taps[axis][1] = min(w.kernel, (w.in-start[axis]+w.dilation-1)/w.dilation)
	}
	best, index := T(math.Inf(-1)), int64(-1)
	w := r.windows
	for z := taps[0][0]; z < taps[0][1]; z++ {
		depth := start[0] + z*w[0].dilation
		for y := taps[1][0]; y < taps[1][1]; y++ {
			height := start[1] + y*w[1].dilation
			row := r.from[(depth*w[1].in+height)*w[2].in:][:w[2].in]
			for x := taps[2][0]; x < taps[2][1]; x++ {
				width := start[2] + x*w[2].dilation
				if v := row[width]; v > best || index < 0 || v != v && best == best {
					best, index = v, int64(r.base+depth*r.strides[0]+height*r.strides[1]+width*r.strides[2])
				}
			}
		}
	}
	return best, index
}
