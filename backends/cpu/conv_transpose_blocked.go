package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// blockedConvTranspose holds ConvTranspose of domain midplane.blocked.
var blockedConvTranspose = family{
	{op: inBlocks + "ConvTranspose", kernel: "conv/blocked", by: byType{tensor.Float32: blockedTransposes}, accept: planar},
}

// apart reports whether the windows of a transposed convolution with the given
// weights lie side by side: each element of the result comes from one pixel.
func apart(n *graph.Node, weights tensor.Shape) bool {
	strides := n.Ints("strides")
	if len(weights) != 4 || len(strides) != 2 || n.Int("group", 1) != 1 || n.Text("auto_pad", "NOTSET") != "NOTSET" || n.Has("output_shape") {
		return false
	}
	for axis, s := range strides {
		if int(s) != weights[2+axis] {
			return false
		}
	}
	for _, name := range []string{"pads", "output_padding"} {
		for _, v := range n.Ints(name) {
			if v != 0 {
				return false
			}
		}
	}
	for _, v := range n.Ints("dilations") {
		if v != 1 {
			return false
		}
	}
	return kernelFits(n, weights)
}

// blockedTranspose is a transposed convolution of an image whose channels lie in
// blocks, with windows that lie side by side: for each tap a convolution by filters
// of one tap, whose pixels lie strides apart in the result.
type blockedTranspose struct {
	device       *Device
	shape        tensor.Shape // of the result
	batch, size  int          // elements of a member of the batch
	outPlane     int          // elements of a block of the result
	bias         []float32
	filters      []*blocked.Filters // by tap
	at           []int              // by tap: its first element in a block of the result
	view         *blocked.View
	tiles, parts int // of a piece, and pieces of a tap
	tasks        tasks[blockedTransposeTask]
}

func blockedTransposes(d *Device, n *graph.Node) (planner, error) {
	weights := n.Inputs[1].Const
	f := weights.Shape()
	return func(c *operators.Call) (work, error) {
		x := c.Inputs[0].Shape
		if len(x) != 5 || x.Size() == 0 || f.Size() == 0 || x[4] != blocked.Width || x[1] != blocked.Blocks(f[0]) || !apart(n, f) ||
			has(c, 2) && !c.Inputs[2].Shape.Equal(tensor.Shape{f[1]}) {
			return nil, nil
		}
		blocks := blocked.Blocks(f[1])
		w := &blockedTranspose{device: d, shape: tensor.Shape{x[0], blocks, x[2] * f[2], x[3] * f[3], blocked.Width}, batch: x[0], size: x[1:].Size(), bias: make([]float32, blocks*blocked.Width)}
		if _, err := w.shape.Elements(); err != nil {
			return nil, nil
		}
		if b := n.Input(2); b != nil {
			copy(w.bias, tensor.Slice[float32](b.Const))
		}
		packed, err := d.tapFilters(weights)
		if err != nil {
			return nil, err
		}
		w.filters = *packed
		w.lay(x, f)
		return w, nil
	}, nil
}

// packedTaps is how filters were packed tap by tap.
type packedTaps struct{}

// tapFilters packs filters (C, M, …) of each tap.
func (d *Device) tapFilters(t *tensor.Tensor) (*[]*blocked.Filters, error) {
	s := t.Shape()
	channels, filters, taps := s[0], s[1], s[2]*s[3]
	size := int64(taps) * blocked.FiltersBytes(filters, channels, 1, false)
	return packedAs(&d.packed, t, packedTaps{}, size, func() *[]*blocked.Filters {
		list, from, turned := make([]*blocked.Filters, taps), tensor.Slice[float32](t), make([]float32, channels*filters)
		for tap := range list {
			for c := range channels {
				for m := range filters {
					turned[m*channels+c] = from[(c*filters+m)*taps+tap]
				}
			}
			list[tap] = blocked.PackFilters(turned, filters, channels, 1, false)
		}
		return &list
	})
}

// lay finds where the pixels of the result lie, for an image of shape x and filters of
// shape f.
func (w *blockedTranspose) lay(x, f tensor.Shape) {
	const near = 1 << 17 // elements of the image that a piece reads
	plane, row := x[2]*x[3]*blocked.Width, w.shape[3]*blocked.Width
	w.outPlane = w.shape[2] * row
	offsets := make([]int64, x[1])
	for b := range offsets {
		offsets[b] = int64(b) * int64(plane) * 4
	}
	w.view = blocked.NewView(offsets, x[2], x[3], blocked.Width, x[3]*blocked.Width, f[3]*blocked.Width, f[2]*row)
	for tap := range w.filters {
		w.at = append(w.at, tap/f[3]*row+tap%f[3]*blocked.Width)
	}
	all := len(w.view.Tiles)
	w.tiles = max(all*near/w.size, 1)
	if w.device.threads > 1 {
		w.tiles = min(w.tiles, (all+w.device.threads-1)/w.device.threads)
	}
	w.parts = (all + w.tiles - 1) / w.tiles
}

func (w *blockedTranspose) run(ctx context.Context, c *operators.Call) error {
	x, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	size := w.shape[1:].Size()
	for n := range w.batch {
		t.x, t.dst = x[n*w.size:][:w.size], dst[n*size:][:size]
		if err := w.device.divide(ctx, w.parts, t); err != nil {
			return err
		}
	}
	return nil
}

// blockedTransposeTask is one run of a blockedTranspose, for one member of the
// batch.
type blockedTransposeTask struct {
	w      *blockedTranspose
	x, dst []float32
}

// Do implements parallel.Task.
func (t *blockedTransposeTask) Do(_, piece int) {
	w := t.w
	for tap, filters := range w.filters {
		p := blocked.Convolution{
			View: w.view, Filters: filters, Image: t.x, Dst: t.dst[w.at[tap]:], Block: w.outPlane, Bias: w.bias,
			Low: vector.NegativeInfinity, High: vector.Infinity,
		}
		p.Run(0, filters.Pairs(), piece*w.tiles, min((piece+1)*w.tiles, len(w.view.Tiles)))
	}
}
