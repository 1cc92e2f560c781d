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
	VMOVUPS(x, v)
	return v
}

// spread returns a number in all lanes.
func (l *lanes) spread(x Op) value {
	v := l.register()
	VBROADCASTSS(x, v)
	return v
}

// constants are the words that functions use, each as often as the widest
// register has lanes.
var (
	constants     = map[uint32]int{}
	constantsData *Mem
)

// bits returns a constant of 32 bits, in memory.
func (l *lanes) bits(v uint32) Mem {
	if constantsData == nil {
		name := GLOBL("constants", 8|16) // RODATA, NOPTR
		constantsData = &name
	}
	at, known := constants[v]
	if !known {
		at = len(constants) * 64
		constants[v] = at
		for i := range 8 {
			DATA(at+8*i, U64(uint64(v)<<32|uint64(v)))
		}
	}
	return constantsData.Offset(at)
}

// c returns a number, in memory.
func (l *lanes) c(v float64) Mem { return l.bits(math.Float32bits(float32(v))) }

func (l *lanes) add(a value, y Op) value { d := l.register(); VADDPS(y, a, d); return d }
func (l *lanes) sub(a value, y Op) value { d := l.register(); VSUBPS(y, a, d); return d }
func (l *lanes) mul(a value, y Op) value { d := l.register(); VMULPS(y, a, d); return d }
func (l *lanes) div(a value, y Op) value { d := l.register(); VDIVPS(y, a, d); return d }
func (l *lanes) and(a value, y Op) value { d := l.register(); VANDPS(y, a, d); return d }
func (l *lanes) or(a value, y Op) value  { d := l.register(); VORPS(y, a, d); return d }
func (l *lanes) xor(a value, y Op) value { d := l.register(); VXORPS(y, a, d); return d }

// atLeast returns the greater of two, and atMost the lesser; where one is NaN, or
// both are zero, it is x.
func (l *lanes) atLeast(x Op, a value) value { d := l.register(); VMAXPS(x, a, d); return d }
func (l *lanes) atMost(x Op, a value) value  { d := l.register(); VMINPS(x, a, d); return d }

// fma returns a × b + y.
func (l *lanes) fma(a, b value, y Op) value {
	d := l.move(a)
	VFMADD213PS(y, b, d)
	return d
}

// nfma returns c - a × y.
func (l *lanes) nfma(a value, y Op, c value) value {
	d := l.move(c)
	VFNMADD231PS(y, a, d)
	return d
}

// polynomial returns the value of a polynomial, its coefficients given from the
// highest power down.
func (l *lanes) polynomial(a value, coefficients ...float64) value {
	d := l.move(l.c(coefficients[0]))
	for _, c := range coefficients[1:] {
		VFMADD213PS(l.c(c), a, d)
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
	equal     = 0x00
	less      = 0x11
	unordered = 0x03
	notLess   = 0x15
)

// compare returns a mask of the lanes in which a and y are in a relation.
func (l *lanes) compare(a value, predicate uint8, y Op) reg.Register {
	if !l.m.Wide() {
		d := l.register()
		VCMPPS(U8(predicate), y, a, d)
		return d
	}
	masks := []reg.OpmaskPhysical{reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}
	l.mask = (l.mask + 1) % len(masks)
	VCMPPS(U8(predicate), y, a, masks[l.mask])
	return masks[l.mask]
}

// pick returns x in the lanes of a mask, a in the others.
func (l *lanes) pick(mask reg.Register, x Op, a value) value {
	d := l.register()
	if l.m.Wide() {
		VBLENDMPS(x, a, mask, d)
	} else {
		VBLENDVPS(mask, x, a, d)
	}
	return d
}

// integers returns numbers, which are whole, as integers; numbers the reverse.
func (l *lanes) integers(a value) value { d := l.register(); VCVTPS2DQ(a, d); return d }
func (l *lanes) numbers(a value) value  { d := l.register(); VCVTDQ2PS(a, d); return d }

func (l *lanes) addIntegers(a value, y Op) value { d := l.register(); VPADDD(y, a, d); return d }
func (l *lanes) subIntegers(a value, y Op) value { d := l.register(); VPSUBD(y, a, d); return d }

func (l *lanes) shiftLeft(a value, n uint8) value { d := l.register(); VPSLLD(U8(n), a, d); return d }

// shiftRight keeps the sign.
func (l *lanes) shiftRight(a value, n uint8) value { d := l.register(); VPSRAD(U8(n), a, d); return d }
