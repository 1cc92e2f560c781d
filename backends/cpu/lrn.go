package cpu

import (
	"context"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// lrn holds LRN.
var lrn = family{{op: "LRN", kernel: "lrn", by: byType{tensor.Float32: localResponse}}}

// response divides every element by a power of the sum of squares around it in
// neighbouring channels: x / (bias + alpha / size Σ x²)^beta.
type response struct {
	device                 *Device
	shape                  tensor.Shape
	batch, channels, inner int
	before, after          int // channels that are summed beside an element's own
	alpha, beta, bias      float32
	blocks, width          int // of an image's elements, and elements of a block
	tasks                  tasks[responseTask]
}

// widest is how many channels are summed at most: the sums of more take long, and
// the reference can be stopped between them.
const widest = 64

// responseBlock is how many elements of a channel are computed at a time at most.
const responseBlock = 1024

func localResponse(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, size := c.Inputs[0].Shape, tensor.Extent(n.Int("size", 0))
		if len(s) < 2 || size < 1 || size > widest || s.Size() == 0 {
			return nil, nil
		}
		w := &response{
			device: d, shape: s.Clone(), batch: s[0], channels: s[1], inner: s[2:].Size(),
			before: min((size-1)/2, s[1]), after: min(size/2, s[1]),
			alpha: n.Float("alpha", 1e-4) / float32(size), beta: n.Float("beta", 0.75), bias: n.Float("bias", 1),
		}
		_, w.width = share(w.inner, w.channels*size, d.threads)
		w.width = min((w.width+15)&^15, responseBlock)
		w.blocks = (w.inner + w.width - 1) / w.width
		return w, nil
	}, nil
}

func (w *response) run(ctx context.Context, c *operators.Call) error {
	x, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	y, err := output[float32](c, 0, tensor.Float32, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	*t = responseTask{w, y, x}
	return w.device.divide(ctx, w.batch*w.blocks, t)
}

// responseRooms is room for the sums of a block, and for squares.
var responseRooms = sync.Pool{New: func() any { return new([2][responseBlock]float32) }}

type responseTask struct {
	w    *response
	y, x []float32
}

// Do implements parallel.Task: it computes a block of all channels.
func (t *responseTask) Do(_, piece int) {
	w := t.w
	image, first := piece/w.blocks, piece%w.blocks*w.width
	width := min(w.width, w.inner-first)
	channel := func(of []float32, k int) []float32 { return of[(image*w.channels+k)*w.inner+first:][:width] }
	rooms := responseRooms.Get().(*[2][responseBlock]float32)
	defer responseRooms.Put(rooms)
	sum, square := rooms[0][:width], rooms[1][:width]
	for k := range w.channels {
		clear(sum)
		for j := max(0, k-w.before); j <= min(w.channels-1, k+w.after); j++ {
			a := channel(t.x, j)
			vector.MulFloat32.Both(square, a, a)
			vector.AddFloat32.Both(sum, sum, square)
		}
		vector.MulFloat32.Right(sum, sum, w.alpha)
		vector.AddFloat32.Right(sum, sum, w.bias)
		w.power(sum, square)
		vector.DivFloat32.Both(channel(t.y, k), channel(t.x, k), sum)
	}
}

// power raises every element to beta; room is as long.
func (w *response) power(v, room []float32) {
	if w.beta == 0.75 { // √v √√v
		vector.Sqrt(v, v, 0, 0)
		vector.Sqrt(room, v, 0, 0)
		vector.MulFloat32.Both(v, v, room)
		return
	}
	vector.Log(v, v, 0, 0)
	vector.MulFloat32.Right(v, v, w.beta)
	vector.Exp(v, v, 0, 0)
}
