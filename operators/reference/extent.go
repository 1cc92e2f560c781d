package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// around splits a shape at an axis: how many slices lie before it, its extent,
// and how many elements lie behind one step along it.
func around(s tensor.Shape, axis int) (outer, n, inner int) {
	return s[:axis].Size(), s[axis], s[axis+1:].Size()
}

// perElement is about how many bytes the implementations here hold for each
// element that they compute: operands and result as float64s, and indexes.
const perElement = 64

// countOf returns the number of elements of a shape that is to be computed. It
// is an error if the host has not the memory for that.
func countOf(s tensor.Shape) (int, error) {
	n, err := s.Elements()
	if err != nil {
		return 0, err
	}
	if limit := tensor.HostMemory() / perElement; int64(n) > limit {
		return 0, fmt.Errorf("%d elements of shape %v are %w: with the host's memory at most %d can be computed", n, s, tensor.ErrTooLarge, limit)
	}
	return n, tensor.Fits(tensor.Bool, s)
}

// broadcastShape returns the shape of the result of NumPy-style broadcasting.
func broadcastShape(shapes ...tensor.Shape) (tensor.Shape, error) {
	rank := 0
	for _, s := range shapes {
		rank = max(rank, len(s))
	}
	out := make(tensor.Shape, rank)
	for i := range out {
		out[i] = 1
		for _, s := range shapes {
			k := i - (rank - len(s))
			if k < 0 || s[k] == 1 {
				continue
			}
			if out[i] != 1 && out[i] != s[k] {
				return nil, fmt.Errorf("shapes %v do not broadcast: extents %d and %d disagree", shapes, out[i], s[k])
			}
			out[i] = s[k]
		}
	}
	return out, nil
}

// spread repeats the elements of a tensor of shape from so that they fill shape
// to, to which from broadcasts. The result shares v where the shapes are equal.
func spread[T any](v []T, from, to tensor.Shape) []T {
	if from.Equal(to) {
		return v
	}
	out := make([]T, 0, to.Size())
	steps := broadcastStrides(from, to)
	walk(to, func(at []int) {
		i := 0
		for axis, k := range at {
			i += k * steps[axis]
		}
		out = append(out, v[i])
	})
	return out
}

// broadcastStrides returns, for each axis of to, how far apart the elements of
// from lie along it: 0 where from is repeated.
func broadcastStrides(from, to tensor.Shape) []int {
	steps := make([]int, len(to))
	own := from.Strides()
	lead := len(to) - len(from)
	for i, n := range from {
		if n != 1 {
			steps[lead+i] = own[i]
		}
	}
	return steps
}

// walk calls visit with every index of a shape in row-major order. The index is
// reused between calls.
func walk(s tensor.Shape, visit func(at []int)) {
	if s.Size() == 0 {
		return
	}
	at := make([]int, len(s))
	for {
		visit(at)
		axis := len(s) - 1
		for ; axis >= 0; axis-- {
			if at[axis]++; at[axis] < s[axis] {
				break
			}
			at[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}
