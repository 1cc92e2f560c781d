package cpu

import (
	"context"
	"math"
	"sync"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// arg holds ArgMax, ArgMin, Hardmax.
var arg = family{
	{op: "ArgMax", kernel: "reduce", by: byType{
		tensor.Float32: argOf(mostFloat32), tensor.Float64: argOf(more[float64]),
		tensor.Int8: argOf(more[int8]), tensor.Int16: argOf(more[int16]), tensor.Int32: argOf(more[int32]), tensor.Int64: argOf(more[int64]),
		tensor.Uint8: argOf(more[uint8]), tensor.Uint16: argOf(more[uint16]), tensor.Uint32: argOf(more[uint32]), tensor.Uint64: argOf(more[uint64]),
	}},
	{op: "ArgMin", kernel: "reduce", by: byType{
		tensor.Float32: argOf(leastFloat32), tensor.Float64: argOf(less[float64]),
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
	next func(best []T, at []int32, a []T, i int32, last bool)
}

func more[T real]() extreme[T] {
	next := func(best []T, at []int32, a []T, i int32, last bool) {
		best, at = best[:len(a)], at[:len(a)]
		for k, v := range a {
			if b := best[k]; v > b || v != v && b == b || last && (v == b || v != v) {
				best[k], at[k] = v, i
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
	next := func(best []T, at []int32, a []T, i int32, last bool) {
		best, at = best[:len(a)], at[:len(a)]
		for k, v := range a {
			if b := best[k]; v < b || v != v && b == b || last && (v == b || v != v) {
				best[k], at[k] = v, i
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

func mostFloat32() extreme[float32] {
	return ofFloat32(more[float32](), func(a, b float32) bool { return a > b }, vector.Greatest, vector.KeepGreater)
}

func leastFloat32() extreme[float32] {
	return ofFloat32(less[float32](), func(a, b float32) bool { return a < b }, vector.Least, vector.KeepLess)
}

// ofFloat32 returns a plain extreme with what package vector has for it: the extreme
// of many elements, and to keep the first ones of columns. In a single column it looks
// for the block that has the element, and for that in the block alone.
func ofFloat32(
	plain extreme[float32], beyond func(a, b float32) bool, most func(a []float32) float32, keep func(best []float32, at []int32, a []float32, i int32),
) extreme[float32] {
	const block = 256
	line := func(a []float32, last bool) int {
		best, from := most(a[:min(block, len(a))]), 0
		for i := block; i < len(a); i += block {
			v := most(a[i:min(i+block, len(a))])
			if beyond(v, best) || v != v && best == best || last && (v == best || v != v) {
				best, from = v, i
			}
		}
		return from + position(a[from:min(from+block, len(a))], best, last)
	}
	next := func(best []float32, at []int32, a []float32, i int32, last bool) {
		if last {
			plain.next(best, at, a, i, last)
		} else {
			keep(best, at, a, i)
		}
	}
	return extreme[float32]{line, next}
}

// position returns where the first, or last, element is that equals one of them. NaN
// equals NaN.
func position(a []float32, v float32, last bool) int {
	at := 0
	for i, w := range a {
		if w == v || w != w && v != v {
			if at = i; !last {
				break
			}
		}
	}
	return at
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
			if extent > math.MaxInt32 {
				return nil, nil
			}
			shape := s[:axis].Clone()
			if keep {
				shape = append(shape, 1)
			}
			shape = append(shape, s[axis+1:]...)
			chunks := (inner + argWidth - 1) / argWidth
			rooms := sync.Pool{New: func() any { return new(argRoom[T]) }}
			work := &units[fromTo[T, int64]]{do: func(t *fromTo[T, int64], first, end int) {
				room := rooms.Get().(*argRoom[T])
				defer rooms.Put(room)
				for unit := first; unit < end; unit++ {
					o, k := unit/chunks, unit%chunks*argWidth
					room.columns(e, t.dst[o*inner+k:][:min(argWidth, inner-k)], t.a[o*extent*inner+k:], extent, inner, last)
				}
			}}
			if inner == 1 {
				work.do = func(t *fromTo[T, int64], first, end int) {
					for o := first; o < end; o++ {
						t.dst[o] = int64(e.line(t.a[o*extent:][:extent], last))
					}
				}
			}
			return workFunc(func(ctx context.Context, c *operators.Call) error {
				a, err := input[T](c, 0)
				if err != nil {
					return err
				}
				dst, err := output[int64](c, 0, tensor.Int64, shape)
				if err != nil {
					return err
				}
				return work.each(ctx, d, outer*chunks, extent*min(argWidth, inner), fromTo[T, int64]{a, dst})
			}), nil
		}, nil
	}
}

// argWidth is how many columns are gone through at a time.
const argWidth = 512

// argRoom holds the most extreme elements of columns, and in which rows they are.
type argRoom[T real] struct {
	best [argWidth]T
	at   [argWidth]int32
}

// columns finds the most extreme elements of columns, whose rows lie step apart.
func (r *argRoom[T]) columns(e extreme[T], dst []int64, a []T, rows, step int, last bool) {
	n := len(dst)
	best, at := r.best[:n], r.at[:n]
	copy(best, a)
	clear(at)
	for i := 1; i < rows; i++ {
		e.next(best, at, a[i*step:][:n], int32(i), last)
	}
	for k, i := range at {
		dst[k] = int64(i)
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
		work := &units[fromTo[T, T]]{do: func(t *fromTo[T, T], first, end int) {
			for o := first; o < end; o++ {
				slice, to := t.a[o*extent*inner:][:extent*inner], t.dst[o*extent*inner:][:extent*inner]
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
		}}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			a, err := input[T](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[T](c, 0, tensor.DTypeOf[T](), shape)
			if err != nil {
				return err
			}
			return work.each(ctx, d, outer, extent*inner, fromTo[T, T]{a, dst})
		}), nil
	}, nil
}
