package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

const rowsSignature = "(dst, a *float32, rows, columns, dstStep, aStep int)"

func init() {
	rowNames = append(rowNames, "copyRows", "evenRows")
	rowSignatures["copyRows"], rowSignatures["evenRows"] = rowsSignature, rowsSignature
}

// movement writes the functions that move rows of a plane.
func movement(m *machine.Machine) {
	moveRows(m, "copyRows", "copies rows: dst[y×dstStep+x] = a[y×aStep+x], steps in elements.", 1)
	moveRows(m, "evenRows", "copies every second element of rows: dst[y×dstStep+x] =\na[y×aStep+2x], steps in elements.", 2)
}

// lineMask is a mask of the first lanes of a register.
type lineMask struct {
	k     reg.OpmaskPhysical // AVX-512
	words reg.GPVirtual      // AVX2: where the words lie
}

// firstLanes makes a mask of a number of lanes, at most those of a register; the
// number is destroyed.
func (l *lanes) firstLanes(count reg.GPVirtual, k reg.OpmaskPhysical) lineMask {
	if l.m.Wide() {
		bits := GP32()
		MOVL(U32(0xFFFF), bits)
		BZHIL(count.As32(), bits, bits)
		KMOVW(bits, k)
		return lineMask{k: k}
	}
	words := GP64()
	LEAQ(machine.MaskWords(), words)
	SHLQ(U8(2), count)
	SUBQ(count, words)
	ADDQ(U32(16*4), words)
	return lineMask{words: words}
}

func (l *lanes) loadFirst(mask lineMask, from Mem) value {
	v := l.register()
	if l.m.Wide() {
		VMOVUPS_Z(from, mask.k, v)
	} else {
		VMOVDQU(Mem{Base: mask.words}, v)
		VMASKMOVPS(from, v, v)
	}
	return v
}

func (l *lanes) storeFirst(mask lineMask, v value, to Mem) {
	if l.m.Wide() {
		VMOVUPS(v, mask.k, to)
		return
	}
	words := YMM()
	VMOVDQU(Mem{Base: mask.words}, words)
	VMASKMOVPS(v, words, to)
}

// moveRows writes a function that takes every stride-th element of rows. The
// second register of pairs is read from one element before its place, so that
// nothing is read behind the last element needed.
func moveRows(m *machine.Machine, name, doc string, stride int) {
	r := begin(m, name, rowsSignature, doc)
	dst, a := Load(Param("dst"), GP64()).(reg.GPVirtual), Load(Param("a"), GP64()).(reg.GPVirtual)
	rows, columns := Load(Param("rows"), GP64()).(reg.GPVirtual), Load(Param("columns"), GP64()).(reg.GPVirtual)
	dstStep, aStep := Load(Param("dstStep"), GP64()).(reg.GPVirtual), Load(Param("aStep"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), dstStep)
	SHLQ(U8(2), aStep)
	lanes := uint32(m.Lanes)
	tail := GP64()
	MOVQ(columns, tail)
	ANDQ(U32(lanes-1), tail)
	var order value
	if stride == 2 && m.Wide() {
		order = r.move(pairOrder())
	}
	count := func(of func(n reg.GPVirtual)) reg.GPVirtual {
		n := GP64()
		MOVQ(tail, n)
		of(n)
		return n
	}
	zero, most := GP64(), GP64()
	XORQ(zero, zero)
	MOVQ(U32(lanes), most)
	stored := r.firstLanes(count(func(reg.GPVirtual) {}), reg.K1)
	var low, high lineMask
	if stride == 2 { // of 2n-1 elements
		low = r.firstLanes(count(func(n reg.GPVirtual) {
			LEAQ(Mem{Base: n, Index: n, Scale: 1, Disp: -1}, n)
			CMPQ(n, most)
			CMOVQGT(most, n)
			TESTQ(tail, tail)
			CMOVQEQ(zero, n)
		}), reg.K2)
		high = r.firstLanes(count(func(n reg.GPVirtual) {
			LEAQ(Mem{Base: n, Index: n, Scale: 1, Disp: -int(lanes)}, n)
			TESTQ(n, n)
			CMOVQLT(zero, n)
		}), reg.K3)
	}
	take := func(low, high value) value {
		v := r.register()
		if m.Wide() {
			VMOVAPS(order, v)
			VPERMI2PS(high, low, v)
		} else {
			VSHUFPS(U8(0xD8), high, low, v)
			VPERMPD(U8(0xD8), v, v)
		}
		return v
	}
	Label("row")
	TESTQ(rows, rows)
	JE(LabelRef("done"))
	to, from, left := GP64(), GP64(), GP64()
	MOVQ(dst, to)
	MOVQ(a, from)
	MOVQ(columns, left)
	Label("registers")
	CMPQ(left, U32(lanes))
	JL(LabelRef("rest"))
	v := r.move(Mem{Base: from})
	if stride == 2 {
		v = take(v, r.move(Mem{Base: from, Disp: m.Width() - 4}))
	}
	VMOVUPS(v, Mem{Base: to})
	ADDQ(U32(uint32(m.Width())), to)
	ADDQ(U32(uint32(stride*m.Width())), from)
	SUBQ(U32(lanes), left)
	JMP(LabelRef("registers"))
	Label("rest")
	TESTQ(left, left)
	JE(LabelRef("next"))
	if stride == 1 {
		r.storeFirst(stored, r.loadFirst(stored, Mem{Base: from}), Mem{Base: to})
	} else {
		v := take(r.loadFirst(low, Mem{Base: from}), r.loadFirst(high, Mem{Base: from, Disp: m.Width() - 4}))
		r.storeFirst(stored, v, Mem{Base: to})
	}
	Label("next")
	ADDQ(dstStep, dst)
	ADDQ(aStep, a)
	DECQ(rows)
	JMP(LabelRef("row"))
	Label("done")
	VZEROUPPER()
	RET()
}

// pairOrder is where VPERMI2PS finds every second element of a register and of the
// one that begins one element before its end.
func pairOrder() Mem {
	name := GLOBL("pairOrder", 8|16) // RODATA, NOPTR
	for i := range 16 {
		at := 2 * i
		if at >= 16 {
			at++
		}
		DATA(4*i, U32(uint32(at)))
	}
	return name
}
