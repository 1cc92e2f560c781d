package vector

// CopyRows copies columns elements of each of a number of rows:
// dst[y*dstStep+x] = a[y*aStep+x].
func CopyRows(dst, a []float32, rows, columns, dstStep, aStep int) {
	if rows <= 0 || columns <= 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStep+columns-1], a[(rows-1)*aStep+columns-1]
	copyRows(dst, a, rows, columns, dstStep, aStep)
}

// EvenRows is CopyRows of every second element: dst[y*dstStep+x] = a[y*aStep+2x].
func EvenRows(dst, a []float32, rows, columns, dstStep, aStep int) {
	if rows <= 0 || columns <= 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStep+columns-1], a[(rows-1)*aStep+2*columns-2]
	evenRows(dst, a, rows, columns, dstStep, aStep)
}

// The implementations, whose operands were checked.
var (
	copyRows = copyRowsGeneric
	evenRows = evenRowsGeneric
)

func copyRowsGeneric(dst, a []float32, rows, columns, dstStep, aStep int) {
	for y := range rows {
		copy(dst[y*dstStep:][:columns], a[y*aStep:])
	}
}

func evenRowsGeneric(dst, a []float32, rows, columns, dstStep, aStep int) {
	for y := range rows {
		to, from := dst[y*dstStep:][:columns], a[y*aStep:][:2*columns-1]
		for x := range to {
			to[x] = from[2*x]
		}
	}
}
