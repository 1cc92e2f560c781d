package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
)

// pixelScattering is a transposed convolution of lines or planes that adds up
// pixels, each the numbers of several filters next to each other: what every pixel
// makes of the taps is the row of a product, whose taps in a line go to neighbouring
// pixels of the result.
type pixelScattering struct {
	*scattering
	blocks, width int               // of a group: blocks of filters, so many in all but the last
	packed        []*matrix.Columns // by group and block: (channels, taps × filters of the block)
	bands, band   int               // of lines of the result, so many in all but the last
	chunk         int               // pixels that are multiplied at a time
	tasks         tasks[pixelTask]
	turns         tasks[turnTask]
}

// The extents of a piece: fewer filters are not worth vectors of them, more do not
// stay in a near cache; sums and products are elements that stay in one.
const (
	leastPixel   = 8
	mostPixel    = 64
	pixelSums    = 1 << 17
	pixelProduct = 1 << 15
)

// byPixels returns w by pixels, nil where that does not suit it.
func (w *scattering) byPixels(constant *tensor.Tensor) (*pixelScattering, error) {
	filters := w.filters / w.groups
	if w.windows[0].in != 1 || w.windows[0].kernel != 1 || filters < leastPixel {
		return nil, nil
	}
	p := &pixelScattering{scattering: w}
	p.divide(min(filters, mostPixel))
	for threads := w.device.threads; threads > 1 && p.width >= 2*leastPixel && w.groups*p.blocks*p.bands < 2*threads; {
		p.divide((p.width + 1) / 2)
	}
	if p.band*w.windows[2].in > 4*pixelSums/p.width {
		return nil, nil
	}
	p.chunk = min(w.plane, max(pixelProduct/(w.taps*p.width), 2*matrix.TileHeight()))
	if !roomFits(2*w.shape.Size(), p.chunk, w.taps*p.width) {
		return nil, nil
	}
	size := int64(w.groups*p.blocks) * matrix.ColumnsBytes(w.channels/w.groups, w.taps*p.width)
	packed, err := packedAs(&w.device.packed, constant, packedPixels{w.groups, p.width}, size, func() *[]*matrix.Columns {
		list := p.pack(tensor.Slice[float32](constant))
		return &list
	})
	if err == nil {
		p.packed = *packed
	}
	return p, err
}

// divide makes pieces of so many filters, and of the lines whose sums stay in a near
// cache.
func (w *pixelScattering) divide(width int) {
	filters, lines := w.filters/w.groups, w.windows[1].in
	w.width, w.blocks = width, (filters+width-1)/width
	w.band = min(lines, max(pixelSums/(w.windows[2].in*width), 4*w.windows[1].span(), 1))
	w.bands = (lines + w.band - 1) / w.band
}

// packedPixels is how filters were packed for a pixelScattering.
type packedPixels struct{ groups, width int }

// pack packs filters (C, M/groups, …).
func (w *pixelScattering) pack(f []float32) []*matrix.Columns {
	filters, channels := w.filters/w.groups, w.channels/w.groups
	var list []*matrix.Columns
	for g := range w.groups {
		for first := 0; first < filters; first += w.width {
			count := min(w.width, filters-first)
			n := w.taps * count
			turned := make([]float32, channels*n)
			for c := range channels {
				vector.Turn(turned[c*n:], f[((g*channels+c)*filters+first)*w.taps:], w.taps, count, count, w.taps)
			}
			list = append(list, matrix.PackColumns(turned, channels, n, n, 1))
		}
	}
	return list
}

func (w *pixelScattering) run(ctx context.Context, c *operators.Call) error {
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
	image := w.channels * w.plane
	own := w.band*w.windows[2].in*w.width + w.chunk*w.taps*w.width
	room, err := w.device.scratch.take((image + w.device.threads*own) * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t := w.tasks.get()
	defer w.tasks.put(t)
	all := floats(room, image+w.device.threads*own)
	*t = pixelTask{ctx: ctx, w: w, x: all[:image], rooms: all[image:], own: own, bias: bias}
	channels := w.channels / w.groups
	turn := w.turns.get()
	defer w.turns.put(turn)
	pieces, size := share(w.plane, channels, w.device.threads)
	for n := range w.batch {
		for g := range w.groups {
			*turn = turnTask{t.x[g*channels*w.plane:], x[n*image+g*channels*w.plane:], w.plane, channels, size}
			if err := w.device.divide(ctx, pieces, turn); err != nil {
				return err
			}
		}
		t.dst = dst[n*w.filters*w.outPlane:][:w.filters*w.outPlane]
		if err := w.device.divide(ctx, w.groups*w.blocks*w.bands, t); err != nil {
			return err
		}
	}
	return nil
}

// turnTask turns planes of channels into pixels of channels, so many at a time.
type turnTask struct {
	dst, src              []float32
	plane, channels, size int
}

// Do implements parallel.Task.
func (t *turnTask) Do(_, piece int) {
	from := piece * t.size
	vector.Turn(t.dst[from*t.channels:], t.src[from:], min(t.size, t.plane-from), t.channels, t.channels, t.plane)
}

// pixelTask is a run of a pixelScattering, for one member of the batch.
type pixelTask struct {
	ctx    context.Context
	w      *pixelScattering
	x, dst []float32 // x: (groups, plane, channels of a group)
	rooms  []float32
	own    int // elements of a worker's room
	bias   []float32
}

// Do implements parallel.Task.
func (t *pixelTask) Do(worker, piece int) {
	w := t.w
	block, band := piece/w.bands, piece%w.bands
	group, filters, channels := block/w.blocks, w.filters/w.groups, w.channels/w.groups
	first := block % w.blocks * w.width
	count := min(w.width, filters-first)
	first += group * filters
	columns := w.windows[2].in
	top, end := band*w.band, min((band+1)*w.band, w.windows[1].in)
	pixels := (end - top) * columns
	room := t.rooms[worker*t.own:][:t.own]
	sums, products := room[:pixels*count], room[w.band*columns*w.width:]
	t.start(sums, first, count)

	lines := &w.windows[1]
	low := max(0, top+lines.before-(lines.kernel-1)*lines.dilation+lines.stride-1) / lines.stride
	high := min(lines.out, (end-1+lines.before)/lines.stride+1)
	x, n := t.x[group*channels*w.plane:][:channels*w.plane], w.taps*count
	for from := low * w.windows[2].out; from < high*w.windows[2].out; from += w.chunk {
		if t.ctx.Err() != nil {
			return
		}
		rows := min(w.chunk, high*w.windows[2].out-from)
		p := matrix.Product{
			M: rows, N: n, K: channels, A: x[from*channels:], AStep: channels, PackedB: w.packed[block], C: products, CStep: n,
			Low: vector.NegativeInfinity, High: vector.Infinity,
		}
		tileRows, tileColumns := matrix.Tiles(rows, n)
		p.Rectangle(0, tileRows, 0, tileColumns)
		for i := range rows {
			w.scatter(sums, products[i*n:][:n], from+i, top, end, count)
		}
	}
	vector.Turn(t.dst[first*w.outPlane+top*columns:], sums, count, pixels, w.outPlane, count)
}

// start fills sums with the bias of the filters from first on.
func (t *pixelTask) start(sums []float32, first, count int) {
	if t.bias == nil {
		clear(sums)
		return
	}
	for done := copy(sums, t.bias[first:][:count]); done < len(sums); {
		done += copy(sums[done:], sums[:done])
	}
}

// scatter adds what pixel of the image makes of all taps to lines [top, end) of the
// result.
func (w *pixelScattering) scatter(sums, taps []float32, pixel, top, end, count int) {
	lines, last := &w.windows[1], &w.windows[2]
	y, x := pixel/last.out, pixel%last.out
	for k := range lines.kernel {
		to := lines.to(y, k)
		if to < top || to >= end {
			continue
		}
		line, from := sums[(to-top)*last.in*count:][:last.in*count], taps[k*last.kernel*count:][:last.kernel*count]
		at := last.to(x, 0)
		if last.dilation == 1 {
			low, high := max(0, -at), min(last.kernel, last.in-at)
			if low < high {
				sum := line[(at+low)*count : (at+high)*count]
				vector.AddFloat32.Both(sum, sum, from[low*count:high*count])
			}
			continue
		}
		for i := range last.kernel {
			if at := at + i*last.dilation; at >= 0 && at < last.in {
				sum := line[at*count:][:count]
				vector.AddFloat32.Both(sum, sum, from[i*count:][:count])
			}
		}
	}
}
