package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// none, in a list of element indexes, stands for no element.
const none = -1

// pick returns a new tensor of a shape whose element i, in row-major order, is
// element indexes[i] of t, or zero (false, the empty string) where that is
// none. It takes every element type. Shape and indexes must agree.
func pick(t *tensor.Tensor, shape tensor.Shape, indexes []int) *tensor.Tensor {
	out := tensor.Zeros(t.DType(), shape)
	move := mover(out, t)
	for i, k := range indexes {
		if k != none {
			move(i, k)
		}
	}
	return out
}

// place writes element i of src to element indexes[i] of dst, in order, leaving
// out those whose index is none. It takes every element type; both tensors must
// be of one.
func place(dst *tensor.Tensor, indexes []int, src *tensor.Tensor) {
	move := mover(dst, src)
	for i, k := range indexes {
		if k != none {
			move(k, i)
		}
	}
}

// mover returns a function that copies element k of src to element i of dst,
// which must be of the same type. Elements move as they are: NaNs keep their
// bits.
func mover(dst, src *tensor.Tensor) func(i, k int) {
	if dst.DType() != src.DType() {
		panic(fmt.Sprintf("elements of type %v do not go into a tensor of type %v", src.DType(), dst.DType()))
	}
	to, from := dst.Bytes(), src.Bytes()
	switch bits := src.DType().Bits(); {
	case src.DType() == tensor.String:
		to, from := dst.Strings(), src.Strings()
		return func(i, k int) { to[i] = from[k] }
	case bits < 8: // packed, the first element in the low bits
		per, mask := 8/bits, uint8(1)<<bits-1
		return func(i, k int) {
			code := from[k/per] >> (k % per * bits) & mask
			shift := i % per * bits
			to[i/per] = to[i/per]&^(mask<<shift) | code<<shift
		}
	case bits == 8:
		return func(i, k int) { to[i] = from[k] }
	case bits == 32: // the widths of most elements, as arrays, move in one instruction
		return func(i, k int) { *(*[4]byte)(to[4*i:]) = [4]byte(from[4*k:]) }
	case bits == 64:
		return func(i, k int) { *(*[8]byte)(to[8*i:]) = [8]byte(from[8*k:]) }
	default:
		size := bits / 8
		return func(i, k int) { copy(to[i*size:][:size], from[k*size:][:size]) }
	}
}

// strided returns, in row-major order of a shape, the indexes
// base + Σ at[axis] × steps[axis].
func strided(shape tensor.Shape, base int, steps []int) []int {
	if len(shape) == 0 {
		return []int{base}
	}
	indexes := make([]int, 0, shape.Size())
	if cap(indexes) == 0 {
		return indexes
	}
	last := len(shape) - 1
	walk(shape[:last], func(at []int) {
		k := base
		for axis, i := range at {
			k += i * steps[axis]
		}
		for range shape[last] {
			indexes = append(indexes, k)
			k += steps[last]
		}
	})
	return indexes
}

// indexIn brings an index along an axis of extent n into [0, n), or says why it
// cannot be.
func indexIn(index int64, n int) (int, error) {
	if index < int64(-n) || index >= int64(n) {
		return 0, fmt.Errorf("index %d is outside [%d, %d) of an axis of extent %d", index, -n, n, n)
	}
	if index < 0 {
		index += int64(n)
	}
	return int(index), nil
}

// axesIn brings every axis into [0, rank) and rejects repeated ones. Without
// axes it returns all of them, in order.
func axesIn(axes []int64, rank int) ([]int, error) {
	if axes == nil {
		all := make([]int, rank)
		for i := range all {
			all[i] = i
		}
		return all, nil
	}
	out := make([]int, len(axes))
	seen := make([]bool, rank)
	for i, a := range axes {
		axis, err := tensor.Axis(a, rank)
		if err != nil {
			return nil, err
		}
		if seen[axis] {
			return nil, fmt.Errorf("axis %d is given twice in %v", axis, axes)
		}
		out[i], seen[axis] = axis, true
	}
	return out, nil
}
