package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// planewise is a convolution each of whose filters sees one channel.
type planewise struct {
	behind
	device             *Device
	shape              tensor.Shape // of the result
	planes, multiplier int          // planes of the input, and filters for each
	channels           int
	image              *image
	offsets            []int64
	plane, outPlane    int
	taps               int
	taps3              *matrix.Taps3 // computes whole planes, or nil
	whole              bool          // a filter sees its plane once
	biased             bool          // input 2 is a number for each filter
	pieces, size       int           // of planes
	tasks              tasks[planewiseTask]
}

func depthwise(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		ws, ok := convWindows(n, c)
		if !ok || c.Inputs[1].Shape[1] != 1 {
			return nil, nil
		}
		m := newImage(ws)
		if m == nil {
			return nil, nil
		}
		x, f := c.Inputs[0].Shape, c.Inputs[1].Shape
		w := &planewise{
			device: d, shape: convShape(x, f[0], &ws), planes: x[0] * x[1], channels: x[1], multiplier: f[0] / x[1],
			image: m, plane: volume(ws.in()), outPlane: volume(ws.out()), taps: f[2:].Size(), biased: has(c, 2),
		}
		w.offsets = w.image.offsets()
		w.taps3, w.whole = adjacentTaps(&ws), ws.whole()
		w.pieces, w.size = share(w.planes, 2*w.image.size+w.outPlane*w.taps*w.multiplier/2, d.threads)
		return w, nil
	}, nil
}

// adjacentTaps returns the filter for windows of 3 × 3 taps without dilation on a
// plane of moderate size, nil for others.
func adjacentTaps(ws *windows) *matrix.Taps3 {
	const largest = 1 << 22 // pixels: nothing stops the work within a plane
	z, y, x := &ws[0], &ws[1], &ws[2]
	if z.kernel != 1 || z.in != 1 || z.out != 1 || y.kernel != 3 || x.kernel != 3 || y.dilation != 1 || x.dilation != 1 || y.stride != x.stride || volume(ws.out()) > largest {
		return nil
	}
	return matrix.NewTaps3(y.out, x.out, y.in, x.in, x.stride, y.before, x.before)
}

func (w *planewise) result() tensor.Shape { return w.shape }

func (w *planewise) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w, t.ctx = w, ctx
	var err error
	if t.x, err = input[float32](c, 0); err != nil {
		return err
	}
	if t.filters, err = input[float32](c, 1); err != nil {
		return err
	}
	if w.biased {
		if t.bias, err = input[float32](c, 2); err != nil {
			return err
		}
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	if t.others, err = w.after.load(c); err != nil {
		return err
	}
	if !w.image.direct && w.taps3 == nil && !w.whole {
		t.step = (w.image.size + 15) &^ 15
		if t.room, err = w.device.scratch.take(w.device.threads * t.step * 4); err != nil {
			return err
		}
		defer w.device.scratch.give(t.room)
	}
	return w.device.divide(ctx, w.pieces, t)
}

// planewiseTask is one run of a planewise.
type planewiseTask struct {
	w                     *planewise
	ctx                   context.Context
	dst, x, filters, bias []float32
	room                  []byte // for an image for each worker, step elements apart
	step                  int
	others                operands
}

// Do implements parallel.Task.
func (t *planewiseTask) Do(worker, piece int) {
	w := t.w
	out, extent := w.image.windows.out(), w.image.extent
	low, high := w.after.bounds()
	for i := piece * w.size; i < min((piece+1)*w.size, w.planes); i++ {
		image := t.x[i*w.plane:][:w.plane]
		if t.room != nil {
			room := floats(t.room, (worker+1)*t.step)[worker*t.step:]
			w.image.draw(room, image, 0)
			image = room[:w.image.size]
		}
		for k := range w.multiplier {
			filter := i%w.channels*w.multiplier + k
			bias := float32(0)
			if t.bias != nil {
				bias = t.bias[filter]
			}
			dst := t.dst[(i*w.multiplier+k)*w.outPlane:][:w.outPlane]
			if w.whole {
				dst[0] = bias + vector.Dot(image, t.filters[filter*w.taps:][:w.taps])
				vector.Clip(dst, dst, low, high)
				w.after.apply(dst, i*w.multiplier+k, &t.others)
				continue
			}
			if w.taps3 != nil {
				w.taps3.Filter(dst, image, t.filters[filter*w.taps:][:w.taps], bias, low, high)
				w.after.apply(dst, (i*w.multiplier+k)*w.outPlane, &t.others)
				continue
			}
			for z := range out[0] {
				slice := out[1] * out[2]
				to, from := dst[z*slice:][:slice], image[z*extent[1]*extent[2]:]
				bands(t.ctx, out[1], out[2]*w.taps, func(y, rows int) {
					matrix.Filter(to[y*out[2]:], from[y*extent[2]:], t.filters[filter*w.taps:][:w.taps], w.offsets,
						rows, out[2], extent[2], bias, low, high)
				})
			}
			w.after.apply(dst, (i*w.multiplier+k)*w.outPlane, &t.others)
		}
	}
}

// bands calls f for the rows of a plane, each of a cost in operations, in bands
// of which none takes long, until the context is over.
func bands(ctx context.Context, rows, cost int, f func(first, rows int)) {
	const most = 1 << 24
	band := max(most/max(cost, 1), 1)
	for y := 0; y < rows && ctx.Err() == nil; y += band {
		f(y, min(band, rows-y))
	}
}
