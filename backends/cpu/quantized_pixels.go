package cpu

import (
	"context"

	"example.com/midplane/backends/cpu/internal/integer"
)

// pixels is how images of bytes with their channels last are laid out so that
// the taps of windows are other places of the same image: with padding around.
type pixels struct {
	windows         windows
	batch, channels int
	extent          [3]int // of an image with its padding
	size            int    // bytes of an image
	direct          bool   // the input is the image

	offsets []int64 // of taps; of the first of those that are merged
	lines   []int   // where the windows begin that make lines of the result
	rows    int     // windows of a line
	step    int     // bytes from one to the next
	pitch   int     // where all windows of an image are a line: windows from one line of the result to the next, some of them over
}

// slack is how many bytes behind an image are read, and do not matter.
const slack = 4

// newPixels lays out images. Where merged is set, taps side by side count as one.
// The input is usable if it needs no copy but for padding.
func newPixels(ws windows, batch, channels int, merged, usable bool) *pixels {
	p := &pixels{windows: ws, batch: batch, channels: channels, direct: usable}
	in := ws.in()
	for i := range ws {
		w := &ws[i]
		p.extent[i] = (w.out-1)*w.stride + w.span()
		p.direct = p.direct && w.before == 0 && p.extent[i] <= w.in
	}
	if p.direct {
		p.extent = in
	}
	line := p.extent[2] * channels
	p.size = p.extent[0] * p.extent[1] * line
	for z := range ws[0].kernel {
		for y := range ws[1].kernel {
			at := (z*ws[0].dilation*p.extent[1] + y*ws[1].dilation) * line
			for x := range ws[2].kernel {
				if x == 0 || !merged {
					p.offsets = append(p.offsets, int64(at+x*ws[2].dilation*channels))
				}
			}
		}
	}
	p.rows, p.step = ws[2].out, ws[2].stride*channels
	joined := true
	for n := range batch {
		for z := range ws[0].out {
			for y := range ws[1].out {
				at := n*p.size + (z*ws[0].stride*p.extent[1]+y*ws[1].stride)*line
				joined = joined && at == len(p.lines)*p.rows*p.step
				p.lines = append(p.lines, at)
			}
		}
	}
	if joined { // all windows are equally far from each other
		p.rows *= len(p.lines)
		p.lines = p.lines[:1]
	}
	return p
}

// spread makes all windows of an image one line, and counts windows that reach
// beyond their line too, where lines are too short for a tile of products and that
// adds few windows.
func (p *pixels) spread() {
	ws := p.windows
	width, height, pitch := ws[2].out, ws[1].out, p.extent[2]
	const tile, most = 32, 1.3
	if len(p.lines) <= p.batch || ws[0].out > 1 || ws[1].stride*ws[2].stride > 1 || width >= tile || float64(pitch) > most*float64(width) {
		return
	}
	p.pitch, p.rows = pitch, (height-1)*pitch+width
	for n := range p.batch {
		p.lines[n] = p.lines[n*height]
	}
	p.lines = p.lines[:p.batch]
}

// gather copies the results of windows, of so many bytes each, but for those over.
func (p *pixels) gather(dst, src []byte, size int) {
	width, height := p.windows[2].out, p.windows[1].out
	for n := range p.batch {
		for y := range height {
			copy(dst[(n*height+y)*width*size:][:width*size], src[(n*p.rows+y*p.pitch)*size:])
		}
	}
}

// drawPixels makes images of an input.
func (d *Device) drawPixels(ctx context.Context, t *pixelsTask) error {
	p := t.p
	t.lines = p.batch * p.extent[0] * p.extent[1]
	var pieces int
	pieces, t.size = share(t.lines, p.extent[2]*p.channels/8, d.threads)
	clear(t.dst[len(t.dst)-slack:])
	return d.divide(ctx, pieces, t)
}

// pixelsTask draws images.
type pixelsTask struct {
	p           *pixels
	dst, x      []byte
	last        bool // the input has its channels last
	blank       byte // what padding is
	signed      bool // 128 is added to the input
	lines, size int  // in all, and of a piece
}

// Do implements parallel.Task.
func (t *pixelsTask) Do(_, piece int) {
	p := t.p
	length := p.extent[2] * p.channels
	for i := piece * t.size; i < min((piece+1)*t.size, t.lines); i++ {
		line := t.dst[i*length:][:length]
		y := i%p.extent[1] - p.windows[1].before
		z := i/p.extent[1]%p.extent[0] - p.windows[0].before
		n := i / (p.extent[1] * p.extent[0])
		if in := p.windows.in(); z < 0 || z >= in[0] || y < 0 || y >= in[1] {
			fill(line, t.blank)
			continue
		}
		t.draw(line, n, z, y)
	}
}

// draw writes a line that lies within the input.
func (t *pixelsTask) draw(line []byte, n, z, y int) {
	p, in, before := t.p, t.p.windows.in(), t.p.windows[2].before
	width := max(min(in[2], p.extent[2]-before), 0)
	left := min(before, p.extent[2]) * p.channels
	fill(line[:left], t.blank)
	inner := line[left:][:width*p.channels]
	fill(line[left+len(inner):], t.blank)
	if t.last {
		copyFlipped(inner, t.x[((n*in[0]+z)*in[1]+y)*in[2]*p.channels:][:len(inner)], t.signed)
		return
	}
	plane := in[0] * in[1] * in[2]
	turn(inner, t.x[n*p.channels*plane+(z*in[1]+y)*in[2]:], width, p.channels, p.channels, plane)
	if t.signed {
		copyFlipped(inner, inner, true)
	}
}

// fill sets all bytes.
func fill(dst []byte, v byte) {
	if len(dst) == 0 {
		return
	}
	dst[0] = v
	for n := 1; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// planewiseSums is what a planewise convolution needs besides its operands.
type planewiseSums struct {
	packed bool    // filters are those that were packed
	taps   []int32 // filters less their zero points, by tap and channel
	room   []int32 // sums of chunk pixels for each worker
	chunk  int     // pixels
	size   int     // lines of a piece
}

// runPlanewise computes a convolution each of whose filters sees one channel.
func (t *integerConvTask) runPlanewise(ctx context.Context) (err error) {
	w, n, s := t.w, t.w.channels, &t.planewise
	if t.start, err = take[int32](t.room, n); err != nil {
		return err
	}
	taps := int32(len(w.layout.taps))
	for j := range t.start {
		y := t.wZeros[min(j, len(t.wZeros)-1)]
		t.start[j] = t.biasOf(j) - t.xZero*(t.packed.tapSums[j]-taps*y)
	}
	if s.taps = t.packed.taps; !t.plain {
		if s.taps, err = take[int32](t.room, len(s.taps)); err != nil {
			return err
		}
		for k := range s.taps {
			s.taps[k] = t.packed.taps[k] - t.wZeros[min(k%n, len(t.wZeros)-1)]
		}
	}
	s.packed = t.packed.planes != nil && t.plain && w.fast
	s.chunk = min(max(1<<13/n, 1), w.pixels.rows)
	if t.sums == nil && !s.packed {
		if s.room, err = take[int32](t.room, w.device.threads*s.chunk*n); err != nil {
			return err
		}
	}
	var pieces int
	pieces, s.size = share(len(w.pixels.lines), w.pixels.rows*n*len(w.layout.taps)/8, w.device.threads)
	return w.device.divide(ctx, pieces, (*planewiseConvTask)(t))
}

// planewiseConvTask is the run of a planewise convolution.
type planewiseConvTask integerConvTask

// Do implements parallel.Task.
func (t *planewiseConvTask) Do(worker, piece int) {
	w, n, s := t.w, t.w.channels, &t.planewise
	for line := piece * s.size; line < min((piece+1)*s.size, len(w.pixels.lines)); line++ {
		for x := 0; x < w.pixels.rows && t.ctx.Err() == nil; x += s.chunk {
			columns := min(s.chunk, w.pixels.rows-x)
			from := t.image[w.pixels.lines[line]+x*w.pixels.step:]
			to := (line*w.pixels.rows + x) * n
			if s.packed {
				t.packed.planes.Filter(t.bytes[to:], from, t.start, t.factor, w.quadOffsets, columns, w.pixels.step, t.zero, t.low, t.high)
				continue
			}
			sums := t.sums
			if sums == nil {
				sums = s.room[worker*s.chunk*n:][:columns*n]
			} else {
				sums = sums[to:][:columns*n]
			}
			integer.Filter(sums, from, s.taps, t.start, w.pixels.offsets, n, columns, w.pixels.step)
			switch {
			case t.sums != nil:
			case w.fast:
				integer.Rescale(t.bytes[to:], sums, t.factor, n, columns, n, n, t.zero, t.low, t.high)
			default:
				integer.Requantize(t.bytes[to:], sums, t.scale, n, columns, n, n, t.zero, t.low, t.high)
			}
		}
	}
}
