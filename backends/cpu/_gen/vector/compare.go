package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

const comparisonSignature = "(dst *bool, a, b *float32, n int, p float32)"

// comparison asks something of single elements: of a and b, of a and a number p, or of
// a alone.
type comparison struct {
	name, doc string
	pairs, p  bool // b and p are used
	of        func(l *lanes, a, b value) reg.Register
}

var comparisons = []comparison{
	related("equal", "=", equal).both(), related("less", "<", less).both(), related("lessOrEqual", "<=", lessOrEqual).both(),
	related("equal", "=", equal).right(), related("less", "<", less).right(), related("lessOrEqual", "<=", lessOrEqual).right(),
	related("greater", ">", greater).right(), related("greaterOrEqual", ">=", greaterOrEqual).right(),
	{name: "isNaN", doc: "a[i] is NaN", of: func(l *lanes, a, _ value) reg.Register { return l.compare(a, unordered, a) }},
	{name: "isInf", doc: "a[i] is infinite", of: func(l *lanes, a, _ value) reg.Register {
		return l.compare(l.abs(a), equal, l.bits(infinity))
	}},
}

func related(name, sign string, predicate uint8) comparison {
	return comparison{name: name, doc: "a[i] " + sign, of: func(l *lanes, a, b value) reg.Register { return l.compare(a, predicate, b) }}
}

func (c comparison) both() comparison {
	return comparison{name: c.name + "Both", doc: c.doc + " b[i]", pairs: true, of: c.of}
}

func (c comparison) right() comparison {
	return comparison{name: c.name + "Right", doc: c.doc + " p", p: true, of: c.of}
}

func (c comparison) write(m *machine.Machine) {
	r := begin(m, c.name, comparisonSignature, "sets dst[i] to whether "+c.doc+"; n is a multiple of a register's lanes.")
	dst := Load(Param("dst"), GP64()).(reg.GPVirtual)
	a := r.pointer("a")
	var b reg.GPVirtual
	if c.pairs {
		b = r.pointer("b")
	}
	r.count()
	var p value
	if c.p {
		p = r.number("p")
	}
	r.loop("registers", 1, func(int) {
		v, w := r.load(a, 0), p
		if c.pairs {
			w = r.load(b, 0)
		}
		r.storeTruths(c.of(r.lanes, v, w), Mem{Base: dst})
		ADDQ(U32(uint32(m.Lanes)), dst)
	})
	VZEROUPPER()
	RET()
}

// storeTruths stores a byte for each lane: 1 of those in a mask, 0 of the others.
func (r *run) storeTruths(mask reg.Register, to Mem) {
	ones := r.bits(0x01010101).Mem
	bytes := XMM()
	if r.m.Wide() {
		VMOVDQU8_Z(ones, mask, bytes)
		VMOVDQU(bytes, to)
		return
	}
	upper := XMM()
	VEXTRACTF128(U8(1), mask, upper)
	VPACKSSDW(upper, mask.(value).AsX(), bytes)
	VPACKSSWB(bytes, bytes, bytes)
	VPAND(ones, bytes, bytes)
	VMOVQ(bytes, to)
}
