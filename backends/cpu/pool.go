package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// pool holds MaxPool, AveragePool.
var pool = family{
	{op: "MaxPool", kernel: "pool", by: byType{tensor.Float32: maxPool}, accept: withoutIndices},
	{op: "AveragePool", kernel: "pool", by: byType{tensor.Float32: averagePool}, accept: spatialPool},
}

// withoutIndices takes a pool that need not say where it found its elements.
func withoutIndices(n *graph.Node) operators.Verdict {
	if n.Output(1) != nil {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "indices are asked for"}
	}
	return spatialPool(n)
}

func spatialPool(n *graph.Node) operators.Verdict {
	if rank := len(n.Ints("kernel_shape")); rank < 1 || rank > 3 {
		return operators.Verdict{Reason: operators.WrongShape, Detail: "more than three spatial axes"}
	}
	return native
}

// pooling reduces windows of planes.
type pooling struct {
	device          *Device
	shape           tensor.Shape // of the result
	planes          int
	image           *image
	offsets         []int64
	plane, outPlane int
	ones            []float32     // for sums: a one for each tap; nil for the greatest element
	taps3           *matrix.Taps3 // reduces whole planes, or nil
	factor          float32       // what sums are multiplied by, or
	factors         []float32     // the same for each pixel of the result
	pieces, size    int           // of planes
	tasks           tasks[poolingTask]
}

func maxPool(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		return newPooling(d, n, c, false, false), nil
	}, nil
}

func averagePool(d *Device, n *graph.Node) (planner, error) {
	includePad := n.Bool("count_include_pad", false)
	return func(c *operators.Call) (work, error) {
		return newPooling(d, n, c, true, includePad), nil
	}, nil
}

// longest is how many elements one plane may be made of: planes are not divided,
// and nothing stops the work within one.
const longest = 1 << 28

// newPooling returns the work of a pool, nil where the reference is to say what is
// wrong or the pool would take too much memory.
func newPooling(d *Device, n *graph.Node, c *operators.Call, average, includePad bool) work {
	x := c.Inputs[0].Shape
	if len(x) < 3 || x.Size() == 0 {
		return nil
	}
	kernel := make([]int, len(n.Ints("kernel_shape")))
	for i, k := range n.Ints("kernel_shape") {
		kernel[i] = int(k)
	}
	ws, ok := windowsOf(n, x[2:], kernel)
	if !ok || volume(ws.out()) == 0 {
		return nil
	}
	if w := d.poolInBlocks(x, &ws, average, includePad); w != nil {
		return w
	}
	w := &pooling{device: d, shape: convShape(x, x[1], &ws), planes: x[0] * x[1], image: newImage(ws), plane: volume(ws.in()), outPlane: volume(ws.out())}
	if w.image == nil {
		return nil
	}
	w.offsets, w.taps3 = w.image.offsets(), adjacentTaps(&ws)
	if w.outPlane > longest/len(w.offsets) {
		return nil
	}
	w.pieces, w.size = share(w.planes, 2*w.image.size+w.outPlane*len(w.offsets)/2, d.threads)
	if average {
		w.ones = make([]float32, len(w.offsets))
		vector.Fill(w.ones, 1)
		w.countTaps(includePad)
	}
	return w
}

// countTaps finds what the sum of each window is to be multiplied by: one over
// the number of its taps that fall on the input, or if includePad, on padding
// too. Nothing at all has the average 0.
func (w *pooling) countTaps(includePad bool) {
	var counts [3][]int
	for axis := range w.image.windows {
		counts[axis] = w.image.windows[axis].taps(includePad)
	}
	factors := make([]float32, 0, w.outPlane)
	even := true
	for _, z := range counts[0] {
		for _, y := range counts[1] {
			for _, x := range counts[2] {
				f := float32(0)
				if n := z * y * x; n > 0 {
					f = 1 / float32(n)
				}
				factors = append(factors, f)
				even = even && f == factors[0]
			}
		}
	}
	if w.factor = factors[0]; !even {
		w.factors = factors
	}
}

// taps returns how many taps each output has on the input, or on its padding
// too.
func (w *window) taps(includePad bool) []int {
	counts := make([]int, w.out)
	for o := range counts {
		for k := range w.kernel {
			at := o*w.stride - w.before + k*w.dilation
			if at >= 0 && at < w.in || includePad && at < w.in+w.after {
				counts[o]++
			}
		}
	}
	return counts
}

func (w *pooling) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w, t.ctx = w, ctx
	var err error
	if t.x, err = input[float32](c, 0); err != nil {
		return err
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	if !w.image.direct && w.taps3 == nil {
		t.step = (w.image.size + 15) &^ 15
		if t.room, err = w.device.scratch.take(w.device.threads * t.step * 4); err != nil {
			return err
		}
		defer w.device.scratch.give(t.room)
	}
	return w.device.divide(ctx, w.pieces, t)
}

// poolingTask is one run of a pooling.
type poolingTask struct {
	w      *pooling
	ctx    context.Context
	dst, x []float32
	room   []byte // for an image for each worker, step elements apart
	step   int
}

// Do implements parallel.Task.
func (t *poolingTask) Do(worker, piece int) {
	w := t.w
	blank := vector.NegativeInfinity
	if w.ones != nil {
		blank = 0
	}
	for i := piece * w.size; i < min((piece+1)*w.size, w.planes); i++ {
		image := t.x[i*w.plane:][:w.plane]
		if t.room != nil {
			room := floats(t.room, (worker+1)*t.step)[worker*t.step:]
			w.image.draw(room, image, blank)
			image = room[:w.image.size]
		}
		w.reduce(t.ctx, t.dst[i*w.outPlane:][:w.outPlane], image)
	}
}

// reduce pools the image of one plane.
func (w *pooling) reduce(ctx context.Context, dst, image []float32) {
	switch {
	case w.taps3 == nil:
		w.slices(ctx, dst, image)
	case w.ones == nil:
		w.taps3.Envelope(dst, image)
	default:
		w.taps3.Filter(dst, image, w.ones, 0, vector.NegativeInfinity, vector.Infinity)
	}
	switch {
	case w.factors != nil:
		vector.MulFloat32.Both(dst, dst, w.factors)
	case w.ones != nil:
		vector.MulFloat32.Right(dst, dst, w.factor)
	}
}

// slices pools the image of one plane, slice by slice along the first axis.
func (w *pooling) slices(ctx context.Context, dst, image []float32) {
	out, extent := w.image.windows.out(), w.image.extent
	slice := out[1] * out[2]
	for z := range out[0] {
		to, from := dst[z*slice:][:slice], image[z*extent[1]*extent[2]:]
		bands(ctx, out[1], out[2]*len(w.offsets), func(y, rows int) {
			if w.ones == nil {
				matrix.Envelope(to[y*out[2]:], from[y*extent[2]:], w.offsets, rows, out[2], extent[2])
			} else {
				matrix.Filter(to[y*out[2]:], from[y*extent[2]:], w.ones, w.offsets, rows, out[2], extent[2], 0, vector.NegativeInfinity, vector.Infinity)
			}
		})
	}
}
