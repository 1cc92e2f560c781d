package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// blockedConv holds Conv of domain midplane.blocked.
var blockedConv = family{
	{op: inBlocks + "Conv", kernel: "conv/blocked", by: byType{tensor.Float32: blockedConvolutions}, accept: planar},
}

// planar takes a convolution of two spatial axes whose weights and bias are
// constants.
func planar(n *graph.Node) operators.Verdict {
	for _, v := range n.Inputs[1:] {
		if v != nil && v.Const == nil {
			return operators.Verdict{Reason: operators.WrongAttribute, Detail: "weights that are no constants"}
		}
	}
	if n.Inputs[1].Const.Rank() != 4 {
		return operators.Verdict{Reason: operators.WrongShape, Detail: "other than two spatial axes"}
	}
	return native
}

// blockedConvolution is a convolution of an image whose channels lie in blocks, or
// of one that is not and has few channels.
type blockedConvolution struct {
	behind
	adds          bool // to sums, before what is behind, the elements of
	added         int  // this input, laid out as the result is
	device        *Device
	image         blockedImage
	batch, groups int
	blocks        int                // of the result, in a group
	filters       []*blocked.Filters // of each group
	bias          []float32
	pairs, rows   int // of filters in a piece, and such pieces of a part of the image
	tasks         tasks[blockedTask]
}

func blockedConvolutions(d *Device, n *graph.Node) (planner, error) {
	weights, groups := n.Inputs[1].Const, int(n.Int("group", 1))
	return func(c *operators.Call) (work, error) {
		x, f := c.Inputs[0].Shape, weights.Shape()
		if groups < 1 || len(x) < 4 || len(x) > 5 || x.Size() == 0 || f.Size() == 0 || f[0]%groups != 0 {
			return nil, nil
		}
		ws, ok := windowsOf(n, x[2:4], f[2:])
		if !ok || volume(ws.out()) == 0 || !kernelFits(n, f) || has(c, 2) && !c.Inputs[2].Shape.Equal(tensor.Shape{f[0]}) {
			return nil, nil
		}
		bias := make([]float32, blocked.Blocks(f[0])*blocked.Width)
		if b := n.Input(2); b != nil {
			copy(bias, tensor.Slice[float32](b.Const))
		}
		if planes := len(x) == 4; planes && (groups != 1 || x[1] != f[1]) || !planes && (x[4] != blocked.Width || x[1] != blocked.Blocks(f[1]*groups)) {
			return nil, nil
		}
		if f[1] == 1 && groups == f[0] && len(x) == 5 {
			return d.depthwiseInBlocks(x, weights, &ws, bias)
		}
		if groups > 1 && (f[1]%blocked.Width != 0 || f[0]/groups%blocked.Width != 0) {
			return nil, nil
		}
		if len(x) == 5 && winogradPays(f, groups, &ws) {
			return d.newWinograd(x, weights, &ws, bias)
		}
		w := &blockedConvolution{device: d, batch: x[0], groups: groups, blocks: len(bias) / blocked.Width / groups, bias: bias}
		if w.image, ok = look(x, len(bias)/blocked.Width, x[1]/groups, &ws); !ok {
			return nil, nil
		}
		packed, err := d.blockedFilters(weights, groups, len(x) == 4)
		if err != nil {
			return nil, err
		}
		w.filters = *packed
		w.divide(d.threads)
		return w, nil
	}, nil
}

// packedBlocks is how filters were packed for images in blocks.
type packedBlocks struct {
	groups int
	planes bool
}

func (d *Device) blockedFilters(t *tensor.Tensor, groups int, planes bool) (*[]*blocked.Filters, error) {
	s := t.Shape()
	filters, depth, taps := s[0]/groups, s[1], s[2]*s[3]
	size := int64(groups) * blocked.FiltersBytes(filters, depth, taps, planes)
	return packedAs(&d.packed, t, packedBlocks{groups, planes}, size, func() *[]*blocked.Filters {
		list := make([]*blocked.Filters, groups)
		all := tensor.Slice[float32](t)
		for g := range list {
			f, w := blocked.NewFilters(filters, depth, taps, planes), all[g*filters*depth*taps:][:filters*depth*taps]
			d.inParts(f.Pairs(), func(p int) { f.Pack(p, w, filters, depth, taps) })
			list[g] = f
		}
		return &list
	})
}

// divide makes pieces: what a piece reads of the image stays in a near cache while
// the weights of its filters pass over it.
func (w *blockedConvolution) divide(threads int) {
	const (
		near  = 1 << 19 // bytes of the image
		short = 1 << 20 // multiplications that are worth a piece
		long  = 1 << 28 // multiplications after which it is looked whether work is to end
	)
	m, pairs := &w.image, w.filters[0].Pairs()
	all := m.units()
	each := max(m.outPlane/all*2*w.filters[0].Depth(), 1)
	units := m.near(near, w.groups)
	w.pairs = pairs
	pieces := func() int { return w.groups * ((pairs + w.pairs - 1) / w.pairs) * ((all + units - 1) / units) }
	halve := func() bool { // an image of many tiles is cut first, weights of many filters then
		if units > 8 || w.pairs == 1 && units > 1 {
			units = (units + 1) / 2
		} else if w.pairs > 1 {
			w.pairs = (w.pairs + 1) / 2
		} else {
			return false
		}
		return true
	}
	for threads > 1 && pieces() < 4*threads && units*w.pairs*each > short && halve() {
	}
	for units*w.pairs*each > long && halve() {
	}
	w.rows = (pairs + w.pairs - 1) / w.pairs
	m.divide(units)
}

func (w *blockedConvolution) result() tensor.Shape { return w.image.shape }

// fuse implements fusible.
func (w *blockedConvolution) fuse(e *epilogue) { w.added, w.after, w.adds = e.residual() }

func (w *blockedConvolution) run(ctx context.Context, c *operators.Call) error {
	m := &w.image
	x, dst, err := ends(c, m.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var residual []float32
	if w.adds {
		if residual, err = input[float32](c, w.added); err != nil {
			return err
		}
	}
	if t.others, err = w.after.load(c); err != nil {
		return err
	}
	if t.step = m.step(m.planes / w.groups); t.step > 0 {
		if t.room, err = w.device.scratch.take(w.device.threads * t.step * 4); err != nil {
			return err
		}
		defer w.device.scratch.give(t.room)
	}
	size := m.shape[1:].Size()
	for n := range w.batch {
		t.at, t.x, t.dst = n*size, x[n*m.size:][:m.size], dst[n*size:][:size]
		if residual != nil {
			t.residual = residual[n*size:][:size]
		}
		if err := w.device.divide(ctx, w.groups*w.rows*m.parts, t); err != nil {
			return err
		}
	}
	return nil
}

// blockedTask is one run of a blockedConvolution, for one member of the batch.
type blockedTask struct {
	w                *blockedConvolution
	x, dst, residual []float32
	at               int    // the first element of dst in the result
	room             []byte // for an image with its border for each worker, step elements apart
	step             int
	others           operands
}

// Do implements parallel.Task.
func (t *blockedTask) Do(worker, piece int) {
	w, m := t.w, &t.w.image
	part, group, row := piece/(w.groups*w.rows), piece/w.rows%w.groups, piece%w.rows
	view, t0, t1, at := m.part(part)
	inner, block := m.size/w.groups, group*w.blocks
	at += block * m.outPlane
	var room []float32
	if t.step > 0 {
		room = floats(t.room, (worker+1)*t.step)[worker*t.step:]
	}
	p := blocked.Convolution{
		View: view, Filters: w.filters[group], Image: m.draw(room, t.x[group*inner:][:inner], part, 0), Dst: t.dst[at:], Block: m.outPlane,
		Bias: w.bias[block*blocked.Width:][:w.blocks*blocked.Width],
	}
	p.Low, p.High = w.after.bounds()
	if t.residual != nil {
		p.Other = t.residual[at:]
	}
	p0 := row * w.pairs
	p1 := min(p0+w.pairs, w.filters[group].Pairs())
	if w.after.idle() {
		p.Run(p0, p1, t0, t1)
		return
	}
	from, end := view.Tiles[t0].To, view.End(t1-1)
	for ; p0 < p1; p0++ {
		p.Run(p0, p0+1, t0, t1)
		for b := 2 * p0; b < min(2*p0+2, w.blocks); b++ {
			first := at + b*m.outPlane + from
			w.after.apply(t.dst[first:][:end-from], t.at+first, &t.others)
		}
	}
}
