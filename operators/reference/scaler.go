package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// scaler holds Scaler, Normalizer, Imputer, Binarizer of ai.onnx.ml.
var scaler = family{
	"ai.onnx.ml.Scaler":     scale,
	"ai.onnx.ml.Normalizer": normalizer,
	"ai.onnx.ml.Imputer":    imputer,
	"ai.onnx.ml.Binarizer":  binarizer,
}

// features returns the extent of the last axis of t, 1 for a scalar.
func features(t *tensor.Tensor) int {
	if t.Rank() == 0 {
		return 1
	}
	return t.Shape()[t.Rank()-1]
}

// perFeature checks that a list has an element for each of n features or one
// for all.
func perFeature[T any](name string, list []T, n int) error {
	if len(list) != 1 && len(list) != n {
		return fmt.Errorf("%s has %d elements, but must have 1 or, for as many features, %d", name, len(list), n)
	}
	return nil
}

// scale computes (x - offset) × scale for each feature, the last axis.
func scale(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	n := features(x)
	offset, factor := c.Node.Floats("offset"), c.Node.Floats("scale")
	if len(offset) > 0 && len(factor) > 0 && len(offset) != len(factor) {
		return nil, fmt.Errorf("offset and scale have %d and %d elements, but must have equally many", len(offset), len(factor))
	}
	if len(offset) == 0 {
		offset = []float32{0}
	}
	if len(factor) == 0 {
		factor = []float32{1}
	}
	if err := perFeature("offset", offset, n); err != nil {
		return nil, err
	}
	if err := perFeature("scale", factor, n); err != nil {
		return nil, err
	}
	y := x.Float64s()
	for i := range y {
		y[i] = (y[i] - float64(offset[i%n%len(offset)])) * float64(factor[i%n%len(factor)])
	}
	return one(tensor.FromFloat64s(tensor.Float32, x.Shape(), y))
}

// normalizer divides each example by its norm: MAX, the largest element; L1,
// the sum of absolute values; L2, the square root of the sum of squares. The
// specification writes L1 as the plain sum, but implementations take absolute
// values, as the name says. An example whose norm is 0 stays as it is.
func normalizer(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	x, err := examples(t)
	if err != nil {
		return nil, err
	}
	norms := map[string]func(row []float64) float64{
		"MAX": func(row []float64) float64 {
			high := math.Inf(-1)
			for _, v := range row {
				high = math.Max(high, v)
			}
			return high
		},
		"L1": func(row []float64) float64 {
			sum := 0.0
			for _, v := range row {
				sum += math.Abs(v)
			}
			return sum
		},
		"L2": func(row []float64) float64 {
			sum := 0.0
			for _, v := range row {
				sum += v * v
			}
			return math.Sqrt(sum)
		},
	}
	norm, ok := norms[c.Node.Text("norm", "MAX")]
	if !ok {
		return nil, fmt.Errorf("norm %q is none of MAX, L1, L2", c.Node.Text("norm", "MAX"))
	}
	for i := range x.rows {
		row := x.row(i)
		if by := norm(row); by != 0 {
			for k := range row {
				row[k] /= by
			}
		}
	}
	return one(tensor.FromFloat64s(tensor.Float32, t.Shape(), x.data))
}

// imputer replaces the elements that equal a value, or are NaN if it is, by
// another value for each feature, the last axis.
func imputer(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	n := features(x)
	if x.DType().IsFloat() {
		by := c.Node.Floats("imputed_value_floats")
		if err := perFeature("imputed_value_floats", by, n); err != nil {
			return nil, err
		}
		replaced, y := float64(c.Node.Float("replaced_value_float", 0)), x.Float64s()
		for i, v := range y {
			if v == replaced || math.IsNaN(v) && math.IsNaN(replaced) {
				y[i] = float64(by[i%n%len(by)])
			}
		}
		return one(tensor.FromFloat64s(x.DType(), x.Shape(), y))
	}
	by := c.Node.Ints("imputed_value_int64s")
	if err := perFeature("imputed_value_int64s", by, n); err != nil {
		return nil, err
	}
	for _, v := range by {
		if x.DType() == tensor.Int32 && v != int64(int32(v)) {
			return nil, fmt.Errorf("imputed value %d does not fit elements of type %v", v, x.DType())
		}
	}
	replaced, y := c.Node.Int("replaced_value_int64", 0), x.Int64s()
	for i, v := range y {
		if v == replaced {
			y[i] = by[i%n%len(by)]
		}
	}
	return one(tensor.FromInt64s(x.DType(), x.Shape(), y))
}

// binarizer maps elements greater than a threshold to 1, others to 0.
func binarizer(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	threshold := float64(c.Node.Float("threshold", 0))
	y := make([]int64, x.Len())
	if x.DType().IsFloat() {
		for i, v := range x.Float64s() {
			if v > threshold {
				y[i] = 1
			}
		}
		return one(tensor.FromInt64s(x.DType(), x.Shape(), y))
	}
	for i, v := range x.Int64s() {
		if exceeds(v, threshold) {
			y[i] = 1
		}
	}
	return one(tensor.FromInt64s(x.DType(), x.Shape(), y))
}

// exceeds compares an integer with a real number exactly.
func exceeds(v int64, threshold float64) bool {
	switch {
	case threshold < math.MinInt64:
		return true
	case threshold >= math.MaxInt64, math.IsNaN(threshold):
		return false
	}
	return v > int64(math.Floor(threshold))
}
