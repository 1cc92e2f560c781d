package vector

import "math"

// PowFloat32 raises to powers, as math.Pow does but rounded to float32.
var PowFloat32 = Binary[float32, float32]{
	Both: func(dst, a, b []float32) {
		a, b = a[:len(dst)], b[:len(dst)]
		for i := range dst {
			dst[i] = pow(a[i], b[i])
		}
	},
	Right: raise,
	Left: func(dst []float32, a float32, b []float32) {
		b = b[:len(dst)]
		for i := range dst {
			dst[i] = pow(a, b[i])
		}
	},
}

// raise raises to one power: to small integers by multiplication.
func raise(dst, a []float32, p float32) {
	const most = 8 // to which numbers of float32 are raised within the range of float64
	a = a[:len(dst)]
	switch {
	case p == 0:
		Fill(dst, 1)
	case p == 1:
		copy(dst, a)
	case p == 2:
		MulFloat32.Both(dst, a, a)
	case p == 0.5:
		for i, v := range a {
			if v == NegativeInfinity {
				v = -v // as pow does; the square root is NaN
			}
			dst[i] = float32(math.Sqrt(float64(v + 0)))
		}
	case p == -1:
		Reciprocal(dst, a, 0, 0)
	case p == 3:
		for i, v := range a {
			x := float64(v)
			dst[i] = float32(x * x * x)
		}
	case p == float32(int(p)) && p >= -most && p <= most:
		for i, v := range a {
			x, power := float64(v), 1.0
			for n := max(int(p), -int(p)); n > 0; n >>= 1 {
				if n&1 == 1 {
					power *= x
				}
				x *= x
			}
			if p < 0 {
				power = 1 / power
			}
			dst[i] = float32(power)
		}
	default:
		for i, v := range a {
			dst[i] = pow(v, p)
		}
	}
}

// Tables of the logarithm to base 2 at the middle of each of 32 parts of [1, 2), of
// the reciprocals of these, and of 2^(i/32).
const parts = 32

var (
	middles [parts]struct{ reciprocal, log float64 }
	powers  [parts]uint64 // bits of float64
)

func init() {
	for i := range parts {
		middle := 1 + (float64(i)+0.5)/parts
		middles[i].reciprocal, middles[i].log = 1/middle, math.Log2(middle)
		powers[i] = math.Float64bits(math.Exp2(float64(i) / parts))
	}
}

// pow computes 2^(y log₂ x) in float64, with tables and the first terms of Taylor's
// series (P. T. P. Tang, Table-driven implementation of the exponential function and
// of the logarithm, 1989 and 1990). The logarithm is right within 10⁻¹².
func pow(x, y float32) float32 {
	const (
		farthest = 1000 // in powers of 2, and yet within the range of float64
		steepest = 1e4
		round    = 3 << 51 // added to a number, leaves it integral, in the low bits
	)
	if !(x > 0 && x <= math.MaxFloat32 && y >= -steepest && y <= steepest) {
		return float32(math.Pow(float64(x), float64(y)))
	}
	b := math.Float64bits(float64(x))
	m := &middles[b>>(52-5)%parts]
	r := math.Float64frombits(b&(1<<52-1)|1023<<52)*m.reciprocal - 1
	series := r * (1 + r*(-1./2+r*(1./3+r*(-1./4+r*(1./5+r*(-1./6))))))
	t := float64(y) * (float64(int(b>>52)-1023) + m.log + series*math.Log2E)
	if !(t >= -farthest && t <= farthest) {
		return float32(math.Pow(float64(x), float64(y)))
	}
	t *= parts
	whole := t + round
	k := math.Float64bits(whole)
	r = (t - (whole - round)) * (math.Ln2 / parts)
	power := math.Float64frombits(powers[k%parts] + (k-k%parts)<<(52-5))
	return float32(power * (1 + r*(1+r*(1./2+r*(1./6+r*(1./24))))))
}
