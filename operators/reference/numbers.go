package reference

import "example.com/midplane/adapter/tensor"

// wide lists the types in which arithmetic is done: one for each kind of real
// element types, wide enough to hold them all.
type wide interface{ float64 | int64 | uint64 }

// overReals is one computation on lists of elements in each of those types.
type overReals struct {
	float    func([]float64) []float64
	signed   func([]int64) []int64 // takes the narrower unsigned types and Bool too
	unsigned func([]uint64) []uint64
}

// apply computes a tensor of t's type and the given shape from the elements of
// t: floats in float64, rounded once, integers modulo 2^64, then wrapped to
// their own width.
func (f overReals) apply(t *tensor.Tensor, shape tensor.Shape) *tensor.Tensor {
	switch d := t.DType(); {
	case d.IsFloat():
		return tensor.FromFloat64s(d, shape, f.float(t.Float64s()))
	case d == tensor.Uint64:
		return tensor.Of(f.unsigned(append([]uint64{}, tensor.Slice[uint64](t)...)), shape...)
	default:
		return tensor.FromInt64s(d, shape, f.signed(t.Int64s()))
	}
}

// lines rewrites v, the elements of a tensor of shape s, line by line along an
// axis: f gets each line in turn and changes it in place.
func lines[T any](v []T, s tensor.Shape, axis int, f func(line []T)) []T {
	outer, n, inner := around(s, axis)
	line := make([]T, n)
	for o := range outer {
		for k := range inner {
			start := o*n*inner + k
			for i := range line {
				line[i] = v[start+i*inner]
			}
			f(line)
			for i := range line {
				v[start+i*inner] = line[i]
			}
		}
	}
	return v
}

// limits returns the least and the greatest value of an integer type of at most
// 63 value bits, or of Bool.
func limits(d tensor.DType) (least, most int64) {
	switch {
	case d == tensor.Bool:
		return 0, 1
	case d.IsUnsigned():
		return 0, 1<<d.Bits() - 1
	}
	return -1 << (d.Bits() - 1), 1<<(d.Bits()-1) - 1
}
