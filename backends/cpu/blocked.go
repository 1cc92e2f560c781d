package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// inBlocks is the domain of the operators on images whose channels lie in blocks.
const inBlocks = "midplane.blocked."

// blockedImages holds Block and Unblock of domain midplane.blocked.
var blockedImages = family{
	{op: inBlocks + "Block", kernel: "blocked/move", by: byType{tensor.Float32: intoBlocks}},
	{op: inBlocks + "Unblock", kernel: "blocked/move", by: byType{tensor.Float32: outOfBlocks}},
}

// blocking turns planes into blocks of channels, or back.
type blocking struct {
	device              *Device
	shape               tensor.Shape // of the result
	back                bool
	batch, channels     int
	plane               int // pixels
	bands, size, pieces int // of pixels: bands of a block, pixels of a band
	tasks               tasks[blockingTask]
}

func intoBlocks(d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape
		if len(x) < 3 || x.Size() == 0 {
			return nil, nil
		}
		shape := append(append(tensor.Shape{x[0], blocked.Blocks(x[1])}, x[2:]...), blocked.Width)
		return newBlocking(d, shape, x[0], x[1], x[2:].Size(), false), nil
	}, nil
}

func outOfBlocks(d *Device, n *graph.Node) (planner, error) {
	channels := int(n.Int("channels", 0))
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape
		last := len(x) - 1
		if last < 3 || x.Size() == 0 || x[last] != blocked.Width || x[1] != blocked.Blocks(channels) {
			return nil, nil
		}
		shape := append(tensor.Shape{x[0], channels}, x[2:last]...)
		return newBlocking(d, shape, x[0], channels, x[2:last].Size(), true), nil
	}, nil
}

func newBlocking(d *Device, shape tensor.Shape, batch, channels, plane int, back bool) *blocking {
	w := &blocking{device: d, shape: shape, back: back, batch: batch, channels: channels, plane: plane}
	w.bands, w.size = share(plane, 2*blocked.Width, d.threads)
	w.pieces = batch * blocked.Blocks(channels) * w.bands
	return w
}

func (w *blocking) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	if t.x, err = input[float32](c, 0); err != nil {
		return err
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	return w.device.divide(ctx, w.pieces, t)
}

// blockingTask is one run of a blocking.
type blockingTask struct {
	w      *blocking
	dst, x []float32
}

// Do implements parallel.Task.
func (t *blockingTask) Do(_, piece int) {
	w := t.w
	block, from := piece/w.bands, piece%w.bands*w.size
	pixels := min(w.size, w.plane-from)
	blocks := blocked.Blocks(w.channels)
	n, first := block/blocks, block%blocks*blocked.Width
	channels := min(blocked.Width, w.channels-first)
	planes, pack := (n*w.channels+first)*w.plane+from, (block*w.plane+from)*blocked.Width
	if w.back {
		blocked.Unblock(t.dst[planes:], t.x[pack:], channels, pixels, w.plane)
		return
	}
	blocked.Block(t.dst[pack:], t.x[planes:], channels, pixels, w.plane)
}
