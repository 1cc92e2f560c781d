package vector

import "unsafe"

// registers is a multiple of the lanes of every register: what functions take that
// have no masks; the rest is left to plain ones.
const registers = 16

// Select sets dst[i] to a[i] where which[i], else to b[i].
func Select[T any](dst []T, which []bool, a, b []T) {
	which, a, b = which[:len(dst)], a[:len(dst)], b[:len(dst)]
	var word T
	if n := len(dst) &^ (registers - 1); n > 0 && selectWords != nil && unsafe.Sizeof(word) == 4 {
		selectWords(unsafe.Pointer(&dst[0]), unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), &which[0], n)
		dst, which, a, b = dst[n:], which[n:], a[n:], b[n:]
	}
	for i := range dst {
		if which[i] {
			dst[i] = a[i]
		} else {
			dst[i] = b[i]
		}
	}
}

// selectWords is Select of words of 32 bits, as many as fill registers; nil: there
// is none.
var selectWords func(dst, a, b unsafe.Pointer, which *bool, n int)

// Fill sets every element to v.
func Fill[T any](dst []T, v T) {
	const short = 32
	if len(dst) > short {
		Fill(dst[:short], v)
		for n := short; n < len(dst); n *= 2 {
			copy(dst[n:], dst[:n])
		}
		return
	}
	for i := range dst {
		dst[i] = v
	}
}
