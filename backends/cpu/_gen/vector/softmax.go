package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func init() {
	rowNames = append(rowNames, "softmax")
	rowSignatures["softmax"] = "(dst, a, mask, most *float32, rows, n, step, maskStep int, scale float32)"
}

// softmax writes a function that goes over each of some rows three times: for the
// greatest element, for the exponentials and their sum, and to divide by that.
func softmax(m *machine.Machine) {
	r := begin(m, "softmax", rowSignatures["softmax"], "sets, in each of some rows, dst[i] to e^(s[i] - m) / Σ e^(s[i] - m), where\ns is a × scale + mask and m, which most is set to, its greatest element. A nil\nmask is 0. Steps are in elements.")
	load := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	dst, a, mask, mosts, rows := load("dst"), load("a"), load("mask"), load("most"), load("rows")
	step, maskStep := load("step"), load("maskStep")
	SHLQ(U8(2), step)
	SHLQ(U8(2), maskStep)
	scale := r.number("scale")
	minusInfinity := r.move(lowest(r.lanes))
	greater := func(l *lanes, a, b value) value { return l.atLeast(a, b) }
	to, from, by := GP64(), GP64(), GP64()
	var most [sums]value
	for i := range most {
		most[i] = r.register()
	}
	// pass writes a loop over a row, with operands that advance from where others are.
	pass := func(part string, unroll int, start, advance []reg.GPVirtual, body func(i int)) {
		r.part, r.n, r.pointers = part, load("n"), advance
		for i, p := range advance {
			MOVQ(start[i], p)
		}
		r.each(unroll, body)
	}
	score := func(i int, s value) {
		r.store(s, to, i)
		s = r.keep(s, lowest(r.lanes))
		VMOVAPS(r.atLeast(s, most[i]), most[i]) // may forget a NaN, whose exponential is NaN all the same
	}
	Label("row")
	TESTQ(rows, rows)
	JLE(LabelRef("end"))
	for i := range most {
		VMOVAPS(minusInfinity, most[i])
	}
	TESTQ(mask, mask)
	JE(LabelRef("bare"))
	pass("masked_", sums, []reg.GPVirtual{dst, a, mask}, []reg.GPVirtual{to, from, by}, func(i int) {
		score(i, r.add(r.mul(r.load(from, i), scale), r.load(by, i)))
	})
	ADDQ(maskStep, mask)
	JMP(LabelRef("scored"))
	Label("bare")
	pass("bare_", sums, []reg.GPVirtual{dst, a}, []reg.GPVirtual{to, from}, func(i int) {
		score(i, r.mul(r.load(from, i), scale))
	})
	Label("scored")
	greatest := r.across(greater(r.lanes, greater(r.lanes, most[0], most[1]), greater(r.lanes, most[2], most[3])), greater)
	total := r.move(r.bits(0))
	pass("exp_", 1, []reg.GPVirtual{dst}, []reg.GPVirtual{to}, func(i int) {
		e := r.exp(r.sub(r.load(to, i), greatest))
		r.store(e, to, i)
		VMOVAPS(r.add(total, r.keep(e, r.bits(0))), total)
	})
	inverse := r.div(r.move(r.c(1)), r.across(total, (*lanes).addOf))
	pass("divide_", sums, []reg.GPVirtual{dst}, []reg.GPVirtual{to}, func(i int) {
		r.store(r.mul(r.load(to, i), inverse), to, i)
	})
	VMOVAPS(greatest, m.Vectors[0])
	VMOVSS(reg.X0, Mem{Base: mosts})
	ADDQ(U32(4), mosts)
	ADDQ(step, a)
	ADDQ(step, dst)
	DECQ(rows)
	JMP(LabelRef("row"))
	Label("end")
	VZEROUPPER()
	RET()
}
