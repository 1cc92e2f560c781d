package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/blocked"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
)

// lanewise is a convolution whose filters see one channel each, or a pool, of an
// image whose channels lie in blocks.
type lanewise struct {
	behind
	device       *Device
	image        blockedImage
	batch        int
	weights      []float32 // of each block and tap, or of each tap; nil for the greatest
	blank        float32   // what padding counts as
	bias         []float32 // of each block, or of all
	pieces, size int       // of parts of blocks
	tasks        tasks[lanewiseTask]
}

func (d *Device) newLanewise(x tensor.Shape, ws *windows) *lanewise {
	w := &lanewise{device: d, batch: x[0]}
	var ok bool
	if w.image, ok = look(x, x[1], 1, ws); !ok {
		return nil
	}
	const near = 1 << 14 // elements of a part of a plane, which stays in a near cache
	m := &w.image
	m.divide(max(m.units()*near/max(m.size/m.planes, m.outPlane), 1))
	w.pieces, w.size = share(x[1]*m.parts, m.outPlane/m.parts*(len(m.view.Offsets)+1)/8, d.threads)
	return w
}

// depthwiseInBlocks returns the work of a convolution whose filters see one channel
// each.
func (d *Device) depthwiseInBlocks(x tensor.Shape, filters *tensor.Tensor, ws *windows, bias []float32) (work, error) {
	w := d.newLanewise(x, ws)
	if w == nil {
		return nil, nil
	}
	w.bias = bias
	s := filters.Shape()
	channels, taps := s[0], s[2]*s[3]
	packed, err := packedAs(&d.packed, filters, packedBlocks{groups: channels}, int64(len(bias)*taps)*4, func() *[]float32 {
		lanes, from := make([]float32, len(bias)*taps), tensor.Slice[float32](filters)
		for c := range channels {
			for tap, v := range from[c*taps:][:taps] {
				lanes[(c/blocked.Width*taps+tap)*blocked.Width+c%blocked.Width] = v
			}
		}
		return &lanes
	})
	if err != nil {
		return nil, err
	}
	w.weights = *packed
	return w, nil
}

// poolInBlocks returns the work of a pool of an image whose channels lie in blocks:
// one over three axes, of which the last is that of the lanes. It returns nil for
// other pools, and for averages over windows that differ in size.
func (d *Device) poolInBlocks(x tensor.Shape, ws *windows, average, includePad bool) work {
	if lanes := &ws[2]; len(x) != 5 || x[4] != blocked.Width || lanes.kernel != 1 || lanes.stride != 1 || lanes.out != lanes.in {
		return nil
	}
	plane := windows{{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}, ws[0], ws[1]}
	w := d.newLanewise(x, &plane)
	if w == nil {
		return nil
	}
	w.bias = make([]float32, blocked.Width)
	if !average {
		vector.Fill(w.bias, vector.NegativeInfinity)
		w.blank = vector.NegativeInfinity
		return w
	}
	count := 1
	for axis := range plane {
		counts := plane[axis].taps(includePad)
		for _, c := range counts {
			if c != counts[0] || c == 0 {
				return nil
			}
		}
		count *= counts[0]
	}
	w.weights = make([]float32, len(w.image.view.Offsets)*blocked.Width)
	vector.Fill(w.weights, 1/float32(count))
	return w
}

func (w *lanewise) result() tensor.Shape { return w.image.shape }

func (w *lanewise) run(ctx context.Context, c *operators.Call) error {
	m := &w.image
	x, dst, err := ends(c, m.shape)
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	if t.others, err = w.after.load(c); err != nil {
		return err
	}
	if t.step = m.step(1); t.step > 0 {
		if t.room, err = w.device.scratch.take(w.device.threads * t.step * 4); err != nil {
			return err
		}
		defer w.device.scratch.give(t.room)
	}
	for n := range w.batch {
		t.at = n * m.shape[1:].Size()
		t.x, t.dst = x[n*m.size:][:m.size], dst[t.at:][:m.shape[1:].Size()]
		if err := w.device.divide(ctx, w.pieces, t); err != nil {
			return err
		}
	}
	return nil
}

// lanewiseTask is one run of a lanewise, for one member of the batch.
type lanewiseTask struct {
	w      *lanewise
	x, dst []float32
	at     int    // the first element of dst in the result
	room   []byte // for a plane with its border for each worker, step elements apart
	step   int
	others operands
}

// Do implements parallel.Task.
func (t *lanewiseTask) Do(worker, piece int) {
	w, m := t.w, &t.w.image
	low, high := w.after.bounds()
	plane := m.size / m.planes
	var room []float32
	if t.step > 0 {
		room = floats(t.room, (worker+1)*t.step)[worker*t.step:]
	}
	for i := piece * w.size; i < min((piece+1)*w.size, m.planes*m.parts); i++ {
		part, b := i/m.planes, i%m.planes
		view, t0, t1, at := m.part(part)
		at += b * m.outPlane
		l := blocked.Lanes{View: view, Image: m.draw(room, t.x[b*plane:][:plane], part, w.blank), Dst: t.dst[at:], Weights: w.weights, Bias: w.bias, Low: low, High: high}
		if taps := len(view.Offsets) * blocked.Width; len(w.weights) > taps {
			l.Weights = w.weights[b*taps:][:taps]
		}
		if len(w.bias) > blocked.Width {
			l.Bias = w.bias[b*blocked.Width:][:blocked.Width]
		}
		l.Run(t0, t1)
		first, end := at+view.Tiles[t0].To, at+view.End(t1-1)
		w.after.apply(t.dst[first:end], t.at+first, &t.others)
	}
}
