package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/fourier"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// signal holds DFT, STFT. As in the reference, inverse transforms of float32 are
// computed in float32, all others in float64.
var signal = family{
	{op: "DFT", kernel: "fourier", inputs: transformed, build: dft, values: []int{1, 2}},
	{op: "STFT", kernel: "fourier", inputs: framed, build: stft, values: []int{1, 3}},
}

var (
	reals       = []tensor.DType{tensor.Float32, tensor.Float64}
	wholes      = []tensor.DType{tensor.Int32, tensor.Int64}
	transformed = [][]tensor.DType{reals, wholes, wholes}
	framed      = [][]tensor.DType{reals, wholes, reals, wholes}
)

// longestTransform is the greatest length of a transform that is planned.
const longestTransform = 1 << 22

// spectra says what is transformed: many lines of one tensor into those of another.
type spectra struct {
	signalLines
	shape                 tensor.Shape // of the output
	window                int          // the input by which the values of a line are multiplied, 0 for none
	given, length, bins   int          // values read, with zeros behind them up to length, and results written
	parts, results        int          // numbers of a value, and of a result
	inverse, oneSideGiven bool         // oneSideGiven: a spectrum is given up to the middle
}

// signalLines are values that are transformed together, a step apart: line l of count
// begins (l / inner) × outer steps + (l % inner) × inner ones behind the first.
type signalLines struct {
	count, inner                   int
	fromOuter, fromInner, fromStep int
	toOuter, toInner, toStep       int
}

// work returns the work for elements of a type.
func (s spectra) work(d *Device, dtype tensor.DType) work {
	switch {
	case dtype == tensor.Float64:
		return newTransforms[float64, float64](d, s)
	case s.inverse:
		return newTransforms[float32, float32](d, s)
	}
	return newTransforms[float32, float64](d, s)
}

// transforms computes spectra of elements T in F.
type transforms[T, F fourier.Float] struct {
	spectra
	device       *Device
	plan         *fourier.Plan[F]
	turns        fourier.Values[float64] // exp(-2πj k/length) up to the middle, where pairs of real values are transformed as complex ones
	pieces, size int                     // of lines
	tasks        tasks[transformTask[T, F]]
}

func newTransforms[T, F fourier.Float](d *Device, s spectra) *transforms[T, F] {
	w := &transforms[T, F]{spectra: s, device: d}
	if n := s.length; s.parts == 1 && !s.inverse && n%2 == 0 {
		w.plan, w.turns = fourier.New[F](n/2), fourier.Roots(n, n/2+1)
	} else {
		w.plan = fourier.New[F](n)
	}
	w.pieces, w.size = share(s.count, 32*s.length, d.threads)
	return w
}

func (w *transforms[T, F]) run(ctx context.Context, c *operators.Call) error {
	x, err := input[T](c, 0)
	if err != nil {
		return err
	}
	var window []T
	if w.window > 0 {
		if window, err = input[T](c, w.window); err != nil {
			return err
		}
	}
	y, err := output[T](c, 0, tensor.DTypeOf[T](), w.shape)
	if err != nil || len(y) == 0 {
		return err
	}
	own := w.plan.Room()
	room, err := w.device.scratch.take(w.device.threads * own)
	if err != nil {
		return err
	}
	defer w.device.scratch.give(room)
	t := w.tasks.get()
	defer w.tasks.put(t)
	*t = transformTask[T, F]{w, x, window, y, room, own}
	return w.device.divide(ctx, w.pieces, t)
}

type transformTask[T, F fourier.Float] struct {
	w            *transforms[T, F]
	x, window, y []T
	room         []byte
	own          int // bytes of room of a worker
}

// Do implements parallel.Task.
func (t *transformTask[T, F]) Do(worker, piece int) {
	w, l := t.w, t.w.signalLines
	room := t.room[worker*t.own:][:t.own]
	for i := piece * w.size; i < min((piece+1)*w.size, l.count); i++ {
		x, y := t.x[i/l.inner*l.fromOuter+i%l.inner*l.fromInner:], t.y[i/l.inner*l.toOuter+i%l.inner*l.toInner:]
		switch {
		case w.turns.Re != nil:
			w.loadPairs(w.plan.Input(room), x, t.window)
			w.storeSides(y, w.plan.Run(room))
		case w.inverse:
			w.load(w.plan.Input(room), x, nil)
			w.store(y, w.plan.Reverse(room), F(1/float64(w.length)))
		default:
			w.load(w.plan.Input(room), x, t.window)
			w.store(y, w.plan.Run(room), 1)
		}
	}
}

// load reads a line, with zeros behind what is given.
func (w *transforms[T, F]) load(to fourier.Values[F], x, window []T) {
	step := w.fromStep
	for i := range w.given {
		to.Re[i] = F(x[i*step])
	}
	if w.parts == 2 {
		for i := range w.given {
			to.Im[i] = F(x[i*step+1])
		}
	} else {
		clear(to.Im)
	}
	for i, v := range window {
		to.Re[i] *= F(v)
		to.Im[i] *= F(v)
	}
	clear(to.Re[w.given:])
	clear(to.Im[w.given:])
	if w.oneSideGiven {
		n := w.length
		for k := 1; k < n-k; k++ {
			to.Re[n-k], to.Im[n-k] = to.Re[k], -to.Im[k]
		}
		to.Im[0] = 0
		if n%2 == 0 {
			to.Im[n/2] = 0
		}
	}
}

// store writes results, multiplied by a number.
func (w *transforms[T, F]) store(y []T, from fourier.Values[F], scale F) {
	step := w.toStep
	for k, v := range from.Re[:w.bins] {
		y[k*step] = T(v * scale)
	}
	if w.results == 2 {
		for k, v := range from.Im[:w.bins] {
			y[k*step+1] = T(v * scale)
		}
	}
}

// loadPairs reads the values of a real line at even places as real parts, the
// others as imaginary ones.
func (w *transforms[T, F]) loadPairs(to fourier.Values[F], x, window []T) {
	step, pairs := w.fromStep, w.given/2
	for i := range pairs {
		to.Re[i], to.Im[i] = F(x[2*i*step]), F(x[(2*i+1)*step])
	}
	for i := range len(window) / 2 {
		to.Re[i] *= F(window[2*i])
		to.Im[i] *= F(window[2*i+1])
	}
	clear(to.Re[pairs:])
	clear(to.Im[pairs:])
	if w.given%2 != 0 {
		to.Re[pairs] = F(x[(w.given-1)*step])
	}
}

// storeSides writes the spectrum of a real line. With z the transform of its pairs,
// of which there are m, and z[m] = z[0], that of the even places is (z[k] + z[m-k]*) / 2,
// that of the odd ones (z[k] - z[m-k]*) / 2j, where * is the conjugate. The line's is
// the former plus the latter turned by exp(-2πj k/2m), at m-k the conjugate of the
// difference of both. What lies behind the middle is the conjugate of what lies before.
func (w *transforms[T, F]) storeSides(y []T, z fourier.Values[F]) {
	m, n, step := w.length/2, w.length, w.toStep
	put := func(k int, re, im F) {
		y[k*step], y[k*step+1] = T(re), T(im)
		if k > 0 && n-k < w.bins {
			y[(n-k)*step], y[(n-k)*step+1] = T(re), T(-im)
		}
	}
	put(0, z.Re[0]+z.Im[0], 0)
	put(m, z.Re[0]-z.Im[0], 0)
	for k := 1; k <= m-k; k++ {
		evenRe, evenIm := (z.Re[k]+z.Re[m-k])/2, (z.Im[k]-z.Im[m-k])/2
		oddRe, oddIm := (z.Im[k]+z.Im[m-k])/2, (z.Re[m-k]-z.Re[k])/2
		cos, sin := F(w.turns.Re[k]), F(w.turns.Im[k])
		re, im := F(oddRe*cos)-F(oddIm*sin), F(oddRe*sin)+F(oddIm*cos)
		put(m-k, evenRe-re, im-evenIm)
		put(k, evenRe+re, evenIm+im)
	}
}

// dft transforms along an axis.
func dft(d *Device, n *graph.Node) (planner, error) {
	inverse, onesided := n.Bool("inverse", false), n.Bool("onesided", false)
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape
		rank := len(s)
		if rank < 2 || s.Size() == 0 {
			return nil, nil
		}
		asked, ok := wholeNumber(c, 2, int64(rank-2))
		if !ok {
			return nil, nil
		}
		axis, ok := axisIn(asked, rank)
		parts, results := s[rank-1], 2
		if !ok || axis == rank-1 || parts > 2 || onesided && (parts == 2) != inverse {
			return nil, nil
		}
		length := s[axis]
		if onesided && inverse {
			length, results = 2*(length-1), 1
		}
		if asked, ok = wholeNumber(c, 1, int64(length)); !ok {
			return nil, nil
		}
		length = tensor.Extent(asked)
		bins := length
		if onesided && !inverse {
			bins = length/2 + 1
		}
		shape := s.Clone()
		shape[axis], shape[rank-1] = bins, results
		if length < 1 || length > longestTransform || tensor.Fits(c.Inputs[0].DType, shape) != nil {
			return nil, nil
		}
		outer, extent, inner := around(s[:rank-1], axis)
		l := signalLines{
			count: outer * inner, inner: inner,
			fromOuter: extent * inner * parts, fromInner: parts, fromStep: inner * parts,
			toOuter: bins * inner * results, toInner: results, toStep: inner * results,
		}
		return spectra{
			signalLines: l, shape: shape, given: min(length, extent), length: length, bins: bins,
			parts: parts, results: results, inverse: inverse, oneSideGiven: inverse && onesided,
		}.work(d, c.Inputs[0].DType), nil
	}, nil
}

// stft transforms the frames of signals, a step apart, multiplied by a window.
func stft(d *Device, n *graph.Node) (planner, error) {
	onesided := n.Bool("onesided", true)
	return func(c *operators.Call) (work, error) {
		s, parts := c.Inputs[0].Shape, 1
		if len(s) == 3 {
			parts = s[2]
		}
		step, ok := wholeNumber(c, 1, 0)
		if len(s) < 2 || len(s) > 3 || s.Size() == 0 || parts > 2 || onesided && parts == 2 || !ok || step < 1 {
			return nil, nil
		}
		batch, length := s[0], s[1]
		size, window := length, 0
		if has(c, 2) {
			size, window = c.Inputs[2].Shape.Size(), 2
		}
		asked, ok := wholeNumber(c, 3, int64(size))
		if window > 0 && (len(c.Inputs[2].Shape) != 1 || asked != int64(size) || c.Inputs[2].DType != c.Inputs[0].DType) {
			return nil, nil
		}
		size = tensor.Extent(asked)
		if !ok || size < 1 || size > min(length, longestTransform) {
			return nil, nil
		}
		frames, bins := (length-size)/tensor.Extent(step)+1, size
		if onesided {
			bins = size/2 + 1
		}
		shape := tensor.Shape{batch, frames, bins, 2}
		if tensor.Fits(c.Inputs[0].DType, shape) != nil {
			return nil, nil
		}
		l := signalLines{
			count: batch * frames, inner: frames,
			fromOuter: length * parts, fromInner: tensor.Extent(step) * parts, fromStep: parts,
			toOuter: frames * bins * 2, toInner: bins * 2, toStep: 2,
		}
		return spectra{
			signalLines: l, shape: shape, window: window, given: size, length: size, bins: bins, parts: parts, results: 2,
		}.work(d, c.Inputs[0].DType), nil
	}, nil
}

// wholeNumber returns the one element of an input, or def where the input is absent.
// It is not ok where the input is not one number.
func wholeNumber(c *operators.Call, i int, def int64) (v int64, ok bool) {
	if !has(c, i) {
		return def, true
	}
	list, err := integers(c, i)
	if err != nil || len(list) != 1 {
		return 0, false
	}
	return list[0], true
}
