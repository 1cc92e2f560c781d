package differential_test

import (
	"math"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, quantizeDifferences...) }

var quantizeDifferences = []*difference{
	{"Cast CastLike", func(n *sample, err error) bool { return n.dtype(0).IsFloat() && n.target() == tensor.String },
		silent, "how a float is spelt: as short as its type allows in the reference, with 8 digits in ONNX Runtime"},
	{"Cast CastLike", func(n *sample, err error) bool {
		return n.dtype(0).IsFloat() && n.target().IsInteger() && n.any(0, outside(n.target()))
	}, silent, "what an integer type lacks: NaN, infinity and what is out of range"},
	{"Cast CastLike", func(n *sample, err error) bool {
		return n.target() == tensor.Float8E8M0 && (n.dtype(0) == tensor.String || n.any(0, negative))
	},
		silent, "a negative number as float8e8m0"},
	{"Cast CastLike", func(n *sample, err error) bool { return says(err, "is only used for cast to") },
		theirs, "saturate and round_mode are refused where the target is of another type than they speak of, though they mean nothing there"},
	{"CastLike", func(n *sample, err error) bool {
		return n.target() == tensor.Float8E8M0 && (n.has("round_mode") || n.has("saturate"))
	},
		theirs, "round_mode is not passed on"},
	{"CastLike Cast", func(n *sample, err error) bool {
		return n.dtype(0).IsFloat() && n.dtype(0).Bits() == 8 && n.target() == tensor.Bool && n.any(0, func(v float64) bool { return v == 0 && math.Signbit(v) })
	}, theirs, "-0 of a narrow float becomes true"},
	{"CastLike Cast", func(n *sample, err error) bool {
		return n.dtype(0).IsFloat() && n.target().IsInteger() && n.target().Bits() < 8 && n.any(0, func(v float64) bool { return v != math.Trunc(v) })
	}, silent, "floats are cut to integers narrower than a byte in the reference, as to wider ones, and rounded in ONNX Runtime"},
	{"DequantizeLinear", func(n *sample, err error) bool { return n.has("output_dtype") && says(err, "IsPrimitiveDataType") },
		theirs, "an output_dtype other than the type of the scale is left out of account"},
	{"QuantizeLinear", func(n *sample, err error) bool { return n.dtype(1) != n.dtype(0) && says(err, "IsPrimitiveDataType") },
		theirs, "a scale of another type than the input is read as if it were of that type"},
	{"QuantizeLinear DequantizeLinear", func(n *sample, err error) bool {
		return n.int("block_size", 0) > 0 && n.tensorAt(1).Len() == 1 && says(err, "PrepareForQDQ")
	},
		theirs, "a single block that is longer than its axis is refused"},
	{"QuantizeLinear DequantizeLinear", func(n *sample, err error) bool { return n.empty(0) && n.int("block_size", 0) > 0 },
		crash, "ONNX Runtime divides by the number of elements behind the axis"},
}

// target returns the type that a cast makes.
func (n *sample) target() tensor.DType {
	if n.schema.Name == "CastLike" {
		return n.dtype(1)
	}
	for _, a := range n.attrs {
		if name, ok := a.Value.(string); ok && a.Name == "to" {
			for t := tensor.Float32; t.Valid(); t++ {
				if named(t) == name {
					return t
				}
			}
		}
	}
	return tensor.DType(n.int("to", 0))
}

// outside returns whether a number has no place in an integer type.
func outside(t tensor.DType) func(v float64) bool {
	high := math.Exp2(float64(t.Bits()))
	low := 0.0
	if t.IsSigned() {
		high /= 2
		low = -high
	}
	return func(v float64) bool { return math.IsNaN(v) || math.Trunc(v) < low || math.Trunc(v) >= high }
}
