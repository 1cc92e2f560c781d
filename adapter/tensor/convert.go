package tensor

import (
	"fmt"
	"math"
)

// Float64s returns a copy of the elements as float64. Every real, integer and
// Bool type converts (true is 1); 64-bit integers are rounded to nearest. It
// panics for String and complex elements.
func (t *Tensor) Float64s() []float64 {
	switch t.dtype {
	case Float64:
		return append(make([]float64, 0, t.Len()), Slice[float64](t)...)
	case Float32:
		return convert[float64](Slice[float32](t))
	case Uint64:
		return convert[float64](Slice[uint64](t))
	case BFloat16:
		return mapTo(Slice[BF16](t), func(b BF16) float64 { return float64(b.Float32()) })
	case Float16:
		return mapTo(Slice[F16](t), func(h F16) float64 { return float64(h.Float32()) })
	case Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0, Float4E2M1:
		return mapTo(t.codes(), func(c uint8) float64 { return DecodeFloat(t.dtype, int(c)) })
	}
	return convert[float64](t.Int64s())
}

// Int64s returns a copy of the elements of an integer or Bool tensor as int64;
// uint64 values keep their bits. Float elements are truncated towards zero. It
// panics for String and complex elements.
func (t *Tensor) Int64s() []int64 {
	switch t.dtype {
	case Int64:
		return append(make([]int64, 0, t.Len()), Slice[int64](t)...)
	case Int32:
		return convert[int64](Slice[int32](t))
	case Int16:
		return convert[int64](Slice[int16](t))
	case Int8:
		return convert[int64](Slice[int8](t))
	case Uint64:
		return convert[int64](Slice[uint64](t))
	case Uint32:
		return convert[int64](Slice[uint32](t))
	case Uint16:
		return convert[int64](Slice[uint16](t))
	case Uint8:
		return convert[int64](Slice[uint8](t))
	case Bool:
		return mapTo(Slice[bool](t), func(b bool) int64 {
			if b {
				return 1
			}
			return 0
		})
	case Uint4, Uint2:
		return convert[int64](t.codes())
	case Int4, Int2:
		free := 64 - t.dtype.Bits()
		return mapTo(t.codes(), func(c uint8) int64 { return int64(c) << free >> free })
	case String, Complex64, Complex128, Undefined:
		panic(fmt.Sprintf("tensor: %v elements are no numbers on the real line", t.dtype))
	}
	return convert[int64](t.Float64s())
}

// FromFloat64s returns a new tensor of type d with the given elements, each
// rounded once: narrow floats to nearest, ties to even, overflowing to infinity
// (float4 saturates); integers truncate towards zero and wrap; Bool is v != 0.
// It panics for String and complex types or if the lengths disagree.
func FromFloat64s(d DType, shape Shape, values []float64) *Tensor {
	t := forValues(d, shape, len(values))
	switch d {
	case Float64:
		copy(Slice[float64](t), values)
	case Float32:
		fill(Slice[float32](t), values, func(v float64) float32 { return float32(v) })
	case Float16:
		fill(Slice[F16](t), values, func(v float64) F16 { return F16(formats[Float16].encode(v, false)) })
	case BFloat16:
		fill(Slice[BF16](t), values, func(v float64) BF16 { return BF16(formats[BFloat16].encode(v, false)) })
	case Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float8E8M0, Float4E2M1:
		t.setCodes(mapTo(values, func(v float64) uint8 { return uint8(EncodeFloat(d, v, false)) }))
	case Bool:
		fill(Slice[bool](t), values, func(v float64) bool { return v != 0 })
	case Uint64:
		fill(Slice[uint64](t), values, func(v float64) uint64 {
			if v >= math.MaxInt64 {
				return uint64(v)
			}
			return uint64(int64(v))
		})
	default:
		return FromInt64s(d, shape, mapTo(values, func(v float64) int64 { return int64(v) }))
	}
	return t
}

// FromInt64s returns a new tensor of type d with the given elements: integers
// wrap to the width of d, Bool is v != 0, floats are rounded. It panics for
// String and complex types or if the lengths disagree.
func FromInt64s(d DType, shape Shape, values []int64) *Tensor {
	t := forValues(d, shape, len(values))
	switch d {
	case Int64:
		copy(Slice[int64](t), values)
	case Int32:
		fill(Slice[int32](t), values, func(v int64) int32 { return int32(v) })
	case Int16:
		fill(Slice[int16](t), values, func(v int64) int16 { return int16(v) })
	case Int8:
		fill(Slice[int8](t), values, func(v int64) int8 { return int8(v) })
	case Uint64:
		fill(Slice[uint64](t), values, func(v int64) uint64 { return uint64(v) })
	case Uint32:
		fill(Slice[uint32](t), values, func(v int64) uint32 { return uint32(v) })
	case Uint16:
		fill(Slice[uint16](t), values, func(v int64) uint16 { return uint16(v) })
	case Uint8:
		fill(Slice[uint8](t), values, func(v int64) uint8 { return uint8(v) })
	case Bool:
		fill(Slice[bool](t), values, func(v int64) bool { return v != 0 })
	case Uint4, Int4, Uint2, Int2:
		t.setCodes(mapTo(values, func(v int64) uint8 { return uint8(v) }))
	default:
		return FromFloat64s(d, shape, mapTo(values, func(v int64) float64 { return float64(v) }))
	}
	return t
}

func forValues(d DType, shape Shape, n int) *Tensor {
	if d == String || d.IsComplex() || !d.Valid() {
		panic(fmt.Sprintf("tensor: %v elements are no numbers on the real line", d))
	}
	if shape.Size() != n {
		panic(fmt.Sprintf("tensor: shape %v has %d elements, got %d", shape, shape.Size(), n))
	}
	return Zeros(d, shape)
}

// codes returns the elements of a tensor of at most eight bits per element, one
// per byte, the first element of a packed byte from its low bits.
func (t *Tensor) codes() []uint8 {
	bits := t.dtype.Bits()
	if bits == 8 {
		return t.data
	}
	per, mask := 8/bits, uint8(1)<<bits-1
	out := make([]uint8, t.Len())
	for i := range out {
		out[i] = t.data[i/per] >> (i % per * bits) & mask
	}
	return out
}

// setCodes is the inverse of codes; higher bits of a code are cut off.
func (t *Tensor) setCodes(codes []uint8) {
	bits := t.dtype.Bits()
	if bits == 8 {
		copy(t.data, codes)
		return
	}
	per, mask := 8/bits, uint8(1)<<bits-1
	clear(t.data)
	for i, c := range codes {
		t.data[i/per] |= c & mask << (i % per * bits)
	}
}

type number interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

func convert[To, From number](from []From) []To {
	return mapTo(from, func(v From) To { return To(v) })
}

func mapTo[From, To any](from []From, f func(From) To) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = f(v)
	}
	return to
}

func fill[From, To any](to []To, from []From, f func(From) To) {
	for i, v := range from {
		to[i] = f(v)
	}
}
