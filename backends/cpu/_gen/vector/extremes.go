package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

const extremesSignature = "(best *float32, at *int32, a *float32, n int, i int32)"

func init() {
	rowNames = append(rowNames, "keepGreater", "keepLess")
	rowSignatures["keepGreater"], rowSignatures["keepLess"] = extremesSignature, extremesSignature
}

// extremes writes functions that keep the most extreme of what they meet.
func extremes(m *machine.Machine) {
	keep(m, "keepGreater", "greater", notLessOrEqual)
	keep(m, "keepLess", "less", notGreaterOrEqual)
}

// keep writes a function. Predicate holds where a number takes the other's place, and
// where one of both is NaN.
func keep(m *machine.Machine, name, relation string, predicate uint8) {
	r := begin(m, name, extremesSignature, "sets best[k] to a[k], and at[k] to i, where a[k] is "+relation+", or NaN, and best[k] is not.")
	best, at, a := r.pointer("best"), r.pointer("at"), r.pointer("a")
	r.count()
	index := r.number("i")
	r.each(2, func(i int) {
		b, v := r.load(best, i), r.load(a, i)
		taken := r.mutual(r.compare(v, predicate, b), r.compare(b, ordered, b))
		r.store(r.pick(taken, v, b), best, i)
		r.store(r.pick(taken, index, r.load(at, i)), at, i)
	})
	VZEROUPPER()
	RET()
}

// mutual returns a mask of the lanes that are in both.
func (l *lanes) mutual(a, b reg.Register) reg.Register {
	if !l.m.Wide() {
		d := l.register()
		VANDPS(a, b, d)
		return d
	}
	mask := l.nextMask()
	KANDW(a, b, mask)
	return mask
}
