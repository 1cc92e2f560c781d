package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

func init() {
	rowNames = append(rowNames, "nibbles", "nibblesDot")
	rowSignatures["nibbles"] = "(dst *float32, q *byte, scales, zeros *float32, blocks, spans int)"
	rowSignatures["nibblesDot"] = "(a *float32, q *byte, scales, zeros *float32, blocks, spans int) float32"
}

// nibbles writes the functions on blocks of numbers of four bits, in spans of 32:
// the low halves of 16 bytes, then the high ones.
func nibbles(m *machine.Machine) {
	halvesOfBytes(m, "nibbles", "dst", "sets dst to (q - zero) × scale, by blocks.")
	halvesOfBytes(m, "nibblesDot", "a", "returns Σ a × (q - zero) × scale, by blocks.")
}

func halvesOfBytes(m *machine.Machine, name, vector, doc string) {
	const span = 32
	product := vector == "a"
	r := begin(m, name, rowSignatures[name], doc)
	load := func(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }
	at, q, scales, zeros, blocks := load(vector), load("q"), load("scales"), load("zeros"), load("blocks")
	mask, total, sum := r.move(r.bits(15)), r.move(r.bits(0)), r.register()
	Label("blocks")
	TESTQ(blocks, blocks)
	JLE(LabelRef("end"))
	scale, zero := r.spread(Mem{Base: scales}), r.spread(Mem{Base: zeros})
	spans := load("spans")
	if product {
		VXORPS(sum.AsY(), sum.AsY(), sum.AsY())
	}
	Label("spans")
	width := m.Lanes
	for part := 0; part < span/2; part += width {
		bytes, high := r.register(), r.register()
		VPMOVZXBD(Mem{Base: q, Disp: part}, bytes)
		VPSRLD(U8(4), bytes, high)
		for i, half := range []value{r.and(bytes, mask), high} {
			v, place := r.sub(r.numbers(half), zero), Mem{Base: at, Disp: 4 * (part + i*span/2)}
			if product {
				VFMADD231PS(place, v, sum)
			} else {
				VMOVUPS(r.mul(v, scale), place)
			}
		}
	}
	ADDQ(U32(span/2), q)
	ADDQ(U32(4*span), at)
	DECQ(spans)
	JNZ(LabelRef("spans"))
	if product {
		VFMADD231PS(sum, scale, total)
	}
	ADDQ(U32(4), scales)
	ADDQ(U32(4), zeros)
	DECQ(blocks)
	JMP(LabelRef("blocks"))
	Label("end")
	if product {
		r.give(total, (*lanes).addOf)
		return
	}
	VZEROUPPER()
	RET()
}
