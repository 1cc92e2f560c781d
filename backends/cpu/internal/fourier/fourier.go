// Package fourier computes discrete Fourier transforms,
// y[k] = Σ x[i] exp(-2πj i k / n), of any length n.
//
// A length whose prime factors are small is split by them, factor by factor, as
// Stockham does: decimation in frequency whose stages leave their results in
// order (Cochran et al., "What is the fast Fourier transform?", 1967). Any other
// is a convolution with a chirp (Bluestein, "A linear filtering approach to the
// computation of discrete Fourier transform", 1970), computed in float64.
//
// Sums and products are rounded one by one, on every machine alike. A transform
// with exp(+2πj i k / n) is one whose real and imaginary parts change places
// before and after.
package fourier

import (
	"math"
	"unsafe"
)

// Float is the set of types to compute in.
type Float interface{ float32 | float64 }

// Values are complex numbers, their parts apart.
type Values[F Float] struct{ Re, Im []F }

// Swapped returns the values with real and imaginary parts in each other's place.
func (v Values[F]) Swapped() Values[F] { return Values[F]{v.Im, v.Re} }

// Plan is what transforms of one length share. It is safe for concurrent use.
type Plan[F Float] struct {
	n      int
	stages []stage[F]
	chirp  *chirp // in place of stages where a prime factor is large
}

// most is the greatest prime factor that a length is split by.
const most = 31

// New returns the plan of transforms of n values, n > 0.
func New[F Float](n int) *Plan[F] {
	p := &Plan[F]{n: n}
	factors, ok := factorize(n)
	if !ok {
		p.chirp = newChirp(n)
		return p
	}
	left, step := n, 1
	for _, radix := range factors {
		left /= radix
		p.stages = append(p.stages, newStage[F](radix, left, step))
		step *= radix
	}
	return p
}

// factorize splits n into factors of at most most, fours before the other
// smallest ones.
func factorize(n int) (factors []int, ok bool) {
	for n%4 == 0 {
		factors, n = append(factors, 4), n/4
	}
	for p := 2; n > 1; {
		switch {
		case n%p == 0:
			factors, n = append(factors, p), n/p
		case p == most:
			return nil, false
		default:
			p++
		}
	}
	return factors, true
}

// line is how many bytes a list of values takes more than its elements, so that
// lists do not all lie in the same sets of a cache.
const line = 5 * 64

// listBytes is what a list of n elements takes.
func listBytes[F Float](n int) int {
	var zero F
	return (n*int(unsafe.Sizeof(zero))+63)&^63 + line
}

// Room is how many bytes a transform works in.
func (p *Plan[F]) Room() int {
	n := 4 * listBytes[F](p.n)
	if p.chirp != nil {
		n += p.chirp.plan.Room()
	}
	return n
}

// list returns list i of n elements in memory to work in.
func list[F Float](room []byte, n, i int) []F {
	at := room[i*listBytes[F](n):][:listBytes[F](n)]
	return unsafe.Slice((*F)(unsafe.Pointer(unsafe.SliceData(at))), n)
}

// Input returns where in memory to work in, aligned to eight bytes, the values to
// transform are to be.
func (p *Plan[F]) Input(room []byte) Values[F] {
	return Values[F]{list[F](room, p.n, 0), list[F](room, p.n, 1)}
}

// Run transforms the values at p.Input(room), which it overwrites, and returns the
// result, which lies in room too.
func (p *Plan[F]) Run(room []byte) Values[F] { return p.run(p.Input(room), room) }

// Reverse is Run with exp(+2πj i k / n).
func (p *Plan[F]) Reverse(room []byte) Values[F] {
	return p.run(p.Input(room).Swapped(), room).Swapped()
}

func (p *Plan[F]) run(x Values[F], room []byte) Values[F] {
	y := Values[F]{list[F](room, p.n, 2), list[F](room, p.n, 3)}
	if p.chirp != nil {
		transformByChirp(p.chirp, y, x, room[4*listBytes[F](p.n):])
		return y
	}
	for i := range p.stages {
		p.stages[i].run(x, y)
		x, y = y, x
	}
	return x
}

// stage turns step interleaved transforms of radix·m values into radix·step
// transforms of m.
type stage[F Float] struct {
	radix, m, step int
	roots          []F // for p in [0, m), j in [1, radix): parts of exp(-2πj jp / (radix·m))
	units          []F // parts of exp(-2πj k / radix), of a radix without a butterfly of its own
}

func newStage[F Float](radix, m, step int) stage[F] {
	s := stage[F]{radix: radix, m: m, step: step, roots: make([]F, 0, 2*m*(radix-1))}
	for p := range m {
		for j := 1; j < radix; j++ {
			re, im := root(int64(j)*int64(p)%int64(radix*m), int64(radix*m))
			s.roots = append(s.roots, F(re), F(im))
		}
	}
	if radix > 5 {
		for k := range radix {
			re, im := root(int64(k), int64(radix))
			s.units = append(s.units, F(re), F(im))
		}
	}
	return s
}

// root returns exp(-2πj k/n).
func root(k, n int64) (re, im float64) {
	sin, cos := math.Sincos(2 * math.Pi * float64(k) / float64(n))
	return cos, -sin
}

func (s *stage[F]) run(x, y Values[F]) {
	n := s.radix * s.m * s.step
	x, y = Values[F]{x.Re[:n], x.Im[:n]}, Values[F]{y.Re[:n], y.Im[:n]}
	if s.radix > 5 {
		s.prime(x, y)
		return
	}
	switch s := any(s).(type) {
	case *stage[float32]:
		butterflies32[s.radix](any(x).(Values[float32]), any(y).(Values[float32]), s.roots, s.m, s.step)
	case *stage[float64]:
		butterflies64[s.radix](any(x).(Values[float64]), any(y).(Values[float64]), s.roots, s.m, s.step)
	}
}

// Roots returns exp(-2πj k/n) for k in [0, count).
func Roots(n, count int) Values[float64] {
	v := Values[float64]{make([]float64, count), make([]float64, count)}
	for k := range count {
		v.Re[k], v.Im[k] = root(int64(k), int64(n))
	}
	return v
}
