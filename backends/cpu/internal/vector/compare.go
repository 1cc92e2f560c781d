package vector

// The comparisons of float32.
var (
	equalFloat32          = Binary[float32, bool]{equalBoth[float32], equalRight[float32], mirrored(equalRight[float32])}
	lessFloat32           = Binary[float32, bool]{lessBoth[float32], lessRight[float32], mirrored(greaterRight[float32])}
	greaterFloat32        = Binary[float32, bool]{greaterBoth[float32], greaterRight[float32], mirrored(lessRight[float32])}
	lessOrEqualFloat32    = Binary[float32, bool]{lessOrEqualBoth[float32], lessOrEqualRight[float32], mirrored(greaterOrEqualRight[float32])}
	greaterOrEqualFloat32 = Binary[float32, bool]{greaterOrEqualBoth[float32], greaterOrEqualRight[float32], mirrored(lessOrEqualRight[float32])}
)

// Properties of numbers.
var (
	IsNaN = isNaNGeneric
	IsInf = isInfGeneric // of either sign
)

// Equal asks whether a = b, which NaN never is.
func Equal[T comparable]() Binary[T, bool] {
	return either(equalFloat32, Binary[T, bool]{equalBoth[T], equalRight[T], mirrored(equalRight[T])})
}

// Less asks whether a < b.
func Less[T Number]() Binary[T, bool] {
	return either(lessFloat32, Binary[T, bool]{lessBoth[T], lessRight[T], mirrored(greaterRight[T])})
}

// Greater asks whether a > b.
func Greater[T Number]() Binary[T, bool] {
	return either(greaterFloat32, Binary[T, bool]{greaterBoth[T], greaterRight[T], mirrored(lessRight[T])})
}

// LessOrEqual asks whether a <= b.
func LessOrEqual[T Number]() Binary[T, bool] {
	return either(lessOrEqualFloat32, Binary[T, bool]{lessOrEqualBoth[T], lessOrEqualRight[T], mirrored(greaterOrEqualRight[T])})
}

// GreaterOrEqual asks whether a >= b.
func GreaterOrEqual[T Number]() Binary[T, bool] {
	return either(greaterOrEqualFloat32, Binary[T, bool]{greaterOrEqualBoth[T], greaterOrEqualRight[T], mirrored(lessOrEqualRight[T])})
}

// mirrored makes the form with a repeated left operand of the opposite
// operator's with a repeated right one.
func mirrored[T, R any](right func(dst []R, a []T, b T)) func(dst []R, a T, b []T) {
	return func(dst []R, a T, b []T) { right(dst, b, a) }
}

func isNaNGeneric(dst []bool, a []float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = v != v
	}
}

func isInfGeneric(dst []bool, a []float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = v == Infinity || v == NegativeInfinity
	}
}

func equalBoth[T comparable](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] == b[i]
	}
}

func equalRight[T comparable](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] == b
	}
}

func lessBoth[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] < b[i]
	}
}

func lessRight[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] < b
	}
}

func greaterBoth[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] > b[i]
	}
}

func greaterRight[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] > b
	}
}

func lessOrEqualBoth[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] <= b[i]
	}
}

func lessOrEqualRight[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] <= b
	}
}

func greaterOrEqualBoth[T Number](dst []bool, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = a[i] >= b[i]
	}
}

func greaterOrEqualRight[T Number](dst []bool, a []T, b T) {
	a = a[:len(dst)]
	for i := range dst {
		dst[i] = a[i] >= b
	}
}
