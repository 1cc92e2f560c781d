package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

const (
	filterArguments   = "dst, image, weights *float32, offsets *int64, taps, rows, columns, step int, bias, low, high float32"
	envelopeArguments = "dst, image *float32, offsets *int64, taps, rows, columns, step int"
)

// filters writes the functions of one machine that combine shifted views of a
// plane.
func filters(m *machine.Machine) {
	f := &filter{m: m, name: "filter" + m.Name}
	TEXT(f.name, NOSPLIT, "func("+filterArguments+")")
	f.write()
	machine.Stub(f.name, "("+filterArguments+")", "sets, for every y < rows and x < columns, dst[y×columns+x] to\nclip(bias + Σ weights[k] × image[offsets[k] + y×step + x]), where offsets are in\nelements. There is at least one row and one column.")
	e := &filter{m: m, name: "envelope" + m.Name, envelope: true}
	TEXT(e.name, NOSPLIT, "func("+envelopeArguments+")")
	e.write()
	machine.Stub(e.name, "("+envelopeArguments+")", "sets, for every y < rows and x < columns, dst[y×columns+x] to\nthe greatest image[offsets[k] + y×step + x], NaN if one is. There is at least\none tap, row and column.")
}

// filter goes through the result in blocks of a few rows and a register or two
// of columns, and for each through the taps. What the taps do not need stays in
// the arguments' memory.
type filter struct {
	m        *machine.Machine
	name     string
	envelope bool
	at       map[string]int // where arguments lie

	left, to, from reg.GPVirtual // columns to do, and where they are
	step, line     reg.GPVirtual // from row to row of the image and of dst, in bytes
}

const (
	blockRows = 4
	nan       = 3 // the predicate "unordered" of VCMPPS
)

func (f *filter) argument(name string) Mem { return NewParamAddr(name, f.at[name]) }

func (f *filter) write() {
	f.at = map[string]int{}
	offset := 0
	for _, name := range []string{"dst", "image", "weights", "offsets", "taps", "rows", "columns", "step", "bias", "low", "high"} {
		if f.envelope && name == "weights" {
			continue
		}
		f.at[name] = offset
		offset += 8
		if name == "bias" || name == "low" {
			offset -= 4
		}
	}
	f.left, f.to, f.from, f.step, f.line = GP64(), GP64(), GP64(), GP64(), GP64()
	MOVQ(f.argument("columns"), f.line)
	SHLQ(U8(2), f.line)
	MOVQ(f.argument("step"), f.step)
	SHLQ(U8(2), f.step)
	for _, rows := range []int{blockRows, 1} {
		f.band(rows)
	}
	VZEROUPPER()
	RET()
}

// band goes through the columns of as many rows as are computed at once, as long
// as there are so many.
func (f *filter) band(rows int) {
	label := func(s string) string { return fmt.Sprintf("%s_%d", s, rows) }
	Label(label("band"))
	CMPQ(f.argument("rows"), U32(uint32(rows)))
	JL(LabelRef(label("end")))
	MOVQ(f.argument("columns"), f.left)
	MOVQ(f.argument("dst"), f.to)
	MOVQ(f.argument("image"), f.from)
	Label(label("two"))
	CMPQ(f.left, U32(uint32(f.m.Lanes+1)))
	JL(LabelRef(label("one")))
	f.block(label("two"), rows, 2)
	ADDQ(U32(uint32(2*f.m.Width())), f.to)
	ADDQ(U32(uint32(2*f.m.Width())), f.from)
	SUBQ(U32(uint32(2*f.m.Lanes)), f.left)
	JG(LabelRef(label("two")))
	JMP(LabelRef(label("next")))
	Label(label("one"))
	TESTQ(f.left, f.left)
	JLE(LabelRef(label("next")))
	f.block(label("one"), rows, 1)
	Label(label("next"))
	for _, move := range []struct {
		what string
		by   reg.GPVirtual
	}{{"image", f.step}, {"dst", f.line}} {
		for range rows {
			ADDQ(move.by, f.argument(move.what))
		}
	}
	SUBQ(U32(uint32(rows)), f.argument("rows"))
	JMP(LabelRef(label("band")))
	Label(label("end"))
}

// block computes rows × as many registers of columns as are asked for.
func (f *filter) block(label string, rows, vectors int) {
	m := f.m
	columns, most := GP64(), GP64()
	MOVQ(f.left, columns)
	MOVQ(U32(uint32(vectors*m.Lanes)), most)
	CMPQ(columns, most)
	CMOVQGT(most, columns)
	s := m.NewMasks(columns)
	sum := func(r, i int) reg.VecPhysical { return m.Vectors[r*vectors+i] }
	spare := func(i int) reg.VecPhysical { return m.Vectors[len(m.Vectors)-1-i] }
	at, taps := GP64(), GP64()
	MOVQ(f.argument("offsets"), at)
	MOVQ(f.argument("taps"), taps)
	var weight reg.GPVirtual
	if f.envelope {
		views := f.views(at, rows, vectors)
		for r := range rows {
			for i := range vectors {
				s.Load(views[r][i], i, sum(r, i), spare(0))
			}
		}
		SUBQ(U32(1), taps)
	} else {
		weight = GP64()
		MOVQ(f.argument("weights"), weight)
		for r := range rows {
			for i := range vectors {
				if r+i == 0 {
					VBROADCASTSS(f.argument("bias"), sum(0, 0))
				} else {
					VMOVAPS(sum(0, 0), sum(r, i))
				}
			}
		}
	}
	TESTQ(taps, taps)
	JE(LabelRef(label + "_sum"))
	Label(label + "_tap")
	if !f.envelope {
		VBROADCASTSS(Mem{Base: weight}, spare(0))
		ADDQ(U32(4), weight)
	}
	views := f.views(at, rows, vectors)
	for r := range rows {
		for i := range vectors {
			switch {
			case f.envelope:
				f.greater(s, views[r][i], i, sum(r, i), spare)
			case m.Wide():
				VFMADD231PS(views[r][i], spare(0), s.K[i], sum(r, i))
			default:
				s.Load(views[r][i], i, spare(1), spare(2))
				VFMADD231PS(spare(1), spare(0), sum(r, i))
			}
		}
	}
	SUBQ(U32(1), taps)
	JNE(LabelRef(label + "_tap"))
	Label(label + "_sum")
	if !f.envelope {
		VBROADCASTSS(f.argument("low"), spare(0))
		VBROADCASTSS(f.argument("high"), spare(1))
	}
	line := GP64()
	MOVQ(f.to, line)
	for r := range rows {
		for i := range vectors {
			v := sum(r, i)
			if !f.envelope { // of a NaN and a number, these give the second source, which comes first
				VMAXPS(v, spare(0), v)
				VMINPS(v, spare(1), v)
			}
			s.Store(v, i, Mem{Base: line, Disp: i * m.Width()}, spare(2))
		}
		ADDQ(f.line, line)
	}
}

// views returns where the registers of a tap's view are, and moves on to the
// next tap.
func (f *filter) views(at reg.GPVirtual, rows, vectors int) [][]Mem {
	base := GP64()
	MOVQ(Mem{Base: at}, base)
	ADDQ(U32(8), at)
	LEAQ(Mem{Base: f.from, Index: base, Scale: 4}, base)
	third := GP64()
	if rows > 2 {
		LEAQ(Mem{Base: base, Index: f.step, Scale: 2}, third)
	}
	var list [][]Mem
	for r := range rows {
		v := Mem{Base: base}
		if r >= 2 {
			v.Base = third
		}
		if r%2 == 1 {
			v.Index, v.Scale = f.step, 1
		}
		var line []Mem
		for i := range vectors {
			line = append(line, v.Offset(i*f.m.Width()))
		}
		list = append(list, line)
	}
	return list
}

// greater replaces elements by greater ones of a view; a NaN on either side
// stays.
func (f *filter) greater(s machine.Masks, view Mem, i int, v reg.VecPhysical, spare func(i int) reg.VecPhysical) {
	x, most := spare(0), spare(1)
	s.Load(view, i, x, spare(2))
	VMAXPS(x, v, most) // x where one is NaN
	if f.m.Wide() {
		VCMPPS(U8(nan), v, v, reg.K3)
		VMOVAPS(v, reg.K3, most)
		VMOVAPS(most, v)
		return
	}
	VCMPPS(U8(nan), v, v, x)
	VBLENDVPS(x, v, most, v)
}
