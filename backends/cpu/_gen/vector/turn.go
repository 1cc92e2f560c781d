package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func init() {
	rowNames = append(rowNames, "turn")
	rowSignatures["turn"] = rowsSignature
}

// square is the side of what turn transposes at a time: eight registers of eight
// lanes, on every machine.
const square = 8

// turn writes a transposition in squares. In each, pairs of rows are interleaved,
// then pairs of those, then halves of registers change places.
func turn(m *machine.Machine) {
	begin(m, "turn", rowsSignature, "transposes: dst[y×dstStep+x] = a[x×aStep+y], steps in elements, where\nrows and columns are multiples of eight.")
	dst, a := Load(Param("dst"), GP64()).(reg.GPVirtual), Load(Param("a"), GP64()).(reg.GPVirtual)
	rows, columns := Load(Param("rows"), GP64()).(reg.GPVirtual), Load(Param("columns"), GP64()).(reg.GPVirtual)
	dstStep, aStep := Load(Param("dstStep"), GP64()).(reg.GPVirtual), Load(Param("aStep"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), dstStep)
	SHLQ(U8(2), aStep)
	three, threeTo := GP64(), GP64()
	LEAQ(Mem{Base: aStep, Index: aStep, Scale: 2}, three)
	LEAQ(Mem{Base: dstStep, Index: dstStep, Scale: 2}, threeTo)
	// eight returns where eight rows lie, a step apart.
	eight := func(base, step, three reg.GPVirtual) (list []Mem) {
		fourth := GP64()
		LEAQ(Mem{Base: base, Index: step, Scale: 4}, fourth)
		for _, b := range []reg.GPVirtual{base, fourth} {
			list = append(list, Mem{Base: b}, Mem{Base: b, Index: step, Scale: 1}, Mem{Base: b, Index: step, Scale: 2}, Mem{Base: b, Index: three, Scale: 1})
		}
		return list
	}
	Label("band")
	TESTQ(rows, rows)
	JLE(LabelRef("done"))
	to, from, left := GP64(), GP64(), GP64()
	MOVQ(dst, to)
	MOVQ(a, from)
	MOVQ(columns, left)
	Label("square")
	TESTQ(left, left)
	JLE(LabelRef("next"))
	var v [square]reg.VecVirtual
	for i, at := range eight(from, aStep, three) {
		v[i] = YMM()
		VMOVUPS(at, v[i])
	}
	pair := func(low, high func(ops ...Op), apart int) {
		for i := range v {
			if i&apart == 0 {
				a, b := v[i], v[i+apart]
				v[i], v[i+apart] = YMM(), YMM()
				low(b, a, v[i])
				high(b, a, v[i+apart])
			}
		}
	}
	// After each, register i has of the rows that agree with i in the bits yet to
	// come what the bits done say.
	pair(VUNPCKLPS, VUNPCKHPS, 1)
	pair(VUNPCKLPD, VUNPCKHPD, 2)
	halves := func(which uint8) func(ops ...Op) {
		return func(ops ...Op) { VPERM2F128(U8(which), ops[0], ops[1], ops[2]) }
	}
	pair(halves(0x20), halves(0x31), 4)
	// Bits 0 and 1 of the lane were done in the other order.
	for i, at := range eight(to, dstStep, threeTo) {
		VMOVUPS(v[i&4|i&1<<1|i&2>>1], at)
	}
	LEAQ(Mem{Base: from, Index: aStep, Scale: 8}, from)
	ADDQ(U32(4*square), to)
	SUBQ(U32(square), left)
	JMP(LabelRef("square"))
	Label("next")
	LEAQ(Mem{Base: dst, Index: dstStep, Scale: 8}, dst)
	ADDQ(U32(4*square), a)
	SUBQ(U32(square), rows)
	JMP(LabelRef("band"))
	Label("done")
	VZEROUPPER()
	RET()
}
