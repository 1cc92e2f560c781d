package vector

import "math"

func sinGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = sine(v)
	}
}

func cosGeneric(dst, a []float32, _, _ float32) {
	a = a[:len(dst)]
	for i, v := range a {
		dst[i] = cosine(v)
	}
}

func tanGeneric(dst, a []float32, _, _ float32)   { each(dst, a, math.Tan) }
func asinGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Asin) }
func acosGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Acos) }
func atanGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Atan) }
func sinhGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Sinh) }
func coshGeneric(dst, a []float32, _, _ float32)  { each(dst, a, math.Cosh) }
func asinhGeneric(dst, a []float32, _, _ float32) { each(dst, a, math.Asinh) }
func acoshGeneric(dst, a []float32, _, _ float32) { each(dst, a, math.Acosh) }
func atanhGeneric(dst, a []float32, _, _ float32) { each(dst, a, math.Atanh) }

func sine(x float32) float32    { return turned(x, 0) }
func cosine(x float32) float32  { return turned(x, 1) }
func tangent(x float32) float32 { return float32(math.Tan(float64(x))) }

// turned returns sin(x + quarters × π/2), of the remainder of x by π/2, which is taken
// in two steps (W. J. Cody and W. Waite, Software Manual for the Elementary
// Functions, 1980), and of Taylor's series.
func turned(x float32, quarters uint64) float32 {
	const (
		largest = 1 << 20        // quarters, which times high is exact
		round   = 3 << 51        // added to a number, leaves it integral, in the low bits
		high    = 0x1.921fb544p0 // the first 33 bits of π/2
		low     = math.Pi/2 - high
	)
	v := float64(x)
	whole := v*(2/math.Pi) + round
	n := whole - round
	if !(n >= -largest && n <= largest) {
		if quarters == 0 {
			return float32(math.Sin(v))
		}
		return float32(math.Cos(v))
	}
	quarters += math.Float64bits(whole)
	r := v - n*high - n*low
	z := r * r
	var y float64
	if quarters&1 == 0 {
		y = r * (1 + z*(-1./6+z*(1./120+z*(-1./5040+z*(1./362880+z*(-1./39916800))))))
	} else {
		y = 1 + z*(-1./2+z*(1./24+z*(-1./720+z*(1./40320+z*(-1./3628800+z*(1./479001600))))))
	}
	if quarters&2 != 0 {
		y = -y
	}
	return float32(y)
}
