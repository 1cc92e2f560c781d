package jpeg

// plane is a component's samples, padded to full blocks on the right and below.
type plane struct {
	*component
	stride int
	pix    []uint8
}

// samples dequantizes and transforms the component's blocks.
func (c *component) samples() plane {
	p := plane{c, c.wide * 8, make([]uint8, c.wide*c.high*64)}
	for y := range c.high {
		for x := range c.wide {
			inverse(c.block(x, y), c.quant, p.pix[y*8*p.stride+x*8:], p.stride)
		}
	}
	return p
}

// The inverse DCT is the algorithm of C. Loeffler, A. Ligtenberg and G. S.
// Moschytz, "Practical Fast 1-D DCT Algorithms with 11 Multiplications" (1989),
// in fixed point: constants have 13 bits behind the point, and values between
// the two passes have 2.
const (
	constBits = 13
	passBits  = 2

	fix0298631336 = 2446
	fix0390180644 = 3196
	fix0541196100 = 4433
	fix0765366865 = 6270
	fix0899976223 = 7373
	fix1175875602 = 9633
	fix1501321110 = 12299
	fix1847759065 = 15137
	fix1961570560 = 16069
	fix2053119869 = 16819
	fix2562915447 = 20995
	fix3072711026 = 25172
)

// inverse writes the samples of a block, columns first and then rows.
func inverse(b []int16, quant *[64]int32, out []uint8, stride int) {
	var work [64]int
	for i := range work {
		work[i] = int(b[i]) * int(quant[i])
	}
	for x := range 8 {
		lines(&work, x, 8, constBits-passBits)
	}
	for y := range 8 {
		lines(&work, y*8, 1, constBits+passBits+3)
		for x := range 8 {
			out[y*stride+x] = clamp(work[y*8+x] + 128)
		}
	}
}

// lines transforms eight values, step apart, and rounds off the given number of
// bits.
func lines(w *[64]int, at, step, bits int) {
	in := func(i int) int { return w[at+i*step] }

	z := (in(2) + in(6)) * fix0541196100
	e2, e3 := z-in(6)*fix1847759065, z+in(2)*fix0765366865
	e0, e1 := (in(0)+in(4))<<constBits, (in(0)-in(4))<<constBits
	even := [4]int{e0 + e3, e1 + e2, e1 - e2, e0 - e3}

	z1, z2, z3, z4 := in(7)+in(1), in(5)+in(3), in(7)+in(3), in(5)+in(1)
	z5 := (z3 + z4) * fix1175875602
	z1, z2 = -z1*fix0899976223, -z2*fix2562915447
	z3, z4 = z5-z3*fix1961570560, z5-z4*fix0390180644
	odd := [4]int{
		in(1)*fix1501321110 + z1 + z4,
		in(3)*fix3072711026 + z2 + z3,
		in(5)*fix2053119869 + z2 + z4,
		in(7)*fix0298631336 + z1 + z3,
	}

	half := 1 << (bits - 1)
	for i := range 4 {
		w[at+i*step] = (even[i] + odd[i] + half) >> bits
		w[at+(7-i)*step] = (even[i] - odd[i] + half) >> bits
	}
}

func clamp(v int) uint8 { return uint8(max(0, min(v, 255))) }
