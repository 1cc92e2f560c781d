package vector

import "unsafe"

// And, Or and Xor combine truth values.
var (
	And = Binary[bool, bool]{andBoth, andRight, mirrored(andRight)}
	Or  = Binary[bool, bool]{orBoth, orRight, mirrored(orRight)}
	Xor = Binary[bool, bool]{xorBoth, xorRight, mirrored(xorRight)}
)

// Operators on the bits of words; nil: there are none.
var (
	andWords, orWords, xorWords func(dst, a, b []float32)

	flipWords func(dst, a []float32) // the lowest bit of each byte
)

// words returns truth values as words of four; what is left is behind n of them.
func words(v []bool) (w []float32, n int) {
	w = unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(v))), len(v)/4)
	return w, len(v) &^ 3
}

// wordwise combines what fills words by an operator, and returns the rest.
func wordwise(op func(dst, a, b []float32), dst, a, b []bool) (restDst, restA, restB []bool) {
	a, b = a[:len(dst)], b[:len(dst)]
	if op == nil || len(dst) < 4 {
		return dst, a, b
	}
	to, n := words(dst)
	left, _ := words(a)
	right, _ := words(b)
	op(to, left, right)
	return dst[n:], a[n:], b[n:]
}

func andBoth(dst, a, b []bool) {
	dst, a, b = wordwise(andWords, dst, a, b)
	for i := range dst {
		dst[i] = a[i] && b[i]
	}
}

func orBoth(dst, a, b []bool) {
	dst, a, b = wordwise(orWords, dst, a, b)
	for i := range dst {
		dst[i] = a[i] || b[i]
	}
}

func xorBoth(dst, a, b []bool) {
	dst, a, b = wordwise(xorWords, dst, a, b)
	for i := range dst {
		dst[i] = a[i] != b[i]
	}
}

func andRight(dst, a []bool, b bool) {
	if b {
		copy(dst, a)
	} else {
		clear(dst)
	}
}

func orRight(dst, a []bool, b bool) {
	if b {
		Fill(dst, true)
	} else {
		copy(dst, a)
	}
}

func xorRight(dst, a []bool, b bool) {
	if b {
		Not(dst, a)
	} else {
		copy(dst, a)
	}
}

// Not sets dst[i] to whether a[i] is false.
func Not(dst, a []bool) {
	a = a[:len(dst)]
	if flipWords != nil && len(dst) >= 4 {
		to, n := words(dst)
		from, _ := words(a)
		flipWords(to, from)
		dst, a = dst[n:], a[n:]
	}
	for i, v := range a {
		dst[i] = !v
	}
}
