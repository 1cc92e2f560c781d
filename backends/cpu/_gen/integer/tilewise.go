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
// rows of tiles by two columns of them. Each gives the tiles' state back at its
// end.
func tilewise() {
	for rows := 1; rows <= 2; rows++ {
		name := fmt.Sprintf("tiles%dAMX", rows)
		TEXT(name, NOSPLIT, "func(t *byte)")
		Load(Param("t"), tileArgument)
		writeTilewise(rows)
		machine.ReleaseTiles()
		RET()
		machine.Stub(name, "(t *tile)", fmt.Sprintf("computes C = D + A × B with %d × 2 tiles, of whose rows t.extents says how many there are.", rows))
	}
}

func tileField(at int) Mem { return Mem{Base: tileArgument, Disp: at} }

// twice is the addresses of the two rows of tiles of an operand, the second one
// field upper's rows behind the first one.
func twice(rows, field, step int, to [2]reg.GPPhysical, stride reg.GPPhysical) {
	MOVQ(tileField(field), to[0])
	MOVQ(tileField(step), stride)
	if rows == 2 {
		MOVQ(tileField(fieldUpper), to[1])
		IMULQ(stride, to[1])
		ADDQ(to[0], to[1])
	}
}

func writeTilewise(rows int) {
	stride, across := reg.R10, reg.RDX
	machine.ConfigureTiles(tileArgument, fieldExtents)
	eachSum := func(field, step int, do func(t machine.MatrixTile, base, stride reg.GPPhysical, at int8)) {
		twice(rows, field, step, tileLefts, stride)
		for r := range rows {
			for c := range 2 {
				do(sumTiles[r][c], tileLefts[r], stride, int8(c*64))
			}
		}
	}
	eachSum(fieldD, fieldLDD, machine.LoadTile)

	offsets, blocks, stepA, stepB := reg.R11, reg.RCX, reg.R13, reg.R15
	next, lines, below := reg.R8, reg.R12, reg.R9
	MOVQ(tileField(fieldLDA), stride)
	if rows == 2 {
		MOVQ(tileField(fieldUpper), below)
		IMULQ(stride, below)
	}
	MOVQ(tileField(fieldB), tileRight)
	MOVQ(tileField(fieldNext), next)
	MOVQ(tileField(fieldTaps), lines)
	MOVQ(tileField(fieldOffsets), offsets)
	TESTQ(lines, lines)
	JE(LabelRef("added"))
	LEAQ(Mem{Base: offsets, Index: lines, Scale: 8}, lines)
	MOVQ(lines, tileField(fieldEnd))
	MOVQ(tileField(fieldDepth), stepA)
	SHLQ(U8(2), stepA)
	MOVQ(stepA, stepB)
	SHLQ(U8(5), stepB)
	MOVQ(U32(128), across)
	Label("tap")
	MOVQ(tileField(fieldA), tileLefts[0])
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
	eachSum(fieldC, fieldLDC, machine.StoreTile)
}
