package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// scaler holds Normalizer, Imputer, Binarizer of ai.onnx.ml. A Scaler is decomposed.
var scaler = family{
	{op: "ai.onnx.ml.Normalizer", kernel: "normalizer", by: byType{tensor.Float32: normalizer}},
	{op: "ai.onnx.ml.Imputer", kernel: "imputer", by: byType{
		tensor.Float32: imputerOfReals[float32], tensor.Float64: imputerOfReals[float64],
		tensor.Int64: imputerOfIntegers[int64], tensor.Int32: imputerOfIntegers[int32],
	}},
	{op: "ai.onnx.ml.Binarizer", kernel: "binarizer", by: byType{tensor.Float32: binarizer}},
}

// norms are the norms of examples, by the attribute norm. Room is as long as a row.
// Where float32 is too narrow for a sum, float64 is not.
var norms = map[string]func(row, room []float32) float64{
	"MAX": func(row, _ []float32) float64 { return float64(vector.Greatest(row)) },
	"L1": func(row, room []float32) float64 {
		vector.Abs(room, row, 0, 0)
		return within(vector.Sum(room), func(sum float64) float64 {
			for _, v := range room {
				sum += float64(v)
			}
			return sum
		})
	},
	"L2": func(row, _ []float32) float64 {
		return math.Sqrt(within(vector.SumSquares(row, 0), func(sum float64) float64 {
			for _, v := range row {
				sum += float64(v) * float64(v)
			}
			return sum
		}))
	},
}

// within returns a sum if float32 holds it and its terms, else the one that add makes.
func within(sum float32, add func(sum float64) float64) float64 {
	if sum > 1e-24 && sum < 1e38 {
		return float64(sum)
	}
	return add(0)
}

// normalizer divides each example by its norm, unless that is 0.
func normalizer(d *Device, n *graph.Node) (planner, error) {
	norm := norms[n.Text("norm", "MAX")]
	return func(c *operators.Call) (work, error) {
		rows, features, ok := examples(c.Inputs[0].Shape)
		if norm == nil || !ok || rows == 0 || features == 0 {
			return nil, nil
		}
		s := c.Inputs[0].Shape.Clone()
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			x, dst, err := ends(c, s)
			if err != nil {
				return err
			}
			return d.each(ctx, rows, 2*features, func(first, end int) {
				for i := first; i < end; i++ {
					row, to := x[i*features:][:features], dst[i*features:][:features]
					divideRow(to, row, norm(row, to))
				}
			})
		}), nil
	}, nil
}

// divideRow divides by a norm, which may be beyond the range of float32.
func divideRow(dst, row []float32, by float64) {
	switch {
	case by == 0:
		copy(dst, row)
	case math.Abs(by) > 1e-37 && math.Abs(by) < math.MaxFloat32:
		vector.DivFloat32.Right(dst, row, float32(by))
	default:
		for k, v := range row {
			dst[k] = float32(float64(v) / by)
		}
	}
}

// imputerOfReals replaces one value, or NaNs, by another for each feature.
func imputerOfReals[T float32 | float64](d *Device, n *graph.Node) (planner, error) {
	return impute(d, T(n.Float("replaced_value_float", 0)), n.Floats("imputed_value_floats")), nil
}

func imputerOfIntegers[T int64 | int32](d *Device, n *graph.Node) (planner, error) {
	replaced, by := n.Int("replaced_value_int64", 0), n.Ints("imputed_value_int64s")
	for _, v := range append([]int64{replaced}, by...) {
		if v != int64(T(v)) {
			return nothing, nil
		}
	}
	return impute(d, T(replaced), by), nil
}

// impute replaces a value by one of by for each feature, the last axis, or by one for
// all.
func impute[T feature, V float32 | int64](d *Device, replaced T, by []V) planner {
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape.Clone()
		if len(s) == 0 || s.Size() == 0 || len(by) != 1 && len(by) != s[len(s)-1] {
			return nil, nil
		}
		features := s[len(s)-1]
		values := make([]T, features)
		for i := range values {
			values[i] = T(by[i%len(by)])
		}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			x, err := input[T](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[T](c, 0, tensor.DTypeOf[T](), s)
			if err != nil {
				return err
			}
			return d.each(ctx, len(x)/features, features, func(first, end int) {
				for i := first; i < end; i++ {
					row, to := x[i*features:][:features], dst[i*features:][:features]
					if replaced != replaced {
						imputeNaNs(to, row, values)
					} else {
						imputeEqual(to, row, values, replaced)
					}
				}
			})
		}), nil
	}
}

func imputeNaNs[T feature](dst, row, values []T) {
	dst, values = dst[:len(row)], values[:len(row)]
	for k, v := range row {
		if v != v {
			v = values[k]
		}
		dst[k] = v
	}
}

func imputeEqual[T feature](dst, row, values []T, replaced T) {
	dst, values = dst[:len(row)], values[:len(row)]
	for k, v := range row {
		if v == replaced {
			v = values[k]
		}
		dst[k] = v
	}
}

// binarizer maps elements greater than a threshold to 1, others to 0.
func binarizer(d *Device, n *graph.Node) (planner, error) {
	threshold := n.Float("threshold", 0)
	one := math.Float32bits(1)
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape.Clone()
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			x, err := input[float32](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[uint32](c, 0, tensor.Float32, s)
			if err != nil {
				return err
			}
			return d.each(ctx, len(x), 2, func(first, end int) {
				from, to := x[first:end], dst[first:end:end]
				to = to[:len(from)]
				for i, v := range from {
					above := uint32(0)
					if v > threshold {
						above = 1
					}
					to[i] = -above & one
				}
			})
		}), nil
	}, nil
}
