package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// reduceExact holds ReduceProd, and ReduceSum, ReduceMean, ReduceMax, ReduceMin of
// float64 and of integers.
var reduceExact = family{
	{op: "ReduceProd", kernel: "reduce", inputs: exactly(tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64), values: []int{1}, by: byType{
		tensor.Float32: folded(multiplied[float32, float64], nil), tensor.Float64: folded(multiplied[float64, float64], nil),
		tensor.Int32: folded(multiplied[int32, int32], nil), tensor.Int64: folded(multiplied[int64, int64], nil),
	}},
	{op: "ReduceSum", kernel: "reduce", inputs: exactly(tensor.Float64, tensor.Int32, tensor.Int64), values: []int{1}, by: byType{
		tensor.Float64: folded(summed[float64], nil), tensor.Int32: folded(summed[int32], nil), tensor.Int64: folded(summed[int64], nil),
	}},
	{op: "ReduceMean", kernel: "reduce", inputs: exactly(tensor.Float64, tensor.Int64), values: []int{1}, by: byType{
		tensor.Float64: folded(summed[float64], shared[float64]), tensor.Int64: folded(summed[int64], shared[int64]),
	}},
	{op: "ReduceMax", kernel: "reduce", inputs: exactly(ordinals...), values: []int{1}, by: byType{
		tensor.Float64: folded(largest[float64], nil), tensor.Int32: folded(largest[int32], nil), tensor.Int64: folded(largest[int64], nil),
		tensor.Uint8: folded(largest[uint8], nil), tensor.Int8: folded(largest[int8], nil),
	}},
	{op: "ReduceMin", kernel: "reduce", inputs: exactly(ordinals...), values: []int{1}, by: byType{
		tensor.Float64: folded(smallest[float64], nil), tensor.Int32: folded(smallest[int32], nil), tensor.Int64: folded(smallest[int64], nil),
		tensor.Uint8: folded(smallest[uint8], nil), tensor.Int8: folded(smallest[int8], nil),
	}},
}

var ordinals = []tensor.DType{tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Int8}

func exactly(types ...tensor.DType) [][]tensor.DType { return [][]tensor.DType{types, {tensor.Int64}} }

// fold takes elements into results, in turn the first to the first; of a single
// result, all into it. Where there is no result yet, the first elements are it.
type fold[T, A real] func(results []A, a []T)

func multiplied[T, A real](results []A, a []T) {
	if len(results) == 1 {
		for _, v := range a {
			results[0] *= A(v)
		}
		return
	}
	a = a[:len(results)]
	for i, v := range a {
		results[i] *= A(v)
	}
}

func summed[T real](results, a []T) {
	if len(results) == 1 {
		sum := results[0]
		for _, v := range a {
			sum += v
		}
		results[0] = sum
		return
	}
	a = a[:len(results)]
	for i, v := range a {
		results[i] += v
	}
}

func largest[T real](results, a []T) {
	if len(results) == 1 {
		most := results[0]
		for _, v := range a {
			most = max(most, v)
		}
		results[0] = most
		return
	}
	a = a[:len(results)]
	for i, v := range a {
		results[i] = max(results[i], v)
	}
}

func smallest[T real](results, a []T) {
	if len(results) == 1 {
		least := results[0]
		for _, v := range a {
			least = min(least, v)
		}
		results[0] = least
		return
	}
	a = a[:len(results)]
	for i, v := range a {
		results[i] = min(results[i], v)
	}
}

// shared divides sums of count numbers; of integers towards zero.
func shared[T real](sums []T, count int) {
	for i := range sums {
		sums[i] /= T(count)
	}
}

// folded goes through the elements in their order and takes each row into the
// results that it belongs to.
func folded[T, A real](f fold[T, A], finish func(results []A, count int)) builder {
	return func(_ *Device, n *graph.Node) (planner, error) {
		return func(c *operators.Call) (work, error) {
			s := c.Inputs[0].Shape.Clone()
			request, err := integers(c, 1)
			if err != nil || s.Size() == 0 || len(request) == 0 && n.Bool("noop_with_empty_axes", false) {
				return nil, nil
			}
			kept, shape, ok := reducedShape(s, request, n.Bool("keepdims", true))
			if !ok {
				return nil, nil
			}
			steps, _ := broadcastSteps(kept, s)
			l, ok := newLayout(s, [maxOperands][]int{steps})
			if !ok {
				return nil, nil
			}
			return workFunc(func(ctx context.Context, c *operators.Call) error {
				a, err := input[T](c, 0)
				if err != nil {
					return err
				}
				dst, err := output[T](c, 0, tensor.DTypeOf[T](), shape)
				if err != nil {
					return err
				}
				results, same := any(dst).([]A)
				if !same {
					results = make([]A, len(dst))
				}
				met := make([]bool, len(dst)) // results whose first elements have come
				var at cursor
				for row := range l.rows {
					elements := a[row*l.inner:][:l.inner]
					from, count := at.offset[0], 1+(l.inner-1)*l.step(0)
					to := results[from : from+count]
					if met[from] {
						f(to, elements)
					} else {
						for i := range to {
							to[i] = A(elements[i])
						}
						met[from] = true
						if count == 1 {
							f(to, elements[1:])
						}
					}
					if row%1024 == 0 && ctx.Err() != nil {
						return ctx.Err()
					}
					l.next(&at)
				}
				if finish != nil {
					finish(results, len(a)/len(dst))
				}
				if !same {
					for i, v := range results {
						dst[i] = T(v)
					}
				}
				return nil
			}), nil
		}, nil
	}
}

// reducedShape returns what a shape becomes along whose axes, or all axes if none are
// given, elements are reduced: with extents of 1 there, and as the output has it.
func reducedShape(s tensor.Shape, axes []int64, keep bool) (kept, shape tensor.Shape, ok bool) {
	reduced := make([]bool, len(s))
	for _, a := range axes {
		axis, ok := axisIn(a, len(s))
		if !ok || reduced[axis] {
			return nil, nil, false
		}
		reduced[axis] = true
	}
	kept, shape = s.Clone(), tensor.Shape{}
	for axis, n := range s {
		if len(axes) == 0 || reduced[axis] {
			kept[axis] = 1
		}
		if kept[axis] == n && !(len(axes) == 0 || reduced[axis]) {
			shape = append(shape, n)
		} else if keep {
			shape = append(shape, 1)
		}
	}
	return kept, shape, true
}
