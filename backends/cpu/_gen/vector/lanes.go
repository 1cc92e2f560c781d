package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// lanes writes instructions on all lanes of registers. Its functions return the
// register of a result; operands stay as they are. An operand called x or y may
// be in memory.
type lanes struct {
	m    *machine.Machine
	mask int // of those that comparisons write, the last one used
}

type value = reg.VecVirtual

func (l *lanes) register() value {
	if l.m.Wide() {
		return ZMM()
	}
	return YMM()
}

// move returns a copy.
func (l *lanes) move(x Op) value {
	v := l.register()
	l.either(x, func(x Op) { VBROADCASTSS(x, v) }, func(x Op) { VMOVUPS(x, v) })
	return v
}

// spread returns a number in all lanes.
func (l *lanes) spread(x Op) value {
	v := l.register()
	VBROADCASTSS(x, v)
	return v
}

// constants are the words that functions use, each as often as a register of AVX2
// has lanes.
var (
	constants     = map[uint32]int{}
	constantsData *Mem
)

// bits returns a constant of 32 bits, in memory.
func (l *lanes) bits(v uint32) constant {
	if constantsData == nil {
		name := GLOBL("constants", 8|16) // RODATA, NOPTR
		constantsData = &name
	}
	at, known := constants[v]
	if !known {
		at = len(constants) * 32
		constants[v] = at
		for i := range 4 {
			DATA(at+8*i, U64(uint64(v)<<32|uint64(v)))
		}
	}
	return constant{constantsData.Offset(at)}
}

// constant is where a number lies that all lanes are to have, as often as AVX2 has
// lanes. AVX-512 reads it once and spreads it.
type constant struct{ Mem }

// either calls spread with a constant that instructions of l spread, plain with
// any other operand.
func (l *lanes) either(x Op, spread, plain func(x Op)) {
	if c, ok := x.(constant); !ok {
		plain(x)
	} else if l.m.Wide() {
		spread(c.Mem)
	} else {
		plain(c.Mem)
	}
}

// c returns a number, in memory.
func (l *lanes) c(v float64) constant { return l.bits(math.Float32bits(float32(v))) }

// two writes an instruction that has two operands.
func (l *lanes) two(a value, y Op, spread, plain func(y, a, d Op)) value {
	d := l.register()
	l.either(y, func(y Op) { spread(y, a, d) }, func(y Op) { plain(y, a, d) })
	return d
}

func (l *lanes) add(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VADDPS_BCST(y, a, d) }, func(y, a, d Op) { VADDPS(y, a, d) })
}

func (l *lanes) sub(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VSUBPS_BCST(y, a, d) }, func(y, a, d Op) { VSUBPS(y, a, d) })
}

func (l *lanes) mul(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VMULPS_BCST(y, a, d) }, func(y, a, d Op) { VMULPS(y, a, d) })
}

func (l *lanes) div(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VDIVPS_BCST(y, a, d) }, func(y, a, d Op) { VDIVPS(y, a, d) })
}

func (l *lanes) and(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VANDPS_BCST(y, a, d) }, func(y, a, d Op) { VANDPS(y, a, d) })
}

func (l *lanes) or(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VORPS_BCST(y, a, d) }, func(y, a, d Op) { VORPS(y, a, d) })
}

func (l *lanes) xor(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VXORPS_BCST(y, a, d) }, func(y, a, d Op) { VXORPS(y, a, d) })
}

// atLeast returns the greater of two, and atMost the lesser; where one is NaN, or
// both are zero, it is x.
func (l *lanes) atLeast(x Op, a value) value {
	return l.two(a, x, func(x, a, d Op) { VMAXPS_BCST(x, a, d) }, func(x, a, d Op) { VMAXPS(x, a, d) })
}

func (l *lanes) atMost(x Op, a value) value {
	return l.two(a, x, func(x, a, d Op) { VMINPS_BCST(x, a, d) }, func(x, a, d Op) { VMINPS(x, a, d) })
}

func (l *lanes) sqrt(a value) value { d := l.register(); VSQRTPS(a, d); return d }

// fma returns a × b + y.
func (l *lanes) fma(a, b value, y Op) value {
	d := l.move(a)
	l.either(y, func(y Op) { VFMADD213PS_BCST(y, b, d) }, func(y Op) { VFMADD213PS(y, b, d) })
	return d
}

// nfma returns c - a × y.
func (l *lanes) nfma(a value, y Op, c value) value {
	d := l.move(c)
	l.either(y, func(y Op) { VFNMADD231PS_BCST(y, a, d) }, func(y Op) { VFNMADD231PS(y, a, d) })
	return d
}

// polynomial returns the value of a polynomial, its coefficients given from the
// highest power down.
func (l *lanes) polynomial(a value, coefficients ...float64) value {
	d := l.move(l.c(coefficients[0]))
	for _, c := range coefficients[1:] {
		l.either(l.c(c), func(c Op) { VFMADD213PS_BCST(c, a, d) }, func(c Op) { VFMADD213PS(c, a, d) })
	}
	return d
}

// The ways of VROUNDPS to round, without exceptions.
const (
	nearest = 8
	down    = 9
	up      = 10
)

func (l *lanes) round(a value, way uint8) value {
	d := l.register()
	if l.m.Wide() {
		VRNDSCALEPS(U8(way), a, d)
	} else {
		VROUNDPS(U8(way), a, d)
	}
	return d
}

// Predicates of VCMPPS, all of which are quiet.
const (
	equal          = 0x00
	unordered      = 0x03
	ordered        = 0x07
	less           = 0x11
	lessOrEqual    = 0x12
	greaterOrEqual = 0x1d
	greater        = 0x1e

	notEqual          = 0x04 // which of NaN holds, as the following do
	notLess           = 0x15
	notLessOrEqual    = 0x16
	notGreaterOrEqual = 0x19
)

// nextMask returns a mask register of AVX-512; those of the last six calls differ.
func (l *lanes) nextMask() reg.OpmaskPhysical {
	masks := []reg.OpmaskPhysical{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}
	l.mask = (l.mask + 1) % len(masks)
	return masks[l.mask]
}

// compare returns a mask of the lanes in which a and y are in a relation.
func (l *lanes) compare(a value, predicate uint8, y Op) reg.Register {
	if !l.m.Wide() {
		d := l.register()
		l.either(y, nil, func(y Op) { VCMPPS(U8(predicate), y, a, d) })
		return d
	}
	mask := l.nextMask()
	l.either(y, func(y Op) { VCMPPS_BCST(U8(predicate), y, a, mask) }, func(y Op) { VCMPPS(U8(predicate), y, a, mask) })
	return mask
}

// pick returns x in the lanes of a mask, a in the others.
func (l *lanes) pick(mask reg.Register, x Op, a value) value {
	d := l.register()
	l.either(x, func(x Op) { VBLENDMPS_BCST(x, a, mask, d) }, func(x Op) {
		if l.m.Wide() {
			VBLENDMPS(x, a, mask, d)
		} else {
			VBLENDVPS(mask, x, a, d)
		}
	})
	return d
}

// integers returns numbers, which are whole, as integers; numbers the reverse.
func (l *lanes) integers(a value) value { d := l.register(); VCVTPS2DQ(a, d); return d }
func (l *lanes) numbers(a value) value  { d := l.register(); VCVTDQ2PS(a, d); return d }

func (l *lanes) addIntegers(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VPADDD_BCST(y, a, d) }, func(y, a, d Op) { VPADDD(y, a, d) })
}

func (l *lanes) subIntegers(a value, y Op) value {
	return l.two(a, y, func(y, a, d Op) { VPSUBD_BCST(y, a, d) }, func(y, a, d Op) { VPSUBD(y, a, d) })
}

func (l *lanes) shiftLeft(a value, n uint8) value { d := l.register(); VPSLLD(U8(n), a, d); return d }

// shiftRight keeps the sign.
func (l *lanes) shiftRight(a value, n uint8) value { d := l.register(); VPSRAD(U8(n), a, d); return d }
