package reference

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// sort holds TopK, Unique.
var sort = family{
	"TopK":   topK,
	"Unique": unique,
}

// order returns a function that compares elements i and k of a tensor of any
// type: negative where i comes before k. NaN lies above every number if nan is
// 1, below if it is -1. False is less than true, strings compare byte by byte,
// complex numbers by real and then imaginary part.
func order(t *tensor.Tensor, nan int) func(i, k int) int {
	switch d := t.DType(); {
	case d == tensor.String:
		v := t.Strings()
		return func(i, k int) int { return cmp.Compare(v[i], v[k]) }
	case d.IsFloat():
		v := t.Float64s()
		return func(i, k int) int { return compareFloats(v[i], v[k], nan) }
	case d.IsComplex():
		parts, _ := realComponents(t)
		re, im := parts[0], parts[1]
		return func(i, k int) int {
			return cmp.Or(compareFloats(re[i], re[k], nan), compareFloats(im[i], im[k], nan))
		}
	case d == tensor.Uint64:
		v := tensor.Slice[uint64](t)
		return func(i, k int) int { return cmp.Compare(v[i], v[k]) }
	default:
		v := t.Int64s()
		return func(i, k int) int { return cmp.Compare(v[i], v[k]) }
	}
}

// compareFloats compares numbers of which NaN lies at one end; see [order].
func compareFloats(a, b float64, nan int) int {
	switch aNaN, bNaN := math.IsNaN(a), math.IsNaN(b); {
	case aNaN && bNaN:
		return 0
	case aNaN:
		return nan
	case bNaN:
		return -nan
	}
	return cmp.Compare(a, b)
}

// topK returns the K greatest or least elements along an axis and their indexes,
// in order; among equals the lower index comes first. NaN is the greatest.
func topK(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	axis, err := tensor.Axis(c.Node.Int("axis", -1), x.Rank())
	if err != nil {
		return nil, err
	}
	outer, n, inner := around(x.Shape(), axis)
	if len(c.Ints(1)) != 1 {
		return nil, fmt.Errorf("K has %d elements; it takes one", len(c.Ints(1)))
	}
	k := c.Ints(1)[0]
	if k < 0 || k > int64(n) {
		return nil, fmt.Errorf("K is %d; axis %d has extent %d", k, axis, n)
	}
	compare := order(x, 1)
	if c.Node.Bool("largest", true) {
		ascending := compare
		compare = func(i, k int) int { return ascending(k, i) }
	}
	target := x.Shape().Clone()
	target[axis] = int(k)
	from, along := make([]int, target.Size()), make([]int64, target.Size())
	line := make([]int, n)
	for o := range outer {
		for j := range inner {
			start := o*n*inner + j
			for i := range line {
				line[i] = start + i*inner
			}
			slices.SortStableFunc(line, compare)
			for i, at := range line[:k] {
				out := (o*int(k)+i)*inner + j
				from[out], along[out] = at, int64(at/inner%max(n, 1))
			}
		}
	}
	return []tensor.Value{pick(x, target, from), tensor.Of(along, target...)}, nil
}

// unique returns the different elements of a tensor, or its different slices
// along an axis, with the first index of each, the place of every input among
// them, and how often each occurs. Slices compare element by element, NaNs are
// equal to each other.
func unique(c *Call) ([]tensor.Value, error) {
	x, axis := c.Tensor(0), 0
	if c.Node.Has("axis") {
		var err error
		if axis, err = tensor.Axis(c.Node.Int("axis", 0), x.Rank()); err != nil {
			return nil, err
		}
	} else {
		flat, err := x.Reshape(tensor.Shape{x.Len()})
		if err != nil {
			return nil, err
		}
		x = flat
	}
	_, n, _ := around(x.Shape(), axis)
	compare := compareSlices(x, axis)
	sorted := make([]int, n)
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortStableFunc(sorted, compare)

	var first []int // the first index of each different slice
	group := make([]int, n)
	for at, i := range sorted {
		if at == 0 || compare(sorted[at-1], i) != 0 {
			first = append(first, i)
		}
		group[i] = len(first) - 1
	}
	if !c.Node.Bool("sorted", true) {
		slices.Sort(first)
	}
	place := make([]int64, len(first)) // of each group in the output
	for i, f := range first {
		place[group[f]] = int64(i)
	}
	indexes, inverse, counts := make([]int64, len(first)), make([]int64, n), make([]int64, len(first))
	for i, f := range first {
		indexes[i] = int64(f)
	}
	for i, g := range group {
		inverse[i] = place[g]
		counts[place[g]]++
	}
	return []tensor.Value{take(x, axis, first), tensor.Of(indexes), tensor.Of(inverse), tensor.Of(counts)}, nil
}

// compareSlices returns a function that compares slices i and k of a tensor
// along an axis, element by element in row-major order.
func compareSlices(t *tensor.Tensor, axis int) func(i, k int) int {
	outer, n, inner := around(t.Shape(), axis)
	compare := order(t, 1)
	return func(i, k int) int {
		for o := range outer {
			for j := range inner {
				if c := compare((o*n+i)*inner+j, (o*n+k)*inner+j); c != 0 {
					return c
				}
			}
		}
		return 0
	}
}
