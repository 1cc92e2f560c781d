package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// Where the fields of blocked.tile lie.
const (
	fieldImage = 8 * iota
	fieldOffsets
	fieldTaps
	fieldWeights
	fieldStep
	fieldRow
	fieldDst
	fieldDstStep
	fieldDstRow
	fieldDstBlock
	fieldBias
	fieldOther
	fieldAhead
	fieldCount
	fieldImageNext
	fieldDstNext
	fieldAheadNext
	fieldLow
	fieldHigh = fieldLow + 4
)

// kind is what a kernel does with the pixels under a tap.
type kind int

const (
	channels  kind = iota // products with the 16 channels of a block
	planes                // products with one channel, whose pixels lie next to each other
	depthwise             // products of each lane with a weight of its own
	greatest              // the greatest of each lane
)

var kinds = [...]string{"channels", "planes", "depthwise", "greatest"}

var docs = [...]string{
	"for every tap and channel of a block, adds the products with the weights",
	"for every tap, adds the products of one channel with the weights",
	"for every tap, adds the products lane by lane",
	"takes the greatest of every lane, NaN if one is",
}

// width is the number of channels in a block.
const width = 16

// tiles writes all kernels of a machine and returns the Go table of them. Registers
// as wide as a block sum up two blocks of filters at once, narrower ones one.
func tiles(m *machine.Machine) string {
	together := 2 * m.Lanes / width
	table := fmt.Sprintf("var kernels%s = kernels{\n\tpixels: %d, together: %d,\n", m.Name, m.Rows, together)
	for k := range kinds {
		table += fmt.Sprintf("\t%s: [2][2][]func(*tile){", kinds[k])
		for blocks := 1; blocks <= together; blocks++ {
			table += "{"
			for rows := 1; rows <= 2; rows++ {
				names := []string{"nil"}
				for columns := 1; columns <= m.Rows/rows && (blocks == 1 || kind(k) <= planes); columns++ {
					names = append(names, kernel(m, kind(k), blocks, rows, columns))
				}
				table += "{" + strings.Join(names, ", ") + "}, "
			}
			table = strings.TrimSuffix(table, ", ") + "}, "
		}
		table = strings.TrimSuffix(table, ", ") + "},\n"
	}
	return table + transformations(m) + "}\n\n"
}

// aheadLines is how many cache lines are asked for with every four channels of a tap.
const aheadLines = 2

// generator holds the registers of one kernel. The lanes of a pixel's sums, those of
// each block of filters, take so many registers, its parts.
type generator struct {
	m                     *machine.Machine
	kind                  kind
	parts                 int
	blocks, rows, columns int

	t, step, weights reg.GPVirtual
	ahead            reg.GPVirtual   // of products: what is asked for before it is needed
	bases            []reg.GPVirtual // of every third pixel of each row
}

// sum returns the register of a part of a pixel's sums.
func (g *generator) sum(row, column, part int) reg.VecPhysical {
	return g.m.Vectors[(row*g.columns+column)*g.parts+part]
}

// spare returns one of the registers behind the sums.
func (g *generator) spare(i int) reg.VecPhysical { return g.m.Vectors[len(g.m.Vectors)-1-i] }

func (g *generator) field(at int) Mem { return Mem{Base: g.t, Disp: at} }

func (g *generator) load(at int) reg.GPVirtual {
	r := GP64()
	MOVQ(g.field(at), r)
	return r
}

// each calls f for every part of the sums of every pixel.
func (g *generator) each(f func(row, column, part int)) {
	for row := range g.rows {
		for column := range g.columns {
			for part := range g.parts {
				f(row, column, part)
			}
		}
	}
}

// kernel writes a kernel and returns its name.
func kernel(m *machine.Machine, k kind, blocks, rows, columns int) string {
	name := fmt.Sprintf("%s%dx%dx%d%s", kinds[k], blocks, rows, columns, m.Name)
	g := &generator{m: m, kind: k, parts: blocks * width / m.Lanes, blocks: blocks, rows: rows, columns: columns}
	TEXT(name, NOSPLIT, "func(t *byte)")
	g.t = Load(Param("t"), GP64()).(reg.GPVirtual)
	Label("tile")
	g.start()
	g.loop()
	g.add()
	g.store()
	g.next()
	VZEROUPPER()
	RET()
	machine.Stub(name, "(t *tile)", fmt.Sprintf("computes tiles of %d blocks of %d rows of %d pixels: %s.", blocks, rows, columns, docs[k]))
	return name
}

// start sets the sums to the bias.
func (g *generator) start() {
	bias := g.load(fieldBias)
	g.each(func(row, column, part int) {
		if row+column == 0 {
			VMOVUPS(Mem{Base: bias, Disp: part * g.m.Width()}, g.sum(0, 0, part))
		} else {
			VMOVAPS(g.sum(0, 0, part), g.sum(row, column, part))
		}
	})
}

// loop goes through the taps.
func (g *generator) loop() {
	offsets, taps := g.load(fieldOffsets), g.load(fieldTaps)
	g.weights, g.step = g.load(fieldWeights), g.load(fieldStep)
	for range g.rows * ((g.columns + 2) / 3) {
		g.bases = append(g.bases, GP64())
	}
	if g.kind == channels {
		g.ahead = g.load(fieldAhead)
	}
	TESTQ(taps, taps)
	JE(LabelRef("done"))
	Label("tap")
	g.place(offsets)
	switch g.kind {
	case channels:
		const unrolled = 4
		left := GP64()
		MOVQ(U32(16/unrolled), left)
		Label("channel")
		for k := range unrolled {
			g.products(k)
		}
		for line := range aheadLines {
			PREFETCHT1(Mem{Base: g.ahead, Disp: line * 64})
		}
		ADDQ(U32(aheadLines*64), g.ahead)
		ADDQ(U32(uint32(unrolled*g.blocks*64)), g.weights)
		for _, b := range g.bases {
			ADDQ(U32(uint32(4*unrolled)), b)
		}
		SUBQ(U32(1), left)
		JNE(LabelRef("channel"))
	case planes:
		g.products(0)
		ADDQ(U32(uint32(g.blocks*64)), g.weights)
	case depthwise:
		for part := range g.parts {
			VMOVUPS(Mem{Base: g.weights, Disp: part * g.m.Width()}, g.spare(part))
		}
		g.each(func(row, column, part int) {
			VFMADD231PS(g.pixel(row, column, part*g.m.Lanes), g.spare(part), g.sum(row, column, part))
		})
		ADDQ(U32(64), g.weights)
	case greatest:
		g.each(g.greater)
	}
	ADDQ(U32(8), offsets)
	SUBQ(U32(1), taps)
	JNE(LabelRef("tap"))
	Label("done")
}

// place sets the bases for the tap at an offset.
func (g *generator) place(offsets reg.GPVirtual) {
	perRow := len(g.bases) / g.rows
	for i, b := range g.bases {
		switch {
		case i == 0:
			MOVQ(Mem{Base: offsets}, b)
			ADDQ(g.field(fieldImage), b)
		case i == perRow:
			MOVQ(g.field(fieldRow), b)
			ADDQ(g.bases[0], b)
		default:
			LEAQ(Mem{Base: g.bases[i-1], Index: g.step, Scale: 2}, b)
			ADDQ(g.step, b)
		}
	}
}

// pixel returns where channel k of a pixel under the tap lies.
func (g *generator) pixel(row, column, k int) Mem {
	m := Mem{Base: g.bases[row*(len(g.bases)/g.rows)+column/3], Disp: k * 4}
	if column%3 > 0 {
		m.Index, m.Scale = g.step, uint8(column%3)
	}
	return m
}

// products adds the products of channel k.
func (g *generator) products(k int) {
	for part := range g.parts {
		VMOVUPS(Mem{Base: g.weights, Disp: (k*g.parts + part) * g.m.Width()}, g.spare(part))
	}
	for row := range g.rows {
		for column := range g.columns {
			if g.parts == 1 {
				VFMADD231PS_BCST(g.pixel(row, column, k), g.spare(0), g.sum(row, column, 0))
				continue
			}
			x := g.spare(2 + column%2)
			VBROADCASTSS(g.pixel(row, column, k), x)
			for part := range g.parts {
				VFMADD231PS(g.spare(part), x, g.sum(row, column, part))
			}
		}
	}
}

// greater takes the greater of a part of a pixel's lanes. Of a NaN and a number,
// VMAXPS gives the second source, which comes first here: what was a NaN stays one,
// and what is one now is copied, or all bits are set, which is a NaN too.
func (g *generator) greater(row, column, part int) {
	const unordered = 3
	sum := g.sum(row, column, part)
	if g.m.Wide() {
		x, nan := g.spare(column%3), []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3}[column%3]
		VMOVUPS(g.pixel(row, column, 0), x)
		VCMPPS(U8(unordered), x, x, nan)
		VMAXPS(sum, x, sum)
		VMOVAPS(x, nan, sum)
		return
	}
	x, nan := g.spare(2*part), g.spare(2*part+1)
	VMOVUPS(g.pixel(row, column, part*g.m.Lanes), x)
	VCMPPS(U8(unordered), x, x, nan)
	VMAXPS(sum, x, sum)
	VORPS(nan, sum, sum)
}

// add adds what lies at the same place of another image, if there is one.
func (g *generator) add() {
	other := g.load(fieldOther)
	TESTQ(other, other)
	JE(LabelRef("added"))
	g.walk(other, func(row, column, part int, at Mem) { VADDPS(at, g.sum(row, column, part), g.sum(row, column, part)) })
	Label("added")
}

// store clips the sums and writes them. Of a NaN and a number, VMAXPS and VMINPS
// give the second source, which comes first here.
func (g *generator) store() {
	low, high := g.spare(0), g.spare(1)
	VBROADCASTSS(g.field(fieldLow), low)
	VBROADCASTSS(g.field(fieldHigh), high)
	g.walk(g.load(fieldDst), func(row, column, part int, at Mem) {
		v := g.sum(row, column, part)
		VMAXPS(v, low, v)
		VMINPS(v, high, v)
		VMOVUPS(v, at)
	})
}

// next moves on to the tile behind, as long as there is one.
func (g *generator) next() {
	SUBQ(U8(1), g.field(fieldCount))
	JE(LabelRef("last"))
	for _, move := range [][2]int{{fieldImageNext, fieldImage}, {fieldDstNext, fieldDst}, {fieldDstNext, fieldOther}, {fieldAheadNext, fieldAhead}} {
		if move[1] == fieldOther { // which stays nil
			CMPQ(g.field(fieldOther), U8(0))
			JE(LabelRef("alone"))
		}
		by := g.load(move[0])
		ADDQ(by, g.field(move[1]))
		if move[1] == fieldOther {
			Label("alone")
		}
	}
	JMP(LabelRef("tile"))
	Label("last")
}

// walk calls f for every part of every pixel with where it lies in an image like the
// result, whose first is at an address.
func (g *generator) walk(first reg.GPVirtual, f func(row, column, part int, at Mem)) {
	step, block := g.load(fieldDstStep), g.load(fieldDstBlock)
	for row := range g.rows {
		at := GP64()
		MOVQ(first, at)
		if row > 0 {
			ADDQ(g.field(fieldDstRow), at)
		}
		for column := range g.columns {
			for part := range g.parts {
				lane := part * g.m.Lanes
				to := Mem{Base: at, Disp: lane % width * 4}
				if lane >= width {
					to.Index, to.Scale = block, 1
				}
				f(row, column, part, to)
			}
			ADDQ(step, at)
		}
	}
}
