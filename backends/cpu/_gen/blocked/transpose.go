package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func declareTranspose(m *machine.Machine) {
	declare("transpose"+m.Name, "(dst, src *float32, dstStep, srcStep, dstNext, srcNext, count int)",
		"turns count squares of 16 × 16 numbers, whose rows lie so many bytes apart, and the squares so many.")
}

// transposeAVX512 writes the function that turns squares of 16 × 16 numbers: pairs of
// rows are interleaved, then pairs of pairs, and at last quarters of registers
// change places.
func transposeAVX512() {
	declareTranspose(machine.AVX512)
	dst, src, count := argument("dst"), argument("src"), argument("count")
	dstStep, srcStep := argument("dstStep"), argument("srcStep")
	dstNext, srcNext := argument("dstNext"), argument("srcNext")
	low, high := machine.AVX512.Vectors[:16], machine.AVX512.Vectors[16:]
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

// transposeAVX2 writes the same for registers of two halves: four numbers of each of
// eight rows at a time, the last four rows in the upper halves, make four rows of
// eight.
func transposeAVX2() {
	declareTranspose(machine.AVX2)
	dst, src, count := argument("dst"), argument("src"), argument("count")
	dstStep, srcStep := argument("dstStep"), argument("srcStep")
	thrice := func(step reg.GPVirtual) reg.GPVirtual {
		r := GP64()
		LEAQ(Mem{Base: step, Index: step, Scale: 2}, r)
		return r
	}
	dstThrice, srcThrice := thrice(dstStep), thrice(srcStep)
	// row returns where number i of row 0 to 3 from an address on lies.
	row := func(first, step, thrice reg.GPVirtual, row, i int) Mem {
		switch row {
		case 0:
			return Mem{Base: first, Disp: 4 * i}
		case 3:
			return Mem{Base: first, Index: thrice, Scale: 1, Disp: 4 * i}
		}
		return Mem{Base: first, Index: step, Scale: uint8(row), Disp: 4 * i}
	}
	TESTQ(count, count)
	JE(LabelRef("done"))
	Label("square")
	for half := range 2 {
		upper, lower, to := GP64(), GP64(), GP64()
		MOVQ(src, upper)
		if half == 1 {
			LEAQ(Mem{Base: src, Index: srcStep, Scale: 8}, upper)
		}
		LEAQ(Mem{Base: upper, Index: srcStep, Scale: 4}, lower)
		MOVQ(dst, to)
		for column := 0; column < width; column += 4 {
			v := machine.AVX2.Vectors[column%8:]
			a, b := v[:4], machine.AVX2.Vectors[8+column%8:][:4]
			for i := range 4 {
				VMOVUPS(row(upper, srcStep, srcThrice, i, column), a[i].AsX())
				VINSERTF128(U8(1), row(lower, srcStep, srcThrice, i, column), a[i], a[i])
			}
			for i := 0; i < 4; i += 2 {
				VUNPCKLPS(a[i+1], a[i], b[i])
				VUNPCKHPS(a[i+1], a[i], b[i+1])
			}
			for i := range 2 {
				VUNPCKLPD(b[2+i], b[i], a[2*i])
				VUNPCKHPD(b[2+i], b[i], a[2*i+1])
			}
			for i := range 4 {
				VMOVUPS(a[i], row(to, dstStep, dstThrice, i, 8*half))
			}
			LEAQ(Mem{Base: to, Index: dstStep, Scale: 4}, to)
		}
	}
	ADDQ(NewParamAddr("srcNext", 40), src)
	ADDQ(NewParamAddr("dstNext", 32), dst)
	SUBQ(U32(1), count)
	JNE(LabelRef("square"))
	Label("done")
	VZEROUPPER()
	RET()
}
