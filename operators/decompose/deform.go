package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// deformConv samples the input at the tap of every output, which makes the taps
// further channels, and convolves those with a kernel of one element.
func deformConv(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	taps, err := tapsOf(n)
	if err != nil {
		return nil, err
	}
	batch, groups := extents(b, n.Inputs[0], 0, 1), n.Int("offset_group", 1)
	perGroup := int64(taps.channels) / groups
	elements := int64(taps.kernel.Size())
	images := e.do("Mul", batch, b.Ints(groups))
	grouped := func(v *graph.Value, shape ...int64) *graph.Value {
		return reshape(b, v, join(b, images, b.Ints(shape...)))
	}
	out := toInts(taps.out)
	samples := b.Op("GridSample", []*graph.Value{
		grouped(n.Inputs[0], append([]int64{perGroup}, toInts(taps.in)...)...),
		taps.grid(e, grouped(n.Inputs[2], append([]int64{elements, int64(len(out))}, out...)...), images),
	})
	if mask := n.Input(4); mask != nil {
		samples = grouped(samples, append([]int64{perGroup, elements}, out...)...)
		samples = e.do("Mul", samples, grouped(mask, append([]int64{1, elements}, out...)...))
	}
	columns := reshape(b, samples, join(b, batch, b.Ints(append([]int64{int64(taps.channels) * elements}, out...)...)))
	ones := make([]int64, len(out))
	for i := range ones {
		ones[i] = 1
	}
	w := n.Inputs[1]
	weights := reshape(b, w, join(b, extents(b, w, 0, 1), tail(b, w, 1), b.Ints(ones...)))
	in := []*graph.Value{columns, weights}
	if bias := n.Input(3); bias != nil {
		in = append(in, bias)
	}
	return []*graph.Value{b.Op("Conv", in, graph.A("group", n.Int("group", 1)))}, nil
}

// taps is where the taps of a deformable convolution lie without offsets.
type taps struct {
	windows         []window
	channels        int
	in, out, kernel tensor.Shape
}

// tapsOf needs the extents of X but for the batch, of the kernel and of the
// output.
func tapsOf(n *graph.Node) (taps, error) {
	var t taps
	shapes := make([]tensor.Shape, 3)
	for i, skip := range []int{1, 2, 2} {
		d := n.Inputs[i].Type.Dims
		s, ok := d[min(skip, len(d)):].Shape()
		if !ok || len(d) < 3 {
			return t, fmt.Errorf("the extents of input %d, %v, are not known", i, d)
		}
		shapes[i] = s
	}
	t.channels, t.in, t.kernel, t.out = shapes[0][0], shapes[0][1:], shapes[1], shapes[2]
	if len(t.in) != len(t.kernel) || len(t.in) != len(t.out) {
		return t, fmt.Errorf("X, W and offset have %d, %d and %d spatial axes: they must be as many", len(t.in), len(t.kernel), len(t.out))
	}
	if groups := n.Int("offset_group", 1); groups < 1 || int64(t.channels)%groups != 0 {
		return t, fmt.Errorf("%d channels do not divide into %d groups of offsets", t.channels, groups)
	}
	var err error
	t.windows, err = windowsOf(n, toInts(t.kernel))
	return t, err
}

// grid turns offsets (images, taps, axes, out…) into a grid of normalized
// positions (images, taps × out, …, axes), innermost axis first.
func (t taps) grid(e expression, offset, images *graph.Value) *graph.Value {
	rank := len(t.windows)
	ones := make(tensor.Shape, rank)
	steps, order := make([]float64, rank), make([]int64, rank)
	for i, n := range t.in {
		ones[i], steps[i], order[i] = 1, 2/float64(n), int64(rank-1-i)
	}
	step := e.Const(tensor.FromFloat64s(e.dtype, append(tensor.Shape{1, 1, rank}, ones...), steps))
	at := e.do("Add", e.do("Mul", offset, step), t.centres(e))
	at = e.Op("Gather", []*graph.Value{at, e.Ints(order...)}, graph.A("axis", int64(2)))
	perm := []int64{0, 1}
	for i := range rank {
		perm = append(perm, int64(3+i))
	}
	at = e.Op("Transpose", []*graph.Value{at}, graph.A("perm", append(perm, 2)))
	shape := append(toInts(t.out), int64(rank))
	shape[0] *= int64(t.kernel.Size())
	return reshape(e.Builder, at, join(e.Builder, images, e.Ints(shape...)))
}

// centres is the constant (1, taps, axes, out…) of the normalized positions
// without offsets.
func (t taps) centres(e expression) *graph.Value {
	rank := len(t.windows)
	shape := append(tensor.Shape{1, t.kernel.Size(), rank}, t.out...)
	v := make([]float64, 0, shape.Size())
	kernelStrides, outStrides := t.kernel.Strides(), t.out.Strides()
	for tap := range t.kernel.Size() {
		for axis, w := range t.windows {
			k := int64(tap / kernelStrides[axis] % t.kernel[axis])
			for o := range t.out.Size() {
				at := int64(o/outStrides[axis]%t.out[axis])*w.stride - w.before + k*w.dilation
				v = append(v, float64(2*at+1)/float64(t.in[axis])-1)
			}
		}
	}
	return e.Const(tensor.FromFloat64s(e.dtype, shape, v))
}

func toInts(s tensor.Shape) []int64 {
	out := make([]int64, len(s))
	for i, n := range s {
		out[i] = int64(n)
	}
	return out
}
