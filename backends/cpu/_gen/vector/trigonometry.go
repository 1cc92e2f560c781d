package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// Sources: the polynomials are those of S. L. Moshier's Cephes library (single
// precision), minimax approximations on the intervals given.

var trigonometry = []function{
	smooth("sin", "sin a[i], for |a[i]| <= 2^17", (*lanes).sin),
	smooth("cos", "cos a[i], for |a[i]| <= 2^17", (*lanes).cos),
	smooth("tan", "tan a[i], for |a[i]| <= 2^17", (*lanes).tan),
	smooth("asin", "arcsin a[i]", (*lanes).asin),
	smooth("acos", "arccos a[i]", (*lanes).acos),
	smooth("atan", "arctan a[i]", (*lanes).atan),
	smooth("sinh", "sinh a[i]", (*lanes).sinh),
	smooth("cosh", "cosh a[i]", (*lanes).cosh),
	smooth("asinh", "arsinh a[i]", (*lanes).asinh),
	smooth("acosh", "arcosh a[i]", (*lanes).acosh),
	smooth("atanh", "artanh a[i]", (*lanes).atanh),
}

// turns returns the number of quarters of a turn nearest to t and sine and cosine of
// what is left, for t in [0, 2^17]. The first of the three parts of π/2 times the
// number is taken away exactly, as the difference has no more bits than a float32;
// what is left is near 0 for no float32 below 2^17 to a degree that the others do not
// resolve (W. J. Cody and W. Waite, Software Manual for the Elementary Functions,
// 1980).
func (l *lanes) turns(t value) (quarters, sine, cosine value) {
	n, r := l.round(l.mul(t, l.c(2/math.Pi)), nearest), t
	for _, part := range []float64{0x1.921fb6p0, -0x1.777a5cp-25, -0x1.ee59dap-50} {
		r = l.nfma(n, l.c(part), r)
	}
	z := l.mul(r, r)
	p := l.polynomial(z, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
	sine = l.fma(l.mul(p, z), r, r)
	p = l.polynomial(z, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
	cosine = l.fma(l.mul(z, z), p, l.nfma(z, l.c(0.5), l.move(l.c(1))))
	return l.integers(n), sine, cosine
}

// odd returns a mask of the lanes of odd integers.
func (l *lanes) odd(a value) reg.Register {
	top := l.shiftLeft(a, 31)
	if !l.m.Wide() {
		return top // of which VBLENDVPS looks at the sign
	}
	mask := l.nextMask()
	VPMOVD2M(top, mask)
	return mask
}

// sign returns the sign bit of a.
func (l *lanes) sign(a value) value { return l.and(a, l.bits(signBit)) }

func (l *lanes) sin(a value) value {
	quarters, sine, cosine := l.turns(l.abs(a))
	magnitude := l.pick(l.odd(quarters), cosine, sine)
	second := l.sign(l.shiftLeft(quarters, 30)) // half of the turn
	return l.xor(magnitude, l.xor(second, l.sign(a)))
}

func (l *lanes) cos(a value) value {
	quarters, sine, cosine := l.turns(l.abs(a))
	magnitude := l.pick(l.odd(quarters), sine, cosine)
	return l.xor(magnitude, l.sign(l.shiftLeft(l.addIntegers(quarters, l.bits(1)), 30)))
}

func (l *lanes) tan(a value) value {
	quarters, sine, cosine := l.turns(l.abs(a))
	odd := l.odd(quarters)
	magnitude := l.div(l.pick(odd, cosine, sine), l.pick(odd, sine, cosine))
	return l.xor(magnitude, l.xor(l.shiftLeft(quarters, 31), l.sign(a)))
}

// arcsine returns the arcsine of |x| where that is at most 1/2, elsewhere half of the
// arccosine, and a mask of where. NaN is beyond neither.
func (l *lanes) arcsine(t value) (y value, beyond reg.Register) {
	beyond = l.compare(t, greater, l.c(0.5))
	half := l.mul(l.sub(l.move(l.c(1)), t), l.c(0.5))
	z := l.pick(beyond, half, l.mul(t, t))
	x := l.pick(beyond, l.sqrt(half), t)
	p := l.polynomial(z, 4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1)
	return l.fma(l.mul(p, z), x, x), beyond
}

func (l *lanes) asin(a value) value {
	y, beyond := l.arcsine(l.abs(a))
	y = l.pick(beyond, l.nfma(y, l.c(2), l.move(l.c(math.Pi/2))), y)
	return l.signed(y, a)
}

func (l *lanes) acos(a value) value {
	y, beyond := l.arcsine(l.abs(a))
	within := l.sub(l.move(l.c(math.Pi/2)), l.xor(y, l.sign(a)))
	twice := l.add(y, y)
	outside := l.pick(l.compare(a, less, l.c(0)), l.sub(l.move(l.c(math.Pi)), twice), twice)
	return l.pick(beyond, outside, within)
}

// atan turns by an eighth of a turn where |a| is above tan π/8, by a quarter where it
// is above tan 3π/8.
func (l *lanes) atan(a value) value {
	const eighth, threeEighths = 0.414213562373095, 2.414213562373095
	t := l.abs(a)
	middle, far := l.compare(t, greater, l.c(eighth)), l.compare(t, greater, l.c(threeEighths))
	numerator := l.pick(far, l.c(-1), l.pick(middle, l.sub(t, l.c(1)), t))
	denominator := l.pick(far, t, l.pick(middle, l.add(t, l.c(1)), l.move(l.c(1))))
	turned := l.pick(far, l.c(math.Pi/2), l.pick(middle, l.c(math.Pi/4), l.move(l.c(0))))
	x := l.div(numerator, denominator)
	z := l.mul(x, x)
	p := l.polynomial(z, 8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)
	return l.signed(l.add(turned, l.fma(l.mul(p, z), x, x)), a)
}

// halfExp returns e^a / 2 for a >= 0.
func (l *lanes) halfExp(a value) value {
	n, r := l.powers(l.atMost(a, l.move(l.c(90))))
	return l.scale(l.add(l.lessOne(r), l.c(1)), l.sub(n, l.c(1)))
}

func (l *lanes) cosh(a value) value {
	h := l.halfExp(l.abs(a))
	return l.add(h, l.div(l.move(l.c(0.25)), h))
}

func (l *lanes) sinh(a value) value {
	t := l.abs(a)
	h := l.halfExp(t)
	far := l.sub(h, l.div(l.move(l.c(0.25)), h))
	z := l.mul(a, a)
	p := l.polynomial(z, 2.03721912945e-4, 8.33028376239e-3, 1.66667160211e-1)
	near := l.fma(l.mul(p, z), t, t)
	return l.signed(l.pick(l.compare(t, less, l.c(1)), near, far), a)
}

// logSum returns ln(t + y) for t >= 1/2; from 2^11 on ln 2t, where y is near t.
func (l *lanes) logSum(t, y value) value {
	far := l.compare(t, greater, l.c(1<<11))
	sum := l.logOf(l.pick(far, t, l.add(t, y)))
	sum = l.pick(far, l.add(sum, l.c(math.Ln2)), sum)
	return l.pick(l.compare(t, notLess, l.c(math.Inf(1))), t, sum) // +Inf and NaN are themselves
}

func (l *lanes) asinh(a value) value {
	t, z := l.abs(a), l.mul(a, a)
	far := l.logSum(t, l.sqrt(l.add(z, l.c(1))))
	p := l.polynomial(z, 2.0122003309e-2, -4.2699340972e-2, 7.4847586088e-2, -1.6666288134e-1)
	near := l.fma(l.mul(p, z), t, t)
	return l.signed(l.pick(l.compare(t, less, l.c(0.5)), near, far), a)
}

func (l *lanes) acosh(a value) value {
	z := l.sub(a, l.c(1))
	far := l.logSum(a, l.sqrt(l.mul(z, l.add(a, l.c(1)))))
	p := l.polynomial(z, 1.7596881071e-3, -7.5272886713e-3, 2.6454905019e-2, -1.1784741703e-1, 1.4142135263)
	return l.pick(l.compare(z, less, l.c(0.5)), l.mul(p, l.sqrt(z)), far)
}

func (l *lanes) atanh(a value) value {
	t, z := l.abs(a), l.mul(a, a)
	far := l.mul(l.log(l.div(l.add(t, l.c(1)), l.sub(l.move(l.c(1)), t))), l.c(0.5))
	p := l.polynomial(z, 1.81740078349e-1, 8.24370301058e-2, 1.46691431730e-1, 1.99782164500e-1, 3.33337300303e-1)
	near := l.fma(l.mul(p, z), t, t)
	return l.signed(l.pick(l.compare(t, less, l.c(0.5)), near, far), a)
}
