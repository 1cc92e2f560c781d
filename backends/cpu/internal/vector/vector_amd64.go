//go:build !noasm && gc

package vector

import (
	"math"
	"unsafe"

	"example.com/midplane/backends/cpu/internal/isa"
)

// elementwise, comparison and reduction are the signatures of functions in assembly.
// Those that do not use b are given nil.
type (
	comparison  func(dst *bool, a, b *float32, n int, p float32)
	elementwise func(dst, a, b *float32, n int, p, q float32)
	reduction   func(a, b *float32, n int, m float32) float32
)

func init() {
	switch {
	case isa.Best >= isa.AVX512:
		kernelsAVX512.use()
	case isa.Best == isa.AVX2:
		kernelsAVX2.use()
	}
}

// use puts the functions in place of the plain ones.
func (ks *kernels) use() {
	AddFloat32 = Binary[float32, float32]{ks.addBoth.both(), ks.addRight.right(), ks.addRight.left()}
	SubFloat32 = Binary[float32, float32]{ks.subBoth.both(), ks.subRight.right(), ks.subLeft.left()}
	MulFloat32 = Binary[float32, float32]{ks.mulBoth.both(), ks.mulRight.right(), ks.mulRight.left()}
	DivFloat32 = Binary[float32, float32]{ks.divBoth.both(), ks.divRight.right(), ks.divLeft.left()}
	MaxFloat32 = Binary[float32, float32]{ks.maxBoth.both(), ks.maxRight.right(), ks.maxRight.left()}
	MinFloat32 = Binary[float32, float32]{ks.minBoth.both(), ks.minRight.right(), ks.minRight.left()}
	Prelu = ks.prelu.both()

	Abs, Neg, Sqrt, Reciprocal = ks.abs.unary(), ks.neg.unary(), ks.sqrt.unary(), ks.reciprocal.unary()
	Floor, Ceil, Round = ks.floor.unary(), ks.ceil.unary(), ks.round.unary()
	Exp, Log, Tanh, Erf = ks.exp.unary(), ks.log.unary(), ks.tanh.unary(), ks.erf.unary()
	Sin, Cos, Tan = ks.sin.near(sine), ks.cos.near(cosine), ks.tan.near(tangent)
	Asin, Acos, Atan = ks.asin.unary(), ks.acos.unary(), ks.atan.unary()
	Sinh, Cosh, Asinh, Acosh, Atanh = ks.sinh.unary(), ks.cosh.unary(), ks.asinh.unary(), ks.acosh.unary(), ks.atanh.unary()
	Affine, Clip, LeakyRelu = ks.affine.unary(), ks.clip.unary(), ks.leakyRelu.unary()
	ThresholdedRelu, Softsign, Sign = ks.thresholdedRelu.unary(), ks.softsign.unary(), ks.sign.unary()
	Sigmoid, HardSigmoid, HardSwish = ks.sigmoid.unary(), ks.hardSigmoid.unary(), ks.hardSwish.unary()
	Swish, Softplus, Elu = ks.swish.unary(), ks.softplus.unary(), ks.elu.unary()
	Gelu, GeluTanh = ks.gelu.unary(), ks.geluTanh.unary()

	ks.useTruths()
	Sum = func(a []float32) float32 { return ks.sum(unsafe.SliceData(a), nil, len(a), 0) }
	SumSquares = func(a []float32, m float32) float32 { return ks.sumSquares(unsafe.SliceData(a), nil, len(a), m) }
	Dot = func(a, b []float32) float32 {
		return ks.dot(unsafe.SliceData(a), unsafe.SliceData(b[:len(a)]), len(a), 0)
	}
	Greatest = func(a []float32) float32 { return ks.greatest(unsafe.SliceData(a), nil, len(a), 0) }
	Least = func(a []float32) float32 { return ks.least(unsafe.SliceData(a), nil, len(a), 0) }
	ExpSum = func(dst, a []float32, m float32) float32 {
		return ks.expSum(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), len(dst), m)
	}
	Normalize = func(dst, a, scale, bias []float32, mean, inverse float32) {
		if bias == nil {
			normalizeGeneric(dst, a, scale, nil, mean, inverse)
			return
		}
		ks.normalize(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), unsafe.SliceData(scale[:len(dst)]), unsafe.SliceData(bias[:len(dst)]), len(dst), mean, inverse)
	}
	AddScaled = func(dst, a []float32, s float32) {
		ks.addScaled(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), len(dst), s)
	}
	KeepGreater, KeepLess = keeping(ks.keepGreater), keeping(ks.keepLess)
	gatherSum = func(dst, a []float32, at []int32, weight []float32, terms, step int) {
		ks.gatherSum(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(at), unsafe.SliceData(weight), len(dst), terms, step)
	}
	copyRows = func(dst, a []float32, rows, columns, dstStep, aStep int) {
		ks.copyRows(unsafe.SliceData(dst), unsafe.SliceData(a), rows, columns, dstStep, aStep)
	}
	evenRows = func(dst, a []float32, rows, columns, dstStep, aStep int) {
		ks.evenRows(unsafe.SliceData(dst), unsafe.SliceData(a), rows, columns, dstStep, aStep)
	}
	turn = func(dst, a []float32, rows, columns, dstStep, aStep int) {
		ks.turn(unsafe.SliceData(dst), unsafe.SliceData(a), rows, columns, dstStep, aStep)
	}
	softmax = func(dst, a, mask, most []float32, rows, n, step, maskStep int, scale float32) {
		ks.softmax(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(mask), unsafe.SliceData(most), rows, n, step, maskStep, scale)
	}
	dots = func(dst, a, b []float32, rows, aStep int) {
		ks.dots(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), rows, len(b), aStep)
	}
	distances = func(dst, a, b []float32, rows, aStep int) {
		ks.distances(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), rows, len(b), aStep)
	}
	selectWords = func(dst, a, b unsafe.Pointer, which *bool, n int) {
		ks.selectWords((*float32)(dst), (*float32)(a), (*float32)(b), (*byte)(unsafe.Pointer(which)), n)
	}
	nibbles = func(dst []float32, q []byte, scales, zeros []float32, spans int) {
		ks.nibbles(unsafe.SliceData(dst), unsafe.SliceData(q), unsafe.SliceData(scales), unsafe.SliceData(zeros), len(scales), spans)
	}
	nibblesDot = func(a []float32, q []byte, scales, zeros []float32, spans int) float32 {
		return ks.nibblesDot(unsafe.SliceData(a), unsafe.SliceData(q), unsafe.SliceData(scales), unsafe.SliceData(zeros), len(scales), spans)
	}
	ks.useIntegers()
	WidenHalf, WidenBrain = widening(ks.widenHalf, widenHalfGeneric), widening(ks.widenBrain, widenBrainGeneric)
	NarrowHalf, NarrowBrain = narrowing(ks.narrowHalf, narrowHalfGeneric), narrowing(ks.narrowBrain, narrowBrainGeneric)
}

// useTruths does so for functions that give or take truth values.
func (ks *kernels) useTruths() {
	equal, less, lessOrEqual := ks.equalRight.right(equalRight), ks.lessRight.right(lessRight), ks.lessOrEqualRight.right(lessOrEqualRight)
	greater, greaterOrEqual := ks.greaterRight.right(greaterRight), ks.greaterOrEqualRight.right(greaterOrEqualRight)
	equalFloat32 = Binary[float32, bool]{ks.equalBoth.both(equalBoth), equal, mirrored(equal)}
	lessFloat32 = Binary[float32, bool]{ks.lessBoth.both(lessBoth), less, mirrored(greater)}
	lessOrEqualFloat32 = Binary[float32, bool]{ks.lessOrEqualBoth.both(lessOrEqualBoth), lessOrEqual, mirrored(greaterOrEqual)}
	greaterFloat32 = Binary[float32, bool]{exchanged(lessFloat32.Both), greater, mirrored(less)}
	greaterOrEqualFloat32 = Binary[float32, bool]{exchanged(lessOrEqualFloat32.Both), greaterOrEqual, mirrored(lessOrEqual)}
	IsNaN, IsInf = ks.isNaN.single(isNaNGeneric), ks.isInf.single(isInfGeneric)
	andWords, orWords, xorWords = ks.andBoth.both(), ks.orBoth.both(), ks.xorBoth.both()
	flipWords = func(dst, a []float32) {
		ks.xorRight(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), nil, len(dst), math.Float32frombits(0x01010101), 0)
	}
}

// exchanged returns a comparison of a and b as one of b and a.
func exchanged(f func(dst []bool, a, b []float32)) func(dst []bool, a, b []float32) {
	return func(dst []bool, a, b []float32) { f(dst, b, a) }
}

func (ks *kernels) useIntegers() {
	Quantize = func(dst []byte, a []float32, scale, zero, low, high float32) {
		n := len(dst) &^ (registers - 1)
		ks.quantize(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), n, scale, zero, low, high)
		quantizeGeneric(dst[n:], a[n:], scale, zero, low, high)
	}
	DequantizeUnsigned = func(dst []float32, a []uint8, scale, zero float32) {
		n := len(dst) &^ (registers - 1)
		ks.dequantizeUnsigned(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), n, scale, zero)
		dequantizeGeneric(dst[n:], a[n:], scale, zero)
	}
	DequantizeSigned = func(dst []float32, a []int8, scale, zero float32) {
		n := len(dst) &^ (registers - 1)
		ks.dequantizeSigned(unsafe.SliceData(dst), (*byte)(unsafe.Pointer(unsafe.SliceData(a[:len(dst)]))), n, scale, zero)
		dequantizeGeneric(dst[n:], a[n:], scale, zero)
	}
	ScaleIntegers = func(dst []float32, a []int32, scale float32) {
		n := len(dst) &^ (registers - 1)
		ks.scaleIntegers(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), n, scale)
		scaleIntegersGeneric(dst[n:], a[n:], scale)
	}
}

func keeping(f func(best *float32, at *int32, a *float32, n int, i int32)) func(best []float32, at []int32, a []float32, i int32) {
	return func(best []float32, at []int32, a []float32, i int32) {
		f(unsafe.SliceData(best), unsafe.SliceData(at[:len(best)]), unsafe.SliceData(a[:len(best)]), len(best), i)
	}
}

func widening(f func(dst *float32, a *uint16, n int), rest func(dst []float32, a []uint16)) func(dst []float32, a []uint16) {
	return func(dst []float32, a []uint16) {
		n := len(dst) &^ (registers - 1)
		f(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), n)
		rest(dst[n:], a[n:])
	}
}

func narrowing(f func(dst *uint16, a *float32, n int), rest func(dst []uint16, a []float32)) func(dst []uint16, a []float32) {
	return func(dst []uint16, a []float32) {
		n := len(dst) &^ (registers - 1)
		f(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), n)
		rest(dst[n:], a[n:])
	}
}

func (f comparison) both(rest func(dst []bool, a, b []float32)) func(dst []bool, a, b []float32) {
	return func(dst []bool, a, b []float32) {
		n := len(dst) &^ (registers - 1)
		a, b = a[:len(dst)], b[:len(dst)]
		f(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), n, 0)
		rest(dst[n:], a[n:], b[n:])
	}
}

func (f comparison) right(rest func(dst []bool, a []float32, b float32)) func(dst []bool, a []float32, b float32) {
	return func(dst []bool, a []float32, b float32) {
		n := len(dst) &^ (registers - 1)
		a = a[:len(dst)]
		f(unsafe.SliceData(dst), unsafe.SliceData(a), nil, n, b)
		rest(dst[n:], a[n:], b)
	}
}

func (f comparison) single(rest func(dst []bool, a []float32)) func(dst []bool, a []float32) {
	return func(dst []bool, a []float32) {
		n := len(dst) &^ (registers - 1)
		a = a[:len(dst)]
		f(unsafe.SliceData(dst), unsafe.SliceData(a), nil, n, 0)
		rest(dst[n:], a[n:])
	}
}

func (f elementwise) unary() Unary {
	return func(dst, a []float32, p, q float32) {
		f(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), nil, len(dst), p, q)
	}
}

// near is the function, as far as the numbers are in its range, and another of those
// that are not.
func (f elementwise) near(far func(v float32) float32) Unary {
	const (
		block   = 512
		largest = 1 << 17
	)
	within := func(v float32) bool { return v >= -largest && v <= largest }
	return func(dst, a []float32, _, _ float32) {
		a = a[:len(dst)]
		for len(dst) > 0 {
			n := min(len(dst), block)
			if within(Greatest(a[:n])) && within(Least(a[:n])) {
				f(unsafe.SliceData(dst), unsafe.SliceData(a), nil, n, 0, 0)
			} else {
				f.mixed(dst[:n], a[:n], within, far)
			}
			dst, a = dst[n:], a[n:]
		}
	}
}

// mixed is the function of the runs of numbers that are within its range.
func (f elementwise) mixed(dst, a []float32, within func(v float32) bool, far func(v float32) float32) {
	for i := 0; i < len(a); {
		first := i
		for i < len(a) && within(a[i]) {
			i++
		}
		f(unsafe.SliceData(dst[first:]), unsafe.SliceData(a[first:]), nil, i-first, 0, 0)
		for ; i < len(a) && !within(a[i]); i++ {
			dst[i] = far(a[i])
		}
	}
}

func (f elementwise) both() func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		f(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), unsafe.SliceData(b[:len(dst)]), len(dst), 0, 0)
	}
}

func (f elementwise) right() func(dst, a []float32, b float32) {
	return func(dst, a []float32, b float32) {
		f(unsafe.SliceData(dst), unsafe.SliceData(a[:len(dst)]), nil, len(dst), b, 0)
	}
}

func (f elementwise) left() func(dst []float32, a float32, b []float32) {
	return func(dst []float32, a float32, b []float32) {
		f(unsafe.SliceData(dst), unsafe.SliceData(b[:len(dst)]), nil, len(dst), a, 0)
	}
}
