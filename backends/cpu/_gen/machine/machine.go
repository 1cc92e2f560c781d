// Package machine describes the sets of vector instructions that kernels are
// generated for.
package machine

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Machine is a set of instructions.
type Machine struct {
	Name    string
	Lanes   int // float32s in a register
	Rows    int // of the largest tile, two registers wide
	Vectors []reg.VecPhysical
}

var AVX512 = &Machine{"AVX512", 16, 14, []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23, reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}}

var AVX2 = &Machine{"AVX2", 8, 6, []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}}

// Wide reports whether m has AVX-512: mask registers, and twice as many vectors.
func (m *Machine) Wide() bool { return m == AVX512 }

// Width is the number of bytes of a register.
func (m *Machine) Width() int { return m.Lanes * 4 }

// Zero clears a register.
func (m *Machine) Zero(v reg.VecPhysical) {
	if m.Wide() {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

// Masks are the lanes of a tile's registers that exist: mask registers, or, with
// AVX2, the address of words of which those of existing lanes are -1.
type Masks struct {
	m     *Machine
	K     [2]reg.OpmaskPhysical
	words reg.GPVirtual // AVX2 only
}

// NewMasks makes masks of a number of columns, which is destroyed.
func (m *Machine) NewMasks(columns reg.GPVirtual) Masks {
	s := Masks{m: m}
	if m.Wide() {
		s.K = [2]reg.OpmaskPhysical{reg.K1, reg.K2}
		bits := GP32()
		MOVL(U32(0xFFFFFFFF), bits)
		BZHIL(columns.As32(), bits, bits)
		KMOVW(bits, s.K[0])
		SHRL(U8(16), bits)
		KMOVW(bits, s.K[1])
		return s
	}
	// Words from -1s into 0s: the address is as many words before the border as
	// there are columns.
	s.words = GP64()
	LEAQ(MaskWords(), s.words)
	SHLQ(U8(2), columns)
	SUBQ(columns, s.words)
	ADDQ(U32(16*4), s.words)
	return s
}

var words *Mem

// MaskWords is 16 words of -1, then 16 of 0.
func MaskWords() Mem {
	if words == nil {
		m := GLOBL("maskWords", 8|16) // RODATA, NOPTR
		for i := range 32 {
			v := U32(0)
			if i < 16 {
				v = U32(0xFFFFFFFF)
			}
			DATA(i*4, v)
		}
		words = &m
	}
	return *words
}

// Words returns where the words of register i lie.
func (s Masks) Words(i int) Mem { return Mem{Base: s.words, Disp: i * 32} }

// Load reads lanes of register i of a tile; others become 0.
func (s Masks) Load(from Mem, i int, to, spare reg.VecPhysical) {
	if s.m.Wide() {
		VMOVUPS_Z(from, s.K[i], to)
		return
	}
	VMOVDQU(s.Words(i), spare)
	VMASKMOVPS(from, spare, to)
}

// Store writes lanes of register i of a tile.
func (s Masks) Store(from reg.VecPhysical, i int, to Mem, spare reg.VecPhysical) {
	if s.m.Wide() {
		VMOVUPS(from, s.K[i], to)
		return
	}
	VMOVDQU(s.Words(i), spare)
	VMASKMOVPS(from, spare, to)
}
