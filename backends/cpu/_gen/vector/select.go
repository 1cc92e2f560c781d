package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func init() {
	rowNames = append(rowNames, "selectWords")
	rowSignatures["selectWords"] = "(dst, a, b *float32, which *byte, n int)"
}

// selectWords writes a choice between words.
func selectWords(m *machine.Machine) {
	r := begin(m, "selectWords", rowSignatures["selectWords"], "sets dst[i] to a[i] where which[i] is not 0, else to b[i]; n is a multiple of a\nregister's lanes.")
	dst, a, b := r.pointer("dst"), r.pointer("a"), r.pointer("b")
	which := Load(Param("which"), GP64()).(reg.GPVirtual)
	r.count()
	r.loop("registers", 1, func(int) {
		v := r.register()
		VPMOVZXBD(Mem{Base: which}, v)
		not := r.compare(r.numbers(v), equal, r.c(0))
		r.store(r.pick(not, r.load(b, 0), r.load(a, 0)), dst, 0)
		ADDQ(U32(uint32(m.Lanes)), which)
	})
	VZEROUPPER()
	RET()
}
