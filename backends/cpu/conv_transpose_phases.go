package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/matrix"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
)

// phasewise is a transposed convolution each of whose filters sees one channel.
// Pixels of the result that lie a stride apart see the same taps, at pixels of the
// input that are neighbours: these phases are filters of the input with a border of
// zeros.
type phasewise struct {
	device               *Device
	shape                tensor.Shape // of the result
	planes, channels     int          // of the input
	multiplier           int          // filters for each channel
	taps                 int
	plane, outPlane      int
	border               border
	strides              [2]int
	phases               []phase
	image, pixels, total int // elements of the image, of the largest phase, and of room for a worker
	pieces, size         int // of planes
	tasks                tasks[phasewiseTask]
}

// phase is the pixels (y + i × stride, x + j × stride), i < rows, j < columns, of the
// result.
type phase struct {
	y, x, rows, columns int
	taps                []int   // of a filter
	offsets             []int64 // of what they see, in the image
}

// linePhase is the elements first, first + stride and so on along one axis of a
// result: element i of them sees input element i + shifts[k] through taps[k].
type linePhase struct {
	first, count int
	taps, shifts []int
}

// mostStride bounds how many phases there are.
const mostStride = 64

// phases returns those of an axis that have elements, for the window of the
// convolution that is transposed: in is the extent of the result.
func (w *window) phases() []linePhase {
	list := make([]linePhase, min(w.stride, w.in))
	for p := range list {
		l := &list[p]
		l.first, l.count = p, (w.in-p+w.stride-1)/w.stride
		for k := range w.kernel {
			at := p + w.before - k*w.dilation
			if shift := at / w.stride; at%w.stride == 0 && shift < w.out && shift+l.count > 0 {
				l.taps, l.shifts = append(l.taps, k), append(l.shifts, shift)
			}
		}
	}
	return list
}

// bordered returns how many elements of border the phases of an axis see before an
// input of an extent, and the extent with the border.
func bordered(phases []linePhase, extent int) (before, outer int) {
	for _, l := range phases {
		for _, s := range l.shifts {
			before, extent = max(before, -s), max(extent, s+l.count)
		}
	}
	return before, before + extent
}

// byPhases returns the convolution in phases, nil where it is none of two axes with a
// channel for each filter.
func (w *scattering) byPhases() *phasewise {
	z, y, x := &w.windows[0], &w.windows[1], &w.windows[2]
	if w.groups == 1 || w.groups != w.channels || z.kernel != 1 || z.in != 1 || z.out != 1 || max(y.stride, x.stride) > mostStride {
		return nil
	}
	rows, columns := y.phases(), x.phases()
	b := border{rows: y.out, columns: x.out, wide: 1}
	b.top, b.outerRows = bordered(rows, y.out)
	b.left, b.outerColumns = bordered(columns, x.out)
	if !roomFits(w.batch*(w.channels*w.plane+w.filters*w.outPlane), w.device.threads, b.outerRows, b.outerColumns) {
		return nil
	}
	p := &phasewise{
		device: w.device, shape: w.shape, planes: w.batch * w.channels, channels: w.channels, multiplier: w.filters / w.groups,
		taps: w.taps, plane: w.plane, outPlane: w.outPlane, border: b, strides: [2]int{y.stride, x.stride}, image: b.outerRows * b.outerColumns,
	}
	for _, r := range rows {
		for _, c := range columns {
			f := phase{y: r.first, x: c.first, rows: r.count, columns: c.count}
			for i, ky := range r.taps {
				for j, kx := range c.taps {
					f.taps = append(f.taps, ky*x.kernel+kx)
					f.offsets = append(f.offsets, int64((r.shifts[i]+b.top)*b.outerColumns+c.shifts[j]+b.left))
				}
			}
			p.phases, p.pixels = append(p.phases, f), max(p.pixels, r.count*c.count)
		}
	}
	p.total = (p.image + p.pixels + p.taps + 15) &^ 15
	p.pieces, p.size = share(p.planes, p.image+p.multiplier*(p.outPlane+p.plane*p.taps/2), w.device.threads)
	return p
}

func (w *phasewise) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w, t.ctx = w, ctx
	var err error
	if t.x, t.dst, err = ends(c, w.shape); err != nil {
		return err
	}
	if t.filters, err = input[float32](c, 1); err != nil {
		return err
	}
	if has(c, 2) {
		if t.bias, err = input[float32](c, 2); err != nil {
			return err
		}
	}
	room, err := w.device.scratch.take(w.device.threads * w.total * 4)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t.room = floats(room, w.device.threads*w.total)
	return w.device.divide(ctx, w.pieces, t)
}

// phasewiseTask is one run of a phasewise.
type phasewiseTask struct {
	w                     *phasewise
	ctx                   context.Context
	dst, x, filters, bias []float32
	room                  []float32 // of each worker
}

// Do implements parallel.Task.
func (t *phasewiseTask) Do(worker, piece int) {
	w := t.w
	room := t.room[worker*w.total:][:w.total]
	image, sums, weights := room[:w.image], room[w.image:][:w.pixels], room[w.image+w.pixels:][:w.taps]
	for i := piece * w.size; i < min((piece+1)*w.size, w.planes); i++ {
		w.border.draw(image, t.x[i*w.plane:][:w.plane], 0, 0)
		for k := range w.multiplier {
			filter, bias := i%w.channels*w.multiplier+k, float32(0)
			if t.bias != nil {
				bias = t.bias[filter]
			}
			taps, dst := t.filters[filter*w.taps:][:w.taps], t.dst[(i*w.multiplier+k)*w.outPlane:][:w.outPlane]
			for n := range w.phases {
				if t.ctx.Err() != nil {
					return
				}
				f := &w.phases[n]
				for j, tap := range f.taps {
					weights[j] = taps[tap]
				}
				if len(f.taps) == 0 {
					vector.Fill(sums[:f.rows*f.columns], bias)
				} else {
					matrix.Filter(sums, image, weights[:len(f.taps)], f.offsets, f.rows, f.columns, w.border.outerColumns, bias, matrix.NoLow, matrix.NoHigh)
				}
				w.place(dst, sums, f)
			}
		}
	}
}

// place puts the pixels of a phase into a plane of the result.
func (w *phasewise) place(dst, sums []float32, f *phase) {
	width, step := w.shape[len(w.shape)-1], w.strides[1]
	for y := range f.rows {
		to := dst[(f.y+y*w.strides[0])*width+f.x:]
		to = to[:(f.columns-1)*step+1]
		for x, v := range sums[y*f.columns:][:f.columns] {
			to[x*step] = v
		}
	}
}
