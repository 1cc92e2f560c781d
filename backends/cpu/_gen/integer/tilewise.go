package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// The registers of a tilewise kernel. Those of tiles: sums by row and column of
// tiles, operands, and where they lie.
var (
	sumTiles   = [2][2]machine.MatrixTile{{0, 1}, {2, 3}}
	leftTiles  = [2]machine.MatrixTile{4, 5}
	rightTiles = [2]machine.MatrixTile{6, 7}

	tileArgument = reg.RDI
	tileLefts    = [2]reg.GPPhysical{reg.RAX, reg.RBX} // rows of A, under way
	tileRight    = reg.RSI
)

// tilewise writes the kernels that multiply with the tiles of AMX: one, and two
// rows of tiles by two columns of them at a time, one such group below the other.
// Each gives the tiles' state back at its end.
func tilewise() {
	for rows := 1; rows <= 2; rows++ {
		name := fmt.Sprintf("tiles%dAMX", rows)
		TEXT(name, NOSPLIT, "func(t *byte)")
		Load(Param("t"), tileArgument)
		writeTilewise(rows)
		machine.ReleaseTiles()
		RET()
		machine.Stub(name, "(t *tile)", fmt.Sprintf("computes C = D + A × B by groups of %d × 2 tiles, whose rows t.extents says.", rows))
	}
}

func tileField(at int) Mem { return Mem{Base: tileArgument, Disp: at} }

// twice is the addresses of the two rows of tiles of an operand in a group, the
// second one field upper's rows behind the first one.
func twice(rows, field, step int, to [2]reg.GPPhysical, stride reg.GPPhysical) {
	MOVQ(tileField(step), stride)
	MOVQ(tileField(fieldRow), to[0])
	IMULQ(stride, to[0])
	ADDQ(tileField(field), to[0])
	if rows == 2 {
		MOVQ(tileField(fieldUpper), to[1])
		IMULQ(stride, to[1])
		ADDQ(to[0], to[1])
	}
}

func writeTilewise(rows int) {
	stride, across := reg.R10, reg.RDX
	offsets, blocks, stepA, stepB := reg.R11, reg.RCX, reg.R13, reg.R15
	next, lines, below := reg.R8, reg.R12, reg.R9
	eachSum := func(field, step int, do func(t machine.MatrixTile, base, stride reg.GPPhysical, at int8)) {
		twice(rows, field, step, tileLefts, stride)
		for r := range rows {
			for c := range 2 {
				do(sumTiles[r][c], tileLefts[r], stride, int8(c*64))
			}
		}
	}
	machine.ConfigureTiles(tileArgument, fieldExtents)
	MOVQ(tileField(fieldNext), next)
	MOVQ(tileField(fieldDepth), stepA)
	SHLQ(U8(2), stepA)
	MOVQ(stepA, stepB)
	SHLQ(U8(5), stepB)
	MOVQ(U32(128), across)
	Label("group")
	eachSum(fieldD, fieldLDD, machine.LoadTile)
	twice(rows, fieldA, fieldLDA, tileLefts, stride)
	MOVQ(tileLefts[0], tileField(fieldFirst))
	if rows == 2 {
		MOVQ(tileLefts[1], below)
		SUBQ(tileLefts[0], below)
	}
	MOVQ(tileField(fieldB), tileRight)
	MOVQ(tileField(fieldOffsets), offsets)
	MOVQ(tileField(fieldTaps), lines)
	TESTQ(lines, lines)
	JE(LabelRef("added"))
	LEAQ(Mem{Base: offsets, Index: lines, Scale: 8}, lines)
	MOVQ(lines, tileField(fieldEnd))
	Label("tap")
	MOVQ(tileField(fieldFirst), tileLefts[0])
	ADDQ(Mem{Base: offsets}, tileLefts[0])
	if rows == 2 {
		LEAQ(Mem{Base: tileLefts[0], Index: below, Scale: 1}, tileLefts[1])
	}
	MOVQ(tileField(fieldBlocks), blocks)
	Label("block")
	for r := range rows {
		machine.LoadTile(leftTiles[r], tileLefts[r], stride, 0)
		for c := range 2 {
			if r == 0 {
				machine.LoadTile(rightTiles[c], tileRight, across, int8(c*64))
			}
			machine.MultiplyTiles(rightTiles[c], leftTiles[r], sumTiles[r][c])
		}
		ADDQ(stepA, tileLefts[r])
	}
	ADDQ(stepB, tileRight)
	MOVQ(tileField(fieldLines), lines)
	JMP(LabelRef("fetched"))
	Label("fetch")
	PREFETCHT1(Mem{Base: next})
	PREFETCHT1(Mem{Base: next, Disp: 64})
	ADDQ(U32(128), next)
	SUBQ(U32(2), lines)
	Label("fetched")
	TESTQ(lines, lines)
	JNE(LabelRef("fetch"))
	SUBQ(U32(1), blocks)
	JNE(LabelRef("block"))
	ADDQ(U32(8), offsets)
	CMPQ(offsets, tileField(fieldEnd))
	JNE(LabelRef("tap"))
	Label("added")
	CMPQ(tileField(fieldOutcome), U32(outcomeSums))
	JNE(LabelRef("finish"))
	eachSum(fieldC, fieldLDC, machine.StoreTile)
	Label("next")
	nextGroup()
	JMP(LabelRef("done"))
	Label("finish")
	room := [2]reg.GPPhysical{reg.RAX, reg.RBX}
	MOVQ(tileField(fieldC), room[0])
	if rows == 2 {
		MOVQ(tileField(fieldUpper), room[1])
		SHLQ(U8(7), room[1])
		ADDQ(room[0], room[1])
	}
	for r := range rows {
		for c := range 2 {
			machine.StoreTile(sumTiles[r][c], room[r], across, int8(c*64))
		}
	}
	finishGroup(room[0])
	JMP(LabelRef("next"))
	Label("done")
}

// finishGroup brings the sums of a group at src to numbers, or to bytes, and
// writes them.
func finishGroup(src reg.GPPhysical) {
	dst, step, left, at := reg.RBX, reg.R10, reg.RCX, reg.R12
	factors, biases := [2]reg.VecPhysical{reg.Z16, reg.Z17}, [2]reg.VecPhysical{reg.Z18, reg.Z19}
	low, high, zero := reg.Z20, reg.Z21, reg.Z22
	MOVQ(tileField(fieldStep), step)
	MOVQ(tileField(fieldRow), dst)
	IMULQ(step, dst)
	ADDQ(tileField(fieldOut), dst)
	MOVQ(tileField(fieldHeight), left)
	MOVL(tileField(fieldMask), at.As32())
	masks := [2]reg.OpmaskPhysical{reg.K1, reg.K2} // of the columns that there are
	KMOVW(at.As32(), masks[0])
	SHRL(U8(16), at.As32())
	KMOVW(at.As32(), masks[1])
	MOVQ(tileField(fieldFactor), at)
	for i := range 2 {
		VMOVUPS_Z(Mem{Base: at, Disp: i * 64}, masks[i], factors[i])
	}
	each := func(label string, registers int, do func(v reg.VecPhysical, i int)) {
		Label(label)
		for i := range registers {
			v := []reg.VecPhysical{reg.Z23, reg.Z24}[i]
			VCVTDQ2PS(Mem{Base: src, Disp: i * 64}, v)
			VMULPS(factors[i], v, v)
			do(v, i)
		}
		ADDQ(U32(128), src)
		ADDQ(step, dst)
		SUBQ(U32(1), left)
		JNE(LabelRef(label))
	}
	CMPQ(tileField(fieldOutcome), U32(outcomeFloats))
	JNE(LabelRef("bytes"))
	MOVQ(tileField(fieldBias), at)
	for i := range 2 {
		VMOVUPS_Z(Mem{Base: at, Disp: i * 64}, masks[i], biases[i])
	}
	each("float", 2, func(v reg.VecPhysical, i int) {
		VADDPS(biases[i], v, v)
		VMOVUPS(v, masks[i], Mem{Base: dst, Disp: i * 64})
	})
	JMP(LabelRef("next"))
	Label("bytes")
	VBROADCASTSS(tileField(fieldLow), low)
	VBROADCASTSS(tileField(fieldHigh), high)
	VPBROADCASTD(tileField(fieldZero), zero)
	bytes := func(v reg.VecPhysical) {
		VMAXPS(low, v, v) // low for NaN
		VMINPS(high, v, v)
		VCVTPS2DQ(v, v)
		VPADDD(zero, v, v)
	}
	masked := func(v reg.VecPhysical, i int) {
		bytes(v)
		VPMOVDB(v, v.AsX())
		VMOVDQU8(v.AsX(), masks[i], Mem{Base: dst, Disp: i * 16})
	}
	MOVL(tileField(fieldMask), at.As32())
	CMPL(at.As32(), U32(0xFFFF))
	JLS(LabelRef("narrow"))
	CMPL(at.As32(), U32(0xFFFFFFFF))
	JNE(LabelRef("masked"))
	each("byte", 2, func(v reg.VecPhysical, i int) {
		bytes(v)
		VPMOVDB(v, Mem{Base: dst, Disp: i * 16})
	})
	JMP(LabelRef("next"))
	each("narrow", 1, masked)
	JMP(LabelRef("next"))
	each("masked", 2, masked)
}

// nextGroup goes on to the group of tiles below, if there is one: the last one
// ends with the last row, and may begin within the one before.
func nextGroup() {
	row, last := reg.RAX, reg.RBX
	MOVQ(tileField(fieldRow), row)
	MOVQ(tileField(fieldLastRow), last)
	CMPQ(row, last)
	JE(LabelRef("done"))
	ADDQ(tileField(fieldHeight), row)
	CMPQ(row, last)
	CMOVQGT(last, row)
	MOVQ(row, tileField(fieldRow))
	JMP(LabelRef("group"))
}
