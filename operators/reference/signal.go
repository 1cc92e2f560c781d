package reference

import (
	"fmt"
	"math"
	"math/cmplx"

	"example.com/midplane/adapter/tensor"
)

// signal holds DFT, STFT, HannWindow, HammingWindow, BlackmanWindow,
// MelWeightMatrix.
var signal = family{
	"DFT":             dft,
	"STFT":            stft,
	"HannWindow":      cosineWindow(0.5, 0.5, 0),
	"HammingWindow":   cosineWindow(25.0/46, 21.0/46, 0),
	"BlackmanWindow":  cosineWindow(0.42, 0.5, 0.08),
	"MelWeightMatrix": melWeightMatrix,
}

// dft transforms real [..., 1] or complex [..., 2] signals along an axis. One
// side of a spectrum stands for the whole where the signal is real: forward it
// is what is returned, inverse it is what is given.
func dft(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	rank := x.Rank()
	if rank < 2 {
		return nil, fmt.Errorf("the input has the shape %v, its rank must be 2 or more", x.Shape())
	}
	axis, parts := rank-2, x.Shape()[rank-1]
	if c.Has(2) {
		asked, err := c.integer(2)
		if err != nil {
			return nil, err
		}
		if axis, err = tensor.Axis(asked, rank); err != nil {
			return nil, err
		}
		if axis == rank-1 {
			return nil, fmt.Errorf("axis %d is the last, which holds real and imaginary parts", axis)
		}
	}
	inverse, onesided := c.Node.Bool("inverse", false), c.Node.Bool("onesided", false)
	if err := checkParts(parts, onesided, inverse); err != nil {
		return nil, err
	}
	length := x.Shape()[axis]
	if inverse && onesided {
		length = 2 * (length - 1)
	}
	if c.Has(1) {
		asked, err := c.integer(1)
		if err != nil {
			return nil, err
		}
		length = tensor.Extent(asked)
	}
	if length < 1 {
		return nil, fmt.Errorf("the length of the transform is %d, it must be positive", length)
	}
	shape := x.Shape().Clone()
	shape[axis], shape[rank-1] = length, 2
	switch {
	case onesided && inverse:
		shape[rank-1] = 1
	case onesided:
		shape[axis] = length/2 + 1
	}
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	y := make([]float64, shape.Size())
	from, to := signalLines(x.Shape(), axis), signalLines(shape, axis)
	values := x.Float64s()
	for i, line := range from {
		spectrum := make([]complex128, length)
		for k := range min(length, line.n) {
			spectrum[k] = line.at(values, k, parts)
		}
		if onesided && inverse {
			mirror(spectrum)
		}
		for k, v := range fourier(c, spectrum, inverse, x.DType())[:to[i].n] {
			to[i].put(y, k, shape[rank-1], v)
		}
	}
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

// checkParts holds the number of parts of each value against what a transform
// can take.
func checkParts(parts int, onesided, inverse bool) error {
	switch {
	case parts != 1 && parts != 2:
		return fmt.Errorf("the last axis has the extent %d, it must be 1 (real) or 2 (complex)", parts)
	case onesided && inverse && parts != 2:
		return fmt.Errorf("the inverse of a one-sided spectrum needs complex input")
	case onesided && !inverse && parts != 1:
		return fmt.Errorf("a one-sided spectrum needs real input")
	}
	return nil
}

// signalLine is one signal within a tensor: n values of one or two parts.
type signalLine struct{ start, step, n int }

// signalLines returns the lines of a shape, the last axis of which holds parts,
// along an axis.
func signalLines(s tensor.Shape, axis int) []signalLine {
	parts := s[len(s)-1]
	outer, n, inner := around(s[:len(s)-1], axis)
	var out []signalLine
	for o := range outer {
		for i := range inner {
			out = append(out, signalLine{(o*n*inner + i) * parts, inner * parts, n})
		}
	}
	return out
}

func (l signalLine) at(v []float64, k, parts int) complex128 {
	i := l.start + k*l.step
	if parts == 1 {
		return complex(v[i], 0)
	}
	return complex(v[i], v[i+1])
}

func (l signalLine) put(v []float64, k, parts int, x complex128) {
	i := l.start + k*l.step
	v[i] = real(x)
	if parts == 2 {
		v[i+1] = imag(x)
	}
}

// mirror completes the spectrum of a real signal of which the first half, up to
// the middle, is given.
func mirror(spectrum []complex128) {
	n := len(spectrum)
	for k := 1; k < n-k; k++ {
		spectrum[n-k] = cmplx.Conj(spectrum[k])
	}
	spectrum[0] = complex(real(spectrum[0]), 0)
	if n%2 == 0 {
		spectrum[n/2] = complex(real(spectrum[n/2]), 0)
	}
}

// stft transforms the frames of a signal, each multiplied by the window:
// [batch, length, 1 or 2] -> [batch, frames, bins, 2]. Frames that would reach
// behind the end are left out.
func stft(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	shape, parts := x.Shape(), 1
	if x.Rank() == 3 {
		parts = shape[2]
	} else if x.Rank() != 2 {
		return nil, fmt.Errorf("the signal has the shape %v, its rank must be 3", shape)
	}
	onesided := c.Node.Bool("onesided", true)
	if err := checkParts(parts, onesided, false); err != nil {
		return nil, err
	}
	batch, length := shape[0], shape[1]
	step, err := c.integer(1)
	if err != nil {
		return nil, err
	}
	if step < 1 {
		return nil, fmt.Errorf("frame_step is %d, it must be positive", step)
	}
	size, window, err := stftWindow(c, length)
	if err != nil {
		return nil, err
	}
	frames, bins := 0, size
	if size <= length {
		frames = (length-size)/int(step) + 1
	}
	if onesided {
		bins = size/2 + 1
	}
	out := tensor.Shape{batch, frames, bins, 2}
	if _, err := countOf(out); err != nil {
		return nil, err
	}
	values := x.Float64s()
	var y []float64
	for b := range batch {
		line := signalLine{b * length * parts, parts, length}
		for f := range frames {
			frame := make([]complex128, size)
			for k := range frame {
				frame[k] = line.at(values, f*int(step)+k, parts) * complex(window[k], 0)
			}
			for _, v := range fourier(c, frame, false, x.DType())[:bins] {
				y = append(y, real(v), imag(v))
			}
		}
	}
	return one(tensor.FromFloat64s(x.DType(), out, y))
}

// stftWindow returns the length of a frame and its weights. The length is that
// given, or else that of the window, or else that of the signal.
func stftWindow(c *Call, length int) (size int, window []float64, err error) {
	size = length
	if t := c.Tensor(2); t != nil {
		if t.Rank() != 1 {
			return 0, nil, fmt.Errorf("the window has the shape %v, its rank must be 1", t.Shape())
		}
		size, window = t.Len(), t.Float64s()
	}
	if c.Has(3) {
		asked, err := c.integer(3)
		if err != nil {
			return 0, nil, err
		}
		n := tensor.Extent(asked)
		if window != nil && n != size {
			return 0, nil, fmt.Errorf("frame_length is %d, the window has %d weights", n, size)
		}
		size = n
	}
	if size < 1 || window == nil && size > length {
		return 0, nil, fmt.Errorf("a frame has the length %d, it must lie in [1, %d], the length of the signal", size, length)
	}
	if window == nil {
		window = make([]float64, size)
		for i := range window {
			window[i] = 1
		}
	}
	return size, window, nil
}

// cosineWindow returns a function of windows a0 - a1 cos t + a2 cos 2t, with t
// from 0 to 2π: over size steps where the window is periodic, over size - 1
// where it is symmetric.
func cosineWindow(a0, a1, a2 float64) Func {
	return func(c *Call) ([]tensor.Value, error) {
		size := c.Ints(0)
		if len(size) != 1 || size[0] < 0 {
			return nil, fmt.Errorf("the size is %v, it must be one number, not negative", size)
		}
		d, err := realType(c)
		if err != nil {
			return nil, err
		}
		shape := tensor.Shape{tensor.Extent(size[0])}
		if _, err := countOf(shape); err != nil {
			return nil, err
		}
		steps := float64(size[0])
		if !c.Node.Bool("periodic", true) {
			steps--
		}
		w := make([]float64, size[0])
		for i := range w {
			t := 2 * math.Pi * (float64(i) / steps)
			w[i] = a0 - a1*math.Cos(t) + a2*math.Cos(2*t)
		}
		return one(tensor.FromFloat64s(d, shape, w))
	}
}

// realType returns the attribute output_datatype, which must be a type of real
// numbers.
func realType(c *Call) (tensor.DType, error) {
	code := c.Node.Int("output_datatype", int64(tensor.Float32))
	d := tensor.DType(code)
	if code < 0 || code > int64(tensor.Int2) || !d.IsFloat() && !d.IsInteger() {
		return 0, fmt.Errorf("output_datatype is %d, which is no type of real numbers", code)
	}
	return d, nil
}

// melWeightMatrix returns [dft_length/2 + 1, num_mel_bins]: triangles with peak
// 1 whose corners lie evenly on the mel scale, mel(f) = 2595 log10(1 + f/700),
// each rounded down to a bin of the spectrum.
func melWeightMatrix(c *Call) ([]tensor.Value, error) {
	var counts [3]int64
	for i := range counts {
		var err error
		if counts[i], err = c.integer(i); err != nil {
			return nil, err
		}
	}
	low, err := c.number(3)
	if err != nil {
		return nil, err
	}
	high, err := c.number(4)
	if err != nil {
		return nil, err
	}
	bands, length, rate := counts[0], counts[1], counts[2]
	if bands < 0 || length < 0 || rate <= 0 {
		return nil, fmt.Errorf("num_mel_bins %d and dft_length %d must not be negative, sample_rate %d must be positive", bands, length, rate)
	}
	d, err := realType(c)
	if err != nil {
		return nil, err
	}
	shape := tensor.Shape{tensor.Extent(length/2 + 1), tensor.Extent(bands)}
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	mel := func(f float64) float64 { return 2595 * math.Log10(1+f/700) }
	step := (mel(high) - mel(low)) / float64(bands+2)
	corner := func(i int) int {
		hertz := 700 * (math.Pow(10, (float64(i)*step+mel(low))/2595) - 1)
		return int(math.Floor(float64(length+1) * hertz / float64(rate)))
	}
	w := make([]float64, shape.Size())
	set := func(bin, band int, v float64) {
		if bin >= 0 && bin < shape[0] {
			w[bin*shape[1]+band] = v
		}
	}
	for band := range shape[1] {
		left, centre, right := corner(band), corner(band+1), corner(band+2)
		set(centre, band, 1)
		for bin := max(0, left); bin < min(centre, shape[0]); bin++ {
			set(bin, band, float64(bin-left)/float64(centre-left))
		}
		for bin := max(0, centre); bin < min(right, shape[0]); bin++ {
			set(bin, band, float64(right-bin)/float64(right-centre))
		}
	}
	return one(tensor.FromFloat64s(d, shape, w))
}
