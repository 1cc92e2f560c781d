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
	turn     = turnGeneric // of rows and columns that are multiples of eight
)

func copyRowsGeneric(dst, a []float32, rows, columns, dstStep, aStep int) {
	for y := range rows {
		copy(dst[y*dstStep:][:columns], a[y*aStep:])
	}
}

// turnGeneric goes in squares, which stay in the nearest cache.
func turnGeneric(dst, a []float32, rows, columns, dstStep, aStep int) {
	const side = 16
	for y0 := 0; y0 < rows; y0 += side {
		for x0 := 0; x0 < columns; x0 += side {
			for y := y0; y < min(y0+side, rows); y++ {
				to := dst[y*dstStep+x0:][:min(side, columns-x0)]
				from := y + x0*aStep
				for x := range to {
					to[x] = a[from]
					from += aStep
				}
			}
		}
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

// Turn transposes: dst[y*dstStep+x] = a[x*aStep+y] for y < rows, x < columns.
func Turn(dst, a []float32, rows, columns, dstStep, aStep int) {
	if rows <= 0 || columns <= 0 {
		return
	}
	_, _ = dst[(rows-1)*dstStep+columns-1], a[(columns-1)*aStep+rows-1]
	const square = 8
	wholeRows, wholeColumns := rows&^(square-1), columns&^(square-1)
	// A few columns at a time stay in a near cache while all rows of them pass.
	const near = 256
	for x := 0; x < wholeColumns && wholeRows > 0; x += near {
		turn(dst[x:], a[x*aStep:], wholeRows, min(near, wholeColumns-x), dstStep, aStep)
	}
	if wholeColumns < columns && wholeRows > 0 {
		turnGeneric(dst[wholeColumns:], a[wholeColumns*aStep:], wholeRows, columns-wholeColumns, dstStep, aStep)
	}
	if wholeRows < rows {
		turnGeneric(dst[wholeRows*dstStep:], a[wholeRows:], rows-wholeRows, columns, dstStep, aStep)
	}
}
