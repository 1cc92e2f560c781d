package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

const taps3Arguments = "dst, image, weights *float32, masks *uint16, rows, columns, imageRows, imageColumns, top, left int, bias, low, high float32"

// taps3 writes filters of 3 × 3 taps on a plane without padding around it, one for
// windows that move by one pixel and one for windows that move by two.
func taps3() {
	writeTaps3("taps3AVX512", 1, false)
	writeTaps3("taps3By2AVX512", 2, false)
	writeTaps3("envelope3AVX512", 1, true)
	writeTaps3("envelope3By2AVX512", 2, true)
}

// masksPerBlock is how many masks a block of columns has: for each column of taps
// those of one register or of a pair, then the one of the columns stored.
const masksPerBlock = 8

// tapsGenerator holds the registers of one filter, or of what finds the greatest
// pixel under the taps.
type tapsGenerator struct {
	stride   int
	envelope bool
	lowest   reg.VecPhysical // -Inf: the pixels around the image of an envelope
	masks    reg.GPVirtual

	weights [3][3]reg.VecPhysical
	bias    reg.VecPhysical
	low     reg.VecPhysical
	high    reg.VecPhysical
	order   reg.VecPhysical

	from, step reg.GPVirtual // the row of the image, and from row to row in bytes
}

func writeTaps3(name string, stride int, envelope bool) {
	TEXT(name, NOSPLIT, "func("+taps3Arguments+")")
	what := "filters a plane by"
	if envelope {
		what = "finds the greatest of"
	}
	machine.Stub(name, "("+taps3Arguments+")", what+" 3 × 3 taps whose windows begin top and left\npixels before a plane. Masks are those of matrix.Taps3. There is at least one\nrow and one column.")
	v := machine.AVX512.Vectors
	g := &tapsGenerator{stride: stride, envelope: envelope, bias: v[25], low: v[26], high: v[27], order: v[28], lowest: v[29]}
	if envelope {
		g.bias = g.lowest
		VBROADCASTSS(g.param("low"), g.lowest)
	} else {
		weights := g.load("weights")
		for i := range 9 {
			g.weights[i/3][i%3] = v[16+i]
			VBROADCASTSS(Mem{Base: weights, Disp: 4 * i}, v[16+i])
		}
		VBROADCASTSS(g.param("bias"), g.bias)
		VBROADCASTSS(g.param("low"), g.low)
		VBROADCASTSS(g.param("high"), g.high)
	}
	if stride == 2 {
		VMOVUPS(tapsOrder(), g.order)
	}
	g.step = g.load("imageColumns")
	SHLQ(U8(2), g.step)
	masks, dst, columns := g.load("masks"), g.load("dst"), g.load("columns")
	// image begins at the windows' first row and column.
	image, top, left := g.load("image"), g.load("top"), g.load("left")
	SHLQ(U8(2), left)
	SUBQ(left, image)
	IMULQ(g.step, top)
	SUBQ(top, image)
	pitch := GP64()
	MOVQ(columns, pitch)
	SHLQ(U8(2), pitch)
	Label("block")
	loads := 3
	if stride == 2 {
		loads = 6
	}
	ks := []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3, reg.K4, reg.K5, reg.K6}
	for i := range loads {
		KMOVW(Mem{Base: masks, Disp: 2 * i}, ks[i])
	}
	g.masks = masks
	to := GP64()
	MOVQ(dst, to)
	g.from = GP64()
	MOVQ(image, g.from)
	if stride == 1 {
		g.rolling(to, pitch)
	} else {
		g.apart(to, pitch)
	}
	ADDQ(U32(2*masksPerBlock), masks)
	ADDQ(U32(64), dst)
	ADDQ(U32(uint32(64*stride)), image)
	SUBQ(U32(16), columns)
	JG(LabelRef("block"))
	VZEROUPPER()
	RET()
}

func (g *tapsGenerator) param(name string) Mem {
	p, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}

func (g *tapsGenerator) load(name string) reg.GPVirtual {
	return Load(Param(name), GP64()).(reg.GPVirtual)
}

// taps reads what the three taps of a row see into Z0 to Z2.
func (g *tapsGenerator) taps() {
	v := machine.AVX512.Vectors
	ks := []reg.OpmaskPhysical{reg.K1, reg.K2, reg.K3, reg.K4, reg.K5, reg.K6}
	for k := range 3 {
		if g.stride == 1 {
			g.pixels(Mem{Base: g.from, Disp: 4 * k}, ks[k], v[k])
			continue
		}
		g.pixels(Mem{Base: g.from, Disp: 4 * k}, ks[2*k], v[6])
		g.pixels(Mem{Base: g.from, Disp: 4*k + 60}, ks[2*k+1], v[7])
		VMOVAPS(g.order, v[k])
		VPERMI2PS(v[7], v[6], v[k])
	}
}

// pixels reads the lanes of a mask; others are what lies around the image.
func (g *tapsGenerator) pixels(from Mem, mask reg.OpmaskPhysical, to reg.VecPhysical) {
	if g.envelope {
		VMOVAPS(g.lowest, to)
		VMOVUPS(from, mask, to)
	} else {
		VMOVUPS_Z(from, mask, to)
	}
}

// greatest sets m to the greater of m and x, NaN if one is. Of a NaN and a number,
// VMAXPS gives the first operand.
func (g *tapsGenerator) greatest(x, m reg.VecPhysical) {
	was := machine.AVX512.Vectors[15]
	VMOVAPS(m, was)
	VCMPPS(U8(nan), was, was, reg.K7)
	VMAXPS(x, was, m)
	VMOVAPS(was, reg.K7, m)
}

func (g *tapsGenerator) store(sum reg.VecPhysical, to reg.GPVirtual) {
	if !g.envelope {
		VMAXPS(sum, g.low, sum)
		VMINPS(sum, g.high, sum)
	}
	KMOVW(Mem{Base: g.masks, Disp: 2 * (masksPerBlock - 1)}, reg.K7)
	VMOVUPS(sum, reg.K7, Mem{Base: to})
}

// rolling goes down the rows of the image. Every row adds to three rows of the
// result: it is the last of the first, whose sum is in Z3 so far, the middle one of
// the second, in Z4, and the first of the third.
func (g *tapsGenerator) rolling(to, pitch reg.GPVirtual) {
	v := machine.AVX512.Vectors
	row, left, height := GP64(), GP64(), g.load("imageRows")
	MOVQ(g.param("top"), row)
	NEGQ(row)
	MOVQ(g.param("rows"), left)
	ADDQ(U8(2), left)
	skip := GP64() // rows before the first result
	MOVQ(U32(2), skip)
	Label("row")
	CMPQ(row, height)
	JAE(LabelRef("outside"))
	g.taps()
	if g.envelope {
		g.rollEnvelope()
	} else {
		g.rollSums()
	}
	Label("added")
	DECQ(skip)
	JGE(LabelRef("early"))
	g.store(v[5], to)
	ADDQ(pitch, to)
	Label("early")
	ADDQ(g.step, g.from)
	INCQ(row)
	DECQ(left)
	JNE(LabelRef("row"))
	JMP(LabelRef("rolled"))
	Label("outside")
	VMOVAPS(v[3], v[5])
	VMOVAPS(v[4], v[3])
	VMOVAPS(g.bias, v[4])
	JMP(LabelRef("added"))
	Label("rolled")
}

// rollSums adds a row: the sum of the row that it is the last of goes to Z5.
func (g *tapsGenerator) rollSums() {
	v := machine.AVX512.Vectors
	for ky := range 3 {
		sum := v[8+ky]
		if ky == 0 {
			VMOVAPS(g.bias, sum)
			VFMADD231PS(g.weights[ky][0], v[0], sum)
		} else {
			VMULPS(g.weights[ky][0], v[0], sum)
		}
		VFMADD231PS(g.weights[ky][1], v[1], sum)
		VFMADD231PS(g.weights[ky][2], v[2], sum)
	}
	VADDPS(v[10], v[3], v[5])
	VADDPS(v[9], v[4], v[3])
	VMOVAPS(v[8], v[4])
}

// rollEnvelope is rollSums of an envelope.
func (g *tapsGenerator) rollEnvelope() {
	v := machine.AVX512.Vectors
	g.greatest(v[1], v[0])
	g.greatest(v[2], v[0])
	VMOVAPS(v[3], v[5])
	g.greatest(v[0], v[5])
	VMOVAPS(v[4], v[3])
	g.greatest(v[0], v[3])
	VMOVAPS(v[0], v[4])
}

// apart computes every row of the result by itself.
func (g *tapsGenerator) apart(to, pitch reg.GPVirtual) {
	v := machine.AVX512.Vectors
	row, left, height := GP64(), GP64(), g.load("imageRows")
	MOVQ(g.param("top"), row)
	NEGQ(row)
	MOVQ(g.param("rows"), left)
	Label("row")
	VMOVAPS(g.bias, v[8])
	for ky, name := range []string{"first", "second", "third"} {
		CMPQ(row, height)
		JAE(LabelRef(name))
		g.taps()
		for k := range 3 {
			if g.envelope {
				g.greatest(v[k], v[8])
			} else {
				VFMADD231PS(g.weights[ky][k], v[k], v[8])
			}
		}
		Label(name)
		if ky < 2 {
			ADDQ(g.step, g.from)
			INCQ(row)
		}
	}
	g.store(v[8], to)
	ADDQ(pitch, to)
	DECQ(left)
	JNE(LabelRef("row"))
}

var tapsOrderData *Mem

// tapsOrder is where VPERMI2PS finds every second element of a register and of the
// one that begins one element before its end.
func tapsOrder() Mem {
	if tapsOrderData != nil {
		return *tapsOrderData
	}
	name := GLOBL("tapsOrder", 8|16) // RODATA, NOPTR
	for i := range 16 {
		at := 2 * i
		if at >= 16 {
			at++
		}
		DATA(4*i, U32(uint32(at)))
	}
	tapsOrderData = &name
	return name
}
