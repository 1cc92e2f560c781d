package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// convTranspose holds ConvTranspose.
var convTranspose = family{
	{op: "ConvTranspose", kernel: "conv/transpose", by: byType{tensor.Float32: transposedConvolution}, accept: spatial},
}

// scattering is a transposed convolution: what each filter's taps make of every
// input pixel, as one product, is added up around the pixel.
type scattering struct {
	device                           *Device
	shape                            tensor.Shape // of the result
	batch, channels, filters, groups int
	windows                          windows // of the convolution it is the transpose of: their outputs are this one's inputs
	plane, outPlane, taps            int
	filterRows                       []*matrix.Rows // by group, where the filters are constants
	gridRows, gridColumns            int            // of tiles in a piece
	rows, columns                    int            // pieces that a group has
	addPieces, addSize               int            // of output channels
	tasks                            tasks[spreadTask]
	adds                             tasks[addTask]
}

// packedTransposed is how the filters of transposed convolutions were packed.
type packedTransposed struct{ groups int }

// transposedRows packs filters (C, M/groups, …): a row for each tap of each
// filter, a column for each channel.
func transposedRows(w []float32, s tensor.Shape, groups int) []*matrix.Rows {
	rows, channels := s[1:].Size(), s[0]/groups
	list := make([]*matrix.Rows, groups)
	for g := range list {
		list[g] = matrix.PackRows(w[g*channels*rows:], rows, channels, 1, rows)
	}
	return list
}

func transposedConvolution(d *Device, n *graph.Node) (planner, error) {
	groups, constant := int(n.Int("group", 1)), n.Inputs[1].Const
	return func(c *operators.Call) (work, error) {
		x, f := c.Inputs[0].Shape, c.Inputs[1].Shape
		if !kernelFits(n, f) || len(x) < 3 || len(x) > 5 || len(f) != len(x) || f[0] != x[1] || groups < 1 || x[1]%groups != 0 || x.Size() == 0 || f.Size() == 0 {
			return nil, nil
		}
		if !c.Outputs[0].Present() || has(c, 2) && !c.Inputs[2].Shape.Equal(tensor.Shape{f[1] * groups}) {
			return nil, nil
		}
		shape := c.Outputs[0].Shape
		w := &scattering{device: d, shape: shape.Clone(), batch: x[0], channels: x[1], filters: f[1] * groups, groups: groups, taps: f[2:].Size()}
		if len(shape) != len(x) || shape[0] != x[0] || shape[1] != w.filters || shape.Size() == 0 {
			return nil, nil
		}
		var ok bool
		if w.windows, ok = transposedWindows(n, x[2:], f[2:], shape[2:]); !ok {
			return nil, nil
		}
		w.plane, w.outPlane = x[2:].Size(), shape[2:].Size()
		if !roomFits(x.Size()+shape.Size()+f.Size(), w.filters, w.taps, w.plane) {
			return nil, nil
		}
		if p := w.byPhases(); p != nil {
			return p, nil
		}
		if constant != nil {
			if p, err := w.byPixels(constant); p != nil || err != nil {
				return p, err
			}
			packed, err := packedAs(&d.packed, constant, packedTransposed{groups}, int64(len(constant.Bytes())), func() *[]*matrix.Rows {
				list := transposedRows(tensor.Slice[float32](constant), f, groups)
				return &list
			})
			if err != nil {
				return nil, err
			}
			w.filterRows = *packed
		}
		w.divide()
		return w, nil
	}, nil
}

// transposedWindows returns the windows of the convolution that a transposed one
// is the transpose of: out is the extents of the transposed one's output.
func transposedWindows(n *graph.Node, in, kernel, out tensor.Shape) (ws windows, ok bool) {
	rank := len(in)
	strides, dilations, pads, extra := n.Ints("strides"), n.Ints("dilations"), n.Ints("pads"), n.Ints("output_padding")
	for _, list := range [][]int64{strides, dilations, extra, n.Ints("kernel_shape")} {
		if list != nil && len(list) != rank {
			return ws, false
		}
	}
	if pads != nil && len(pads) != 2*rank {
		return ws, false
	}
	lead := len(ws) - rank
	for i := range lead {
		ws[i] = window{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}
	}
	autoPad := n.Text("auto_pad", "NOTSET")
	for i := range rank {
		w := window{in: out[i], out: in[i], kernel: kernel[i], stride: 1, dilation: 1}
		more := 0
		if strides != nil {
			w.stride = int(strides[i])
		}
		if dilations != nil {
			w.dilation = int(dilations[i])
		}
		if extra != nil {
			more = int(extra[i])
		}
		if min(w.stride, w.dilation) < 1 || max(w.stride, w.dilation, w.kernel, w.out) > limit || more < 0 || more > limit || w.span() > limit {
			return ws, false
		}
		full := w.stride*(w.out-1) + more + w.span()
		switch {
		case autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER" || n.Has("output_shape"):
			total := max(0, full-w.in)
			w.before, w.after = total-total/2, total/2
			if autoPad == "SAME_UPPER" {
				w.before, w.after = w.after, w.before
			}
		case autoPad == "NOTSET" && pads != nil:
			w.before, w.after = int(pads[i]), int(pads[rank+i])
			if full-w.before-w.after != w.in {
				return ws, false
			}
		}
		ws[lead+i] = w
	}
	return ws, true
}

func (w *scattering) divide() {
	rows := w.filters / w.groups * w.taps
	w.gridRows, w.gridColumns = matrix.Grid(rows, w.plane, w.channels/w.groups, w.device.threads)
	r, c := matrix.Tiles(rows, w.plane)
	w.rows, w.columns = (r+w.gridRows-1)/w.gridRows, (c+w.gridColumns-1)/w.gridColumns
	w.addPieces, w.addSize = share(w.filters, w.plane*w.taps*2, w.device.threads)
}

// mostSpread is how many products of pixels and taps are kept at a time.
const mostSpread = min(1<<28, math.MaxInt>>7)

func (w *scattering) run(ctx context.Context, c *operators.Call) error {
	x, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	var bias []float32
	if has(c, 2) {
		if bias, err = input[float32](c, 2); err != nil {
			return err
		}
	}
	filters := w.filterRows
	if filters == nil {
		f, err := input[float32](c, 1)
		if err != nil {
			return err
		}
		filters = transposedRows(f, c.Inputs[1].Shape, w.groups)
	}
	size := w.filters * w.taps * w.plane
	if float64(w.filters)*float64(w.taps)*float64(w.plane) > mostSpread {
		return errUnfit
	}
	room, err := w.device.scratch.take(size * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t, a := w.tasks.get(), w.adds.get()
	defer w.tasks.put(t)
	defer w.adds.put(a)
	for n := range w.batch {
		*t = spreadTask{w, filters, x[n*w.channels*w.plane:][:w.channels*w.plane], floats(room, size)}
		if err := w.device.divide(ctx, w.groups*w.rows*w.columns, t); err != nil {
			return err
		}
		*a = addTask{ctx, w, t.dst, dst[n*w.filters*w.outPlane:][:w.filters*w.outPlane], bias}
		if err := w.device.divide(ctx, w.addPieces, a); err != nil {
			return err
		}
	}
	return nil
}

// spreadTask multiplies every pixel with every tap, for one member of the batch:
// dst is (filters, taps, plane).
type spreadTask struct {
	w       *scattering
	filters []*matrix.Rows
	x, dst  []float32
}

// Do implements parallel.Task.
func (t *spreadTask) Do(_, piece int) {
	w := t.w
	perGroup := w.rows * w.columns
	group := piece / perGroup
	channels, rows := w.channels/w.groups, w.filters/w.groups*w.taps
	p := matrix.Product{
		M: rows, N: w.plane, K: channels, PackedA: t.filters[group],
		B: t.x[group*channels*w.plane:], BStep: w.plane,
		C: t.dst[group*rows*w.plane:], CStep: w.plane,
		Low: vector.NegativeInfinity, High: vector.Infinity,
	}
	r, c := piece%perGroup/w.columns*w.gridRows, piece%w.columns*w.gridColumns
	tileRows, tileColumns := matrix.Tiles(rows, w.plane)
	p.Rectangle(r, min(r+w.gridRows, tileRows), c, min(c+w.gridColumns, tileColumns))
}

// addTask adds up the products around the pixels.
type addTask struct {
	ctx           context.Context
	w             *scattering
	products, dst []float32
	bias          []float32
}

// Do implements parallel.Task.
func (t *addTask) Do(_, piece int) {
	w := t.w
	for m := piece * w.addSize; m < min((piece+1)*w.addSize, w.filters); m++ {
		dst := t.dst[m*w.outPlane:][:w.outPlane]
		bias := float32(0)
		if t.bias != nil {
			bias = t.bias[m]
		}
		vector.Fill(dst, bias)
		kernel := w.windows.kernel()
		for k := range w.taps {
			if t.ctx.Err() != nil {
				return
			}
			w.add(dst, t.products[(m*w.taps+k)*w.plane:][:w.plane], [3]int{k / kernel[2] / kernel[1], k / kernel[2] % kernel[1], k % kernel[2]})
		}
	}
}

// add adds one tap's products to a plane of the result.
func (w *scattering) add(dst, products []float32, tap [3]int) {
	out, in := w.windows.in(), w.windows.out()
	last := &w.windows[2]
	first, end := last.inside(tap[2])
	for z := range in[0] {
		toZ := w.windows[0].to(z, tap[0])
		if toZ < 0 || toZ >= out[0] {
			continue
		}
		for y := range in[1] {
			toY := w.windows[1].to(y, tap[1])
			if toY < 0 || toY >= out[1] || first >= end {
				continue
			}
			line := dst[(toZ*out[1]+toY)*out[2]:][:out[2]]
			from := products[(z*in[1]+y)*in[2]:][:in[2]]
			if last.stride == 1 {
				to := line[last.to(first, tap[2]):][:end-first]
				vector.AddFloat32.Both(to, to, from[first:end])
				continue
			}
			to := last.to(first, tap[2])
			for _, v := range from[first:end] {
				line[to] += v
				to += last.stride
			}
		}
	}
}

// to returns which input element of the window tap k of output o falls on.
func (w *window) to(o, k int) int { return o*w.stride - w.before + k*w.dilation }

// inside returns the range of outputs whose tap k falls on the input.
func (w *window) inside(k int) (first, end int) {
	shift := w.before - k*w.dilation
	if shift > 0 {
		first = (shift + w.stride - 1) / w.stride
	}
	if last := w.in - 1 + shift; last >= 0 {
		end = min(w.out, last/w.stride+1)
	}
	return first, end
}
