package differential_test

import (
	"math"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, gatherDifferences...) }

var gatherDifferences = []*difference{
	{"Gather", func(n *sample, err error) bool { return n.dtype(0) == tensor.String && n.tensorAt(0).Rank() > 1 },
		theirs, "of strings only the first of each slice is copied"},
	{"OneHot", func(n *sample, err error) bool {
		return n.any(0, func(v float64) bool { return v != math.Trunc(v) })
	}, theirs, "indices that are no integers are not rounded towards zero"},
	{"Unique", func(n *sample, err error) bool { return n.empty(0) && n.has("axis") },
		crash, "ONNX Runtime ends the process"},
	{"TopK", func(n *sample, err error) bool { return n.empty(0) },
		crash, "ONNX Runtime divides by the number of slices"},
}
