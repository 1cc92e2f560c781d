package tensor

import "math"

// The floating-point types narrower than 32 bits, as their bit patterns.
type (
	F16        uint16 // IEEE 754 binary16
	BF16       uint16 // the upper half of a binary32
	F8E4M3FN   uint8  // OCP FP8 E4M3: no infinity
	F8E4M3FNUZ uint8  // E4M3 with one NaN (0x80), no infinity, no negative zero
	F8E5M2     uint8  // OCP FP8 E5M2
	F8E5M2FNUZ uint8  // E5M2 with one NaN (0x80), no infinity, no negative zero
	F8E8M0     uint8  // OCP MX scale: a power of two, 0xFF is NaN
)

// format describes a binary floating-point format: sign, exponent, mantissa.
// Sources: IEEE 754-2019 §3; OCP 8-bit Floating Point Specification 1.0;
// OCP Microscaling Formats 1.0; for FNUZ, "8-bit numerical formats for deep
// neural networks" (arXiv:2206.02915).
type format struct {
	exp, man int  // widths of exponent and mantissa in bits
	bias     int  // exponent bias
	inf      bool // the highest exponent encodes infinity (mantissa 0) and NaN
	nan      int  // the NaN that encoding gives, -1 if the format has none
	max      int  // code of the largest finite value
	fnuz     bool // the code of negative zero is the only NaN
}

var formats = map[DType]format{
	Float16:        {exp: 5, man: 10, bias: 15, inf: true, nan: 0x7E00, max: 0x7BFF},
	BFloat16:       {exp: 8, man: 7, bias: 127, inf: true, nan: 0x7FC0, max: 0x7F7F},
	Float8E4M3FN:   {exp: 4, man: 3, bias: 7, nan: 0x7F, max: 0x7E},
	Float8E4M3FNUZ: {exp: 4, man: 3, bias: 8, nan: 0x80, max: 0x7F, fnuz: true},
	Float8E5M2:     {exp: 5, man: 2, bias: 15, inf: true, nan: 0x7F, max: 0x7B},
	Float8E5M2FNUZ: {exp: 5, man: 2, bias: 16, nan: 0x80, max: 0x7F, fnuz: true},
	Float4E2M1:     {exp: 2, man: 1, bias: 1, nan: -1, max: 0x7},
}

// decode returns the value of a code.
func (f format) decode(code int) float64 {
	sign := 1.0
	signBit := 1 << (f.exp + f.man)
	if f.fnuz && code == signBit {
		return math.NaN()
	}
	if code&signBit != 0 {
		sign = -1
	}
	magnitude := code &^ signBit
	e, m := magnitude>>f.man, magnitude&(1<<f.man-1)
	switch {
	case magnitude > f.max && f.inf && m == 0:
		return math.Inf(int(sign))
	case magnitude > f.max:
		return math.NaN()
	case e == 0: // subnormal
		return sign * math.Ldexp(float64(m), 1-f.bias-f.man)
	}
	return sign * math.Ldexp(float64(m|1<<f.man), e-f.bias-f.man)
}

// encode rounds v to the nearest code, ties to even. With saturate, what is
// beyond the largest finite value becomes that value; without, it becomes
// infinity, or NaN where the format has no infinity. In a format without NaN it
// becomes -0.
func (f format) encode(v float64, saturate bool) int {
	sign := 0
	if math.Signbit(v) {
		sign = 1 << (f.exp + f.man)
	}
	switch {
	case math.IsNaN(v) && f.nan < 0: // as ONNX's own data has it
		return 1 << (f.exp + f.man)
	case math.IsNaN(v) && f.fnuz:
		return f.nan
	case math.IsNaN(v):
		return sign | f.nan
	case v == 0:
		return f.zero(sign)
	}
	code := f.max + 1
	if a := math.Abs(v); !math.IsInf(v, 0) {
		_, e := math.Frexp(a) // a = fraction × 2^e, fraction in [0.5, 1)
		if e > f.bias+1<<f.exp {
			e = f.bias + 1<<f.exp
		}
		// The quantum is the distance between neighbours around a.
		quantum := max(e-1, 1-f.bias) - f.man
		steps := math.RoundToEven(math.Ldexp(a, -quantum))
		// Codes are consecutive across exponents, so steps of the quantum
		// count up from the first code of this exponent.
		first := max(e-1+f.bias, 1)
		code = (first-1)<<f.man + int(min(steps, float64(int(4)<<f.man)))
	}
	if code > f.max {
		switch {
		case saturate || f.nan < 0:
			code = f.max
		case f.inf:
			code = (1<<f.exp - 1) << f.man
		case f.fnuz:
			return f.nan
		default:
			code = f.nan
		}
	}
	if code == 0 {
		return f.zero(sign)
	}
	return sign | code
}

func (f format) zero(sign int) int {
	if f.fnuz {
		return 0
	}
	return sign
}

// EncodeFloat returns the code of v in the narrow floating-point type d
// (Float16, BFloat16, a float8 or float4 type), rounded to nearest, ties to
// even. Saturate says what becomes of values beyond the largest finite one: it,
// or else infinity (NaN in formats that have none). Float8E8M0 rounds to the
// nearest power of two, ties up, and ignores the sign.
func EncodeFloat(d DType, v float64, saturate bool) int {
	if d == Float8E8M0 {
		return encodeE8M0(v, saturate)
	}
	return formats[d].encode(v, saturate)
}

// DecodeFloat returns the value of a code of the narrow floating-point type d.
func DecodeFloat(d DType, code int) float64 {
	if d == Float8E8M0 {
		if code == 0xFF {
			return math.NaN()
		}
		return math.Ldexp(1, code-127)
	}
	return formats[d].decode(code)
}

func encodeE8M0(v float64, saturate bool) int {
	v = math.Abs(v)
	if math.IsNaN(v) || math.IsInf(v, 0) && !saturate {
		return 0xFF
	}
	if math.IsInf(v, 0) {
		return 0xFE
	}
	if v == 0 {
		return 0
	}
	fraction, e := math.Frexp(v) // 0.5 <= fraction < 1
	code := e - 1 + 127
	if fraction >= 0.75 {
		code++
	}
	switch {
	case code < 0:
		return 0
	case code > 0xFE && saturate:
		return 0xFE
	case code > 0xFE:
		return 0xFF
	}
	return code
}

// NewF16 rounds v to the nearest binary16, ties to even; overflow gives
// infinity.
func NewF16(v float32) F16 { return F16(formats[Float16].encode(float64(v), false)) }

// Float32 returns the exact value.
func (h F16) Float32() float32 {
	sign := uint32(h>>15) << 31
	e, m := uint32(h>>10)&0x1F, uint32(h)&0x3FF
	switch {
	case e == 0x1F:
		return math.Float32frombits(sign | 0xFF<<23 | m<<13)
	case e != 0:
		return math.Float32frombits(sign | (e+112)<<23 | m<<13)
	case m == 0:
		return math.Float32frombits(sign)
	}
	return float32(formats[Float16].decode(int(h)))
}

// NewBF16 rounds v to the nearest bfloat16, ties to even.
func NewBF16(v float32) BF16 {
	bits := math.Float32bits(v)
	if v != v {
		return BF16(bits>>16&0x8000 | 0x7FC0)
	}
	return BF16((bits + 0x7FFF + bits>>16&1) >> 16)
}

// Float32 returns the exact value.
func (b BF16) Float32() float32 { return math.Float32frombits(uint32(b) << 16) }
