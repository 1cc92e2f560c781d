package integer

// Requantize sets each of rows × n bytes of dst to clip(round(src × scale) +
// zero): rounded to nearest, ties to even, before zero is added, and clipped to
// [low, high] after. Scale has an element for each column; rows lie dstStep and
// srcStep elements apart. Bytes of int8 are those of its two's complement.
func Requantize(dst []uint8, src []int32, scale []float64, n, rows, dstStep, srcStep int, zero, low, high int32) {
	if n <= 0 || rows <= 0 {
		return
	}
	_, _, _ = dst[(rows-1)*dstStep+n-1], src[(rows-1)*srcStep+n-1], scale[n-1]
	requantize(dst, src, scale, n, rows, dstStep, srcStep, zero, low, high)
}

// Rescale is Requantize with products rounded to float32: a result may be one off
// where a product is all but halfway between two integers.
func Rescale(dst []uint8, src []int32, factor []float32, n, rows, dstStep, srcStep int, zero, low, high int32) {
	if n <= 0 || rows <= 0 {
		return
	}
	_, _, _ = dst[(rows-1)*dstStep+n-1], src[(rows-1)*srcStep+n-1], factor[n-1]
	rescale(dst, src, factor, n, rows, dstStep, srcStep, zero, low, high)
}

// Scaled sets each of rows × n numbers of dst to src × factor + bias, of which
// there is one for each column.
func Scaled(dst []float32, src []int32, factor, bias []float32, n, rows, dstStep, srcStep int) {
	if n <= 0 || rows <= 0 {
		return
	}
	_, _, _, _ = dst[(rows-1)*dstStep+n-1], src[(rows-1)*srcStep+n-1], factor[n-1], bias[n-1]
	scaled(dst, src, factor, bias, n, rows, dstStep, srcStep)
}

// Sum is y = clip(round(a × P + b × Q + R) + Zero), of bytes.
type Sum struct {
	P, Q, R   float32
	Zero      int32
	Low, High int32
	Signed    bool
}

// Add sets dst[i] to the sum of a[i] and b[i].
func Add(dst, a, b []uint8, s *Sum) {
	a, b = a[:len(dst)], b[:len(dst)]
	add(dst, a, b, s)
}

// Extent returns the least and the greatest of 0 and the numbers of a, NaN if there
// is one.
func Extent(a []float32) (least, most float32) { return extent(a) }

// Total returns the sum of the bytes of a, unsigned.
func Total(a []uint8) int32 { return total(a) }

// Greatest sets dst[i] to the greater of dst[i] and src[i].
func Greatest(dst, src []uint8, signed bool) {
	src = src[:len(dst)]
	greatest(dst, src, signed)
}

// Accumulate adds src[i] to dst[i].
func Accumulate(dst []int32, src []uint8, signed bool) {
	src = src[:len(dst)]
	accumulate(dst, src, signed)
}

// Filter computes pixels of an image with channels last, each channel with a
// filter of its own:
//
//	dst[x*n+j] = start[j] + Σ weights[k*n+j] × image[offsets[k]+x*step+j]
//
// for x < columns and j < n. Weights are numbers of 9 bits, as 32.
func Filter(dst []int32, image []uint8, weights, start []int32, offsets []int64, n, columns, step int) {
	if n <= 0 || columns <= 0 {
		return
	}
	furthest := int64(0)
	for _, o := range offsets {
		if o < 0 {
			panic("integer: a negative offset into an image")
		}
		furthest = max(furthest, o)
	}
	if len(offsets) == 0 || len(weights) < len(offsets)*n || len(start) < n || len(dst) < columns*n || step < 0 || len(image) < int(furthest)+(columns-1)*step+n {
		panic("integer: operands too short for a filter")
	}
	filter(dst, image, weights, start, offsets, n, columns, step)
}

// The best implementations, for operands that were checked.
var (
	requantize = requantizeGeneric
	rescale    = rescaleGeneric
	scaled     = scaledGeneric
	add        = addGeneric
	extent     = extentGeneric
	total      = totalGeneric
	greatest   = greatestGeneric
	accumulate = accumulateGeneric
	filter     = filterGeneric
)
