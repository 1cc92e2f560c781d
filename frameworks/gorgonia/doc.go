// Package gorgonia turns Gorgonia's dense tensors (gorgonia.org/tensor) into
// midplane's and back without copying their elements.
//
// Both sides then see one piece of memory: what one writes, the other reads.
// These element types are the same on both sides:
//
//	bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
//	float32, float64, complex64, complex128, string
//
// Gorgonia's int and uint become int64 and uint64 of the same memory (int32 and
// uint32 where Go's int has 32 bits); on the way back they stay int64 and uint64.
// Every other type is an [ErrType]: Gorgonia's uintptr, unsafe.Pointer and types
// of the user's own; midplane's float16, bfloat16 and everything narrower.
//
// midplane's tensors are row-major without gaps. A *Dense that is laid out
// otherwise (column-major, transposed by T, a view with gaps between its rows)
// is copied into that form, and then shares nothing. A view without gaps shares.
package gorgonia
