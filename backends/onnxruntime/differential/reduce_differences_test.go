package differential_test

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, reduceDifferences...) }

const reductions = "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"

var reduceDifferences = []*difference{
	{"ArgMax ArgMin", func(n *sample, err error) bool { return n.empty(0) },
		theirs, "what has no elements keeps its shape"},
	{reductions, func(n *sample, err error) bool {
		return n.empty(0) && slices.ContainsFunc(n.ints("axes", 1), func(v int64) bool { return v < 0 })
	}, theirs, "negative axes of what has no elements are not reduced"},
	{"ReduceMean", func(n *sample, err error) bool { return n.empty(0) },
		silent, "the mean of nothing is NaN in the reference, 0 in ONNX Runtime"},
	{"ReduceMax ReduceMin", func(n *sample, err error) bool { return n.any(0, math.IsNaN) },
		silent, "NaN goes through in the reference, and sometimes in ONNX Runtime"},
	{"ReduceLogSum ReduceLogSumExp", func(n *sample, err error) bool {
		return n.dtype(0).IsInteger() && (n.schema.Name == "ReduceLogSumExp" || n.any(0, func(v float64) bool { return v <= 0 }))
	}, silent, "what the logarithm of a negative number becomes as an integer, and whether the sum of exponentials is rounded before the result is cut to an integer"},
	{"ReduceLogSum ReduceLogSumExp", func(n *sample, err error) bool { return n.dtype(0).IsInteger() && n.empty(0) },
		silent, "what the logarithm of zero becomes as an integer"},
	{"ReduceProd", func(n *sample, err error) bool { return n.dtype(0).IsInteger() && n.tensorAt(0).Len() > 8 },
		silent, "products of integers that overflow: the reference wraps, ONNX Runtime computes in float64"},
	{"ReduceL1 ReduceL2 ReduceMean ReduceSumSquare ReduceLogSum ReduceLogSumExp ReduceProd ReduceSum", func(n *sample, err error) bool {
		return n.dtype(0).IsInteger() && n.any(0, large)
	}, silent, "sums of integers that overflow: the reference wraps, ONNX Runtime computes in float64"},
	{"ReduceLogSumExp", func(n *sample, err error) bool {
		return n.any(0, func(v float64) bool { return math.IsNaN(v) || math.Abs(v) > 80 })
	}, theirs, "the exponential of what 32 bits cannot hold, and NaN, becomes infinite"},
	{"ReduceMax ReduceMin", func(n *sample, err error) bool {
		return n.dtype(0) == tensor.Bool && n.empty(0) && says(err, "empty set")
	},
		theirs, "the extreme of no bools is refused"},
	{"LogSoftmax", func(n *sample, err error) bool { return n.dtype(0) == tensor.Float64 && n.any(0, infinite) },
		theirs, "infinity makes only some of float64 results NaN"},
	{"Hardmax", func(n *sample, err error) bool { return n.any(0, math.IsNaN) },
		silent, "whether NaN is the greatest"},
}
