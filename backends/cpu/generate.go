package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// generate holds Range, EyeLike, OneHot.
var generate = family{
	{op: "Range", kernel: "generate", by: byType{
		tensor.Float32: rangeOf(stepsBetweenReals[float32], progression[float32, float64]),
		tensor.Float64: rangeOf(stepsBetweenReals[float64], progression[float64, float64]),
		tensor.Int16:   rangeOf(stepsBetween[int16], progression[int16, int16]),
		tensor.Int32:   rangeOf(stepsBetween[int32], progression[int32, int32]),
		tensor.Int64:   rangeOf(stepsBetween[int64], progression[int64, int64]),
	}},
	{op: "EyeLike", kernel: "generate", inputs: firstMoves, build: eyeLike, accept: eyeType},
	{op: "OneHot", kernel: "generate", values: []int{1}, inputs: oneHotInputs, build: byWidth(2, oneHot[uint8], oneHot[uint16], oneHot[uint32], oneHot[uint64])},
}

// byWidth builds for the width of the elements of input i.
func byWidth(i int, w8, w16, w32, w64 builder) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		build := map[int]builder{8: w8, 16: w16, 32: w32, 64: w64}[n.Inputs[i].Type.DType.Bits()]
		return build(d, n)
	}
}

// rangeOf gives start, start + delta, … before limit.
func rangeOf[T real](count func(start, limit, delta T) (int, bool), fill func(dst []T, start, delta T)) builder {
	return func(*Device, *graph.Node) (planner, error) {
		return func(*operators.Call) (work, error) {
			return workFunc(func(_ context.Context, c *operators.Call) error {
				var v [3]T
				for i := range v {
					if c.Inputs[i].Shape.Size() != 1 || c.Inputs[i].DType != tensor.DTypeOf[T]() {
						return errUnfit
					}
					one, err := input[T](c, i)
					if err != nil {
						return err
					}
					v[i] = one[0]
				}
				n, ok := count(v[0], v[1], v[2])
				if !ok || tensor.Fits(tensor.DTypeOf[T](), tensor.Shape{n}) != nil {
					return errUnfit
				}
				dst, err := output[T](c, 0, tensor.DTypeOf[T](), tensor.Shape{n})
				if err != nil {
					return err
				}
				fill(dst, v[0], v[2])
				return nil
			}), nil
		}, nil
	}
}

// stepsBetweenReals is max(ceil((limit - start) / delta), 0).
func stepsBetweenReals[T float32 | float64](start, limit, delta T) (int, bool) {
	n := math.Ceil((float64(limit) - float64(start)) / float64(delta))
	return int(max(n, 0)), n < math.MaxInt/16
}

func stepsBetween[T int16 | int32 | int64](start, limit, delta T) (int, bool) {
	low, high := int64(start), int64(limit)
	if delta < 0 {
		low, high = high, low
	}
	if delta == 0 || high <= low {
		return 0, delta != 0
	}
	step := int64(delta)
	n := (uint64(high)-uint64(low)-1)/uint64(max(step, -step)) + 1
	return int(n), n < math.MaxInt/16
}

// progression counts in a type of its own.
func progression[T, A real](dst []T, start, delta T) {
	for i := range dst {
		dst[i] = T(A(start) + A(i)*A(delta))
	}
}

// eyeType takes the types whose number 1 has a kernel.
func eyeType(n *graph.Node) operators.Verdict {
	switch d := n.DType("dtype", n.Inputs[0].Type.DType); d {
	case tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Int8, tensor.Bool:
		return native
	default:
		return operators.Verdict{Reason: operators.WrongType, Detail: d.String()}
	}
}

func eyeLike(_ *Device, n *graph.Node) (planner, error) {
	d := n.DType("dtype", n.Inputs[0].Type.DType)
	one := tensor.FromInt64s(d, tensor.Shape{1}, []int64{1}).Bytes()
	return func(c *operators.Call) (work, error) {
		s, k := c.Inputs[0].Shape.Clone(), n.Int("k", 0)
		if len(s) != 2 || tensor.Fits(d, s) != nil {
			return nil, nil
		}
		return workFunc(func(_ context.Context, c *operators.Call) error {
			o, err := c.NewOutput(0, d, s)
			if err != nil || s.Size() == 0 {
				return err
			}
			dst, err := bytesFor(o, s.Size()*len(one))
			if err != nil {
				return err
			}
			clear(dst)
			for row := range s[0] {
				if k >= -int64(row) && k < int64(s[1]-row) {
					copy(dst[(row*s[1]+row+int(k))*len(one):], one)
				}
			}
			return nil
		}), nil
	}, nil
}

var oneHotInputs = [][]tensor.DType{{tensor.Int64, tensor.Int32}, {tensor.Int64, tensor.Int32}, movable}

// oneHotRun is one run of a OneHot.
type oneHotRun[U word] struct {
	indexes     []int64
	values, dst []U
}

// oneHot puts the second of two values where the indexes say along a new axis, the
// first elsewhere.
func oneHot[U word](d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, dtype := c.Inputs[0].Shape.Clone(), c.Inputs[2].DType
		axis, ok := axisIn(n.Int("axis", -1), len(s)+1)
		if !ok || c.Inputs[1].Shape.Size() != 1 || c.Inputs[2].Shape.Size() != 2 {
			return nil, nil
		}
		depths, err := integers(c, 1)
		if err != nil {
			return nil, err
		}
		depth, inner := tensor.Extent(depths[0]), s[axis:].Size()
		shape := append(append(s[:axis].Clone(), depth), s[axis:]...)
		if tensor.Fits(dtype, shape) != nil {
			return nil, nil
		}
		work := &units[oneHotRun[U]]{do: func(t *oneHotRun[U], first, end int) {
			vector.Fill(t.dst[first*depth*inner:end*depth*inner], t.values[0])
			for i := first * inner; i < end*inner; i++ {
				k := t.indexes[i]
				if k < 0 {
					k += int64(depth)
				}
				if k >= 0 && k < int64(depth) {
					t.dst[(i/inner*depth+int(k))*inner+i%inner] = t.values[1]
				}
			}
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			indexes, err := integers(c, 0)
			if err != nil {
				return err
			}
			values, err := input[U](c, 2)
			if err != nil {
				return err
			}
			dst, err := output[U](c, 0, dtype, shape)
			if err != nil || len(dst) == 0 {
				return err
			}
			return work.each(ctx, d, s[:axis].Size(), depth*inner, oneHotRun[U]{indexes, values, dst})
		}), nil
	}, nil
}
