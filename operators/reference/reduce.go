package reference

import (
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// reduce holds ReduceSum and its kin, ArgMax, ArgMin, CumSum, CumProd.
var reduce = family{
	"ReduceSum":       reduceBy(reduceSum),
	"ReduceMean":      reduceBy(reduceMean),
	"ReduceProd":      reduceBy(reduceProd),
	"ReduceMax":       reduceBy(reduceMax),
	"ReduceMin":       reduceBy(reduceMin),
	"ReduceL1":        reduceBy(reduceL1),
	"ReduceL2":        reduceBy(reduceL2),
	"ReduceLogSum":    reduceBy(reduceLogSum),
	"ReduceLogSumExp": reduceBy(reduceLogSumExp),
	"ReduceSumSquare": reduceBy(reduceSumSquare),
	"ArgMax":          argMax,
	"ArgMin":          argMin,
	"CumSum":          cumulate("add", 0),
	"CumProd":         cumulate("mul", 1),
}

// reducer makes one number of a list, in each of the wide types.
type reducer struct {
	float    func([]float64) float64
	signed   func([]int64) int64
	unsigned func([]uint64) uint64
}

// reduceBy reduces over the axes of input 1. Without any it reduces over all of
// them, or, if noop_with_empty_axes, every element by itself.
func reduceBy(of func(d tensor.DType) reducer) Func {
	return func(c *Call) ([]tensor.Value, error) {
		data := c.Tensor(0)
		request := c.Ints(1)
		if len(request) == 0 && !c.Node.Bool("noop_with_empty_axes", false) {
			request = nil
		} else if request == nil {
			request = []int64{}
		}
		axes, err := axesIn(request, data.Rank())
		if err != nil {
			return nil, err
		}
		kept, reduced := data.Shape().Clone(), tensor.Shape{}
		var steps []int
		for _, axis := range axes {
			kept[axis] = 1
			reduced = append(reduced, data.Shape()[axis])
			steps = append(steps, data.Shape().Strides()[axis])
		}
		starts, members := strided(kept, 0, data.Shape().Strides()), strided(reduced, 0, steps)
		if !c.Node.Bool("keepdims", true) {
			kept = without(kept, axes)
		}
		f := of(data.DType())
		return one(overReals{
			float:    func(v []float64) []float64 { return reduceGroups(v, starts, members, f.float) },
			signed:   func(v []int64) []int64 { return reduceGroups(v, starts, members, f.signed) },
			unsigned: func(v []uint64) []uint64 { return reduceGroups(v, starts, members, f.unsigned) },
		}.apply(data, kept))
	}
}

// reduceGroups applies f to the elements at start+member for every start.
func reduceGroups[T any](v []T, starts, members []int, f func([]T) T) []T {
	out, group := make([]T, len(starts)), make([]T, len(members))
	for i, start := range starts {
		for k, member := range members {
			group[k] = v[start+member]
		}
		out[i] = f(group)
	}
	return out
}

// without returns a shape less some axes.
func without(s tensor.Shape, axes []int) tensor.Shape {
	left := tensor.Shape{}
	for axis, n := range s {
		if !slices.Contains(axes, axis) {
			left = append(left, n)
		}
	}
	return left
}

// fold returns the function that combines all elements of a list, from a start.
func fold[T any](start T, f func(a, b T) T) func([]T) T {
	return func(v []T) T {
		result := start
		for _, x := range v {
			result = f(result, x)
		}
		return result
	}
}

// folding folds with a combiner from the value that an empty list has.
func folding(name string, float float64, signed int64, unsigned uint64) reducer {
	return reducer{
		float:    fold(float, combiner[float64](name)),
		signed:   fold(signed, combiner[int64](name)),
		unsigned: fold(unsigned, combiner[uint64](name)),
	}
}

func reduceSum(tensor.DType) reducer  { return folding("add", 0, 0, 0) }
func reduceProd(tensor.DType) reducer { return folding("mul", 1, 1, 1) }

func reduceMax(d tensor.DType) reducer {
	least, _ := limits(d)
	return folding("max", math.Inf(-1), least, 0)
}

func reduceMin(d tensor.DType) reducer {
	_, most := limits(d)
	return folding("min", math.Inf(1), most, math.MaxUint64)
}

// reduceMean divides the sum by the number of elements, integers towards zero.
// The mean of nothing is NaN, for integers 0.
func reduceMean(d tensor.DType) reducer {
	sum := reduceSum(d)
	return reducer{
		float:    func(v []float64) float64 { return sum.float(v) / float64(len(v)) },
		signed:   func(v []int64) int64 { return sum.signed(v) / int64(max(len(v), 1)) },
		unsigned: func(v []uint64) uint64 { return sum.unsigned(v) / uint64(max(len(v), 1)) },
	}
}

func reduceL1(tensor.DType) reducer {
	return reducer{
		float:    fold(0, func(sum, x float64) float64 { return sum + math.Abs(x) }),
		signed:   fold(0, func(sum, x int64) int64 { return sum + max(x, -x) }),
		unsigned: fold(0, combiner[uint64]("add")),
	}
}

func addSquare[T wide](sum, x T) T { return sum + x*x }

func reduceSumSquare(tensor.DType) reducer {
	return reducer{float: fold(0, addSquare[float64]), signed: fold(0, addSquare[int64]), unsigned: fold(0, addSquare[uint64])}
}

func reduceL2(tensor.DType) reducer {
	return inFloat(func(v []float64) float64 { return math.Sqrt(fold(0, addSquare[float64])(v)) })
}

func reduceLogSum(tensor.DType) reducer {
	return inFloat(func(v []float64) float64 { return math.Log(fold(0, combiner[float64]("add"))(v)) })
}

// reduceLogSumExp computes max + log Σ exp(x - max), which does not overflow.
func reduceLogSumExp(tensor.DType) reducer {
	return inFloat(func(v []float64) float64 {
		most := fold(math.Inf(-1), combiner[float64]("max"))(v)
		if math.IsInf(most, 0) {
			return most
		}
		return most + math.Log(fold(0, func(sum, x float64) float64 { return sum + math.Exp(x-most) })(v))
	})
}

// inFloat computes integers in float64 too and truncates the result as Cast does.
func inFloat(f func([]float64) float64) reducer {
	return reducer{
		float:    f,
		signed:   func(v []int64) int64 { return truncate(f(floats(v))) },
		unsigned: func(v []uint64) uint64 { return uint64(truncate(f(floats(v)))) },
	}
}

func floats[T wide](v []T) []float64 {
	return mapped(v, func(x T) float64 { return float64(x) })
}

// argMax and argMin give the index of the extreme element along an axis; NaN is
// the extreme in both.
func argMax(c *Call) ([]tensor.Value, error) { return argExtreme(c, order(c.Tensor(0), 1)) }

func argMin(c *Call) ([]tensor.Value, error) {
	ascending := order(c.Tensor(0), -1)
	return argExtreme(c, func(i, k int) int { return ascending(k, i) })
}

// argExtreme finds, along an axis, the first index (or the last, if
// select_last_index) that no other comes before; a positive comparison means
// that i is the more extreme.
func argExtreme(c *Call, compare func(i, k int) int) ([]tensor.Value, error) {
	data := c.Tensor(0)
	axis, err := tensor.Axis(c.Node.Int("axis", 0), data.Rank())
	if err != nil {
		return nil, err
	}
	outer, n, inner := around(data.Shape(), axis)
	if n == 0 {
		return nil, fmt.Errorf("axis %d of shape %v has no elements to choose from", axis, data.Shape())
	}
	last := c.Node.Bool("select_last_index", false)
	found := make([]int64, 0, outer*inner)
	for o := range outer {
		for k := range inner {
			start, best := o*n*inner+k, 0
			for i := range n {
				if by := compare(start+i*inner, start+best*inner); by > 0 || by == 0 && last {
					best = i
				}
			}
			found = append(found, int64(best))
		}
	}
	target := data.Shape().Clone()
	target[axis] = 1
	if !c.Node.Bool("keepdims", true) {
		target = without(target, []int{axis})
	}
	return one(tensor.Of(found, target...))
}

// cumulate replaces every element by the combination of those before it along an
// axis and itself, or, if exclusive, of those before it only.
func cumulate(name string, empty int) Func {
	return func(c *Call) ([]tensor.Value, error) {
		x := c.Tensor(0)
		if len(c.Ints(1)) != 1 {
			return nil, fmt.Errorf("axis has %d elements; it takes one", len(c.Ints(1)))
		}
		axis, err := tensor.Axis(c.Ints(1)[0], x.Rank())
		if err != nil {
			return nil, err
		}
		exclusive, reverse := c.Node.Bool("exclusive", false), c.Node.Bool("reverse", false)
		return one(overReals{
			float: func(v []float64) []float64 {
				return lines(v, x.Shape(), axis, running(combiner[float64](name), float64(empty), exclusive, reverse))
			},
			signed: func(v []int64) []int64 {
				return lines(v, x.Shape(), axis, running(combiner[int64](name), int64(empty), exclusive, reverse))
			},
			unsigned: func(v []uint64) []uint64 {
				return lines(v, x.Shape(), axis, running(combiner[uint64](name), uint64(empty), exclusive, reverse))
			},
		}.apply(x, x.Shape()))
	}
}

// running returns the function that cumulates one line.
func running[T any](f func(a, b T) T, empty T, exclusive, reverse bool) func(line []T) {
	return func(line []T) {
		if reverse {
			slices.Reverse(line)
			defer slices.Reverse(line)
		}
		total := empty
		for i, x := range line {
			before := total
			total = f(total, x)
			line[i] = total
			if exclusive {
				line[i] = before
			}
		}
	}
}
