package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func init() {
	rowNames = append(rowNames, "gatherSum")
	rowSignatures["gatherSum"] = "(dst, a *float32, at *int32, weight *float32, n, terms, step int)"
}

// gatherSum writes sums of weighted elements that lie anywhere.
func gatherSum(m *machine.Machine) {
	r := begin(m, "gatherSum", rowSignatures["gatherSum"],
		"sets dst[i] to the sum of weight[k*step+i] × a[at[k*step+i]] for k < terms, leaving\nout weights of 0.")
	dst, at, weight := r.pointer("dst"), r.pointer("at"), r.pointer("weight")
	a := Load(Param("a"), GP64()).(reg.GPVirtual)
	r.count()
	terms := Load(Param("terms"), GP64()).(reg.GPVirtual)
	step := Load(Param("step"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), step)
	r.each(1, func(int) {
		label := "terms"
		if r.masked {
			label = "last_terms"
		}
		index, factor, left := GP64(), GP64(), GP64()
		MOVQ(at, index)
		MOVQ(weight, factor)
		MOVQ(terms, left)
		total := r.move(r.bits(0))
		Label(label)
		w := r.loadAt(Mem{Base: factor})
		v := r.gather(a, r.loadAt(Mem{Base: index}), r.compare(w, notEqual, r.c(0)))
		VFMADD231PS(v, w, total)
		ADDQ(step, index)
		ADDQ(step, factor)
		DECQ(left)
		JNE(LabelRef(label))
		r.store(total, dst, 0)
	})
	VZEROUPPER()
	RET()
}

// gather reads words at indexes from an address on, in the lanes of a mask, which is
// destroyed; the others become 0.
func (l *lanes) gather(from reg.GPVirtual, indexes value, mask reg.Register) value {
	v := l.register()
	if l.m.Wide() {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
	words := Mem{Base: from, Index: indexes, Scale: 4}
	if l.m.Wide() {
		VGATHERDPS(words, mask, v)
	} else {
		VGATHERDPS(mask, words, v)
	}
	return v
}
