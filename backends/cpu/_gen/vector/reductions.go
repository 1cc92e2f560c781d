package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

const reductionSignature = "(a, b *float32, n int, m float32) float32"

// reduction reduces elements to one number, in several sums at once.
type reduction struct {
	name, doc string
	pairs, m  bool // b and m are used
	start     func(l *lanes) constant
	step      func(l *lanes, sum, a, b, m value) value
	join      func(l *lanes, a, b value) value
}

var reductions = []reduction{
	{name: "sum", doc: "Σ a[i]", start: zero, join: (*lanes).addOf, step: func(l *lanes, sum, a, _, _ value) value { return l.add(sum, a) }},
	{name: "sumSquares", doc: "Σ (a[i] - m)²", m: true, start: zero, join: (*lanes).addOf, step: func(l *lanes, sum, a, _, m value) value {
		d := l.sub(a, m)
		return l.fma(d, d, sum)
	}},
	{name: "dot", doc: "Σ a[i] × b[i]", pairs: true, start: zero, join: (*lanes).addOf, step: func(l *lanes, sum, a, b, _ value) value { return l.fma(a, b, sum) }},
	{name: "greatest", doc: "the greatest a[i], NaN if one is, -Inf of none", start: lowest, join: (*lanes).max, step: func(l *lanes, sum, a, _, _ value) value { return l.max(sum, a) }},
	{name: "least", doc: "the least a[i], NaN if one is, +Inf of none", start: highest, join: (*lanes).min, step: func(l *lanes, sum, a, _, _ value) value { return l.min(sum, a) }},
}

func zero(l *lanes) constant    { return l.bits(0) }
func lowest(l *lanes) constant  { return l.bits(0xff800000) }
func highest(l *lanes) constant { return l.bits(infinity) }

const sums = 4 // of a reduction, side by side

func (f reduction) write(m *machine.Machine) {
	r := begin(m, f.name, reductionSignature, "returns "+f.doc+".")
	a := r.pointer("a")
	var b reg.GPVirtual
	if f.pairs {
		b = r.pointer("b")
	}
	r.count()
	var mean value
	if f.m {
		mean = r.number("m")
	}
	var total [sums]value
	for i := range total {
		total[i] = r.move(f.start(r.lanes))
	}
	r.each(sums, func(i int) {
		v := r.load(a, i)
		var w value
		if f.pairs {
			w = r.load(b, i)
		}
		next := r.keep(f.step(r.lanes, total[i], v, w, mean), total[i])
		VMOVAPS(next, total[i])
	})
	v := f.join(r.lanes, f.join(r.lanes, total[0], total[1]), f.join(r.lanes, total[2], total[3]))
	r.give(v, f.join)
}

// give joins the lanes of v and returns the number.
func (r *run) give(v value, join func(l *lanes, a, b value) value) {
	VMOVAPS(r.across(v, join), r.m.Vectors[0])
	Store(reg.X0, ReturnIndex(0)) // the move cannot address the upper registers
	VZEROUPPER()
	RET()
}

// across joins the lanes of v and returns the number in all of them.
func (r *run) across(v value, join func(l *lanes, a, b value) value) value {
	l := &lanes{m: r.m}
	if r.m.Wide() {
		upper := ZMM()
		VSHUFF32X4(U8(0x4E), v, v, upper)
		v = join(l, v, upper)
		upper = ZMM()
		VSHUFF32X4(U8(0xB1), v, v, upper)
		v = join(l, v, upper)
	} else {
		upper := YMM()
		VPERM2F128(U8(1), v, v, upper)
		v = join(l, v, upper)
	}
	for _, order := range []uint8{0x4E, 0xB1} {
		other := r.register()
		VSHUFPS(U8(order), v, v, other)
		v = join(l, v, other)
	}
	return v
}

// Functions that a family of operators each needs.
var (
	rowNames      = []string{"expSum", "normalize", "addScaled"}
	rowSignatures = map[string]string{
		"expSum":    "(dst, a *float32, n int, m float32) float32",
		"normalize": "(dst, a, scale, bias *float32, n int, mean, inverse float32)",
		"addScaled": "(dst, a *float32, n int, s float32)",
	}
)

func rows(m *machine.Machine) {
	expSum(m)
	normalize(m)
	addScaled(m)
	quantization(m)
	halves(m)
	movement(m)
	turn(m)
	softmax(m)
	dots(m)
	distances(m)
	selectWords(m)
	nibbles(m)
	extremes(m)
	gatherSum(m)
}

func expSum(m *machine.Machine) {
	r := begin(m, "expSum", rowSignatures["expSum"], "sets dst[i] to e^(a[i] - m) and returns the sum.")
	dst, a := r.pointer("dst"), r.pointer("a")
	r.count()
	most := r.number("m")
	total := r.move(r.bits(0))
	r.each(1, func(i int) {
		e := r.exp(r.sub(r.load(a, i), most))
		r.store(e, dst, i)
		VMOVAPS(r.add(total, r.keep(e, r.bits(0))), total)
	})
	r.give(total, (*lanes).addOf)
}

func normalize(m *machine.Machine) {
	r := begin(m, "normalize", rowSignatures["normalize"],
		"sets dst[i] to (a[i] - mean) × inverse × scale[i] + bias[i].")
	dst, a, scale, bias := r.pointer("dst"), r.pointer("a"), r.pointer("scale"), r.pointer("bias")
	r.count()
	mean, inverse := r.number("mean"), r.number("inverse")
	r.each(2, func(i int) {
		v := r.mul(r.sub(r.load(a, i), mean), inverse)
		r.store(r.fma(v, r.load(scale, i), r.load(bias, i)), dst, i)
	})
	VZEROUPPER()
	RET()
}

func addScaled(m *machine.Machine) {
	r := begin(m, "addScaled", rowSignatures["addScaled"], "adds a[i] × s to dst[i].")
	dst, a := r.pointer("dst"), r.pointer("a")
	r.count()
	s := r.number("s")
	r.each(4, func(i int) { r.store(r.fma(r.load(a, i), s, r.load(dst, i)), dst, i) })
	VZEROUPPER()
	RET()
}
