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
