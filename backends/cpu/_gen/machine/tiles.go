package machine

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// MatrixTile is a tile register of AMX: up to 16 rows of 64 bytes.
type MatrixTile uint8

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
func tileMemory(name string, prefix uint8, t MatrixTile, base, stride reg.GPPhysical, at int8) {
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

// LoadTile reads rows that lie stride bytes apart.
func LoadTile(t MatrixTile, base, stride reg.GPPhysical, at int8) {
	tileMemory("TILELOADD", prefixF2, t, base, stride, at)
}

// StoreTile writes rows that lie stride bytes apart.
func StoreTile(t MatrixTile, base, stride reg.GPPhysical, at int8) {
	tileMemory("TILESTORED", prefixF3, t, base, stride, at)
}

// MultiplyTiles adds the products of a's unsigned and b's signed bytes to sum.
func MultiplyTiles(b, a, sum MatrixTile) {
	vex(fmt.Sprintf("TDPBUSD tmm%d, tmm%d, tmm%d", b, a, sum), prefix66, 0x5E, uint8(b), false, false, 0xC0|byte(sum)<<3|byte(a))
}

// ConfigureTiles takes the extents of tiles from 64 bytes at base.
func ConfigureTiles(base reg.GPPhysical, at int8) {
	b := number(base)
	vex(fmt.Sprintf("LDTILECFG %d(%s)", at, base.Asm()), prefixNone, 0x49, 0, false, b > 7, 0x40|b&7, byte(at))
}

// ReleaseTiles leaves no state of tiles behind.
func ReleaseTiles() { vex("TILERELEASE", prefixNone, 0x49, 0, false, false, 0xC0) }
