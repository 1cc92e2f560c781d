package cpu

import (
	"context"
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// conv holds Conv.
var conv = family{
	{op: "Conv", kernel: "conv/depthwise", by: byType{tensor.Float32: depthwise}, accept: onePlaneEach},
	{op: "Conv", kernel: "conv/direct", by: byType{tensor.Float32: convolution}, accept: spatial},
}

// onePlaneEach takes convolutions each of whose filters sees one channel.
func onePlaneEach(n *graph.Node) operators.Verdict {
	dims := n.Inputs[1].Type.Dims
	if n.Int("group", 1) < 2 || !dims.Ranked() || len(dims) < 3 || !dims[1].IsKnown() || dims[1].Size != 1 {
		return operators.Verdict{Reason: operators.WrongShape, Detail: "filters see several channels"}
	}
	return spatial(n)
}

// spatial takes one to three spatial axes, where that is known.
func spatial(n *graph.Node) operators.Verdict {
	for _, v := range n.Inputs[:2] {
		if rank := len(v.Type.Dims); v.Type.Dims.Ranked() && (rank < 3 || rank > 5) {
			return operators.Verdict{Reason: operators.WrongShape, Detail: fmt.Sprintf("rank %d", rank)}
		}
	}
	return native
}

// correlation is a convolution as a product of the filters and shifted views of
// the image (see matrix.Correlation).
type correlation struct {
	behind
	device                           *Device
	shape                            tensor.Shape // of the result
	batch, channels, filters, groups int
	image                            *image
	plane, outPlane                  int            // elements of a channel
	biased                           bool           // input 2 is a number for each filter
	filterRows                       []*matrix.Rows // by group, where the filters are constants
	depth                            int            // what a filter sees: channels of a group × taps
	offsets                          []int64        // in bytes, of what a filter sees
	strips                           []matrix.Strip

	drawPieces, drawSize  int // of channels
	gridRows, gridColumns int // of tiles in a piece
	rows, columns         int // pieces that a group has
	draws                 tasks[drawTask]
	tasks                 tasks[correlationTask]
}

// packedFilters is how filters were packed.
type packedFilters struct{ groups int }

// packFilters packs filters (M, C/groups, …) of each group.
func (d *Device) packFilters(t *tensor.Tensor, groups int) (*[]*matrix.Rows, error) {
	return packedAs(&d.packed, t, packedFilters{groups}, int64(len(t.Bytes())), func() *[]*matrix.Rows {
		list := filterRows(tensor.Slice[float32](t), t.Shape(), groups)
		return &list
	})
}

func filterRows(w []float32, s tensor.Shape, groups int) []*matrix.Rows {
	rows, depth := s[0]/groups, s[1:].Size()
	list := make([]*matrix.Rows, groups)
	for g := range list {
		list[g] = matrix.PackRows(w[g*rows*depth:], rows, depth, depth, 1)
	}
	return list
}

func convolution(d *Device, n *graph.Node) (planner, error) {
	planes, err := depthwise(d, n)
	if err != nil {
		return nil, err
	}
	groups, constant := int(n.Int("group", 1)), n.Inputs[1].Const
	return func(c *operators.Call) (work, error) {
		ws, ok := convWindows(n, c)
		if !ok {
			return nil, nil
		}
		if groups > 1 && c.Inputs[1].Shape[1] == 1 {
			return planes(c)
		}
		if constant != nil && groups == 1 && ws.whole() {
			return d.fullyConnected(c, constant, &ws)
		}
		if constant != nil && groups == 1 {
			if w, err := d.patches(c, constant, &ws); w != nil || err != nil {
				return w, err
			}
		}
		w := newCorrelation(d, c, ws, groups)
		if w == nil {
			return nil, nil
		}
		if constant != nil {
			packed, err := d.packFilters(constant, groups)
			if err != nil {
				return nil, err
			}
			w.filterRows = *packed
		}
		return w, nil
	}, nil
}

// fullyConnected returns the work of a convolution whose filters see the whole
// input at once: a product with one row for each member of the batch.
func (d *Device) fullyConnected(c *operators.Call, filters *tensor.Tensor, ws *windows) (work, error) {
	s := filters.Shape()
	w := &multiplication{device: d, shape: convShape(c.Inputs[0].Shape, s[0], ws), m: c.Inputs[0].Shape[0], k: s[1:].Size(), n: s[0], alpha: 1, beta: 1, batches: 1, biasAt: 2}
	var err error
	if w.right, err = d.packRight(filters, w.n, w.k, true, 1); err != nil {
		return nil, err
	}
	if has(c, 2) {
		w.bias = rowBias
	}
	w.batch, _ = broadcastLayout(tensor.Shape{}, tensor.Shape{}, tensor.Shape{})
	w.divide()
	return w, nil
}

// convWindows returns the windows of a convolution whose operands fit each other
// and of which something is to be computed.
func convWindows(n *graph.Node, c *operators.Call) (ws windows, ok bool) {
	x, w, groups := c.Inputs[0].Shape, c.Inputs[1].Shape, int(n.Int("group", 1))
	if len(x) < 3 || len(w) != len(x) || x.Size() == 0 || w.Size() == 0 || groups < 1 || w[0]%groups != 0 || w[1]*groups != x[1] {
		return ws, false
	}
	if has(c, 2) && !c.Inputs[2].Shape.Equal(tensor.Shape{w[0]}) {
		return ws, false
	}
	ws, ok = windowsOf(n, x[2:], w[2:])
	return ws, ok && volume(ws.out()) > 0 && kernelFits(n, w)
}

// kernelFits reports whether the attribute kernel_shape, where set, is that of
// the filters.
func kernelFits(n *graph.Node, filters tensor.Shape) bool {
	for i, k := range n.Ints("kernel_shape") {
		if i+2 >= len(filters) || int(k) != filters[i+2] {
			return false
		}
	}
	return true
}

// convShape returns the shape of a result that has planes of other extents and
// another number of channels than the input.
func convShape(x tensor.Shape, channels int, ws *windows) tensor.Shape {
	out := ws.out()
	return append(tensor.Shape{x[0], channels}, out[len(out)-len(x)+2:]...)
}

// newCorrelation returns nil where the images would take too much memory.
func newCorrelation(d *Device, c *operators.Call, ws windows, groups int) *correlation {
	x, f := c.Inputs[0].Shape, c.Inputs[1].Shape
	m := newImage(ws)
	if m == nil || !roomFits(x.Size()+f[0]*volume(ws.out()), x[1], m.size) {
		return nil
	}
	w := &correlation{
		device: d, shape: convShape(x, f[0], &ws), batch: x[0], channels: x[1], filters: f[0], groups: groups,
		image: m, plane: volume(ws.in()), outPlane: volume(ws.out()), depth: f[1:].Size(), biased: has(c, 2),
	}
	taps := w.image.offsets()
	w.offsets = matrix.NewOffsets(f[1] * len(taps))
	for k := range f[1] {
		for _, o := range taps {
			w.offsets = append(w.offsets, int64(k*w.image.size)*4+o*4)
		}
	}
	w.strips = matrix.Strips(ws.out(), w.image.extent[1], w.image.extent[2])
	w.drawPieces, w.drawSize = share(w.channels, 2*w.image.size, d.threads)
	perGroup := w.filters / groups
	w.gridRows, w.gridColumns = matrix.Grid(perGroup, len(w.strips)*matrix.TileWidth(), w.depth, d.threads)
	tileRows, _ := matrix.Tiles(perGroup, 1)
	w.rows = (tileRows + w.gridRows - 1) / w.gridRows
	w.columns = (len(w.strips) + w.gridColumns - 1) / w.gridColumns
	return w
}

func (w *correlation) result() tensor.Shape { return w.shape }

func (w *correlation) run(ctx context.Context, c *operators.Call) error {
	x, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	if w.biased {
		if t.bias, err = input[float32](c, 2); err != nil {
			return err
		}
	}
	if t.others, err = w.after.load(c); err != nil {
		return err
	}
	if t.filters = w.filterRows; t.filters == nil {
		f, err := input[float32](c, 1)
		if err != nil {
			return err
		}
		t.filters = filterRows(f, c.Inputs[1].Shape, w.groups)
	}
	var room []byte
	if !w.image.direct {
		if room, err = w.device.scratch.take(w.channels * w.image.size * 4); err != nil {
			return err
		}
		defer w.device.scratch.give(room)
	}
	for n := range w.batch {
		t.image = x[n*w.channels*w.plane:][:w.channels*w.plane]
		if !w.image.direct {
			if err := w.draw(ctx, room, t.image); err != nil {
				return err
			}
			t.image = floats(room, w.channels*w.image.size)
		}
		t.at = n * w.filters * w.outPlane
		t.dst = dst[t.at:][:w.filters*w.outPlane]
		if err := w.device.divide(ctx, w.groups*w.rows*w.columns, t); err != nil {
			return err
		}
	}
	return nil
}

// draw makes the images of all channels.
func (w *correlation) draw(ctx context.Context, room []byte, x []float32) error {
	t := w.draws.get()
	defer w.draws.put(t)
	*t = drawTask{w.image, floats(room, w.channels*w.image.size), x, w.plane, w.channels, w.drawSize}
	return w.device.divide(ctx, w.drawPieces, t)
}

// drawTask makes the images of planes.
type drawTask struct {
	image         *image
	dst, x        []float32
	plane, planes int
	size          int
}

// Do implements parallel.Task.
func (t *drawTask) Do(_, piece int) {
	for i := piece * t.size; i < min((piece+1)*t.size, t.planes); i++ {
		t.image.draw(t.dst[i*t.image.size:][:t.image.size], t.x[i*t.plane:][:t.plane], 0)
	}
}

// correlationTask is one run of a correlation, for one member of the batch.
type correlationTask struct {
	w       *correlation
	filters []*matrix.Rows
	image   []float32
	bias    []float32
	dst     []float32
	at      int // the first element of dst in the result
	others  operands
}

// Do implements parallel.Task.
func (t *correlationTask) Do(_, piece int) {
	w := t.w
	perGroup := w.rows * w.columns
	group := piece / perGroup
	filters, channels := w.filters/w.groups, w.channels/w.groups
	size := len(t.image) / w.channels
	p := matrix.Correlation{
		A: t.filters[group], Image: t.image[group*channels*size:][:channels*size], Offsets: w.offsets, Strips: w.strips,
		C: t.dst[group*filters*w.outPlane:][:filters*w.outPlane], CStep: w.outPlane,
	}
	p.Low, p.High = w.after.bounds()
	if t.bias != nil {
		p.Column = t.bias[group*filters:][:filters]
	}
	r, s := piece%perGroup/w.columns*w.gridRows, piece%w.columns*w.gridColumns
	tileRows, _ := matrix.Tiles(filters, 1)
	r1, s1 := min(r+w.gridRows, tileRows), min(s+w.gridColumns, len(w.strips))
	p.Rectangle(r, r1, s, s1)
	if w.after.idle() {
		return
	}
	from, to := w.strips[s].To, w.strips[s1-1].End()
	first, _ := matrix.RowTile(filters, r)
	last, height := matrix.RowTile(filters, r1-1)
	for i := first; i < last+height; i++ {
		row := (group*filters+i)*w.outPlane + from
		w.after.apply(t.dst[row:row+to-from], t.at+row, &t.others)
	}
}
