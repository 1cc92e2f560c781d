package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// transpose writes the function that turns squares of 16 × 16 numbers: pairs of
// rows are interleaved, then pairs of pairs, and at last quarters of registers
// change places.
func transpose() {
	const name = "transposeAVX512"
	TEXT(name, NOSPLIT, "func(dst, src *float32, dstStep, srcStep, dstNext, srcNext, count int)")
	machine.Stub(name, "(dst, src *float32, dstStep, srcStep, dstNext, srcNext, count int)",
		"turns count squares of 16 × 16 numbers, whose rows lie so many bytes apart, and the squares so many.")
	dst, src, count := argument("dst"), argument("src"), argument("count")
	dstStep, srcStep := argument("dstStep"), argument("srcStep")
	dstNext, srcNext := argument("dstNext"), argument("srcNext")
	low, high := vectors[:16], vectors[16:]
	TESTQ(count, count)
	JE(LabelRef("done"))
	Label("square")
	from, to := GP64(), GP64()
	MOVQ(src, from)
	for i := range 16 {
		VMOVUPS(Mem{Base: from}, low[i])
		ADDQ(srcStep, from)
	}
	for i := 0; i < 16; i += 2 {
		VUNPCKLPS(low[i+1], low[i], high[i])
		VUNPCKHPS(low[i+1], low[i], high[i+1])
	}
	for i := 0; i < 16; i += 4 { // low[i+j] gets columns j, 4+j, 8+j and 12+j of four rows
		VUNPCKLPD(high[i+2], high[i], low[i])
		VUNPCKHPD(high[i+2], high[i], low[i+1])
		VUNPCKLPD(high[i+3], high[i+1], low[i+2])
		VUNPCKHPD(high[i+3], high[i+1], low[i+3])
	}
	for j := range 4 {
		a, b, c, d := high[4*j], high[4*j+1], high[4*j+2], high[4*j+3]
		VSHUFF32X4(U8(0x44), low[4+j], low[j], a)
		VSHUFF32X4(U8(0x44), low[12+j], low[8+j], b)
		VSHUFF32X4(U8(0xEE), low[4+j], low[j], c)
		VSHUFF32X4(U8(0xEE), low[12+j], low[8+j], d)
	}
	MOVQ(dst, to)
	for i := range 16 {
		j, quarter := i%4, i/4
		pair, part := high[4*j+quarter/2*2:], U8(0x88)
		if quarter%2 == 1 {
			part = 0xDD
		}
		VSHUFF32X4(part, pair[1], pair[0], low[i])
		VMOVUPS(low[i], Mem{Base: to})
		ADDQ(dstStep, to)
	}
	ADDQ(srcNext, src)
	ADDQ(dstNext, dst)
	SUBQ(U32(1), count)
	JNE(LabelRef("square"))
	Label("done")
	VZEROUPPER()
	RET()
}
