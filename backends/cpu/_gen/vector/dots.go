package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func init() {
	for _, name := range []string{"dots", "distances"} {
		rowNames = append(rowNames, name)
		rowSignatures[name] = "(dst, a, b *float32, rows, n, aStep int)"
	}
}

// dots writes a product of a matrix and a vector.
func dots(m *machine.Machine) {
	sumsOfRows(m, "dots", "a[y×aStep+x] × b[x]", func(_ *run, a, b, sum value) { VFMADD231PS(a, b, sum) })
}

// distances writes the squares of the distances of a vector from the rows of a
// matrix.
func distances(m *machine.Machine) {
	sumsOfRows(m, "distances", "(b[x] - a[y×aStep+x])²", func(r *run, a, b, sum value) {
		d := r.sub(b, a)
		VFMADD231PS(d, d, sum)
	})
}

// sumsOfRows writes a function that adds up a term of each element of four rows at a time.
func sumsOfRows(m *machine.Machine, name, term string, add func(r *run, a, b, sum value)) {
	const four = 4
	r := begin(m, name, rowSignatures[name], "sets dst[y] to Σ "+term+" for rows, a multiple of four, of n\nelements.")
	load := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	dst, a, b, rows, step := load("dst"), load("a"), load("b"), load("rows"), load("aStep")
	SHLQ(U8(2), step)
	three := GP64()
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, three)
	from, by := GP64(), GP64()
	r.pointers = []reg.GPVirtual{from, by}
	var sum [four]value
	for i := range sum {
		sum[i] = r.register()
	}
	Label("rows")
	TESTQ(rows, rows)
	JLE(LabelRef("end"))
	MOVQ(a, from)
	MOVQ(b, by)
	r.n = load("n")
	for i := range sum {
		VXORPS(sum[i].AsY(), sum[i].AsY(), sum[i].AsY())
	}
	r.each(1, func(int) {
		x := r.load(by, 0)
		for i, at := range []Mem{{Base: from}, {Base: from, Index: step, Scale: 1}, {Base: from, Index: step, Scale: 2}, {Base: from, Index: three, Scale: 1}} {
			add(r, r.loadAt(at), x, sum[i])
		}
	})
	// Halves are added up to registers of eight lanes, then neighbours.
	var half [four]reg.VecVirtual
	for i, s := range sum {
		half[i] = s.AsY().(reg.VecVirtual)
		if m.Wide() {
			upper := YMM()
			VEXTRACTF64X4(U8(1), s, upper)
			half[i] = YMM()
			VADDPS(upper, s.AsY(), half[i])
		}
	}
	for _, p := range [][2]int{{0, 1}, {2, 3}, {0, 2}} {
		joined := YMM()
		VHADDPS(half[p[1]], half[p[0]], joined)
		half[p[0]] = joined
	}
	upper := XMM()
	VEXTRACTF128(U8(1), half[0], upper)
	VADDPS(upper, half[0].AsX(), upper)
	VMOVUPS(upper, Mem{Base: dst})
	ADDQ(U32(4*four), dst)
	LEAQ(Mem{Base: a, Index: step, Scale: 4}, a)
	SUBQ(U32(four), rows)
	JMP(LabelRef("rows"))
	Label("end")
	VZEROUPPER()
	RET()
}
