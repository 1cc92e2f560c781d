package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// matrixTile is a tile register of AMX: up to 16 rows of 64 bytes.
type matrixTile uint8

// encoded is the bytes of an instruction that Go's assembler does not know, as
// the operand of BYTE.
type encoded struct {
	Constant
	bytes []byte
	text  string
}

// Asm implements operand.Op.
func (e encoded) Asm() string {
	list := make([]string, len(e.bytes))
	for i, b := range e.bytes {
		list[i] = fmt.Sprintf("$0x%02X", b)
	}
	return strings.Join(list, "; BYTE ") + " // " + e.text
}

// The prefixes that a VEX prefix stands for.
const (
	prefixNone = iota
	prefix66
	prefixF3
	prefixF2
)

// vex writes an instruction of map 0F38 with a VEX prefix of three bytes: Intel's
// Software Developer's Manual, volume 2, "Instruction Format". Rest is ModRM, the
// byte of an index and a displacement; index and base extend their registers'
// numbers.
func vex(text string, prefix, opcode, second uint8, index, base bool, rest ...byte) {
	extensions := byte(0xE2)
	if index {
		extensions &^= 0x40
	}
	if base {
		extensions &^= 0x20
	}
	Instruction(&ir.Instruction{Opcode: "BYTE", Operands: []Op{
		encoded{U8(0xC4), append([]byte{0xC4, extensions, (^second&0xF)<<3 | prefix, opcode}, rest...), text},
	}})
}

// tileMemory writes an instruction on the rows of a tile register that lie stride
// bytes apart.
func tileMemory(name string, prefix uint8, t matrixTile, base, stride reg.GPPhysical, at int8) {
	b, s := number(base), number(stride)
	vex(fmt.Sprintf("%s %d(%s)(%s*1), tmm%d", name, at, base.Asm(), stride.Asm(), t), prefix, 0x4B, 0, s > 7, b > 7,
		0x44|byte(t)<<3, s&7<<3|b&7, byte(at))
}

// number is that of a register in the encoding of instructions.
func number(r reg.GPPhysical) byte {
	for i, known := range []reg.GPPhysical{reg.RAX, reg.RCX, reg.RDX, reg.RBX, nil, nil, reg.RSI, reg.RDI,
		reg.R8, reg.R9, reg.R10, reg.R11, reg.R12, reg.R13, reg.R14, reg.R15} {
		if r == known {
			return byte(i)
		}
	}
	panic("no general register: " + r.Asm())
}

func loadTile(t matrixTile, base, stride reg.GPPhysical, at int8) {
	tileMemory("TILELOADD", prefixF2, t, base, stride, at)
}

func storeTile(t matrixTile, base, stride reg.GPPhysical, at int8) {
	tileMemory("TILESTORED", prefixF3, t, base, stride, at)
}

// multiplyTiles adds the products of a's unsigned and b's signed bytes to sum.
func multiplyTiles(b, a, sum matrixTile) {
	vex(fmt.Sprintf("TDPBUSD tmm%d, tmm%d, tmm%d", b, a, sum), prefix66, 0x5E, uint8(b), false, false, 0xC0|byte(sum)<<3|byte(a))
}

// configureTiles takes the extents of tiles from 64 bytes at base.
func configureTiles(base reg.GPPhysical, at int8) {
	b := number(base)
	vex(fmt.Sprintf("LDTILECFG %d(%s)", at, base.Asm()), prefixNone, 0x49, 0, false, b > 7, 0x40|b&7, byte(at))
}

// releaseTiles leaves no state of tiles behind.
func releaseTiles() { vex("TILERELEASE", prefixNone, 0x49, 0, false, false, 0xC0) }

// The registers of a tilewise kernel. Those of tiles: sums by row and column of
// tiles, operands, and where they lie.
var (
	sumTiles   = [2][2]matrixTile{{0, 1}, {2, 3}}
	leftTiles  = [2]matrixTile{4, 5}
	rightTiles = [2]matrixTile{6, 7}

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
		releaseTiles()
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
	configureTiles(tileArgument, fieldExtents)
	eachSum := func(field, step int, do func(t matrixTile, base, stride reg.GPPhysical, at int8)) {
		twice(rows, field, step, tileLefts, stride)
		for r := range rows {
			for c := range 2 {
				do(sumTiles[r][c], tileLefts[r], stride, int8(c*64))
			}
		}
	}
	eachSum(fieldD, fieldLDD, loadTile)

	firsts := [2]reg.GPPhysical{reg.R8, reg.R9}
	offsets, taps, blocks, stepA, stepB := reg.R11, reg.R12, reg.RCX, reg.R13, reg.R15
	twice(rows, fieldA, fieldLDA, firsts, stride)
	MOVQ(tileField(fieldB), tileRight)
	MOVQ(tileField(fieldOffsets), offsets)
	MOVQ(tileField(fieldTaps), taps)
	MOVQ(tileField(fieldDepth), stepA)
	SHLQ(U8(2), stepA)
	MOVQ(stepA, stepB)
	SHLQ(U8(5), stepB)
	MOVQ(U32(128), across)
	TESTQ(taps, taps)
	JE(LabelRef("added"))
	Label("tap")
	for r := range rows {
		MOVQ(firsts[r], tileLefts[r])
		ADDQ(Mem{Base: offsets}, tileLefts[r])
	}
	MOVQ(tileField(fieldBlocks), blocks)
	Label("block")
	for r := range rows {
		loadTile(leftTiles[r], tileLefts[r], stride, 0)
		for c := range 2 {
			if r == 0 {
				loadTile(rightTiles[c], tileRight, across, int8(c*64))
			}
			multiplyTiles(rightTiles[c], leftTiles[r], sumTiles[r][c])
		}
		ADDQ(stepA, tileLefts[r])
	}
	ADDQ(stepB, tileRight)
	SUBQ(U32(1), blocks)
	JNE(LabelRef("block"))
	ADDQ(U32(8), offsets)
	SUBQ(U32(1), taps)
	JNE(LabelRef("tap"))
	Label("added")
	eachSum(fieldC, fieldLDC, storeTile)
}
