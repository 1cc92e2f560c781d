package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/backends/cpu/internal/isa"
	"example.com/midplane/operators"
)

// winograd is a convolution of an image in blocks with filters of 3 × 3 taps that
// move by one pixel, by blocked.Winograd. It is computed in bands of rows.
type winograd struct {
	behind
	device        *Device
	shape         tensor.Shape // of the result
	batch         int
	border        border
	planes, plane int // blocks of the image, and elements of one in a band
	outPlane      int // elements of a block of the result
	filters       *blocked.Winograd
	bias          []float32

	rows, bands int                  // of the result in a band; bands
	band, last  blocked.WinogradBand // all bands but the last, and the last
	pairs       int                  // of blocks of filters in a piece
	pieces      int                  // of a band
	drawn       int                  // elements of the room that a worker needs for a band of the image,
	transformed int                  // its transformation
	sums        int                  // and the sums of a pair
	tasks       tasks[winogradTask]
}

// packedWinograd is how filters were packed for winograd.
type packedWinograd struct{}

// winogradPays reports whether filters of shape f are worth transforming, for windows
// that make an image of ws.
func winogradPays(f tensor.Shape, groups int, ws *windows) bool {
	const (
		fewest = 32       // channels and filters, that transformations of images and sums pay
		pixels = 144      // of the result at least, that it pays to read transformed weights
		row    = 64 << 20 // elements of a row of the image at most: a band has at least one row of tiles
	)
	weights := int64(5 << 20) // bytes of transformed weights at most, which stay in a near cache
	if isa.Best < isa.AVX512 {
		weights = 36 << 20 // products take so long that weights may come from farther away
	}
	y, x := &ws[1], &ws[2]
	for _, w := range []*window{y, x} {
		if w.kernel != 3 || w.stride != 1 || w.dilation != 1 {
			return false
		}
	}
	return groups == 1 && f[1] >= fewest && f[0] >= fewest && x.out >= 4 && y.out*x.out >= pixels && x.out <= row/f[1] &&
		blocked.WinogradBytes(f[0], f[1]) <= weights
}

// newWinograd returns the work of a convolution for which winogradPays.
func (d *Device) newWinograd(x tensor.Shape, filters *tensor.Tensor, ws *windows, bias []float32) (work, error) {
	f := filters.Shape()
	packed, err := packedAs(&d.packed, filters, packedWinograd{}, blocked.WinogradBytes(f[0], f[1]), func() *blocked.Winograd {
		p, all := blocked.NewWinograd(f[0], f[1]), tensor.Slice[float32](filters)
		d.inParts(p.Pairs(), func(pair int) { p.Pack(pair, all, f[0], f[1]) })
		return p
	})
	if err != nil {
		return nil, err
	}
	y, z := &ws[1], &ws[2]
	w := &winograd{
		device: d, shape: tensor.Shape{x[0], blocked.Blocks(f[0]), y.out, z.out, blocked.Width}, batch: x[0], planes: x[1],
		outPlane: y.out * z.out * blocked.Width, filters: packed, bias: bias,
		border: border{rows: y.in, columns: z.in, wide: blocked.Width, top: y.before, left: z.before, outerColumns: max(z.out+z.out%2+2, z.before+z.in)},
	}
	w.divide(int(blocked.WinogradBytes(f[0], f[1])))
	return w, nil
}

// divide makes bands, whose transformation stays in a near cache, and pieces: of one
// pair where there are several workers, each of which transforms a band once.
func (w *winograd) divide(weights int) {
	const near = 1 << 20 // bytes
	columns, tileRows := (w.shape[3]+1)/2, (w.shape[2]+1)/2
	perRow := 16 * w.planes * columns * blocked.Width * 4
	rows := min(max(near/perRow, 1), tileRows)
	w.pairs = w.filters.Pairs()
	if threads := w.device.threads; threads > 1 {
		w.pairs = 1
		if weights <= near/2 { // read again by every band
			rows = min(rows, (tileRows+2*threads-1)/(2*threads))
		}
	}
	w.bands = (tileRows + rows - 1) / rows
	w.rows = 2 * ((tileRows + w.bands - 1) / w.bands)
	w.bands = (w.shape[2] + w.rows - 1) / w.rows
	w.pieces = (w.filters.Pairs() + w.pairs - 1) / w.pairs
	w.band, w.last = w.bandOf(min(w.rows, w.shape[2])), w.bandOf(w.shape[2]-(w.bands-1)*w.rows)
	w.plane = w.band.PlaneStep
	w.drawn = w.planes * w.plane
	w.transformed, w.sums = w.band.Rooms(w.filters)
}

// bandOf returns a band of so many rows of the result.
func (w *winograd) bandOf(rows int) blocked.WinogradBand {
	step := w.border.outerColumns * blocked.Width
	return blocked.WinogradBand{
		Rows: rows, Columns: w.shape[3], RowStep: step, PlaneStep: (rows + rows%2 + 2) * step, View: blocked.WinogradView(rows, w.shape[3], w.planes),
	}
}

func (w *winograd) result() tensor.Shape { return w.shape }

func (w *winograd) run(ctx context.Context, c *operators.Call) error {
	x, dst, err := ends(c, w.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	if t.others, err = w.after.load(c); err != nil {
		return err
	}
	r := w.device.scratch.room()
	defer r.give()
	if t.held, err = take[int](r, w.device.threads); err != nil {
		return err
	}
	clear(t.held)
	t.step = (w.drawn + w.transformed + w.sums + 15) &^ 15
	if t.room, err = take[byte](r, w.device.threads*t.step*4); err != nil {
		return err
	}
	size, out := len(x)/w.batch, len(dst)/w.batch
	for n := range w.batch {
		t.x, t.dst, t.at, t.first = x[n*size:][:size], dst[n*out:][:out], n*out, n*w.bands
		if err := w.device.divide(ctx, w.bands*w.pieces, t); err != nil {
			return err
		}
	}
	return nil
}

// winogradTask is one run of a winograd, for one member of the batch.
type winogradTask struct {
	w      *winograd
	x, dst []float32
	at     int    // the first element of dst in the result
	first  int    // the number of its first band among those of all members
	room   []byte // for each worker, step elements apart
	step   int
	held   []int // the number behind that of the band whose transformation a worker's room holds
	others operands
}

// Do implements parallel.Task.
func (t *winogradTask) Do(worker, piece int) {
	w := t.w
	index, first := piece/w.pieces, piece%w.pieces*w.pairs
	band := w.band
	if index == w.bands-1 {
		band = w.last
	}
	band.Low, band.High = w.after.bounds()
	room := floats(t.room, (worker+1)*t.step)[worker*t.step:]
	image, transformed, sums := room[:w.drawn], room[w.drawn:][:w.transformed], room[w.drawn+w.transformed:][:w.sums]
	if number := t.first + index + 1; t.held[worker] != number {
		plane := w.border.rows * w.border.columns * blocked.Width
		for p := range w.planes {
			w.border.draw(image[p*band.PlaneStep:][:band.PlaneStep], t.x[p*plane:][:plane], index*w.rows, 0)
		}
		band.Transform(w.filters, transformed, image)
		t.held[worker] = number
	}
	from, size := index*w.rows*band.Columns*blocked.Width, band.Rows*band.Columns*blocked.Width
	for p := first; p < min(first+w.pairs, w.filters.Pairs()); p++ {
		at := 2*p*w.outPlane + from
		band.Multiply(w.filters, p, t.dst[at:], w.outPlane, sums, transformed, w.bias[2*p*blocked.Width:])
		for b := 2 * p; b < min(2*p+2, w.shape[1]); b++ {
			at := b*w.outPlane + from
			w.after.apply(t.dst[at:][:size], t.at+at, &t.others)
		}
	}
}
