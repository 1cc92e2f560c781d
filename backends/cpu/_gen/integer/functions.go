package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// function is one on rows of numbers, whose length is a multiple of the lanes of
// a register of 32-bit numbers.
type function struct {
	name      string
	doc       string
	signature string
	body      func(l *lanes)
}

// functions are those generated for every machine.
var functions = []function{
	{"requantize", "sets each of rows × n bytes at dst to clip(round(src[j] × scale[j]) + zero): low and high are the bounds less zero.",
		"(dst *uint8, src *int32, scale *float64, n, rows, dstStep, srcStep int, zero int32, low, high float64)", (*lanes).requantize},
	{"rescale", "sets each of rows × n bytes at dst to clip(round(src[j] × factor[j]) + zero): low and high are the bounds less zero.",
		"(dst *uint8, src *int32, factor *float32, n, rows, dstStep, srcStep int, zero int32, low, high float32)", (*lanes).rescale},
	{"scaled", "sets each of rows × n numbers at dst to src[j] × scale[j] + bias[j].",
		"(dst *float32, src *int32, scale, bias *float32, n, rows, dstStep, srcStep int)", (*lanes).scaled},
	{"addUnsigned", "sets dst[i] to clip(round(a[i] × p + b[i] × q + r) + zero): low and high are the bounds less zero.",
		"(dst, a, b *uint8, n int, p, q, r float32, zero int32, low, high float32)", func(l *lanes) { l.addition(l.unsigned) }},
	{"addSigned", "sets dst[i] to clip(round(a[i] × p + b[i] × q + r) + zero): low and high are the bounds less zero.",
		"(dst, a, b *uint8, n int, p, q, r float32, zero int32, low, high float32)", func(l *lanes) { l.addition(l.signed) }},
	{"extent", "writes a register of the least and one of the greatest numbers of n and 0 to dst, and\nreturns whether there is a NaN, of which they say nothing.",
		"(dst, src *float32, n int) uint32", (*lanes).extent},
	{"total", "returns the sum of n bytes: four times as many as a register has lanes, or several times that.", "(src *uint8, n int) int32", (*lanes).total},
	{"greatestUnsigned", "sets dst[i] to the greater of dst[i] and src[i], for n bytes as in total.", "(dst, src *uint8, n int)", func(l *lanes) { l.greatest(VPMAXUB) }},
	{"greatestSigned", "sets dst[i] to the greater of dst[i] and src[i], for n bytes as in total.", "(dst, src *uint8, n int)", func(l *lanes) { l.greatest(VPMAXSB) }},
	{"sumUnsigned", "adds src[i] to dst[i].", "(dst *int32, src *uint8, n int)", func(l *lanes) { l.sum(l.unsigned) }},
	{"sumSigned", "adds src[i] to dst[i].", "(dst *int32, src *uint8, n int)", func(l *lanes) { l.sum(l.signed) }},
	{"depthwise", "sets dst[j] of each of columns pixels to start[j] + Σ weights[k][j] × image[offsets[k]+j].",
		"(dst *int32, image *uint8, weights *int32, start *int32, offsets *int64, taps, n, columns, step int)", (*lanes).depthwise},
}

func functionsType() string {
	s := "// functions are those on rows of one set of instructions.\ntype functions struct {\n\tlanes int\n"
	for _, f := range functions {
		s += fmt.Sprintf("\t%s func%s\n", f.name, f.signature)
	}
	return s + "}\n\n"
}

func functionsTable(m *machine.Machine) string {
	s := fmt.Sprintf("var functions%s = functions{\n\tlanes: %d,\n", m.Name, m.Lanes)
	for _, f := range functions {
		s += fmt.Sprintf("\t%s: %s%s,\n", f.name, f.name, m.Name)
	}
	return s + "}\n\n"
}

func (f *function) write(m *machine.Machine) {
	name := f.name + m.Name
	TEXT(name, NOSPLIT, "func"+f.signature)
	f.body(&lanes{m: m})
	VZEROUPPER()
	RET()
	machine.Stub(name, f.signature, f.doc)
}

// lanes writes instructions on as many numbers as a register holds of 32 bits.
// Half of them are a register of float64s.
type lanes struct{ m *machine.Machine }

// whole is a register, half one of half its size.
func (l *lanes) whole() reg.VecVirtual {
	if l.m.Wide() {
		return ZMM()
	}
	return YMM()
}

func (l *lanes) half() reg.VecVirtual {
	if l.m.Wide() {
		return YMM()
	}
	return XMM()
}

func (l *lanes) address(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// spread returns an argument in all lanes.
func (l *lanes) spread(name string, broadcast func(...Op)) reg.VecVirtual {
	v := l.whole()
	broadcast(l.argument(name), v)
	return v
}

// argument returns where an argument of the function lies.
func (l *lanes) argument(name string) Mem {
	a, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return a.Addr
}

// loop runs body for i from 0 to before n in steps of some numbers.
func (l *lanes) loop(label string, n Op, step int, body func(i reg.GPVirtual)) {
	i := GP64()
	XORQ(i, i)
	JMP(LabelRef(label + "_check"))
	Label(label)
	body(i)
	ADDQ(U32(uint32(step)), i)
	Label(label + "_check")
	CMPQ(i, n)
	JL(LabelRef(label))
}

func (l *lanes) unsigned(from Mem, to reg.VecVirtual) { VPMOVZXBD(from, to) }
func (l *lanes) signed(from Mem, to reg.VecVirtual)   { VPMOVSXBD(from, to) }

// narrow writes the lanes of v, whose numbers are bytes, as bytes. Half a
// register if half is set.
func (l *lanes) narrow(v reg.VecVirtual, half bool, to Mem) {
	if l.m.Wide() {
		VPMOVDB(v, to)
		return
	}
	// Within each 128 bits: the low bytes together.
	if half {
		VPSHUFB(lowBytes(), v, v)
		VMOVD(v.AsX(), to)
		return
	}
	high := XMM()
	VPSHUFB(lowBytes(), v, v)
	VEXTRACTI128(U8(1), v, high)
	VPUNPCKLDQ(high, v.AsX(), high)
	VMOVQ(high, to)
}

var lowBytesData *Mem

// lowBytes is the shuffle that gathers the low bytes of the words of each 128 bits.
func lowBytes() Mem {
	if lowBytesData == nil {
		m := GLOBL("lowBytes", 8|16) // RODATA, NOPTR
		for i := range 8 {
			v := U32(0x80808080)
			if i%4 == 0 {
				v = U32(0x0C080400)
			}
			DATA(i*4, v)
		}
		lowBytesData = &m
	}
	return *lowBytesData
}

func (l *lanes) requantize() {
	dst, src, scale := l.address("dst"), l.address("src"), l.address("scale")
	n, rows := l.address("n"), l.address("rows")
	low, high, zero := l.spread("low", VBROADCASTSD), l.spread("high", VBROADCASTSD), l.spread("zero", VBROADCASTSS)
	Label("row")
	l.loop("columns", n, l.m.Lanes/2, func(i reg.GPVirtual) {
		v, rounded := l.whole(), l.half()
		VCVTDQ2PD(Mem{Base: src, Index: i, Scale: 4}, v)
		VMULPD(Mem{Base: scale, Index: i, Scale: 8}, v, v)
		VMAXPD(low, v, v) // low for NaN
		VMINPD(high, v, v)
		if l.m.Wide() {
			VCVTPD2DQ(v, rounded)
			VPADDD(zero.AsY(), rounded, rounded)
		} else {
			VCVTPD2DQY(v, rounded)
			VPADDD(zero.AsX(), rounded, rounded)
		}
		l.narrow(rounded, true, Mem{Base: dst, Index: i, Scale: 1})
	})
	l.nextRow(dst, src, rows)
}

// round clips float32s, NaN to low, rounds them, adds zero, a number in all
// lanes, and writes them as bytes.
func (l *lanes) round(v, low, high, zero reg.VecVirtual, to Mem) {
	VMAXPS(low, v, v)
	VMINPS(high, v, v)
	VCVTPS2DQ(v, v)
	VPADDD(zero, v, v)
	l.narrow(v, false, to)
}

func (l *lanes) rescale() {
	dst, src, factor := l.address("dst"), l.address("src"), l.address("factor")
	n, rows := l.address("n"), l.address("rows")
	low, high, zero := l.spread("low", VBROADCASTSS), l.spread("high", VBROADCASTSS), l.spread("zero", VBROADCASTSS)
	Label("row")
	l.loop("columns", n, l.m.Lanes, func(i reg.GPVirtual) {
		v := l.whole()
		VCVTDQ2PS(Mem{Base: src, Index: i, Scale: 4}, v)
		VMULPS(Mem{Base: factor, Index: i, Scale: 4}, v, v)
		l.round(v, low, high, zero, Mem{Base: dst, Index: i, Scale: 1})
	})
	l.nextRow(dst, src, rows)
}

// nextRow goes to label row, as long as there are more.
func (l *lanes) nextRow(dst, src, rows reg.GPVirtual) {
	ADDQ(l.argument("dstStep"), dst)
	ADDQ(l.argument("srcStep"), src)
	SUBQ(U32(1), rows)
	JNE(LabelRef("row"))
}

func (l *lanes) scaled() {
	dst, src, scale, bias := l.address("dst"), l.address("src"), l.address("scale"), l.address("bias")
	n, rows := l.address("n"), l.address("rows")
	Label("row")
	l.loop("columns", n, l.m.Lanes, func(i reg.GPVirtual) {
		v := l.whole()
		VCVTDQ2PS(Mem{Base: src, Index: i, Scale: 4}, v)
		VMULPS(Mem{Base: scale, Index: i, Scale: 4}, v, v)
		VADDPS(Mem{Base: bias, Index: i, Scale: 4}, v, v)
		VMOVUPS(v, Mem{Base: dst, Index: i, Scale: 4})
	})
	l.nextRow(dst, src, rows)
}

func (l *lanes) addition(widen func(Mem, reg.VecVirtual)) {
	dst, a, b, n := l.address("dst"), l.address("a"), l.address("b"), l.address("n")
	p, q, r := l.spread("p", VBROADCASTSS), l.spread("q", VBROADCASTSS), l.spread("r", VBROADCASTSS)
	low, high, zero := l.spread("low", VBROADCASTSS), l.spread("high", VBROADCASTSS), l.spread("zero", VBROADCASTSS)
	l.loop("next", n, l.m.Lanes, func(i reg.GPVirtual) {
		var v [2]reg.VecVirtual
		for k, from := range []reg.GPVirtual{a, b} {
			v[k] = l.whole()
			widen(Mem{Base: from, Index: i, Scale: 1}, v[k])
			VCVTDQ2PS(v[k], v[k])
		}
		VFMADD213PS(r, q, v[1])
		VFMADD231PS(p, v[0], v[1])
		l.round(v[1], low, high, zero, Mem{Base: dst, Index: i, Scale: 1})
	})
}

// extent compares two registers at a time, the last one alone.
func (l *lanes) extent() {
	dst, src, n := l.address("dst"), l.address("src"), l.address("n")
	var least, most, odd [2]reg.VecVirtual
	masks := []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3}
	zero := func(v reg.VecVirtual) reg.VecVirtual {
		if l.m.Wide() {
			VPXORD(v, v, v)
		} else {
			VXORPS(v, v, v)
		}
		return v
	}
	for i := range 2 {
		least[i], most[i] = zero(l.whole()), zero(l.whole())
		if !l.m.Wide() {
			odd[i] = zero(l.whole())
		}
	}
	if l.m.Wide() {
		KXORW(masks[2], masks[2], masks[2])
	}
	step := func(i int, at Mem) {
		v := l.whole()
		VMOVUPS(at, v)
		VMINPS(v, least[i], least[i])
		VMAXPS(v, most[i], most[i])
		if l.m.Wide() {
			VCMPPS(U8(3), v, v, masks[i]) // unordered
			KORW(masks[i], masks[2], masks[2])
		} else {
			VCMPPS(U8(3), v, v, v)
			VORPS(v, odd[i], odd[i])
		}
	}
	pairs := GP64()
	MOVQ(n, pairs)
	ANDQ(I32(-2*l.m.Lanes), pairs)
	l.loop("pairs", pairs, 2*l.m.Lanes, func(i reg.GPVirtual) {
		step(0, Mem{Base: src, Index: i, Scale: 4})
		step(1, Mem{Base: src, Index: i, Scale: 4, Disp: l.m.Width()})
	})
	CMPQ(pairs, n)
	JE(LabelRef("joined"))
	step(0, Mem{Base: src, Index: pairs, Scale: 4})
	Label("joined")
	VMINPS(least[0], least[1], least[0])
	VMAXPS(most[0], most[1], most[0])
	VMOVUPS(least[0], Mem{Base: dst})
	VMOVUPS(most[0], Mem{Base: dst, Disp: l.m.Width()})
	result := GP32()
	if l.m.Wide() {
		KMOVW(masks[2], result)
	} else {
		VORPS(odd[0], odd[1], odd[0])
		VMOVMSKPS(odd[0], result)
	}
	Store(result, ReturnIndex(0))
}

// total adds up bytes eight by eight, which makes words of 64 bits.
func (l *lanes) total() {
	src, n := l.address("src"), l.address("n")
	sum, zero, v := l.whole(), l.whole(), l.whole()
	clear := func(v reg.VecVirtual) {
		if l.m.Wide() {
			VPXORD(v, v, v)
		} else {
			VPXOR(v, v, v)
		}
	}
	clear(sum)
	clear(zero)
	l.loop("next", n, l.m.Width(), func(i reg.GPVirtual) {
		VPSADBW(Mem{Base: src, Index: i, Scale: 1}, zero, v)
		VPADDQ(v, sum, sum)
	})
	if l.m.Wide() {
		high := YMM()
		VEXTRACTI64X4(U8(1), sum, high)
		VPADDQ(high, sum.AsY(), sum.AsY())
	}
	high := XMM()
	VEXTRACTI128(U8(1), sum.AsY(), high)
	VPADDQ(high, sum.AsX(), sum.AsX())
	VPSRLDQ(U8(8), sum.AsX(), high)
	VPADDQ(high, sum.AsX(), sum.AsX())
	result := GP32()
	VMOVD(sum.AsX(), result)
	Store(result, ReturnIndex(0))
}

func (l *lanes) greatest(max func(...Op)) {
	dst, src, n := l.address("dst"), l.address("src"), l.address("n")
	l.loop("next", n, l.m.Width(), func(i reg.GPVirtual) {
		v := l.whole()
		VMOVUPS(Mem{Base: src, Index: i, Scale: 1}, v)
		max(Mem{Base: dst, Index: i, Scale: 1}, v, v)
		VMOVUPS(v, Mem{Base: dst, Index: i, Scale: 1})
	})
}

func (l *lanes) sum(widen func(Mem, reg.VecVirtual)) {
	dst, src, n := l.address("dst"), l.address("src"), l.address("n")
	l.loop("next", n, l.m.Lanes, func(i reg.GPVirtual) {
		v := l.whole()
		widen(Mem{Base: src, Index: i, Scale: 1}, v)
		VPADDD(Mem{Base: dst, Index: i, Scale: 4}, v, v)
		if l.m.Wide() {
			VMOVDQU32(v, Mem{Base: dst, Index: i, Scale: 4})
		} else {
			VMOVDQU(v, Mem{Base: dst, Index: i, Scale: 4})
		}
	})
}

// depthwise multiplies bytes, as 32-bit numbers whose high word is 0, by weights
// whose low word is all of them: as words two by two.
func (l *lanes) depthwise() {
	n := l.address("n")
	pixels := func(label string, count int, image, dst, j reg.GPVirtual) {
		weights, offsets, taps := l.address("weights"), l.address("offsets"), l.address("taps")
		step := l.address("step")
		LEAQ(Mem{Base: weights, Index: j, Scale: 4}, weights)
		start := l.address("start")
		sums := make([]reg.VecVirtual, count)
		for i := range sums {
			sums[i] = l.whole()
			VMOVUPS(Mem{Base: start, Index: j, Scale: 4}, sums[i])
		}
		w, v := l.whole(), l.whole()
		Label(label + "_tap")
		at := GP64()
		MOVQ(image, at)
		ADDQ(Mem{Base: offsets}, at)
		VMOVUPS(Mem{Base: weights}, w)
		for i := range sums {
			VPMOVZXBD(Mem{Base: at}, v)
			if i < count-1 {
				ADDQ(step, at)
			}
			VPMADDWD(w, v, v)
			VPADDD(v, sums[i], sums[i])
		}
		LEAQ(Mem{Base: weights, Index: n, Scale: 4}, weights)
		ADDQ(U32(8), offsets)
		SUBQ(U32(1), taps)
		JNE(LabelRef(label + "_tap"))
		for i := range sums {
			VMOVUPS(sums[i], Mem{Base: dst})
			LEAQ(Mem{Base: dst, Index: n, Scale: 4}, dst)
			ADDQ(step, image)
		}
	}
	l.loop("channels", n, l.m.Lanes, func(j reg.GPVirtual) {
		dst, image, columns := l.address("dst"), l.address("image"), l.address("columns")
		LEAQ(Mem{Base: dst, Index: j, Scale: 4}, dst)
		ADDQ(j, image)
		Label("four")
		CMPQ(columns, U32(4))
		JL(LabelRef("one"))
		pixels("four", 4, image, dst, j)
		SUBQ(U32(4), columns)
		JMP(LabelRef("four"))
		Label("one")
		TESTQ(columns, columns)
		JE(LabelRef("channels_next"))
		pixels("one", 1, image, dst, j)
		SUBQ(U32(1), columns)
		JMP(LabelRef("one"))
		Label("channels_next")
	})
}
