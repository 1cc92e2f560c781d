package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// elementwiseSignature is that of all functions of single elements.
const elementwiseSignature = "(dst, a, b *float32, n int, p, q float32)"

// function is one of single elements: of a and b, or of a and numbers p and q.
type function struct {
	name   string
	doc    string // what dst[i] is set to
	pairs  bool   // b is used
	p, q   bool   // are used
	unroll int    // registers at a time
	of     func(l *lanes, a, b, p, q value) value
}

// elementwise are the functions generated.
var elementwise = append([]function{
	both("add", "a[i] + b[i]", (*lanes).addOf),
	both("sub", "a[i] - b[i]", (*lanes).subOf),
	both("mul", "a[i] × b[i]", (*lanes).mulOf),
	both("div", "a[i] / b[i]", (*lanes).divOf),
	both("max", "the greater of a[i] and b[i]", (*lanes).max),
	both("min", "the lesser of a[i] and b[i]", (*lanes).min),
	both("and", "the bits that a[i] and b[i] have", func(l *lanes, a, b value) value { return l.and(a, b) }),
	both("or", "the bits that a[i] or b[i] has", func(l *lanes, a, b value) value { return l.or(a, b) }),
	both("xor", "the bits in which a[i] and b[i] differ", func(l *lanes, a, b value) value { return l.xor(a, b) }),
	right("xor", "the bits in which a[i] and p differ", func(l *lanes, a, b value) value { return l.xor(a, b) }),
	right("add", "a[i] + p", (*lanes).addOf),
	right("sub", "a[i] - p", (*lanes).subOf),
	right("mul", "a[i] × p", (*lanes).mulOf),
	right("div", "a[i] / p", (*lanes).divOf),
	right("max", "the greater of a[i] and p", (*lanes).max),
	right("min", "the lesser of a[i] and p", (*lanes).min),
	left("sub", "p - a[i]", (*lanes).subOf),
	left("div", "p / a[i]", (*lanes).divOf),
	{name: "prelu", doc: "a[i], times b[i] where it is negative", pairs: true, unroll: 4, of: func(l *lanes, a, b, _, _ value) value {
		return l.pick(l.compare(a, less, l.c(0)), l.mul(a, b), a)
	}},

	simple("abs", "|a[i]|", (*lanes).abs),
	simple("neg", "-a[i]", func(l *lanes, a value) value { return l.xor(a, l.bits(signBit)) }),
	simple("sqrt", "√a[i]", (*lanes).sqrt),
	simple("reciprocal", "1 / a[i]", func(l *lanes, a value) value { return l.div(l.move(l.c(1)), a) }),
	simple("floor", "⌊a[i]⌋", func(l *lanes, a value) value { return l.round(a, down) }),
	simple("ceil", "⌈a[i]⌉", func(l *lanes, a value) value { return l.round(a, up) }),
	simple("round", "a[i] rounded to nearest, ties to even", func(l *lanes, a value) value { return l.round(a, nearest) }),
	{name: "affine", doc: "a[i] × p + q", p: true, q: true, unroll: 4, of: func(l *lanes, a, _, p, q value) value {
		return l.add(l.mul(a, p), q)
	}},
	{name: "clip", doc: "min(max(a[i], p), q)", p: true, q: true, unroll: 4, of: func(l *lanes, a, _, p, q value) value {
		return l.atMost(l.atLeast(a, p), q)
	}},
	{name: "leakyRelu", doc: "a[i], times p where it is negative", p: true, unroll: 4, of: func(l *lanes, a, _, p, _ value) value {
		return l.pick(l.compare(a, less, l.c(0)), l.mul(a, p), a)
	}},
	{name: "hardSigmoid", doc: "a[i] × p + q within [0, 1]", p: true, q: true, unroll: 4, of: func(l *lanes, a, _, p, q value) value {
		return l.unit(l.add(l.mul(a, p), q))
	}},
	simple("hardSwish", "a[i] times a[i] / 6 + 1/2 within [0, 1]", func(l *lanes, a value) value {
		return l.mul(a, l.unit(l.add(l.mul(a, l.c(1.0/6)), l.c(0.5))))
	}),

	simple("softsign", "a[i] / (1 + |a[i]|)", func(l *lanes, a value) value { return l.div(a, l.add(l.abs(a), l.c(1))) }),
	simple("sign", "-1, 0 or 1, NaN of NaN", func(l *lanes, a value) value {
		rest := l.pick(l.compare(a, less, l.c(0)), l.c(-1), l.add(a, l.c(0))) // 0 of -0
		return l.pick(l.compare(a, greater, l.c(0)), l.c(1), rest)
	}),
	{name: "thresholdedRelu", doc: "a[i] where it is above p, else 0", p: true, unroll: 4, of: func(l *lanes, a, _, p, _ value) value {
		return l.pick(l.compare(a, greater, p), a, l.move(l.c(0)))
	}},

	smooth("exp", "e^a[i]", (*lanes).exp),
	smooth("log", "ln a[i]", (*lanes).log),
	smooth("tanh", "tanh a[i]", (*lanes).tanh),
	smooth("erf", "erf a[i]", (*lanes).erf),
	smooth("sigmoid", "1 / (1 + e^-a[i])", func(l *lanes, a value) value { return l.overOnePlusExp(l.move(l.c(1)), a) }),
	smooth("softplus", "ln(1 + e^a[i])", (*lanes).softplus),
	smooth("gelu", "a[i]/2 × (1 + erf(a[i]/√2))", func(l *lanes, a value) value {
		return l.mul(l.mul(a, l.c(0.5)), l.add(l.erf(l.mul(a, l.c(0.7071067811865476))), l.c(1)))
	}),
	smooth("geluTanh", "a[i]/2 × (1 + tanh(√(2/π) × (a[i] + 0.044715 a[i]³)))", func(l *lanes, a value) value {
		// 1 + tanh v = 2 / (1 + e^-2v)
		inner := l.fma(l.mul(a, l.mul(a, a)), l.move(l.c(0.044715)), a)
		return l.overOnePlusExp(a, l.mul(inner, l.c(2*0.7978845608028654)))
	}),
	{name: "swish", doc: "a[i] / (1 + e^(-p × a[i]))", p: true, unroll: 1, of: func(l *lanes, a, _, p, _ value) value {
		return l.overOnePlusExp(a, l.mul(a, p))
	}},
	{name: "elu", doc: "a[i], p × (e^a[i] - 1) where it is negative", p: true, unroll: 1, of: func(l *lanes, a, _, p, _ value) value {
		return l.pick(l.compare(a, less, l.c(0)), l.mul(l.expm1(a), p), a)
	}},
}, trigonometry...)

func both(name, doc string, of func(l *lanes, a, b value) value) function {
	return function{name: name + "Both", doc: doc, pairs: true, unroll: 4, of: func(l *lanes, a, b, _, _ value) value { return of(l, a, b) }}
}

func right(name, doc string, of func(l *lanes, a, b value) value) function {
	return function{name: name + "Right", doc: doc, p: true, unroll: 4, of: func(l *lanes, a, _, p, _ value) value { return of(l, a, p) }}
}

func left(name, doc string, of func(l *lanes, a, b value) value) function {
	return function{name: name + "Left", doc: doc, p: true, unroll: 4, of: func(l *lanes, a, _, p, _ value) value { return of(l, p, a) }}
}

// simple is a function of a few instructions, smooth one of many.
func simple(name, doc string, of func(l *lanes, a value) value) function {
	return function{name: name, doc: doc, unroll: 4, of: func(l *lanes, a, _, _, _ value) value { return of(l, a) }}
}

func smooth(name, doc string, of func(l *lanes, a value) value) function {
	return function{name: name, doc: doc, unroll: 1, of: func(l *lanes, a, _, _, _ value) value { return of(l, a) }}
}

func (l *lanes) addOf(a, b value) value { return l.add(a, b) }
func (l *lanes) subOf(a, b value) value { return l.sub(a, b) }
func (l *lanes) mulOf(a, b value) value { return l.mul(a, b) }
func (l *lanes) divOf(a, b value) value { return l.div(a, b) }

// max returns NaN if one is, and +0 of zeros unless both are negative: the bits
// that the two orders of VMAXPS have in common are those of +0.
func (l *lanes) max(a, b value) value {
	m := l.and(l.atLeast(a, b), l.atLeast(b, a))
	return l.pick(l.compare(a, unordered, b), l.add(a, b), m)
}

// min returns NaN if one is, and -0 of zeros if one is negative.
func (l *lanes) min(a, b value) value { return l.or(l.atMost(a, b), l.atMost(b, a)) }

// unit brings a into [0, 1]; NaN stays.
func (l *lanes) unit(a value) value {
	return l.atLeast(l.atMost(a, l.move(l.c(1))), l.move(l.c(0)))
}

// run is a loop over elements: registers of them, then what is left by masks.
type run struct {
	*lanes
	n        reg.GPVirtual
	pointers []reg.GPVirtual // of the operands, which advance
	masks    machine.Masks
	masked   bool   // the lanes of masks, at present
	part     string // of the labels, where there are several loops
}

// each writes the loop, in which body does the i-th register from the pointers on.
func (r *run) each(unroll int, body func(i int)) {
	if unroll > 1 {
		r.loop("blocks", unroll, body)
	}
	r.loop("registers", 1, body)
	TESTQ(r.n, r.n)
	JE(LabelRef(r.part + "done"))
	r.masks, r.masked = r.m.NewMasks(r.n), true
	body(0)
	Label(r.part + "done")
	r.masked = false
}

func (r *run) loop(label string, registers int, body func(i int)) {
	elements := uint32(registers * r.m.Lanes)
	label = r.part + label
	Label(label)
	CMPQ(r.n, U32(elements))
	JL(LabelRef(label + "_done"))
	for i := range registers {
		body(i)
	}
	for _, p := range r.pointers {
		ADDQ(U32(4*elements), p)
	}
	SUBQ(U32(elements), r.n)
	JMP(LabelRef(label))
	Label(label + "_done")
}

// load reads the i-th register of an operand; lanes that are masked out are 0.
func (r *run) load(p reg.GPVirtual, i int) value {
	return r.loadAt(Mem{Base: p, Disp: i * r.m.Width()})
}

// loadAt is load from an address.
func (r *run) loadAt(from Mem) value {
	v := r.register()
	switch {
	case !r.masked:
		VMOVUPS(from, v)
	case r.m.Wide():
		VMOVUPS_Z(from, r.masks.K[0], v)
	default:
		mask := YMM()
		VMOVDQU(r.masks.Words(0), mask)
		VMASKMOVPS(from, mask, v)
	}
	return v
}

func (r *run) store(v value, p reg.GPVirtual, i int) {
	to := Mem{Base: p, Disp: i * r.m.Width()}
	switch {
	case !r.masked:
		VMOVUPS(v, to)
	case r.m.Wide():
		VMOVUPS(v, r.masks.K[0], to)
	default:
		mask := YMM()
		VMOVDQU(r.masks.Words(0), mask)
		VMASKMOVPS(v, mask, to)
	}
}

// keep returns v in the lanes that exist, other in those that are masked out.
func (r *run) keep(v value, other Op) value {
	switch {
	case !r.masked:
		return v
	case r.m.Wide():
		return r.pick(r.masks.K[0], v, r.move(other))
	}
	mask := YMM()
	VMOVDQU(r.masks.Words(0), mask)
	return r.pick(mask, v, r.move(other))
}

// pointer loads a parameter that is an address.
func (r *run) pointer(name string) reg.GPVirtual {
	p := Load(Param(name), GP64()).(reg.GPVirtual)
	r.pointers = append(r.pointers, p)
	return p
}

// number spreads a parameter that is a number over all lanes.
func (r *run) number(name string) value {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return r.spread(p.Addr)
}

func begin(m *machine.Machine, name, signature, doc string) *run {
	TEXT(name+m.Name, NOSPLIT, "func"+signature)
	machine.Stub(name+m.Name, signature, doc)
	return &run{lanes: &lanes{m: m}}
}

func (r *run) count() { r.n = Load(Param("n"), GP64()).(reg.GPVirtual) }

func (f function) write(m *machine.Machine) {
	r := begin(m, f.name, elementwiseSignature, "sets dst[i] to "+f.doc+".")
	dst, a := r.pointer("dst"), r.pointer("a")
	var b reg.GPVirtual
	if f.pairs {
		b = r.pointer("b")
	}
	r.count()
	var p, q value
	if f.p {
		p = r.number("p")
	}
	if f.q {
		q = r.number("q")
	}
	r.each(f.unroll, func(i int) {
		v := r.load(a, i)
		var w value
		if f.pairs {
			w = r.load(b, i)
		}
		r.store(f.of(r.lanes, v, w, p, q), dst, i)
	})
	VZEROUPPER()
	RET()
}
