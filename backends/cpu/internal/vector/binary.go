package vector

// Binary is an operator on pairs of elements of type T, with results of type R,
// in a form for each way in which operands repeat.
type Binary[T, R any] struct {
	Both  func(dst []R, a, b []T)   // dst[i] = a[i] ∘ b[i]
	Right func(dst []R, a []T, b T) // dst[i] = a[i] ∘ b
	Left  func(dst []R, a T, b []T) // dst[i] = a ∘ b[i]
}

// The operators on float32.
var (
	AddFloat32 = Binary[float32, float32]{addBoth[float32], addRight[float32], addLeft[float32]}
	SubFloat32 = Binary[float32, float32]{subBoth[float32], subRight[float32], subLeft[float32]}
	MulFloat32 = Binary[float32, float32]{mulBoth[float32], mulRight[float32], mulLeft[float32]}
	DivFloat32 = Binary[float32, float32]{divBoth[float32], divRight[float32], divLeft[float32]}
	MaxFloat32 = Binary[float32, float32]{maxBoth[float32], maxRight[float32], maxLeft[float32]}
	MinFloat32 = Binary[float32, float32]{minBoth[float32], minRight[float32], minLeft[float32]}
)

// Prelu sets dst[i] to a[i], times b[i] where it is negative.
var Prelu = preluGeneric

// Add returns the sum. Integers wrap.
func Add[T Number]() Binary[T, T] {
	return either(AddFloat32, Binary[T, T]{addBoth[T], addRight[T], addLeft[T]})
}

// Sub returns the difference. Integers wrap.
func Sub[T Number]() Binary[T, T] {
	return either(SubFloat32, Binary[T, T]{subBoth[T], subRight[T], subLeft[T]})
}

// Mul returns the product. Integers wrap.
func Mul[T Number]() Binary[T, T] {
	return either(MulFloat32, Binary[T, T]{mulBoth[T], mulRight[T], mulLeft[T]})
}

// Div returns the quotient, of integers rounded towards zero. An integer divided
// by zero is a panic.
func Div[T Number]() Binary[T, T] {
	return either(DivFloat32, Binary[T, T]{divBoth[T], divRight[T], divLeft[T]})
}

// Max returns the greater element, NaN if one is.
func Max[T Number]() Binary[T, T] {
	return either(MaxFloat32, Binary[T, T]{maxBoth[T], maxRight[T], maxLeft[T]})
}

// Min returns the lesser element, NaN if one is.
func Min[T Number]() Binary[T, T] {
	return either(MinFloat32, Binary[T, T]{minBoth[T], minRight[T], minLeft[T]})
}

// either returns the operator for float32 if that is T, else the other.
func either[T, R, F any](f Binary[float32, F], other Binary[T, R]) Binary[T, R] {
	if b, ok := any(f).(Binary[T, R]); ok {
		return b
	}
	return other
}
