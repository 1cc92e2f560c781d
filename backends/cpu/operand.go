package cpu

import (
	"fmt"
	"runtime"
	"unsafe"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/internal/host"
	"example.com/midplane/operators"
)

// view returns the elements of an operand where they lie, as Go values of the
// size of one element.
func view[T any](o operators.Operand) ([]T, error) {
	n := o.Shape.Size()
	if n == 0 {
		return nil, nil
	}
	var zero T
	b, err := bytesFor(o, n*int(unsafe.Sizeof(zero)))
	if err != nil {
		return nil, err
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if !unaligned && uintptr(p)%unsafe.Alignof(zero) != 0 {
		copied := make([]T, n)
		copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(copied))), len(b)), b)
		return copied, nil
	}
	return unsafe.Slice((*T)(p), n), nil
}

// unaligned says whether the processor reads numbers at any address. Only
// constants of a mapped file may lie at odd ones.
const unaligned = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" || runtime.GOARCH == "386" ||
	runtime.GOARCH == "wasm" || runtime.GOARCH == "ppc64le" || runtime.GOARCH == "s390x"

// bytesFor returns the first size bytes of an operand.
func bytesFor(o operators.Operand, size int) ([]byte, error) {
	if t, ok := o.Host.(*tensor.Tensor); ok {
		return t.Bytes()[:size], nil
	}
	if !o.Present() {
		return nil, fmt.Errorf("an operand is missing")
	}
	if int64(size) > o.Region.Size {
		return nil, fmt.Errorf("an operand %v%v of %d bytes lies in a region of %d", o.DType, o.Shape, size, o.Region.Size)
	}
	return host.Bytes(driver.Region{Buffer: o.Region.Buffer, Offset: o.Region.Offset, Size: int64(size)})
}

// input returns the elements of an input.
func input[T any](c *operators.Call, i int) ([]T, error) { return view[T](c.Inputs[i]) }

// output makes an output, if it is not there yet, and returns its elements.
func output[T any](c *operators.Call, i int, d tensor.DType, shape tensor.Shape) ([]T, error) {
	o, err := c.NewOutput(i, d, shape)
	if err != nil {
		return nil, err
	}
	return view[T](o)
}

// ends returns the elements of the first input and of the first output, which is
// made if it is not there yet, where both are of float32.
func ends(c *operators.Call, shape tensor.Shape) (x, dst []float32, err error) {
	if x, err = input[float32](c, 0); err != nil {
		return nil, nil, err
	}
	dst, err = output[float32](c, 0, tensor.Float32, shape)
	return x, dst, err
}

// has reports whether an optional input is there.
func has(c *operators.Call, i int) bool { return i < len(c.Inputs) && c.Inputs[i].Present() }

// valueBytes returns the bytes of an input, nil where it is absent.
func valueBytes(c *operators.Call, i int) ([]byte, error) {
	if !has(c, i) {
		return nil, nil
	}
	return elementBytes(c.Inputs[i])
}

// elementBytes returns the memory of an operand's elements.
func elementBytes(o operators.Operand) ([]byte, error) {
	return bytesFor(o, o.DType.Bytes(o.Shape.Size()))
}

// integers returns the elements of an input of type int32 or int64, nil where it
// is absent.
func integers(c *operators.Call, i int) ([]int64, error) {
	if !has(c, i) {
		return nil, nil
	}
	switch o := c.Inputs[i]; o.DType {
	case tensor.Int64:
		return view[int64](o)
	case tensor.Int32:
		v, err := view[int32](o)
		wide := make([]int64, len(v))
		for k, e := range v {
			wide[k] = int64(e)
		}
		return wide, err
	default:
		return nil, fmt.Errorf("input %d is %v; it takes int32 or int64", i, o.DType)
	}
}
