package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// arg holds ArgMax, ArgMin, Hardmax.
var arg = family{
	{op: "ArgMax", kernel: "reduce", by: byType{
		tensor.Float32: argOf(moreFloat32), tensor.Float64: argOf(more[float64]),
		tensor.Int8: argOf(more[int8]), tensor.Int16: argOf(more[int16]), tensor.Int32: argOf(more[int32]), tensor.Int64: argOf(more[int64]),
		tensor.Uint8: argOf(more[uint8]), tensor.Uint16: argOf(more[uint16]), tensor.Uint32: argOf(more[uint32]), tensor.Uint64: argOf(more[uint64]),
	}},
	{op: "ArgMin", kernel: "reduce", by: byType{
		tensor.Float32: argOf(less[float32]), tensor.Float64: argOf(less[float64]),
		tensor.Int8: argOf(less[int8]), tensor.Int16: argOf(less[int16]), tensor.Int32: argOf(less[int32]), tensor.Int64: argOf(less[int64]),
		tensor.Uint8: argOf(less[uint8]), tensor.Uint16: argOf(less[uint16]), tensor.Uint32: argOf(less[uint32]), tensor.Uint64: argOf(less[uint64]),
	}},
	{op: "Hardmax", kernel: "softmax", by: byType{tensor.Float32: hardmax[float32], tensor.Float64: hardmax[float64]}},
}

// real is the set of types that have an order.
type real interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

// around splits a shape at an axis: how many slices lie before it, its extent,
// and how many elements lie behind one step along it.
func around(s tensor.Shape, axis int) (outer, n, inner int) {
	return s[:axis].Size(), s[axis], s[axis+1:].Size()
}

// extreme keeps, of columns that are met row by row, the most extreme elements and
// in which row they were: the first row's to begin with; then those of row i that
// are more extreme, or, if last, as extreme. NaN is the most extreme.
type extreme[T real] struct {
	line func(a []T, last bool) int // the index in a single column
	next func(best []T, at []int64, a []T, i int, last bool)
}

func more[T real]() extreme[T] {
	next := func(best []T, at []int64, a []T, i int, last bool) {
		best, at = best[:len(a)], at[:len(a)]
		for k, v := range a {
			if b := best[k]; v > b || v != v && b == b || last && (v == b || v != v) {
				best[k], at[k] = v, int64(i)
			}
		}
	}
	return extreme[T]{line: func(a []T, last bool) int {
		best, at := a[0], 0
		for i, v := range a {
			if v > best || v != v && best == best || last && (v == best || v != v) {
				best, at = v, i
			}
		}
		return at
	}, next: next}
}

func less[T real]() extreme[T] {
	next := func(best []T, at []int64, a []T, i int, last bool) {
		best, at = best[:len(a)], at[:len(a)]
		for k, v := range a {
			if b := best[k]; v < b || v != v && b == b || last && (v == b || v != v) {
				best[k], at[k] = v, int64(i)
			}
		}
	}
	return extreme[T]{line: func(a []T, last bool) int {
		best, at := a[0], 0
		for i, v := range a {
			if v < best || v != v && best == best || last && (v == best || v != v) {
				best, at = v, i
			}
		}
		return at
	}, next: next}
}

// moreFloat32 looks for the block that has the greatest element, and in that alone
// for the element.
func moreFloat32() extreme[float32] {
	const block = 256
	plain := more[float32]()
	return extreme[float32]{next: plain.next, line: func(a []float32, last bool) int {
		from := 0
		if len(a) > 2*block {
			best := vector.Greatest(a[:block])
			for i := block; i < len(a); i += block {
				v := vector.Greatest(a[i:min(i+block, len(a))])
				if v > best || v != v && best == best || last && (v == best || v != v) {
					best, from = v, i
				}
			}
			a = a[from:min(from+block, len(a))]
		}
		return from + plain.line(a, last)
	}}
}

// argOf finds where along an axis the most extreme element is.
func argOf[T real](of func() extreme[T]) builder {
	return func(d *Device, n *graph.Node) (planner, error) {
		last, keep, e := n.Bool("select_last_index", false), n.Bool("keepdims", true), of()
		return func(c *operators.Call) (work, error) {
			s := c.Inputs[0].Shape
			axis, ok := axisIn(n.Int("axis", 0), len(s))
			if !ok || s.Size() == 0 {
				return nil, nil
			}
			outer, extent, inner := around(s, axis)
			shape := s[:axis].Clone()
			if keep {
				shape = append(shape, 1)
			}
			shape = append(shape, s[axis+1:]...)
			return workFunc(func(ctx context.Context, c *operators.Call) error {
				a, err := input[T](c, 0)
				if err != nil {
					return err
				}
				dst, err := output[int64](c, 0, tensor.Int64, shape)
				if err != nil {
					return err
				}
				if inner == 1 {
					return d.each(ctx, outer, extent, func(first, end int) {
						for o := first; o < end; o++ {
							dst[o] = int64(e.line(a[o*extent:][:extent], last))
						}
					})
				}
				const width = 512
				chunks := (inner + width - 1) / width
				return d.each(ctx, outer*chunks, extent*min(width, inner), func(first, end int) {
					var best [width]T
					for unit := first; unit < end; unit++ {
						o, k := unit/chunks, unit%chunks*width
						count := min(width, inner-k)
						at := dst[o*inner+k:][:count]
						clear(at)
						copy(best[:count], a[o*extent*inner+k:])
						for i := 1; i < extent; i++ {
							e.next(best[:count], at, a[(o*extent+i)*inner+k:][:count], i, last)
						}
					}
				})
			}), nil
		}, nil
	}
}

// hardmax gives 1 where along an axis the first greatest element is, 0 elsewhere.
func hardmax[T float32 | float64](d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		shape := c.Inputs[0].Shape.Clone()
		axis, ok := axisIn(n.Int("axis", -1), len(shape))
		if !ok || shape.Size() == 0 {
			return nil, nil
		}
		outer, extent, inner := around(shape, axis)
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			a, err := input[T](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[T](c, 0, tensor.DTypeOf[T](), shape)
			if err != nil {
				return err
			}
			return d.each(ctx, outer, extent*inner, func(first, end int) {
				for o := first; o < end; o++ {
					slice, to := a[o*extent*inner:][:extent*inner], dst[o*extent*inner:][:extent*inner]
					for k := range inner {
						best, at := slice[k], k
						for i := k; i < len(slice); i += inner {
							if v := slice[i]; v > best || v != v && best == best {
								best, at = v, i
							}
						}
						for i := k; i < len(to); i += inner {
							to[i] = 0
						}
						to[at] = 1
					}
				}
			})
		}), nil
	}, nil
}
