package reference

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"

	"example.com/midplane/adapter/tensor"
)

// cast holds Cast, CastLike, BitCast.
var cast = family{
	"Cast":     castOp,
	"CastLike": castLike,
	"BitCast":  bitCast,
}

func castOp(c *Call) ([]tensor.Value, error) {
	return castNode(c, c.Node.DType("to", tensor.Undefined))
}

func castLike(c *Call) ([]tensor.Value, error) {
	return castNode(c, c.Tensor(1).DType())
}

func castNode(c *Call, to tensor.DType) ([]tensor.Value, error) {
	out, err := castTo(c.Tensor(0), to, c.Node.Bool("saturate", true), c.Node.Text("round_mode", "up"))
	if err != nil {
		return nil, err
	}
	return one(out)
}

// castTo converts the elements of t. Saturate and the rounding mode ("up",
// "down", "nearest") bear on the float8 types and on float8e8m0 alone.
//
// What ONNX leaves undefined is defined here as follows: a real number becomes
// an integer by truncation towards zero and then, as an integer out of range
// does, by discarding the higher bits; infinities and NaN become 0.
func castTo(t *tensor.Tensor, to tensor.DType, saturate bool, roundMode string) (*tensor.Tensor, error) {
	from := t.DType()
	switch {
	case !to.Valid() || from.IsComplex() || to.IsComplex():
		return nil, fmt.Errorf("a cast from %v to %v is not defined", from, to)
	case from == to:
		return t, nil
	case to == tensor.String:
		return tensor.FromSlice(t.Shape(), formatNumbers(t))
	case from == tensor.String && (to.IsInteger() || to == tensor.Bool):
		values, err := parseIntegers(t.Strings())
		if err != nil {
			return nil, err
		}
		return tensor.FromInt64s(to, t.Shape(), values), nil
	case to.IsFloat() && to.Bits() == 8:
		values, err := reals(t, to)
		if err != nil {
			return nil, err
		}
		return toFloat8(to, t.Shape(), values, saturate, roundMode)
	case to.IsFloat():
		values, err := reals(t, to)
		if err != nil {
			return nil, err
		}
		return tensor.FromFloat64s(to, t.Shape(), values), nil
	case from.IsFloat() && to == tensor.Bool:
		return tensor.FromFloat64s(to, t.Shape(), t.Float64s()), nil
	case from.IsFloat() && to.Packed():
		return fromReals(to, t.Shape(), mapped(t.Float64s(), math.RoundToEven)), nil
	case from.IsFloat():
		return fromReals(to, t.Shape(), t.Float64s()), nil
	}
	return tensor.FromInt64s(to, t.Shape(), t.Int64s()), nil
}

// reals returns the elements of t as float64s that round to the type to as the
// elements themselves do.
func reals(t *tensor.Tensor, to tensor.DType) ([]float64, error) {
	switch {
	case t.DType() == tensor.String:
		size := 64
		if to == tensor.Float32 {
			size = 32
		}
		out := make([]float64, t.Len())
		for i, s := range t.Strings() {
			v, err := parseReal(s, size)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
		return out, nil
	case t.DType() == tensor.Uint64 && to != tensor.Float64:
		return mapped(tensor.Slice[uint64](t), toOdd), nil
	case t.DType() == tensor.Int64 && to != tensor.Float64:
		return mapped(tensor.Slice[int64](t), func(v int64) float64 {
			if v < 0 {
				return -toOdd(-uint64(v))
			}
			return toOdd(uint64(v))
		}), nil
	}
	return t.Float64s(), nil
}

// toOdd returns v as a float64 if it has no more than 53 significant bits. If
// it has, they are cut to 53, the last of which is set ("rounding to odd"), so
// that rounding the result to a narrower type is rounding v. Source: S. Boldo,
// G. Melquiond, "When double rounding is odd", 2005.
func toOdd(v uint64) float64 {
	excess := bits.Len64(v) - 53
	if excess <= 0 {
		return float64(v)
	}
	kept := v >> excess
	if kept<<excess != v {
		kept |= 1
	}
	return math.Ldexp(float64(kept), excess)
}

// toFloat8 encodes values in a type of eight bits.
func toFloat8(d tensor.DType, shape tensor.Shape, values []float64, saturate bool, roundMode string) (*tensor.Tensor, error) {
	encode := func(v float64) int { return tensor.EncodeFloat(d, v, saturate) }
	if d == tensor.Float8E8M0 {
		switch roundMode {
		case "up", "down", "nearest":
		default:
			return nil, fmt.Errorf("round_mode is %q, want up, down or nearest", roundMode)
		}
		encode = func(v float64) int { return encodeScale(v, saturate, roundMode) }
	}
	codes := mapped(values, func(v float64) uint8 { return uint8(encode(v)) })
	return tensor.FromBytes(d, shape, codes)
}

// encodeScale returns the code of |v| in float8e8m0, whose code k is 2^(k-127)
// and whose 0xFF is NaN: v is rounded to a power of two, and a power out of
// range saturates or becomes NaN.
func encodeScale(v float64, saturate bool, mode string) int {
	const lowest, highest, nan = 0, 0xFE, 0xFF
	v = math.Abs(v)
	if math.IsNaN(v) {
		return nan
	}
	fraction, e := math.Frexp(v) // v = fraction × 2^e, fraction in [0.5, 1)
	code := e - 1 + 127
	switch {
	case v == 0:
		code = lowest - 1
	case math.IsInf(v, 0):
		code = highest + 1
	case mode == "up" && fraction > 0.5, mode == "nearest" && fraction >= 0.75:
		code++
	}
	switch {
	case code >= lowest && code <= highest:
		return code
	case !saturate:
		return nan
	}
	return min(max(code, lowest), highest)
}

// fromReals returns a tensor of any numeric type: integers truncate towards
// zero and keep the bits that fit, floats are rounded.
func fromReals(d tensor.DType, shape tensor.Shape, values []float64) *tensor.Tensor {
	if d.IsInteger() {
		return tensor.FromInt64s(d, shape, mapped(values, truncate))
	}
	return tensor.FromFloat64s(d, shape, values)
}

// truncate returns the low 64 bits of the integral part of v, in two's
// complement; 0 for infinities and NaN.
func truncate(v float64) int64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	magnitude := uint64(math.Mod(math.Trunc(math.Abs(v)), 1<<64))
	if v < 0 {
		magnitude = -magnitude
	}
	return int64(magnitude)
}

// parseReal reads a decimal number, "INF", "+INF", "-INF" or "NaN" in any case.
// A number beyond the range becomes infinite.
func parseReal(s string, bits int) (float64, error) {
	v, err := strconv.ParseFloat(s, bits)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, fmt.Errorf("the string %q is no number", s)
	}
	return v, nil
}

// parseIntegers reads decimal numbers; those that are not integral are
// truncated towards zero.
func parseIntegers(texts []string) ([]int64, error) {
	out := make([]int64, len(texts))
	for i, s := range texts {
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			out[i] = v
			continue
		}
		if v, err := strconv.ParseUint(s, 10, 64); err == nil {
			out[i] = int64(v)
			continue
		}
		v, err := parseReal(s, 64)
		if err != nil {
			return nil, err
		}
		out[i] = truncate(v)
	}
	return out, nil
}

// formatNumbers writes numbers in plain decimal notation with as many digits as
// tell them from their neighbours; booleans as 1 and 0.
func formatNumbers(t *tensor.Tensor) []string {
	switch d := t.DType(); {
	case d == tensor.Float64 || d == tensor.Float32:
		return mapped(t.Float64s(), func(v float64) string { return formatReal(v, d.Bits()) })
	case d.IsFloat():
		return mapped(t.Float64s(), func(v float64) string { return formatReal(shortest(v, d), 64) })
	case d.IsUnsigned():
		return mapped(uint64s(t), func(v uint64) string { return strconv.FormatUint(v, 10) })
	}
	return mapped(t.Int64s(), func(v int64) string { return strconv.FormatInt(v, 10) })
}

func formatReal(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "INF"
	case math.IsInf(v, -1):
		return "-INF"
	}
	return strconv.FormatFloat(v, 'f', -1, bits)
}

// shortest returns the number of fewest decimal digits that rounds to v in the
// narrow floating-point type d.
func shortest(v float64, d tensor.DType) float64 {
	code := tensor.EncodeFloat(d, v, false)
	for digits := range 17 {
		short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits, 64), 64)
		if err == nil && tensor.EncodeFloat(d, short, false) == code {
			return short
		}
	}
	return v
}

// bitCast reads the bits of each element as another type of the same width.
func bitCast(c *Call) ([]tensor.Value, error) {
	t, to := c.Tensor(0), c.Node.DType("to", tensor.Undefined)
	from := t.DType()
	if from == tensor.String || !to.Valid() || from.Bits() != to.Bits() {
		return nil, fmt.Errorf("cannot read the bits of %v (%d wide) as %v (%d wide)", from, from.Bits(), to, to.Bits())
	}
	if to == tensor.Bool && from != to { // a truth value has no bits but 0 and 1
		return one(tensor.FromInt64s(to, t.Shape(), mapped(t.Bytes(), func(b uint8) int64 { return int64(b) })))
	}
	out, err := tensor.FromBytes(to, t.Shape(), t.Bytes())
	if err != nil {
		return nil, err
	}
	return one(out)
}
