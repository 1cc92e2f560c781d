package vector

// Functions that keep the most extreme of what they meet.
var (
	// KeepGreater sets best[k] to a[k], and at[k] to i, where a[k] is greater, or
	// where it is NaN and best[k] is not.
	KeepGreater = keepGreaterGeneric
	// KeepLess does so where a[k] is less, or NaN.
	KeepLess = keepLessGeneric
)

func keepGreaterGeneric(best []float32, at []int32, a []float32, i int32) {
	at, a = at[:len(best)], a[:len(best)]
	for k, b := range best {
		if v := a[k]; v > b || v != v && b == b {
			best[k], at[k] = v, i
		}
	}
}

func keepLessGeneric(best []float32, at []int32, a []float32, i int32) {
	at, a = at[:len(best)], a[:len(best)]
	for k, b := range best {
		if v := a[k]; v < b || v != v && b == b {
			best[k], at[k] = v, i
		}
	}
}
