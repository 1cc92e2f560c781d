// Package vector computes with slices of numbers: the inner loops of everything
// that works element by element.
//
// # Slices
//
// Operands of one call have equal lengths, that of the destination; a longer
// operand is cut, a shorter one is a panic. The destination may be an operand
// itself, at the same place; other overlaps are not allowed. No alignment is
// needed. Nothing is allocated.
//
// # Accuracy
//
// What IEEE 754 defines (sums, products, quotients, square roots) is rounded as
// it says, element by element. Exponentials, sines and their kin are within 4 units in
// the last place of float32 for every argument, except where the result or an
// exponential in it is subnormal, and for Gelu and GeluTanh, where 1 and what is
// nearly -1 are added: they are within 4 units in the last place of their
// argument. Sums of many elements are added in several partial sums. Infinities
// and NaNs come out as in the formula.
//
// # Implementations
//
// Functions of float32 are variables: plain Go, whose names end in Generic, or
// assembly for the instructions that package isa allows. The plain ones are what
// the others are tested against.
package vector

import "math"

// Number is the set of types to compute with.
type Number interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// The infinities.
var (
	Infinity         = float32(math.Inf(1))
	NegativeInfinity = float32(math.Inf(-1))
)
