package vector

import "math"

// Functions between float32 and the floating-point types of 16 bits, which are given
// as their bits: binary16 (IEEE 754's, ONNX's float16) and bfloat16. Widening is
// exact, narrowing rounds to nearest, ties to even; NaN becomes quiet.
var (
	WidenHalf   = widenHalfGeneric
	NarrowHalf  = narrowHalfGeneric
	WidenBrain  = widenBrainGeneric
	NarrowBrain = narrowBrainGeneric
)

func widenHalfGeneric(dst []float32, a []uint16) {
	a = a[:len(dst)]
	for i, h := range a {
		sign, exponent, mantissa := uint32(h>>15)<<31, uint32(h>>10)&0x1F, uint32(h)&0x3FF
		switch exponent {
		case 0x1F:
			if mantissa != 0 {
				mantissa |= 0x200
			}
			dst[i] = math.Float32frombits(sign | 0xFF<<23 | mantissa<<13)
		case 0: // mantissa × 2⁻²⁴
			dst[i] = math.Float32frombits(sign | math.Float32bits(float32(mantissa)*(1.0/(1<<24))))
		default:
			dst[i] = math.Float32frombits(sign | (exponent+112)<<23 | mantissa<<13)
		}
	}
}

func narrowHalfGeneric(dst []uint16, a []float32) {
	a = a[:len(dst)]
	for i, v := range a {
		bits := math.Float32bits(v)
		sign := uint16(bits>>16) & 0x8000
		bits &= 0x7FFFFFFF
		switch {
		case bits > 0x7F800000: // NaN
			dst[i] = sign | 0x7E00 | uint16(bits>>13)&0x3FF
		case bits >= 0x477FF000: // 65520 and more, which round up to 65536
			dst[i] = sign | 0x7C00
		case bits < 0x38800000: // less than 2⁻¹⁴: added to 1/2, whose last place is 2⁻²⁴
			dst[i] = sign | uint16(math.Float32bits(math.Float32frombits(bits)+0.5)-0x3F000000)
		default:
			bits += 0xFFF + bits>>13&1
			dst[i] = sign | uint16((bits-112<<23)>>13)
		}
	}
}

func widenBrainGeneric(dst []float32, a []uint16) {
	a = a[:len(dst)]
	for i, b := range a {
		dst[i] = math.Float32frombits(uint32(b) << 16)
	}
}

func narrowBrainGeneric(dst []uint16, a []float32) {
	a = a[:len(dst)]
	for i, v := range a {
		bits := math.Float32bits(v)
		if v != v {
			dst[i] = uint16(bits>>16)&0x8000 | 0x7FC0
		} else {
			dst[i] = uint16((bits + 0x7FFF + bits>>16&1) >> 16)
		}
	}
}
