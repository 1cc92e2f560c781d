package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// The functions between float32 and 16 bits take as many elements as fill whole
// registers; n is a multiple of that.
func init() {
	rowNames = append(rowNames, "widenHalf", "narrowHalf", "widenBrain", "narrowBrain")
	for _, format := range []string{"Half", "Brain"} {
		rowSignatures["widen"+format] = "(dst *float32, a *uint16, n int)"
		rowSignatures["narrow"+format] = "(dst *uint16, a *float32, n int)"
	}
}

// halves writes the functions between float32 and the two floating-point types of 16
// bits: IEEE 754's binary16, and bfloat16, which is the upper half of a float32.
func halves(m *machine.Machine) {
	widenTo(m, "widenHalf", "binary16", func(r *run, from Mem) value {
		v := r.register()
		VCVTPH2PS(from, v)
		return v
	})
	widenTo(m, "widenBrain", "bfloat16", func(r *run, from Mem) value {
		v := r.register()
		VPMOVZXWD(from, v)
		return r.shiftLeft(v, 16)
	})
	narrowTo(m, "narrowHalf", "binary16", func(r *run, v value, to Mem) { VCVTPS2PH(U8(0), v, to) })
	narrowTo(m, "narrowBrain", "bfloat16", func(r *run, v value, to Mem) {
		// Ties go to the even half: 0x7FFF and the lowest bit that stays are added.
		odd := r.shiftLogical(r.shiftLeft(v, 15), 31)
		rounded := r.addIntegers(r.addIntegers(v, r.bits(0x7FFF)), odd)
		// A NaN keeps its sign and becomes quiet.
		nan := r.or(r.and(v, r.bits(0x80000000)), r.bits(0x7FC00000))
		rounded = r.pick(r.compare(v, unordered, v), nan, rounded)
		words := r.shiftLogical(rounded, 16)
		if m.Wide() {
			VPMOVDW(words, to)
			return
		}
		VPACKUSDW(words, words, words)
		VPERMQ(U8(0x08), words, words)
		VMOVDQU(words.AsX(), to)
	})
}

// shiftLogical shifts right and fills with 0.
func (l *lanes) shiftLogical(a value, n uint8) value {
	d := l.register()
	VPSRLD(U8(n), a, d)
	return d
}

func widenTo(m *machine.Machine, name, format string, widen func(r *run, from Mem) value) {
	r := begin(m, name, rowSignatures[name], "sets dst[i] to the "+format+" a[i]; n is a multiple of a register's lanes.")
	dst := r.pointer("dst")
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	r.count()
	r.loop("registers", 1, func(int) {
		r.store(widen(r, Mem{Base: a}), dst, 0)
		ADDQ(U32(uint32(2*m.Lanes)), a)
	})
	VZEROUPPER()
	RET()
}

func narrowTo(m *machine.Machine, name, format string, narrow func(r *run, v value, to Mem)) {
	r := begin(m, name, rowSignatures[name], "sets dst[i] to the "+format+" nearest to a[i], ties to even; n is a multiple of a\nregister's lanes.")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	a := r.pointer("a")
	r.count()
	r.loop("registers", 1, func(int) {
		narrow(r, r.load(a, 0), Mem{Base: dst})
		ADDQ(U32(uint32(2*m.Lanes)), dst)
	})
	VZEROUPPER()
	RET()
}
