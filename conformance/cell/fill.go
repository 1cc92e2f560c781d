package cell

import (
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"strconv"

	"example.com/midplane/adapter/tensor"
)

// dice returns the random numbers that belong to a seed and a name.
func dice(seed uint64, name string) *rand.Rand {
	h := fnv.New64a()
	io.WriteString(h, name)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// fill makes the elements of an operand.
type fill func(r *rand.Rand, d tensor.DType, s tensor.Shape) *tensor.Tensor

// words are the elements of string tensors.
var words = []string{"", "a", "b", "Abc", "abc", "ABC", "über", "日本", "monday", "tuesday"}

// between draws numbers from [low, high], of integer types the integers in it
// that the type has.
func between(low, high float64) fill {
	return func(r *rand.Rand, d tensor.DType, s tensor.Shape) *tensor.Tensor {
		return uniform(r, d, s, low, high)
	}
}

func uniform(r *rand.Rand, d tensor.DType, s tensor.Shape, low, high float64) *tensor.Tensor {
	n := s.Size()
	switch {
	case d == tensor.String:
		v := make([]string, n)
		for i := range v {
			v[i] = words[r.IntN(len(words))]
		}
		return tensor.Of(v, s...)
	case d.IsComplex():
		return complexes(r, d, s, low, high)
	case d == tensor.Bool, d.IsInteger():
		v := make([]int64, n)
		least, most := integers(d, low, high)
		for i := range v {
			v[i] = least + r.Int64N(most-least+1)
		}
		return tensor.FromInt64s(d, s, v)
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = low + r.Float64()*(high-low)
	}
	return tensor.FromFloat64s(d, s, v)
}

func complexes(r *rand.Rand, d tensor.DType, s tensor.Shape, low, high float64) *tensor.Tensor {
	v := make([]complex128, s.Size())
	for i := range v {
		v[i] = complex(low+r.Float64()*(high-low), low+r.Float64()*(high-low))
	}
	if d == tensor.Complex128 {
		return tensor.Of(v, s...)
	}
	narrow := make([]complex64, len(v))
	for i := range v {
		narrow[i] = complex64(v[i])
	}
	return tensor.Of(narrow, s...)
}

// integers returns the integers of a type that lie in [low, high].
func integers(d tensor.DType, low, high float64) (least, most int64) {
	least, most = limits(d)
	least, most = max(least, int64(math.Ceil(low))), min(most, int64(math.Floor(high)))
	if most < least {
		most = least
	}
	return least, most
}

// limits returns the least and the greatest value of an integer type, as far as
// an int64 holds it.
func limits(d tensor.DType) (least, most int64) {
	bits := d.Bits()
	switch {
	case d == tensor.Bool:
		return 0, 1
	case d == tensor.Uint64:
		return 0, math.MaxInt64
	case d.IsUnsigned():
		return 0, 1<<bits - 1
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// exactly gives the same elements to every draw.
func exactly(values ...float64) fill {
	return func(_ *rand.Rand, d tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]float64, s.Size())
		for i := range v {
			v[i] = values[i%len(values)]
		}
		return fromReals(d, s, v)
	}
}

// among draws from a list.
func among(values ...float64) fill {
	return func(r *rand.Rand, d tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]float64, s.Size())
		for i := range v {
			v[i] = values[r.IntN(len(values))]
		}
		return fromReals(d, s, v)
	}
}

// fromReals returns a tensor of any type: complex elements without an imaginary
// part, strings that spell the numbers.
func fromReals(d tensor.DType, s tensor.Shape, v []float64) *tensor.Tensor {
	switch d {
	case tensor.String:
		out := make([]string, len(v))
		for i, x := range v {
			out[i] = strconv.FormatFloat(x, 'g', -1, 64)
		}
		return tensor.Of(out, s...)
	case tensor.Complex64:
		out := make([]complex64, len(v))
		for i, x := range v {
			out[i] = complex(float32(x), 0)
		}
		return tensor.Of(out, s...)
	case tensor.Complex128:
		out := make([]complex128, len(v))
		for i, x := range v {
			out[i] = complex(x, 0)
		}
		return tensor.Of(out, s...)
	}
	return tensor.FromFloat64s(d, s, v)
}

// Values is a class of data.
type Values string

// The classes of data. Those beyond Ordinary and Again hold special values
// among ordinary ones.
const (
	Ordinary  Values = "ordinary"
	Again     Values = "again" // ordinary too, other than the first
	Extreme   Values = "extreme"
	Infinite  Values = "infinite"
	NaN       Values = "nan"
	ChosenNaN Values = "chosen-nan" // NaN among the elements that an operator chooses from, which the specification leaves open
	Subnormal Values = "denormal"
	Wide      Values = "wide"   // integers that float32 cannot hold, of which a few can be added
	Nudged    Values = "nudged" // as Ordinary, but for one element, the last that can be
	Larger    Values = "larger" // ordinary, of more elements than the first
	Smaller   Values = "smaller"
)

// ordinary reports whether the class is of numbers like those that models see.
func (v Values) ordinary() bool {
	switch v {
	case Ordinary, Again, Nudged, Larger, Smaller:
		return true
	}
	return false
}

// mix replaces about half of t's elements by special values of a class. It
// reports whether the type has any.
func mix(r *rand.Rand, t *tensor.Tensor, class Values) bool {
	var mixed *tensor.Tensor
	if d := t.DType(); d.IsInteger() {
		special := wholes(r, d, class, t.Len())
		if special == nil {
			return false
		}
		mixed = tensor.FromInt64s(d, t.Shape(), replaced(r, t.Int64s(), special))
	} else if special := specials(d, class); special != nil {
		mixed = tensor.FromFloat64s(d, t.Shape(), replaced(r, t.Float64s(), special))
	} else {
		return false
	}
	copy(t.Bytes(), mixed.Bytes())
	return t.Len() > 0
}

// replaced replaces the first element, and about half of the others, by special
// values in turn.
func replaced[T any](r *rand.Rand, v, special []T) []T {
	next := r.IntN(len(special))
	for i := range v {
		if i == 0 || r.IntN(2) == 0 {
			v[i] = special[next%len(special)]
			next++
		}
	}
	return v
}

// wholes lists special values of a class that an integer type has, for a tensor
// of n elements. Of uint64 those beyond an int64 are written as negative.
func wholes(r *rand.Rand, d tensor.DType, class Values, n int) []int64 {
	switch {
	case class == Extreme && d == tensor.Uint64:
		return []int64{0, -1, 1, math.MinInt64, math.MaxInt64}
	case class == Extreme:
		least, most := limits(d)
		return []int64{least, most, 0, 1}
	case class == Wide && d.Bits() >= 32:
		most := int64(1) << (d.Bits() - 3) / int64(n+1)
		special := make([]int64, 8)
		for i := range special {
			special[i] = most - r.Int64N(most/16+1)*2 - 1
			if i%2 == 1 && !d.IsUnsigned() {
				special[i] = -special[i]
			}
		}
		return special
	}
	return nil
}

// specials lists the special values of a class that a floating-point type has.
func specials(d tensor.DType, class Values) []float64 {
	f, ok := floats[d]
	if !ok {
		return nil
	}
	switch class {
	case Extreme:
		return []float64{f.largest, -f.largest, f.least, -f.least, 0, math.Copysign(0, -1), 1}
	case Infinite:
		return []float64{math.Inf(1), math.Inf(-1)}
	case NaN, ChosenNaN:
		return []float64{math.NaN()}
	case Subnormal:
		return []float64{f.subnormal, -f.subnormal, f.subnormal * 3, f.least - f.subnormal, f.subnormal - f.least}
	}
	return nil
}

// floatRange says how far a floating-point type reaches.
type floatRange struct {
	largest, least, subnormal float64 // finite, normal, subnormal magnitudes
}

var floats = map[tensor.DType]floatRange{
	tensor.Float16:  {65504, math.Ldexp(1, -14), math.Ldexp(1, -24)},
	tensor.BFloat16: {math.Ldexp(255, 120), math.Ldexp(1, -126), math.Ldexp(1, -133)},
	tensor.Float32:  {math.MaxFloat32, math.Ldexp(1, -126), math.SmallestNonzeroFloat32},
	tensor.Float64:  {math.MaxFloat64, math.Ldexp(1, -1022), math.SmallestNonzeroFloat64},
}
