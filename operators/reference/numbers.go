package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

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

// realComponents returns the elements of t as float64s; those of a complex type
// as two lists, of the real and the imaginary parts.
func realComponents(t *tensor.Tensor) ([][]float64, error) {
	switch t.DType() {
	case tensor.String:
		return nil, fmt.Errorf("strings are no numbers")
	case tensor.Complex64:
		v := tensor.Slice[complex64](t)
		return [][]float64{
			mapped(v, func(c complex64) float64 { return float64(real(c)) }),
			mapped(v, func(c complex64) float64 { return float64(imag(c)) }),
		}, nil
	case tensor.Complex128:
		v := tensor.Slice[complex128](t)
		return [][]float64{
			mapped(v, func(c complex128) float64 { return real(c) }),
			mapped(v, func(c complex128) float64 { return imag(c) }),
		}, nil
	}
	return [][]float64{t.Float64s()}, nil
}

// fromComponents is the inverse of realComponents; integers truncate towards
// zero and keep the bits that fit, floats are rounded.
func fromComponents(d tensor.DType, shape tensor.Shape, components [][]float64) *tensor.Tensor {
	switch d {
	case tensor.Complex64:
		v := make([]complex64, len(components[0]))
		for i, re := range components[0] {
			v[i] = complex(float32(re), float32(components[1][i]))
		}
		return tensor.Of(v, shape...)
	case tensor.Complex128:
		v := make([]complex128, len(components[0]))
		for i, re := range components[0] {
			v[i] = complex(re, components[1][i])
		}
		return tensor.Of(v, shape...)
	}
	return fromReals(d, shape, components[0])
}

// saturated makes an integer tensor of real numbers, which are rounded to
// nearest, ties to even, and clamped to the range of the type; NaN becomes its
// least value.
func saturated(d tensor.DType, shape tensor.Shape, v []float64) *tensor.Tensor {
	var least, most float64
	if d == tensor.Uint64 {
		most = math.Nextafter(1<<64, 0)
	} else {
		lo, hi := limits(d)
		least, most = float64(lo), float64(hi)
		if hi == math.MaxInt64 {
			most = math.Nextafter(1<<63, 0)
		}
	}
	return fromReals(d, shape, mapped(v, func(e float64) float64 {
		if !(e > least) {
			return least
		}
		return math.RoundToEven(min(e, most))
	}))
}
