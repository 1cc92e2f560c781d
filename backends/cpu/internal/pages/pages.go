// Package pages allocates memory that is read from end to end again and again, such
// as packed weights, so that the processor translates few addresses on the way.
package pages

import "unsafe"

// least is how many bytes are worth pages of their own.
const least = 1 << 17

// Make is make([]T, n). It asks the operating system to back large slices by large
// pages, as long as it has them at hand.
func Make[T byte | int8 | float32](n int) []T {
	v := make([]T, n)
	if size := uintptr(n) * unsafe.Sizeof(*new(T)); size >= least {
		enlarge(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), size))
	}
	return v
}
