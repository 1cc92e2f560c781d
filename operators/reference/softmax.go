package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{
	"Softmax":    normalized(softmaxLine),
	"LogSoftmax": normalized(logSoftmaxLine),
	"Hardmax":    normalized(hardmaxLine),
}

// normalized rewrites every line of a float tensor along attribute axis.
func normalized(f func(line []float64)) Func {
	return func(c *Call) ([]tensor.Value, error) {
		x := c.Tensor(0)
		axis, err := tensor.Axis(c.Node.Int("axis", -1), x.Rank())
		if err != nil {
			return nil, err
		}
		if !x.DType().IsFloat() {
			return nil, fmt.Errorf("the input is %v; it takes a floating-point type", x.DType())
		}
		return one(tensor.FromFloat64s(x.DType(), x.Shape(), lines(x.Float64s(), x.Shape(), axis, f)))
	}
}

// softmaxLine sets x to exp(x - max x) / Σ exp(x - max x).
func softmaxLine(x []float64) {
	most, sum := fold(math.Inf(-1), combiner[float64]("max"))(x), 0.0
	for i := range x {
		x[i] = math.Exp(x[i] - most)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
}

// logSoftmaxLine sets x to x - max x - log Σ exp(x - max x).
func logSoftmaxLine(x []float64) {
	most, sum := fold(math.Inf(-1), combiner[float64]("max"))(x), 0.0
	for i := range x {
		x[i] -= most
		sum += math.Exp(x[i])
	}
	for i := range x {
		x[i] -= math.Log(sum)
	}
}

// hardmaxLine sets the first greatest element to 1 and the others to 0. NaN
// counts as the greatest, as it does for ArgMax.
func hardmaxLine(x []float64) {
	best := 0
	for i := range x {
		if compareFloats(x[i], x[best], 1) > 0 {
			best = i
		}
	}
	for i := range x {
		x[i] = 0
	}
	if len(x) > 0 {
		x[best] = 1
	}
}
