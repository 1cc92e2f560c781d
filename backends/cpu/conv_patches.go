package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/operators"
)

// patchwise is a convolution with few pixels in its result: a product with a row
// for the patch that each pixel sees and a column for each filter, which is then
// turned over.
type patchwise struct {
	behind
	device                          *Device
	shape                           tensor.Shape // of the result
	batch, plane, filters, outPlane int
	depth                           int     // what a filter sees
	biased                          bool    // input 2 is a number for each filter
	from                            []int32 // where the elements of all patches lie in the input; -1: padding
	right                           *matrix.Columns
	tasks                           tasks[productTask]
}

// The most pixels of a result that is computed by patches, and the most elements of
// the patches.
const (
	mostPatches = 16
	mostPatched = 1 << 20
)

// patches returns the work of a convolution by patches; nil where there are too
// many, or too few filters for it to pay.
func (d *Device) patches(c *operators.Call, filters *tensor.Tensor, ws *windows) (work, error) {
	x, f := c.Inputs[0].Shape, filters.Shape()
	w := &patchwise{
		device: d, shape: convShape(x, f[0], ws), batch: x[0], plane: x[1:].Size(), filters: f[0], outPlane: volume(ws.out()), depth: f[1:].Size(), biased: has(c, 2),
	}
	if w.outPlane > mostPatches || w.filters < 2*w.outPlane || w.depth > mostPatched/w.outPlane || w.plane > math.MaxInt32 {
		return nil, nil
	}
	w.from = ws.patches(x[1])
	var err error
	w.right, err = d.packRight(filters, w.filters, w.depth, true, 1)
	return w, err
}

// patches lists where in planes of so many channels the elements lie that each
// output sees: by output, channel and tap. Those of padding are -1.
func (ws *windows) patches(channels int) []int32 {
	in, out, kernel := ws.in(), ws.out(), ws.kernel()
	list := make([]int32, 0, volume(out)*channels*volume(kernel))
	at := func(axis, out, tap int) int {
		w := &ws[axis]
		if i := out*w.stride + tap*w.dilation - w.before; i >= 0 && i < w.in {
			return i
		}
		return -1
	}
	for o := range volume(out) {
		oz, oy, ox := o/(out[1]*out[2]), o/out[2]%out[1], o%out[2]
		for c := range channels {
			for k := range volume(kernel) {
				z, y, x := at(0, oz, k/(kernel[1]*kernel[2])), at(1, oy, k/kernel[2]%kernel[1]), at(2, ox, k%kernel[2])
				if min(z, y, x) < 0 {
					list = append(list, -1)
				} else {
					list = append(list, int32(((c*in[0]+z)*in[1]+y)*in[2]+x))
				}
			}
		}
	}
	return list
}

func (w *patchwise) result() tensor.Shape { return w.shape }

func (w *patchwise) run(ctx context.Context, c *operators.Call) error {
	x, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	others, err := w.after.load(c)
	if err != nil {
		return err
	}
	room, err := w.device.scratch.take((w.depth + w.filters) * w.outPlane * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	both := floats(room, (w.depth+w.filters)*w.outPlane)
	patches, product := both[:w.depth*w.outPlane], both[w.depth*w.outPlane:]
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.Product = matrix.Product{M: w.outPlane, N: w.filters, K: w.depth, A: patches, AStep: w.depth, PackedB: w.right, C: product, CStep: w.filters}
	t.Low, t.High = w.after.bounds()
	if w.biased {
		if t.Row, err = input[float32](c, 2); err != nil {
			return err
		}
	}
	for n := range w.batch {
		from := x[n*w.plane:][:w.plane]
		for i, at := range w.from {
			if patches[i] = 0; at >= 0 {
				patches[i] = from[at]
			}
		}
		if err := w.device.multiply(ctx, t); err != nil {
			return err
		}
		at := n * w.filters * w.outPlane
		to := dst[at:][:w.filters*w.outPlane]
		turn(to, product, w.filters, w.outPlane, w.outPlane, w.filters)
		w.after.apply(to, at, &others)
	}
	return nil
}
