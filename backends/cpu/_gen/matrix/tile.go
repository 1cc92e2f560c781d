package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// Where the fields of matrix.tile lie.
const (
	fieldA = 8 * iota
	fieldB
	fieldC
	fieldD
	fieldOffsets
	fieldInner
	fieldLDA
	fieldLDB
	fieldLDC
	fieldLDD
	fieldStart
	fieldColumns
	fieldAhead
	fieldAheadStep
	fieldKeep
	fieldLow
	fieldHigh = fieldLow + 4
)

// kind is how a kernel reads its operands.
type kind int

const (
	strided kind = iota
	packed
	indirect
)

var kinds = [...]string{"strided", "packed", "indirect"}

// tiles writes the kernels of one machine and returns the Go table of them.
func tiles(m *machine.Machine) string {
	table := fmt.Sprintf("var kernels%s = kernels{\n\trows: %d, columns: %d,\n", m.Name, m.Rows, 2*m.Lanes)
	for _, k := range []kind{strided, packed, indirect} {
		names := []string{"nil"}
		for rows := 1; rows <= m.Rows; rows++ {
			names = append(names, kernel(m, k, rows))
		}
		table += fmt.Sprintf("\t%s: []func(*tile){%s},\n", kinds[k], strings.Join(names, ", "))
	}
	return table + "}\n\n"
}

// generator holds the registers of one kernel.
type generator struct {
	m    *machine.Machine
	kind kind
	rows int
	sets int // of sums, for as many elements of the inner extent at once

	t          reg.GPVirtual
	a          []reg.GPVirtual // of every third row, or one for all
	b, offsets reg.GPVirtual
	lda, ldb   reg.GPVirtual

	ahead, aheadStep reg.GPVirtual // what is asked for before it is needed, from step to step
	inner            reg.GPVirtual
	masks            machine.Masks
}

// sum returns the register of a row's sums.
func (g *generator) sum(set, row, i int) reg.VecPhysical {
	return g.m.Vectors[(set*g.rows+row)*2+i]
}

// spare returns one of the registers behind the sums.
func (g *generator) spare(i int) reg.VecPhysical { return g.m.Vectors[len(g.m.Vectors)-1-i] }

func (g *generator) field(at int) Mem { return Mem{Base: g.t, Disp: at} }

func (g *generator) load(at int) reg.GPVirtual {
	r := GP64()
	MOVQ(g.field(at), r)
	return r
}

// kernel writes a kernel and returns its name.
func kernel(m *machine.Machine, k kind, rows int) string {
	name := fmt.Sprintf("%s%d%s", kinds[k], rows, m.Name)
	g := &generator{m: m, kind: k, rows: rows, sets: 1}
	for g.sets < 4 && 2*rows*g.sets < 8 { // enough independent sums to hide the latency of an addition
		g.sets *= 2
	}
	frame := 0
	if k == indirect && !m.Wide() {
		frame = rows * 2 * m.Width()
	}
	TEXT(name, NOSPLIT, "func(t *byte)")
	g.t = Load(Param("t"), GP64()).(reg.GPVirtual)
	g.start()
	g.operands()
	full := GP64()
	MOVQ(g.field(fieldColumns), full)
	CMPQ(full, U32(uint32(2*m.Lanes)))
	JNE(LabelRef("masked"))
	g.loop("full", false)
	JMP(LabelRef("added"))
	Label("masked")
	g.loop("masked", true)
	Label("added")
	g.addSets()
	g.clip()
	if k == indirect {
		g.compress(frame)
	} else {
		g.store()
	}
	VZEROUPPER()
	RET()
	machine.Stub(name, "(t *tile)", fmt.Sprintf("computes a tile of %d rows: %s.", rows, [...]string{
		"for every k < inner, C[i] += A[i][k] × B[k]",
		"for every k < inner, C[i] += A[k][i] × B[k]",
		"for every k < inner, C[i] += A[k][i] × B at offsets[k], and keeps some columns",
	}[k]))
	return name
}

// start sets the sums to D.
func (g *generator) start() {
	columns := g.load(fieldColumns)
	g.masks = g.m.NewMasks(columns)
	start := g.load(fieldStart)
	for set := range g.sets {
		for r := range g.rows {
			g.m.Zero(g.sum(set, r, 0))
			g.m.Zero(g.sum(set, r, 1))
		}
	}
	CMPQ(start, U32(1))
	JB(LabelRef("started"))
	JE(LabelRef("matrix"))
	d := g.load(fieldD)
	for r := range g.rows {
		VBROADCASTSS(Mem{Base: d, Disp: r * 4}, g.sum(0, r, 0))
		VMOVAPS(g.sum(0, r, 0), g.sum(0, r, 1))
	}
	JMP(LabelRef("started"))
	Label("matrix")
	d, ldd := g.load(fieldD), g.load(fieldLDD)
	for r := range g.rows {
		for i := range 2 {
			g.masks.Load(Mem{Base: d, Disp: i * g.m.Width()}, i, g.sum(0, r, i), g.spare(0))
		}
		ADDQ(ldd, d)
	}
	Label("started")
}

// operands loads the addresses of A and B.
func (g *generator) operands() {
	g.inner = g.load(fieldInner)
	g.b = g.load(fieldB)
	g.a = []reg.GPVirtual{g.load(fieldA)}
	if g.kind == indirect {
		g.offsets = g.load(fieldOffsets)
	} else {
		g.ldb = g.load(fieldLDB)
		g.ahead, g.aheadStep = g.load(fieldAhead), g.load(fieldAheadStep)
		ADDQ(g.b, g.ahead)
	}
	if g.kind != strided {
		return
	}
	g.lda = g.load(fieldLDA)
	if g.rows > 3 {
		three := GP64()
		LEAQ(Mem{Base: g.lda, Index: g.lda, Scale: 2}, three)
		for r := 3; r < g.rows; r += 3 {
			next := GP64()
			LEAQ(Mem{Base: g.a[len(g.a)-1], Index: three, Scale: 1}, next)
			g.a = append(g.a, next)
		}
	}
}

// element returns where the element of A for a row is, k steps on.
func (g *generator) element(row, k int) Mem {
	if g.kind != strided {
		return Mem{Base: g.a[0], Disp: (k*g.rows + row) * 4}
	}
	m := Mem{Base: g.a[row/3], Disp: k * 4}
	if row%3 > 0 {
		m.Index, m.Scale = g.lda, uint8(row%3)
	}
	return m
}

// loop adds up the products: for several elements of the inner extent at a time,
// each in a set of its own as far as there are sets, then for single ones.
func (g *generator) loop(label string, masked bool) {
	steps := max(g.sets, 2)
	SUBQ(U32(uint32(steps)), g.inner)
	JL(LabelRef(label + "_rest"))
	Label(label + "_several")
	for k := range steps {
		g.step(k%g.sets, k, masked)
		g.askAhead()
	}
	g.advance(steps)
	SUBQ(U32(uint32(steps)), g.inner)
	JGE(LabelRef(label + "_several"))
	Label(label + "_rest")
	ADDQ(U32(uint32(steps)), g.inner)
	JE(LabelRef(label + "_done"))
	Label(label + "_next")
	g.step(0, 0, masked)
	g.advance(1)
	SUBQ(U32(1), g.inner)
	JNE(LabelRef(label + "_next"))
	Label(label + "_done")
}

// askAhead asks for what is needed later. Tiles of a few rows are the only ones of
// their columns: they wait for memory rather than for sums, and need all of what
// follows in the nearest cache.
func (g *generator) askAhead() {
	switch {
	case g.kind == indirect:
		return
	case 2*g.rows < g.m.Rows:
		PREFETCHT0(Mem{Base: g.ahead})
		PREFETCHT0(Mem{Base: g.ahead, Disp: 64})
	default:
		PREFETCHT1(Mem{Base: g.ahead})
	}
	ADDQ(g.aheadStep, g.ahead)
}

// prefetchAhead is how many rows of B, which lie here and there, are asked for
// before they are needed. As many offsets more are read: see matrix.NewOffsets.
const prefetchAhead = 12

// step adds the products of one element of the inner extent, k steps on. The row
// of B moves on by itself.
func (g *generator) step(set, k int, masked bool) {
	b := []reg.VecPhysical{g.spare(0), g.spare(1)}
	from := Mem{Base: g.b}
	if g.kind == indirect {
		at := GP64()
		MOVQ(Mem{Base: g.offsets, Disp: k * 8}, at)
		from.Index, from.Scale = at, 1
		if g.m.Wide() {
			ahead := GP64()
			MOVQ(Mem{Base: g.offsets, Disp: (k + prefetchAhead) * 8}, ahead)
			PREFETCHT1(Mem{Base: g.b, Index: ahead, Scale: 1, Disp: 2*g.m.Width() - 1})
		}
	}
	for i := range 2 {
		from.Disp = i * g.m.Width()
		if masked {
			g.masks.Load(from, i, b[i], g.spare(2))
		} else {
			VMOVUPS(from, b[i])
		}
	}
	if g.kind != indirect {
		ADDQ(g.ldb, g.b)
	}
	for r := range g.rows {
		a := g.spare(2)
		if g.m.Wide() || 2*g.rows*g.sets <= 12 {
			a = g.spare(2 + r%2)
		}
		VBROADCASTSS(g.element(r, k), a)
		for i := range b {
			VFMADD231PS(b[i], a, g.sum(set, r, i))
		}
	}
}

// advance moves A, and the offsets of B, on.
func (g *generator) advance(steps int) {
	if g.kind == indirect {
		ADDQ(U32(uint32(8*steps)), g.offsets)
	}
	if g.kind != strided {
		ADDQ(U32(uint32(4*g.rows*steps)), g.a[0])
		return
	}
	for _, a := range g.a {
		ADDQ(U32(uint32(4*steps)), a)
	}
}

// addSets adds the sets of sums to the first.
func (g *generator) addSets() {
	for step := g.sets / 2; step > 0; step /= 2 {
		for set := range step {
			for r := range g.rows {
				for i := range 2 {
					from, to := g.sum(set+step, r, i), g.sum(set, r, i)
					VADDPS(from, to, to)
				}
			}
		}
	}
}

// clip bounds the sums. Of a NaN and a number, VMAXPS and VMINPS give the second
// source, which comes first here.
func (g *generator) clip() {
	low, high := g.spare(0), g.spare(1)
	VBROADCASTSS(g.field(fieldLow), low)
	VBROADCASTSS(g.field(fieldHigh), high)
	for r := range g.rows {
		for i := range 2 {
			v := g.sum(0, r, i)
			VMAXPS(v, low, v)
			VMINPS(v, high, v)
		}
	}
}

// store writes the sums to C.
func (g *generator) store() {
	c, ldc := g.load(fieldC), g.load(fieldLDC)
	if !g.m.Wide() {
		columns := g.load(fieldColumns)
		CMPQ(columns, U32(uint32(2*g.m.Lanes)))
		JNE(LabelRef("store_masked"))
		to := GP64()
		MOVQ(c, to)
		for r := range g.rows {
			for i := range 2 {
				VMOVUPS(g.sum(0, r, i), Mem{Base: to, Disp: i * g.m.Width()})
			}
			ADDQ(ldc, to)
		}
		VZEROUPPER()
		RET()
		Label("store_masked")
	}
	for r := range g.rows {
		for i := range 2 {
			g.masks.Store(g.sum(0, r, i), i, Mem{Base: c, Disp: i * g.m.Width()}, g.spare(0))
		}
		ADDQ(ldc, c)
	}
}

// compress writes to C the columns kept, side by side.
func (g *generator) compress(frame int) {
	if g.m.Wide() {
		g.compressWide()
		return
	}
	c, ldc, keep, columns := g.load(fieldC), g.load(fieldLDC), g.load(fieldKeep), g.load(fieldColumns)
	all := GP64()
	MOVQ(U64(0xFFFFFFFFFFFFFFFF), all)
	BZHIQ(columns, all, all)
	CMPQ(all, keep)
	JNE(LabelRef("scattered"))
	to := GP64()
	MOVQ(c, to)
	for r := range g.rows {
		for i := range 2 {
			g.masks.Store(g.sum(0, r, i), i, Mem{Base: to, Disp: i * g.m.Width()}, g.spare(0))
		}
		ADDQ(ldc, to)
	}
	VZEROUPPER()
	RET()
	Label("scattered")
	room := AllocLocal(frame)
	for r := range g.rows {
		for i := range 2 {
			VMOVUPS(g.sum(0, r, i), room.Offset((r*2+i)*g.m.Width()))
		}
	}
	from, left, line, bits, bit := GP64(), GP64(), GP64(), GP64(), GP64()
	value := GP32()
	LEAQ(room, from)
	MOVQ(U32(uint32(g.rows)), left)
	Label("row")
	MOVQ(c, line)
	MOVQ(keep, bits)
	Label("column")
	TZCNTQ(bits, bit)
	MOVL(Mem{Base: from, Index: bit, Scale: 4}, value)
	MOVL(value, Mem{Base: line})
	ADDQ(U32(4), line)
	BLSRQ(bits, bits)
	JNE(LabelRef("column"))
	ADDQ(ldc, c)
	ADDQ(U32(uint32(2*g.m.Width())), from)
	SUBQ(U32(1), left)
	JNE(LabelRef("row"))
}

func (g *generator) compressWide() {
	c, ldc, keep := g.load(fieldC), g.load(fieldLDC), g.load(fieldKeep)
	keeps := []reg.OpmaskPhysical{reg.K3, reg.K4} // what is kept of each register
	lanes := []reg.OpmaskPhysical{reg.K5, reg.K6} // as many of the first lanes
	second := GP64()
	for i := range 2 {
		bits, count := GP32(), GP32()
		KMOVW(keep.As32(), keeps[i])
		MOVWLZX(keep.As16(), bits)
		POPCNTL(bits, count)
		if i == 0 {
			LEAQ(Mem{Base: c, Index: count.As64(), Scale: 4}, second)
		}
		MOVL(U32(0xFFFFFFFF), bits)
		BZHIL(count, bits, bits)
		KMOVW(bits, lanes[i])
		SHRQ(U8(16), keep)
	}
	for r := range g.rows {
		for i, to := range []reg.GPVirtual{c, second} {
			VCOMPRESSPS_Z(g.sum(0, r, i), keeps[i], g.spare(i))
			VMOVUPS(g.spare(i), lanes[i], Mem{Base: to})
			ADDQ(ldc, to)
		}
	}
}
