package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// winograd writes the transformations of package blocked's Winograd convolution:
// those of inputs, and those of outputs for tiles that are cut or whole. It returns
// the Go table of the latter.
func winograd() string {
	winogradInput()
	table := "var winogradOutputsAVX512 = [2][2]func(dst, sums, bias *float32, row, position, count int, low, high float32){"
	for rows := 1; rows <= 2; rows++ {
		table += "{"
		for columns := 1; columns <= 2; columns++ {
			table += winogradOutput(rows, columns) + ", "
		}
		table += "}, "
	}
	return table + "}\n\n"
}

func argument(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// winogradInput writes the transformation of inputs: Bᵀ d B of 4 × 4 pixels d.
func winogradInput() {
	const name = "winogradInputAVX512"
	TEXT(name, NOSPLIT, "func(dst, image *float32, row, position, count int)")
	machine.Stub(name, "(dst, image *float32, row, position, count int)",
		"transforms count tiles of 4 × 4 pixels, two pixels apart, of an image whose rows lie row bytes apart. The 16 results lie position bytes apart.")
	dst, image, row, position, count := argument("dst"), argument("image"), argument("row"), argument("position"), argument("count")
	d, t := vectors[:16], vectors[16:]
	TESTQ(count, count)
	JE(LabelRef("done"))
	Label("tile")
	at := GP64()
	MOVQ(image, at)
	for i := range 16 {
		VMOVUPS(Mem{Base: at, Disp: i % 4 * 64}, d[i])
		if i%4 == 3 && i < 15 {
			ADDQ(row, at)
		}
	}
	combine := func(from, to []reg.VecPhysical, first, step int) {
		a, b, c, e := from[first], from[first+step], from[first+2*step], from[first+3*step]
		VSUBPS(c, a, to[first])
		VADDPS(c, b, to[first+step])
		VSUBPS(b, c, to[first+2*step])
		VSUBPS(e, b, to[first+3*step])
	}
	for j := range 4 {
		combine(d, t, j, 4)
	}
	for i := range 4 {
		combine(t, d, 4*i, 1)
	}
	to := GP64()
	MOVQ(dst, to)
	for i := range 16 {
		VMOVUPS(d[i], Mem{Base: to})
		if i < 15 {
			ADDQ(position, to)
		}
	}
	ADDQ(U32(128), image)
	ADDQ(U32(64), dst)
	SUBQ(U32(1), count)
	JNE(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}

// winogradOutput writes the transformation of outputs, Aᵀ m A of 4 × 4 sums m, of
// which so many rows and columns of 2 × 2 pixels are wanted. It returns its name.
func winogradOutput(rows, columns int) string {
	name := fmt.Sprintf("winogradOutput%dx%dAVX512", rows, columns)
	TEXT(name, NOSPLIT, "func(dst, sums, bias *float32, row, position, count int, low, high float32)")
	machine.Stub(name, "(dst, sums, bias *float32, row, position, count int, low, high float32)",
		fmt.Sprintf("transforms the sums of count tiles, the 16 of each position bytes apart, to %d × %d pixels, adds the bias and clips. Rows of the result lie row bytes apart.", rows, columns))
	dst, sums, bias, row, position, count := argument("dst"), argument("sums"), argument("bias"), argument("row"), argument("position"), argument("count")
	m, t := vectors[:16], vectors[16:24]
	lowest, highest, biases := vectors[24], vectors[25], vectors[26]
	VBROADCASTSS(NewParamAddr("low", 48), lowest)
	VBROADCASTSS(NewParamAddr("high", 52), highest)
	VMOVUPS(Mem{Base: bias}, biases)
	TESTQ(count, count)
	JE(LabelRef("done"))
	Label("tile")
	at := GP64()
	MOVQ(sums, at)
	for i := range 16 {
		VMOVUPS(Mem{Base: at}, m[i])
		if i < 15 {
			ADDQ(position, at)
		}
	}
	// to[0] = a + b + c, to[1] = b - c - e
	combine := func(a, b, c, e reg.VecPhysical, to []reg.VecPhysical) {
		VADDPS(b, a, to[0])
		VADDPS(c, to[0], to[0])
		if len(to) > 1 {
			VSUBPS(c, b, to[1])
			VSUBPS(e, to[1], to[1])
		}
	}
	for j := range 4 {
		combine(m[j], m[4+j], m[8+j], m[12+j], t[2*j:2*j+rows])
	}
	for i := range rows {
		y := m[2*i : 2*i+columns]
		combine(t[i], t[2+i], t[4+i], t[6+i], y)
		for k, v := range y {
			VADDPS(biases, v, v)
			VMAXPS(v, lowest, v)
			VMINPS(v, highest, v)
			to := Mem{Base: dst, Disp: 64 * k}
			if i > 0 {
				to.Index, to.Scale = row, 1
			}
			VMOVUPS(v, to)
		}
	}
	ADDQ(U32(128), dst)
	ADDQ(U32(64), sums)
	SUBQ(U32(1), count)
	JNE(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
	return name
}
