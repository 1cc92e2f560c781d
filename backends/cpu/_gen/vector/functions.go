package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
)

// Sources: the polynomials of exp, log and tanh are those of S. L. Moshier's
// Cephes library (single precision), those of erf N. Juffa's; all are minimax
// approximations on the intervals given.

const (
	signBit      = 0x80000000
	infinity     = 0x7f800000
	exponentBias = 127
	fraction     = 23 // bits of it
)

// powers returns the n and r of e^a = 2^n × e^r, |r| <= ln 2 / 2.
func (l *lanes) powers(a value) (n, r value) {
	n = l.round(l.mul(a, l.c(math.Log2E)), nearest)
	r = l.nfma(n, l.c(0.693359375), a)
	return n, l.nfma(n, l.c(-2.12194440e-4), r)
}

// lessOne returns e^r - 1 for |r| <= ln 2 / 2.
func (l *lanes) lessOne(r value) value {
	p := l.polynomial(r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
	return l.fma(p, l.mul(r, r), r)
}

// exp returns e^a.
func (l *lanes) exp(a value) value {
	a = l.atMost(a, l.move(l.c(89)))
	a = l.atLeast(a, l.move(l.c(-104)))
	n, r := l.powers(a)
	return l.scale(l.add(l.lessOne(r), l.c(1)), n)
}

// scale returns a × 2^n for whole numbers n in [-252, 254].
func (l *lanes) scale(a, n value) value {
	if l.m.Wide() {
		d := l.register()
		VSCALEFPS(n, a, d)
		return d
	}
	whole := l.integers(n)
	half := l.shiftRight(whole, 1)
	return l.mul(l.mul(a, l.power(half)), l.power(l.subIntegers(whole, half)))
}

// power returns 2^n for integers n in [-126, 127].
func (l *lanes) power(n value) value {
	return l.shiftLeft(l.addIntegers(n, l.bits(exponentBias)), fraction)
}

// expm1 returns e^a - 1 for a <= 0.
func (l *lanes) expm1(a value) value {
	n, r := l.powers(l.atLeast(a, l.move(l.c(-60))))
	s := l.power(l.integers(n))
	return l.fma(l.lessOne(r), s, l.sub(s, l.c(1)))
}

// logOf returns the logarithm of numbers that are positive, finite and normal.
func (l *lanes) logOf(a value) value {
	const root = 0x3f3504f3 // of 1/2
	i := l.subIntegers(a, l.bits(root))
	e := l.shiftRight(i, fraction)
	m := l.subIntegers(a, l.shiftLeft(e, fraction))
	x, n := l.sub(m, l.c(1)), l.numbers(e)
	z := l.mul(x, x)
	y := l.polynomial(x, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
		-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
	y = l.mul(l.mul(y, x), z)
	y = l.fma(l.move(l.c(-2.12194440e-4)), n, y)
	y = l.nfma(z, l.c(0.5), y)
	return l.fma(l.move(l.c(0.693359375)), n, l.add(y, x))
}

// log returns the natural logarithm.
func (l *lanes) log(a value) value {
	small := l.compare(a, less, l.c(0x1p-126))
	scaled := l.pick(small, l.mul(a, l.c(0x1p23)), a)
	r := l.logOf(scaled)
	small = l.compare(a, less, l.c(0x1p-126))
	r = l.pick(small, l.sub(r, l.c(23*math.Ln2)), r)
	r = l.pick(l.compare(a, notLess, l.c(math.Inf(1))), a, r) // +Inf and NaN are themselves
	r = l.pick(l.compare(a, less, l.c(0)), l.bits(0x7fc00000), r)
	return l.pick(l.compare(a, equal, l.c(0)), l.c(math.Inf(-1)), r)
}

func (l *lanes) abs(a value) value { return l.and(a, l.bits(signBit-1)) }

// signed returns the magnitude of a with the sign of b; a is not negative.
func (l *lanes) signed(a, b value) value { return l.or(a, l.and(b, l.bits(signBit))) }

// negExp returns e^-a.
func (l *lanes) negExp(a value) value { return l.exp(l.xor(a, l.bits(signBit))) }

// overOnePlusExp returns a / (1 + e^-b).
func (l *lanes) overOnePlusExp(a, b value) value { return l.div(a, l.add(l.negExp(b), l.c(1))) }

func (l *lanes) tanh(a value) value {
	t := l.abs(a)
	far := l.sub(l.move(l.c(1)), l.div(l.move(l.c(2)), l.add(l.exp(l.add(t, t)), l.c(1))))
	z := l.mul(a, a)
	p := l.polynomial(z, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
	near := l.fma(l.mul(p, z), a, a)
	return l.pick(l.compare(t, less, l.c(0.625)), near, l.signed(far, a))
}

func (l *lanes) erf(a value) value {
	t, s := l.abs(a), l.mul(a, a)
	r := l.polynomial(t, -1.72853470e-5, 3.83197126e-4)
	u := l.polynomial(t, -3.88396438e-3, 2.42546219e-2)
	r = l.fma(r, s, u)
	for _, c := range []float64{-1.06777877e-1, -6.34846687e-1, -1.28717512e-1} {
		r = l.fma(r, t, l.c(c))
	}
	r = l.nfma(t, l.c(1), l.mul(r, t))
	far := l.sub(l.move(l.c(1)), l.exp(r))
	p := l.polynomial(s, -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1)
	near := l.fma(p, a, a)
	return l.pick(l.compare(t, notLess, l.c(0.927734375)), l.signed(far, a), near)
}

// softplus returns max(a, 0) + ln(1 + e^-|a|); what 1 + u loses of u is added
// after the logarithm.
func (l *lanes) softplus(a value) value {
	u := l.negExp(l.abs(a))
	w := l.add(u, l.c(1))
	lost := l.sub(u, l.sub(w, l.c(1)))
	r := l.add(l.logOf(w), l.div(lost, w))
	return l.add(l.atLeast(a, l.move(l.c(0))), r)
}
