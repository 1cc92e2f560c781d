package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// Where the fields of integer.tile lie.
const (
	fieldA = 8 * iota
	fieldB
	fieldC
	fieldD
	fieldOffsets
	fieldTaps
	fieldQuads
	fieldLDA
	fieldLDC
	fieldLDD
	fieldColumns
	fieldAhead
	fieldExtents
)

// What integer.tilewise makes of sums.
const (
	outcomeSums = iota
	outcomeFloats
	outcomeBytes
)

// Where those of integer.extents lie that follow 64 bytes.
const (
	fieldUpper = fieldExtents + 64 + 8*iota
	fieldHeight
	fieldLastRow
	fieldDepth
	fieldBlocks
	fieldLines
	fieldRow
	fieldNext
	fieldFirst
	fieldEnd
)

// Where the fields of integer.outcome lie.
const (
	fieldOutcome = fieldExtents + 64 + 12*8 + 8*iota
	fieldOut
	fieldStep
	fieldFactor
	fieldBias
	fieldLow // and 4 bytes behind it:
	fieldZero
	fieldHigh = fieldLow + 4
	fieldMask = fieldZero + 4
)

// generator holds the registers of one kernel.
type generator struct {
	m    *machine.Machine
	rows int
	sets int // of sums, for as many quads at once

	t       reg.GPVirtual
	a       []reg.GPVirtual // of every third row
	b, lda  reg.GPVirtual
	ahead   reg.GPVirtual // of B, is fetched
	masks   machine.Masks
	columns int // that a step over a quad reads of B
	step    func(g *generator, set, quad int)
}

// dotted writes the kernels that multiply unsigned by signed bytes and add four
// products in one instruction (AVX-512 VNNI), and returns the Go table of them.
func dotted() string {
	return tiles("VNNI", machine.AVX512, 14, 32, (*generator).dot)
}

// widened writes the kernels that widen bytes to words, whose products two by two
// are exact, and returns the Go table of them.
func widened() string {
	return tiles("AVX2", machine.AVX2, 6, 8, (*generator).widen)
}

func tiles(name string, m *machine.Machine, rows, columns int, step func(g *generator, set, quad int)) string {
	list := []string{"nil"}
	for r := 1; r <= rows; r++ {
		kernel := fmt.Sprintf("tile%d%s", r, name)
		g := &generator{m: m, rows: r, sets: 1, columns: columns, step: step}
		for m.Wide() && g.sets < 4 && 2*r*g.sets < 8 { // enough independent sums to hide the latency of an addition
			g.sets *= 2
		}
		g.write(kernel)
		machine.Stub(kernel, "(t *tile)", fmt.Sprintf("computes a tile of %d rows: C[i] = D[i] + Σ A[i] × B over the quads of all taps.", r))
		list = append(list, kernel)
	}
	return fmt.Sprintf("var kernels%s = kernels{rows: %d, columns: %d, tiles: []func(*tile){%s}, span: 1, enough: 1 << 20, finish: 32}\n\n", name, rows, columns, strings.Join(list, ", "))
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

func (g *generator) write(name string) {
	TEXT(name, NOSPLIT, "func(t *byte)")
	g.t = Load(Param("t"), GP64()).(reg.GPVirtual)
	g.masks = g.m.NewMasks(g.load(fieldColumns))
	for set := range g.sets {
		for r := range g.rows {
			g.m.Zero(g.sum(set, r, 0))
			g.m.Zero(g.sum(set, r, 1))
		}
	}
	g.b, g.lda = g.load(fieldB), g.load(fieldLDA)
	if g.m.Wide() {
		g.ahead = g.load(fieldAhead)
	}
	offsets, taps := g.load(fieldOffsets), g.load(fieldTaps)
	TESTQ(taps, taps)
	JE(LabelRef("added"))
	Label("tap")
	g.rowsAt(offsets)
	g.quads()
	ADDQ(U32(8), offsets)
	SUBQ(U32(1), taps)
	JNE(LabelRef("tap"))
	Label("added")
	g.finish()
	VZEROUPPER()
	RET()
}

// rowsAt loads the addresses of the rows of A for a tap.
func (g *generator) rowsAt(offset reg.GPVirtual) {
	first := g.load(fieldA)
	ADDQ(Mem{Base: offset}, first)
	g.a = []reg.GPVirtual{first}
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

// quads adds up the products of a tap.
func (g *generator) quads() {
	left := g.load(fieldQuads)
	if g.sets > 1 {
		Label("sets")
		CMPQ(left, U32(uint32(g.sets)))
		JL(LabelRef("single"))
		for set := range g.sets {
			g.step(g, set, set)
		}
		g.advance(g.sets)
		SUBQ(U32(uint32(g.sets)), left)
		JMP(LabelRef("sets"))
		Label("single")
		TESTQ(left, left)
		JE(LabelRef("done"))
	}
	Label("quad")
	g.step(g, 0, 0)
	g.advance(1)
	SUBQ(U32(1), left)
	JNE(LabelRef("quad"))
	Label("done")
}

func (g *generator) advance(quads int) {
	ADDQ(U32(uint32(4*g.columns*quads)), g.b)
	for _, a := range g.a {
		ADDQ(U32(uint32(4*quads)), a)
	}
}

// element returns where a quad of a row of A is.
func (g *generator) element(row, quad int) Mem {
	m := Mem{Base: g.a[row/3], Disp: quad * 4}
	if row%3 > 0 {
		m.Index, m.Scale = g.lda, uint8(row%3)
	}
	return m
}

// dot adds the products of a quad.
func (g *generator) dot(set, quad int) {
	b := []reg.VecPhysical{g.spare(0), g.spare(1)}
	for i := range 2 {
		VMOVDQU32(Mem{Base: g.b, Disp: quad*4*g.columns + i*64}, b[i])
		PREFETCHT1(Mem{Base: g.b, Index: g.ahead, Scale: 1, Disp: quad*4*g.columns + i*64})
	}
	for r := range g.rows {
		a := g.spare(2 + r%2)
		VPBROADCASTD(g.element(r, quad), a)
		VPDPBUSD(b[0], a, g.sum(set, r, 0))
		VPDPBUSD(b[1], a, g.sum(set, r, 1))
	}
}

// widen adds the products of a quad: to each column two sums of two.
func (g *generator) widen(set, quad int) {
	b := []reg.VecPhysical{g.spare(0), g.spare(1)}
	for i := range 2 {
		VPMOVSXBW(Mem{Base: g.b, Disp: quad*4*g.columns + i*16}, b[i])
	}
	for r := range g.rows {
		a, product := g.spare(2), g.spare(3)
		VPBROADCASTD(g.element(r, quad), a.AsX())
		VPMOVZXBW(a.AsX(), a)
		VPMADDWD(b[0], a, product)
		VPADDD(product, g.sum(set, r, 0), g.sum(set, r, 0))
		VPMADDWD(b[1], a, product)
		VPADDD(product, g.sum(set, r, 1), g.sum(set, r, 1))
	}
}

// finish adds D to the sums and writes them to C.
func (g *generator) finish() {
	for step := g.sets / 2; step > 0; step /= 2 {
		for set := range step {
			for r := range g.rows {
				for i := range 2 {
					VPADDD(g.sum(set+step, r, i), g.sum(set, r, i), g.sum(set, r, i))
				}
			}
		}
	}
	c, ldc, d, ldd := g.load(fieldC), g.load(fieldLDC), g.load(fieldD), g.load(fieldLDD)
	for r := range g.rows {
		registers := 2
		if !g.m.Wide() { // one for the sums of both
			v := g.sum(0, r, 0)
			VPHADDD(g.sum(0, r, 1), v, v)
			VPERMQ(U8(0xD8), v, v)
			registers = 1
		}
		for i := range registers {
			v, start := g.sum(0, r, i), g.spare(0)
			g.masks.Load(Mem{Base: d, Disp: i * 64}, i, start, g.spare(1))
			VPADDD(start, v, v)
			g.masks.Store(v, i, Mem{Base: c, Disp: i * 64}, g.spare(1))
		}
		ADDQ(ldd, d)
		ADDQ(ldc, c)
	}
}
