package gorgonia

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"unsafe"

	gorgonia "gorgonia.org/tensor"

	"example.com/midplane/adapter/tensor"
)

// ErrType is what errors about an element type that only one side has are.
var ErrType = errors.New("the element type has no counterpart")

// Tensor returns a tensor of x's elements. It shares x's memory where that is
// row-major without gaps, and is a copy where it is not. Memory that Go does not
// manage must stay as long as the tensor is in use.
//
// It is an error if x is sparse, if elements of it are masked, if Go cannot
// reach its memory, or, as an [ErrType], if midplane has no such element type.
func Tensor(x gorgonia.Tensor) (*tensor.Tensor, error) {
	d, ok := x.(*gorgonia.Dense)
	switch {
	case !ok || d == nil:
		return nil, fmt.Errorf("gorgonia: only a *tensor.Dense has a counterpart, got a %T", x)
	case !d.IsNativelyAccessible():
		return nil, errors.New("gorgonia: Go cannot reach the memory of the tensor: copy it to the host first")
	case slices.Contains(d.Mask(), true):
		return nil, errors.New("gorgonia: midplane has no masked elements: use Filled first")
	}
	switch dtype := d.Dtype(); dtype {
	case gorgonia.Bool:
		return view(d, d.Bools())
	case gorgonia.Int8:
		return view(d, d.Int8s())
	case gorgonia.Int16:
		return view(d, d.Int16s())
	case gorgonia.Int32:
		return view(d, d.Int32s())
	case gorgonia.Int64:
		return view(d, d.Int64s())
	case gorgonia.Uint8:
		return view(d, d.Uint8s())
	case gorgonia.Uint16:
		return view(d, d.Uint16s())
	case gorgonia.Uint32:
		return view(d, d.Uint32s())
	case gorgonia.Uint64:
		return view(d, d.Uint64s())
	case gorgonia.Float32:
		return view(d, d.Float32s())
	case gorgonia.Float64:
		return view(d, d.Float64s())
	case gorgonia.Complex64:
		return view(d, d.Complex64s())
	case gorgonia.Complex128:
		return view(d, d.Complex128s())
	case gorgonia.String:
		return view(d, d.Strings())
	case gorgonia.Int:
		if strconv.IntSize == 32 {
			return view(d, as[int32](d.Ints()))
		}
		return view(d, as[int64](d.Ints()))
	case gorgonia.Uint:
		if strconv.IntSize == 32 {
			return view(d, as[uint32](d.Uints()))
		}
		return view(d, as[uint64](d.Uints()))
	default:
		return nil, fmt.Errorf("gorgonia: %w: midplane has no %v", ErrType, dtype.Type)
	}
}

// as views integers as others of the same size.
func as[T, U any](list []U) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(list))), len(list))
}

// view returns d, whose memory is given, as a tensor.
func view[T tensor.Element](d *gorgonia.Dense, memory []T) (*tensor.Tensor, error) {
	shape := tensor.Shape(d.Shape())
	n, err := shape.Elements()
	if err != nil {
		return nil, fmt.Errorf("gorgonia: %w", err)
	}
	strides := strides(d)
	last := 0 // the place in memory of the last element
	for axis, extent := range shape {
		last += (extent - 1) * strides[axis]
	}
	if n > 0 && last >= len(memory) {
		return nil, fmt.Errorf("gorgonia: a tensor of shape %v with strides %v needs memory for %d elements, it has %d", shape, strides, last+1, len(memory))
	}
	if !rowMajor(shape, strides) {
		memory = gather(shape, strides, memory)
	}
	return tensor.FromSlice(shape, memory[:n])
}

// strides returns how far apart, in elements, neighbours along each axis lie.
// Gorgonia keeps a single stride for some vectors of several axes, that of the
// axis longer than 1, and none where no axis is.
func strides(d *gorgonia.Dense) []int {
	kept := d.Strides()
	if len(kept) == d.Dims() {
		return kept
	}
	full := make([]int, d.Dims())
	for axis, extent := range d.Shape() {
		if extent > 1 && len(kept) == 1 {
			full[axis] = kept[0]
		}
	}
	return full
}

// rowMajor reports whether elements with these strides lie in row-major order
// without gaps. Strides of axes that have no neighbours do not matter.
func rowMajor(shape tensor.Shape, strides []int) bool {
	for axis, want := range shape.Strides() {
		if shape[axis] > 1 && strides[axis] != want {
			return false
		}
	}
	return true
}

// gather copies strided elements into row-major order.
func gather[T any](shape tensor.Shape, strides []int, from []T) []T {
	to := make([]T, shape.Size())
	index, at := make([]int, len(shape)), 0
	for i := range to {
		to[i] = from[at]
		for axis := len(shape) - 1; axis >= 0; axis-- {
			index[axis]++
			at += strides[axis]
			if index[axis] < shape[axis] {
				break
			}
			at -= index[axis] * strides[axis]
			index[axis] = 0
		}
	}
	return to
}

// Dense returns a *Dense that shares t's memory. It is an [ErrType] if Gorgonia
// has no such element type.
func Dense(t *tensor.Tensor) (*gorgonia.Dense, error) {
	switch t.DType() {
	case tensor.Bool:
		return dense[bool](t), nil
	case tensor.Int8:
		return dense[int8](t), nil
	case tensor.Int16:
		return dense[int16](t), nil
	case tensor.Int32:
		return dense[int32](t), nil
	case tensor.Int64:
		return dense[int64](t), nil
	case tensor.Uint8:
		return dense[uint8](t), nil
	case tensor.Uint16:
		return dense[uint16](t), nil
	case tensor.Uint32:
		return dense[uint32](t), nil
	case tensor.Uint64:
		return dense[uint64](t), nil
	case tensor.Float32:
		return dense[float32](t), nil
	case tensor.Float64:
		return dense[float64](t), nil
	case tensor.Complex64:
		return dense[complex64](t), nil
	case tensor.Complex128:
		return dense[complex128](t), nil
	case tensor.String:
		return dense[string](t), nil
	}
	return nil, fmt.Errorf("gorgonia: %w: Gorgonia has no %v", ErrType, t.DType())
}

func dense[T tensor.Element](t *tensor.Tensor) *gorgonia.Dense {
	d := gorgonia.New(gorgonia.WithShape(t.Shape()...), gorgonia.WithBacking(tensor.Slice[T](t)))
	runtime.KeepAlive(t) // New holds the memory by its number for a moment
	return d
}
