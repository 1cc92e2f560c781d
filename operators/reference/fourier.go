package reference

import (
	"math"

	"example.com/midplane/adapter/tensor"
)

// fourier returns y[k] = Σ x[i] exp(∓2πj i k / n), with plus, and divided by n,
// for the inverse. A length that is not prime is split by its smallest factor p
// into p transforms of the values that lie n/p apart, each turned by its root
// (decimation in frequency: Cooley and Tukey, 1965; Gentleman and Sande, 1966).
//
// Forward transforms are computed in float64. Inverse ones are computed in
// float32 unless the elements are float64: where a sum cancels, ONNX's data holds
// what is left of it in these precisions, and its tolerance is finer than that.
func fourier(c *Call, x []complex128, inverse bool, d tensor.DType) []complex128 {
	if inverse && d != tensor.Float64 {
		return fourierIn[float32](c, x, inverse)
	}
	return fourierIn[float64](c, x, inverse)
}

// phasor is a complex number of parts F.
type phasor[F float32 | float64] struct{ re, im F }

func fourierIn[F float32 | float64](c *Call, x []complex128, inverse bool) []complex128 {
	n := len(x)
	in, out := make([]phasor[F], n), make([]phasor[F], n)
	for i, v := range x {
		in[i] = phasor[F]{F(real(v)), F(imag(v))}
	}
	decimate(c, in, out, 1, newRoots[F](n, inverse))
	scale := F(1)
	if inverse {
		scale = F(1 / float64(n))
	}
	y := make([]complex128, n)
	for k, v := range out {
		y[k] = complex(float64(v.re*scale), float64(v.im*scale))
	}
	return y
}

// roots holds exp(∓2πjk/n) for k in [0, n).
type roots[F float32 | float64] []phasor[F]

func newRoots[F float32 | float64](n int, inverse bool) roots[F] {
	r := make(roots[F], n)
	for k := range r {
		sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
		if !inverse {
			sin = -sin
		}
		r[k] = phasor[F]{F(cos), F(sin)}
	}
	return r
}

// decimate transforms in into every step-th element of out. The number of roots is
// step times the length of in.
func decimate[F float32 | float64](c *Call, in, out []phasor[F], step int, w roots[F]) {
	n := len(in)
	if n == 1 {
		out[0] = in[0]
		return
	}
	p := smallestFactor(n)
	m := n / p
	parts := make([][]phasor[F], p)
	for q := range parts {
		parts[q] = make([]phasor[F], m)
	}
	apart := make([]phasor[F], p)
	for i := range m {
		for r := range apart {
			apart[r] = in[i+r*m]
		}
		for q, v := range butterfly(c, apart, w, len(w)/p) {
			parts[q][i] = v.times(w[q*i*step%len(w)])
		}
	}
	for q, part := range parts {
		decimate(c, part, out[q*step:], step*p, w)
	}
}

// butterfly transforms p values, where p is prime: pairs of values that are as
// far from either end share their products. Every unit-th root is a p-th one.
func butterfly[F float32 | float64](c *Call, x []phasor[F], w roots[F], unit int) []phasor[F] {
	p := len(x)
	y := make([]phasor[F], p)
	if p == 2 {
		y[0] = phasor[F]{x[0].re + x[1].re, x[0].im + x[1].im}
		y[1] = phasor[F]{x[0].re - x[1].re, x[0].im - x[1].im}
		return y
	}
	y[0] = x[0]
	for r := 1; r < p-r; r++ {
		a, b := x[r], x[p-r]
		y[0].re += a.re + b.re
		y[0].im += a.im + b.im
	}
	for k := 1; k < p-k; k++ {
		c.checkpoint()
		even, odd := x[0], phasor[F]{}
		for r := 1; r < p-r; r++ {
			a, b, root := x[r], x[p-r], w[k*r%p*unit]
			even.re += F(root.re * (a.re + b.re))
			even.im += F(root.re * (a.im + b.im))
			odd.re -= F(root.im * (a.im - b.im))
			odd.im += F(root.im * (a.re - b.re))
		}
		y[k] = phasor[F]{even.re + odd.re, even.im + odd.im}
		y[p-k] = phasor[F]{even.re - odd.re, even.im - odd.im}
	}
	return y
}

// times multiplies; the conversions keep the products from being fused.
func (a phasor[F]) times(b phasor[F]) phasor[F] {
	return phasor[F]{F(a.re*b.re) - F(a.im*b.im), F(a.re*b.im) + F(a.im*b.re)}
}

func smallestFactor(n int) int {
	for p := 2; p*p <= n; p++ {
		if n%p == 0 {
			return p
		}
	}
	return n
}
