package differential_test

import (
	"math"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, elementwiseDifferences...) }

var elementwiseDifferences = []*difference{
	{"Clip", func(n *sample, err error) bool { return n.any(0, infinite) && says(err, "Inf") },
		silent, "infinities beyond a bound that is absent: the text names the type's greatest number as default, the function's body leaves them"},
	{"Clip", func(n *sample, err error) bool { return n.schema.Since == 6 && says(err, "clip.h") },
		silent, "min above max is an error in ONNX Runtime below version 11"},
	{"Gelu", func(n *sample, err error) bool { return n.dtype(0) == tensor.Float64 && n.is("approximate", "tanh") },
		silent, "the constants of the approximation are float32 in the function's body"},
	{"Mod", func(n *sample, err error) bool {
		return n.dtype(0).IsInteger() && n.is("fmod", int64(1)) && (n.any(0, unexact) || n.any(1, unexact))
	},
		theirs, "fmod of 64-bit integers is computed in float64"},
	{"Pow", func(n *sample, err error) bool { return n.dtype(0).IsInteger() && n.dtype(1).IsFloat() },
		silent, "an integer to a power that is no integer: what a NaN becomes"},
	{"Pow", func(n *sample, err error) bool { return n.dtype(0).IsInteger() && n.any(1, negative) },
		silent, "an integer to a negative power"},
	{"Pow", func(n *sample, err error) bool {
		return n.dtype(0).IsInteger() && (n.any(0, large) || n.any(1, func(v float64) bool { return v > 20 }))
	},
		silent, "an integer power that overflows: the reference wraps, ONNX Runtime computes in float64"},
	{"Shrink", func(n *sample, err error) bool { return n.dtype(0).Bits() >= 32 && n.dtype(0) != tensor.Float32 },
		theirs, "every type is computed in float32"},
	{"Sign", func(n *sample, err error) bool { return n.dtype(0).Bits() == 16 && n.any(0, math.IsNaN) },
		silent, "the sign of a NaN: NaN in the reference, and in ONNX Runtime but for types of 16 bits, where it is 0"},
}
