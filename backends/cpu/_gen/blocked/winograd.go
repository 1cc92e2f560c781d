package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"example.com/midplane/backends/cpu/_gen/machine"
)

// transformations writes those of package blocked's Winograd convolution for a
// machine: of inputs, and of outputs for tiles that are cut or whole. It returns the
// fields of the Go table for them and for what transposes.
func transformations(m *machine.Machine) string {
	input, output := winogradInputAVX512, winogradOutputAVX512
	if m == machine.AVX2 {
		input, output = winogradInputAVX2, winogradOutputAVX2
	}
	declare("winogradInput"+m.Name, "(dst, image *float32, row, position, count int)",
		"transforms count tiles of 4 × 4 pixels, two pixels apart, of an image whose rows lie row bytes apart. The 16 results lie position bytes apart.")
	input()
	table := fmt.Sprintf("\twinogradInput: winogradInput%s,\n\twinogradOutput: [2][2]func(dst, sums, bias *float32, row, position, count int, low, high float32){", m.Name)
	for rows := 1; rows <= 2; rows++ {
		table += "{"
		for columns := 1; columns <= 2; columns++ {
			name := fmt.Sprintf("winogradOutput%dx%d%s", rows, columns, m.Name)
			declare(name, "(dst, sums, bias *float32, row, position, count int, low, high float32)",
				fmt.Sprintf("transforms the sums of count tiles, the 16 of each position bytes apart, to %d × %d pixels, adds the bias and clips. Rows of the result lie row bytes apart.", rows, columns))
			output(rows, columns)
			table += name + ", "
		}
		table += "}, "
	}
	return table + fmt.Sprintf("},\n\ttranspose: transpose%s,\n", m.Name)
}

// declare begins a function.
func declare(name, signature, doc string) {
	TEXT(name, NOSPLIT, "func"+signature)
	machine.Stub(name, signature, doc)
}

func argument(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// winogradInputAVX512 writes the transformation of inputs: Bᵀ d B of 4 × 4 pixels d.
func winogradInputAVX512() {
	dst, image, row, position, count := argument("dst"), argument("image"), argument("row"), argument("position"), argument("count")
	vectors := machine.AVX512.Vectors
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

// winogradOutputAVX512 writes the transformation of outputs, Aᵀ m A of 4 × 4 sums m,
// of which so many rows and columns of 2 × 2 pixels are wanted.
func winogradOutputAVX512(rows, columns int) {
	dst, sums, bias, row, position, count := argument("dst"), argument("sums"), argument("bias"), argument("row"), argument("position"), argument("count")
	vectors := machine.AVX512.Vectors
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
}

// winogradInputAVX2 writes winogradInputAVX512 for a half of the lanes after the
// other. The rows of the image go by once: all registers hold columns of Bᵀ d.
func winogradInputAVX2() {
	dst, image, row, position, count := argument("dst"), argument("image"), argument("row"), argument("position"), argument("count")
	v := machine.AVX2.Vectors
	TESTQ(count, count)
	JE(LabelRef("done"))
	Label("tile")
	for half := range 2 {
		at := GP64()
		MOVQ(image, at)
		for y := range 4 {
			for x := range 4 {
				d, t := Mem{Base: at, Disp: 64*x + 32*half}, []reg.VecPhysical{v[x], v[4+x], v[8+x], v[12+x]}
				switch y {
				case 0:
					VMOVUPS(d, t[0])
				case 1:
					VMOVUPS(d, t[1])
					VMOVAPS(t[1], t[3])
				case 2:
					VMOVUPS(d, t[2])
					VSUBPS(t[2], t[0], t[0])
					VADDPS(t[2], t[1], t[1])
					VSUBPS(t[3], t[2], t[2])
				case 3:
					VSUBPS(d, t[3], t[3])
				}
			}
			if y < 3 {
				ADDQ(row, at)
			}
		}
		to := GP64()
		MOVQ(dst, to)
		for y := range 4 {
			a, b, c, e := v[4*y], v[4*y+1], v[4*y+2], v[4*y+3]
			for x := range 4 {
				switch x {
				case 0:
					VSUBPS(c, a, a)
				case 1:
					VADDPS(c, b, a)
				case 2:
					VSUBPS(b, c, a)
				case 3:
					VSUBPS(e, b, a)
				}
				VMOVUPS(a, Mem{Base: to, Disp: 32 * half})
				if 4*y+x < 15 {
					ADDQ(position, to)
				}
			}
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

// winogradOutputAVX2 writes winogradOutputAVX512 for a half of the lanes after the
// other. The sums go by once, as they are added up to columns of Aᵀ m.
func winogradOutputAVX2(rows, columns int) {
	dst, sums, bias, row, position, count := argument("dst"), argument("sums"), argument("bias"), argument("row"), argument("position"), argument("count")
	v := machine.AVX2.Vectors
	lowest, highest := v[8], v[9]
	VBROADCASTSS(NewParamAddr("low", 48), lowest)
	VBROADCASTSS(NewParamAddr("high", 52), highest)
	TESTQ(count, count)
	JE(LabelRef("done"))
	Label("tile")
	for half := range 2 {
		at := GP64()
		MOVQ(sums, at)
		for i := range 16 {
			m, upper, lower := Mem{Base: at, Disp: 32 * half}, v[i%4], v[4+i%4]
			switch i / 4 {
			case 0:
				VMOVUPS(m, upper)
			case 1:
				VMOVUPS(m, lower)
				VADDPS(lower, upper, upper)
			case 2:
				VADDPS(m, upper, upper)
				VSUBPS(m, lower, lower)
			case 3:
				VSUBPS(m, lower, lower)
			}
			if i < 15 {
				ADDQ(position, at)
			}
		}
		for y := range rows {
			t := v[4*y:]
			for x := range columns {
				p := v[10+x]
				if x == 0 {
					VADDPS(t[1], t[0], p)
					VADDPS(t[2], p, p)
				} else {
					VSUBPS(t[2], t[1], p)
					VSUBPS(t[3], p, p)
				}
				VADDPS(Mem{Base: bias, Disp: 32 * half}, p, p)
				VMAXPS(p, lowest, p)
				VMINPS(p, highest, p)
				to := Mem{Base: dst, Disp: 64*x + 32*half}
				if y > 0 {
					to.Index, to.Scale = row, 1
				}
				VMOVUPS(p, to)
			}
		}
	}
	ADDQ(U32(128), dst)
	ADDQ(U32(64), sums)
	SUBQ(U32(1), count)
	JNE(LabelRef("tile"))
	Label("done")
	VZEROUPPER()
	RET()
}
