package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// The functions on integers take as many elements as fill whole registers; n is a
// multiple of that.
func init() {
	rowNames = append(rowNames, "quantize", "dequantizeUnsigned", "dequantizeSigned", "scaleIntegers")
	rowSignatures["quantize"] = "(dst *byte, a *float32, n int, scale, zero, low, high float32)"
	rowSignatures["dequantizeUnsigned"] = "(dst *float32, a *byte, n int, scale, zero float32)"
	rowSignatures["dequantizeSigned"] = rowSignatures["dequantizeUnsigned"]
	rowSignatures["scaleIntegers"] = "(dst *float32, a *int32, n int, scale float32)"
}

func quantization(m *machine.Machine) {
	quantize(m)
	dequantize(m, "dequantizeUnsigned", func(from Mem, to value) { VPMOVZXBD(from, to) })
	dequantize(m, "dequantizeSigned", func(from Mem, to value) { VPMOVSXBD(from, to) })
	r := begin(m, "scaleIntegers", rowSignatures["scaleIntegers"], "sets dst[i] to a[i] × scale; n is a multiple of a register's lanes.")
	dst, a := r.pointer("dst"), r.pointer("a")
	r.count()
	scale := r.number("scale")
	r.loop("registers", 1, func(i int) {
		v := r.register()
		VCVTDQ2PS(Mem{Base: a}, v)
		r.store(r.mul(v, scale), dst, 0)
	})
	VZEROUPPER()
	RET()
}

// quantize multiplies by the inverse of the scale, which is a good deal faster than
// dividing, and divides where that could make a difference: next to ties. Within
// 1024 a product is less than 2^-12 from the quotient, and beyond it is clipped.
func quantize(m *machine.Machine) {
	r := begin(m, "quantize", rowSignatures["quantize"],
		"sets dst[i] to a[i] / scale, rounded to nearest, ties to even, plus zero, and\nclipped; n is a multiple of a register's lanes.")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	a := r.pointer("a")
	r.count()
	scale, zero, low, high := r.number("scale"), r.number("zero"), r.number("low"), r.number("high")
	inverse := r.div(r.move(r.c(1)), scale)
	magnitude, always := r.abs(inverse), r.move(r.c(-1))
	limit := r.pick(r.compare(magnitude, less, r.c(0x1p-100)), always, r.move(r.c(0.5-0x1p-12)))
	limit = r.pick(r.compare(magnitude, notLess, r.c(0x1p100)), always, limit) // and where it is NaN
	r.loop("registers", 1, func(int) {
		v := r.load(a, 0)
		quotient := r.mul(v, inverse)
		whole := r.round(quotient, nearest)
		r.unlessAny(r.compare(r.abs(r.sub(quotient, whole)), notLess, limit), "far", func() {
			VDIVPS(scale, v, whole)
			if m.Wide() {
				VRNDSCALEPS(U8(nearest), whole, whole)
			} else {
				VROUNDPS(U8(nearest), whole, whole)
			}
		})
		v = r.integers(r.atMost(r.atLeast(low, r.add(whole, zero)), high)) // NaN becomes low
		if m.Wide() {
			VPMOVDB(v, Mem{Base: dst})
		} else {
			VPSHUFB(r.bits(0x0C080400).Mem, v, v) // the low bytes of each half, in every word
			upper := XMM()
			VEXTRACTI128(U8(1), v, upper)
			VPUNPCKLDQ(upper, v.AsX(), v.AsX())
			VMOVQ(v.AsX(), Mem{Base: dst})
		}
		ADDQ(U32(uint32(m.Lanes)), dst)
	})
	VZEROUPPER()
	RET()
}

// unlessAny skips instructions to a label where no lane is in a mask.
func (l *lanes) unlessAny(mask reg.Register, label string, instructions func()) {
	if l.m.Wide() {
		KORTESTW(mask, mask)
	} else {
		VPTEST(mask, mask)
	}
	JE(LabelRef(label))
	instructions()
	Label(label)
}

func dequantize(m *machine.Machine, name string, widen func(from Mem, to value)) {
	r := begin(m, name, rowSignatures[name], "sets dst[i] to (a[i] - zero) × scale; n is a multiple of a register's lanes.")
	dst := r.pointer("dst")
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	r.count()
	scale, zero := r.number("scale"), r.number("zero")
	r.loop("registers", 1, func(int) {
		v := r.register()
		widen(Mem{Base: a}, v)
		r.store(r.mul(r.sub(r.numbers(v), zero), scale), dst, 0)
		ADDQ(U32(uint32(m.Lanes)), a)
	})
	VZEROUPPER()
	RET()
}
