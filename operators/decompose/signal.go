package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// signal holds DFT, STFT, HannWindow, HammingWindow, BlackmanWindow. A
// MelWeightMatrix is a constant.
var signal = family{
	"DFT":            dft,
	"STFT":           stft,
	"HannWindow":     cosineWindow(0.5, 0.5, 0),
	"HammingWindow":  cosineWindow(25.0/46, 21.0/46, 0),
	"BlackmanWindow": cosineWindow(0.42, 0.5, 0.08),
}

// maxMatrix is the greatest number of elements of a matrix that stands for a
// Fourier transform.
const maxMatrix = 1 << 20

// dft is a product with the matrix of the transform. The axis, the length and
// the extents along the axis and of the last axis must be known.
func dft(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	x := n.Input(0)
	rank := len(x.Type.Dims)
	axis, known := knownInt(n.Input(2), -2)
	if rank < 2 || !known {
		return nil, fmt.Errorf("the rank of the input, 2 or more, and the axis must be known")
	}
	if axis < 0 {
		axis += int64(rank)
	}
	if axis < 0 || axis >= int64(rank-1) {
		return nil, fmt.Errorf("axis %d is outside [%d, %d] without the last", axis, -rank, rank-1)
	}
	given, parts := x.Type.Dims[axis], x.Type.Dims[rank-1]
	inverse, onesided := n.Bool("inverse", false), n.Bool("onesided", false)
	length, known := knownInt(n.Input(1), -1)
	if !given.IsKnown() || !parts.IsKnown() || !known {
		return nil, fmt.Errorf("the length of the signal and of the transform must be known")
	}
	if parts.Size != 1 && parts.Size != 2 {
		return nil, fmt.Errorf("the last axis has %d elements; it holds a real number, or a real and an imaginary part", parts.Size)
	}
	if n.Input(1) == nil {
		if length = int64(given.Size); inverse && onesided {
			length = 2 * (length - 1)
		}
	}
	m := transformMatrix{parts: parts.Size, given: given.Size, length: int(length), inverse: inverse, onesided: onesided}
	matrix, err := m.tensor(e.dtype)
	if err != nil {
		return nil, err
	}
	// The axis goes to the end, next to the parts, and both become one.
	order, back := make([]int64, 0, rank), make([]int64, rank)
	for i := range int64(rank) {
		if i != axis && i != int64(rank-1) {
			order = append(order, i)
		}
	}
	order = append(order, axis, int64(rank-1))
	for i, from := range order {
		back[from] = int64(i)
	}
	v := e.Op("Transpose", []*graph.Value{e.to(e.dtype, x)}, graph.A("perm", order))
	lead := e.Op("Shape", []*graph.Value{v}, graph.A("end", int64(-2)))
	v = e.do("Reshape", v, e.joined(0, lead, e.Ints(int64(m.given*m.parts))))
	v = e.do("MatMul", v, e.Const(matrix))
	v = e.do("Reshape", v, e.joined(0, lead, e.Ints(int64(m.bins()), int64(m.results()))))
	v = e.Op("Transpose", []*graph.Value{v}, graph.A("perm", back))
	return []*graph.Value{e.to(x.Type.DType, v)}, nil
}

// knownInt returns the one integer of a value, or def if there is no value, and
// whether it is known.
func knownInt(v *graph.Value, def int64) (int64, bool) {
	switch {
	case v == nil:
		return def, true
	case v.Const == nil || !v.Const.DType().IsInteger() || v.Const.Len() != 1:
		return 0, false
	}
	return v.Const.Int64s()[0], true
}

// transformMatrix is a Fourier transform as a real matrix from the parts of
// every value given, real or real and imaginary, to the parts of every result.
type transformMatrix struct {
	parts, given, length int
	inverse, onesided    bool
}

func (m transformMatrix) bins() int {
	if m.onesided && !m.inverse {
		return m.length/2 + 1
	}
	return m.length
}

func (m transformMatrix) results() int {
	if m.onesided && m.inverse {
		return 1
	}
	return 2
}

func (m transformMatrix) tensor(d tensor.DType) (*tensor.Tensor, error) {
	if m.length < 1 || m.length > maxMatrix {
		return nil, fmt.Errorf("the length of the transform is %d, which no matrix is made for", m.length)
	}
	rows, columns := m.given*m.parts, m.bins()*m.results()
	if rows > 0 && columns > maxMatrix/rows {
		return nil, fmt.Errorf("the matrix of the transform would be %d × %d", rows, columns)
	}
	v := make([]float64, rows*columns)
	for i := range min(m.given, m.length) {
		for k := range m.bins() {
			sin, cos := math.Sincos(2 * math.Pi * float64(i*k%m.length) / float64(m.length))
			scale, sign := 1.0, -1.0
			if m.inverse {
				scale, sign = 1/float64(m.length), 1
			}
			if m.onesided && m.inverse {
				scale *= mirrored(i, m.length)
			}
			re, im := scale*cos, scale*sign*sin // of exp(∓2πjik/n)
			for part, value := range [][2]float64{{re, im}, {-im, re}}[:m.parts] {
				copy(v[((i*m.parts+part)*m.bins()+k)*m.results():][:m.results()], value[:])
			}
		}
	}
	return tensor.FromFloat64s(d, tensor.Shape{rows, columns}, v), nil
}

// mirrored returns how many bins of the spectrum of a real signal bin i of one
// side stands for.
func mirrored(i, length int) float64 {
	switch {
	case i > length/2:
		return 0
	case i == 0 || 2*i == length:
		return 1
	}
	return 2
}

// stft is a product of the frames of the signal, which are gathered, with the
// matrix of the transform, of which the window is a part.
func stft(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	x, window := n.Input(0), n.Input(2)
	step, known := knownInt(n.Input(1), 0)
	if len(x.Type.Dims) != 3 || !x.Type.Dims[1].IsKnown() || !x.Type.Dims[2].IsKnown() || !known || step < 1 {
		return nil, fmt.Errorf("the length and the parts of the signal and the frame step must be known")
	}
	length, parts := x.Type.Dims[1].Size, x.Type.Dims[2].Size
	size, known := knownInt(n.Input(3), int64(length))
	if n.Input(3) == nil && window != nil {
		known = len(window.Type.Dims) == 1 && window.Type.Dims[0].IsKnown()
		if known {
			size = int64(window.Type.Dims[0].Size)
		}
	}
	if !known || size < 1 || size > int64(length) {
		return nil, fmt.Errorf("the length of a frame must be known and lie in [1, %d]", length)
	}
	m := transformMatrix{parts: parts, given: int(size), length: int(size), onesided: n.Bool("onesided", true)}
	matrix, err := m.tensor(e.dtype)
	if err != nil {
		return nil, err
	}
	frames := (int64(length)-size)/step + 1
	if frames > maxMatrix/size {
		return nil, fmt.Errorf("%d frames of %d values overlap too much to be gathered", frames, size)
	}
	at := make([]int64, 0, frames*size)
	for f := range frames {
		for i := range size {
			at = append(at, f*step+i)
		}
	}
	v := e.Op("Gather", []*graph.Value{e.to(e.dtype, x), e.Const(tensor.Of(at, int(frames), int(size)))}, graph.A("axis", int64(1)))
	if window != nil {
		v = e.do("Mul", v, e.do("Unsqueeze", e.to(e.dtype, window), e.Ints(1)))
	}
	v = e.do("Reshape", v, e.Ints(0, frames, size*int64(parts)))
	v = e.do("Reshape", e.do("MatMul", v, e.Const(matrix)), e.Ints(0, frames, int64(m.bins()), 2))
	return []*graph.Value{e.to(x.Type.DType, v)}, nil
}

// cosineWindow returns the rule for windows a0 - a1 cos t + a2 cos 2t.
func cosineWindow(a0, a1, a2 float64) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		d := n.DType("output_datatype", tensor.Float32)
		if !d.IsFloat() && !d.IsInteger() {
			return nil, fmt.Errorf("output_datatype %d is no type of real numbers", uint8(d))
		}
		e := expression{b, tensor.Float32}
		if d == tensor.Float64 {
			e.dtype = d
		}
		size := e.do("Reshape", e.as(e.dtype, n.Input(0)), e.Const(tensor.Of([]int64{})))
		steps := size
		if !n.Bool("periodic", true) {
			steps = e.do("Sub", size, e.num(1))
		}
		t := e.do("Mul", e.do("Div", e.do("Range", e.num(0), size, e.num(1)), steps), e.num(2*math.Pi))
		w := e.do("Sub", e.num(a0), e.do("Mul", e.num(a1), e.do("Cos", t)))
		if a2 != 0 {
			w = e.do("Add", w, e.do("Mul", e.num(a2), e.do("Cos", e.do("Add", t, t))))
		}
		return []*graph.Value{e.to(d, w)}, nil
	}
}
