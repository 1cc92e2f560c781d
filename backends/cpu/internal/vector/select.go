package vector

// Select sets dst[i] to a[i] where which[i], else to b[i].
func Select[T any](dst []T, which []bool, a, b []T) {
	which, a, b = which[:len(dst)], a[:len(dst)], b[:len(dst)]
	for i := range dst {
		if which[i] {
			dst[i] = a[i]
		} else {
			dst[i] = b[i]
		}
	}
}

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
