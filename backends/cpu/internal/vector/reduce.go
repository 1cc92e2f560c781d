package vector

// Functions that reduce a slice to a number.
var (
	// Sum returns Σ a[i].
	Sum = sumGeneric
	// SumSquares returns Σ (a[i] - m)².
	SumSquares = sumSquaresGeneric
	// Dot returns Σ a[i] × b[i].
	Dot = dotGeneric
	// Greatest returns the greatest element, NaN if there is one, -Inf of none.
	Greatest = greatestGeneric
	// Least returns the least element, NaN if there is one, +Inf of none.
	Least = leastGeneric
)

// Functions on rows.
var (
	// ExpSum sets dst[i] = e^(a[i] - m) and returns the sum.
	ExpSum = expSumGeneric
	// Normalize sets dst[i] = (a[i] - mean) × inverse × scale[i] + bias[i]. A nil
	// bias is 0.
	Normalize = normalizeGeneric
	// AddScaled sets dst[i] += a[i] × s.
	AddScaled = addScaledGeneric
)

// SumOf returns Σ a[i] of any type; integers wrap.
func SumOf[T Number](a []T) T {
	var sum T
	for _, v := range a {
		sum += v
	}
	return sum
}

// Softmax sets, in each of some rows that lie step apart, dst[x] to e^(s[x] - m) /
// Σ e^(s[x] - m), where s is a × scale + mask and m, which most[row] is set to, the
// greatest s. Rows of the mask lie maskStep apart; a nil mask is 0. A row with a NaN,
// or with nothing but -Inf, becomes NaN; m is then any of its elements. a may be dst.
func Softmax(dst, a, mask, most []float32, rows, n, step, maskStep int, scale float32) {
	if rows <= 0 || n <= 0 {
		return
	}
	last := (rows-1)*step + n - 1
	_, _, _ = dst[last], a[last], most[rows-1]
	if mask != nil {
		_ = mask[(rows-1)*maskStep+n-1]
	}
	softmax(dst, a, mask, most, rows, n, step, maskStep, scale)
}

// softmax is the implementation, whose operands were checked.
var softmax = softmaxGeneric

// Dots multiplies a matrix by a vector: dst[y] = Σ a[y*aStep+x] × b[x] for x < len(b).
func Dots(dst, a, b []float32, aStep int) {
	for y := fours(dst, a, b, aStep, dots); y < len(dst); y++ {
		dst[y] = Dot(b, a[y*aStep:])
	}
}

// Distances gives the squares of the distances of a vector from the rows of a matrix:
// dst[y] = Σ (b[x] - a[y*aStep+x])² for x < len(b).
func Distances(dst, a, b []float32, aStep int) {
	if y := fours(dst, a, b, aStep, distances); y < len(dst) {
		distancesGeneric(dst[y:], a[y*aStep:], b, len(dst)-y, aStep)
	}
}

// fours calls f for all rows but the last few, so that they are a multiple of four,
// and returns how many they are.
func fours(dst, a, b []float32, aStep int, f func(dst, a, b []float32, rows, aStep int)) int {
	whole := len(dst) &^ 3
	if whole == 0 || len(b) == 0 {
		return 0
	}
	_ = a[(whole-1)*aStep+len(b)-1]
	f(dst, a, b, whole, aStep)
	return whole
}

// dots and distances are the implementations for rows that are a multiple of four.
var (
	dots      = dotsGeneric
	distances = distancesGeneric
)
