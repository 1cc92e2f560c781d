package tensor

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Tensor is a dense, row-major tensor in host memory.
type Tensor struct {
	dtype   DType
	shape   Shape
	data    []byte   // every type but String
	strings []string // String only
}

// Element is the set of Go types that hold one element each. The packed types
// (int4 and narrower) have none: read them with [Tensor.Int64s] or
// [Tensor.Float64s], or as [Tensor.Bytes].
type Element interface {
	bool | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 |
		float32 | float64 | complex64 | complex128 | string |
		F16 | BF16 | F8E4M3FN | F8E4M3FNUZ | F8E5M2 | F8E5M2FNUZ | F8E8M0
}

// New returns a zeroed tensor. The error says which extent is impossible.
func New(d DType, shape Shape) (*Tensor, error) {
	n, err := shape.count()
	if err != nil {
		return nil, err
	}
	if !d.Valid() {
		return nil, notValid(d)
	}
	if err := fits(d, shape, n); err != nil {
		return nil, err
	}
	if d == String {
		return &Tensor{dtype: d, shape: shape.Clone(), strings: make([]string, n)}, nil
	}
	return &Tensor{dtype: d, shape: shape.Clone(), data: alignedBytes(d.Bytes(n))}, nil
}

// Fits returns the error that [New] would return, without making the tensor.
func Fits(d DType, shape Shape) error {
	n, err := shape.count()
	if err != nil {
		return err
	}
	if !d.Valid() {
		return notValid(d)
	}
	return fits(d, shape, n)
}

func notValid(d DType) error { return fmt.Errorf("tensor: %v is no element type", d) }

// fits refuses a tensor that this process cannot hold: the Go runtime ends the
// process where memory cannot be had.
func fits(d DType, shape Shape, n int) error {
	bits := int64(d.Bits())
	if d == String {
		bits = int64(unsafe.Sizeof("")) * 8
	}
	if limit := HostMemory(); int64(n) > limit/((bits+7)/8) {
		return fmt.Errorf("tensor: %v%v is %w: the host has %d bytes of memory", d, shape, ErrTooLarge, limit)
	}
	return nil
}

// Zeros returns a zeroed tensor of a type and shape that are known to be valid.
// It panics where [New] returns an error.
func Zeros(d DType, shape Shape) *Tensor {
	t, err := New(d, shape)
	if err != nil {
		panic(err)
	}
	return t
}

// FromSlice wraps data, in row-major order, as a tensor without copying it. The
// element type follows from T. It is an error if the lengths disagree.
func FromSlice[T Element](shape Shape, data []T) (*Tensor, error) {
	n, err := shape.count()
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("tensor: shape %v has %d elements, the slice has %d", shape, n, len(data))
	}
	return wrap(shape, data), nil
}

// Of is [FromSlice] for data whose length is known to fit, panicking where it
// does not. Without a shape the tensor is one-dimensional.
func Of[T Element](data []T, shape ...int) *Tensor {
	if shape == nil {
		shape = []int{len(data)}
	}
	t, err := FromSlice(shape, data)
	if err != nil {
		panic(err)
	}
	return t
}

// Scalar returns a tensor of rank 0.
func Scalar[T Element](v T) *Tensor { return wrap(Shape{}, []T{v}) }

func wrap[T Element](shape Shape, data []T) *Tensor {
	d := DTypeOf[T]()
	if s, ok := any(data).([]string); ok {
		return &Tensor{dtype: d, shape: shape.Clone(), strings: s}
	}
	var zero T
	raw := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*int(unsafe.Sizeof(zero)))
	if len(data) == 0 {
		raw = []byte{}
	}
	return &Tensor{dtype: d, shape: shape.Clone(), data: raw}
}

// FromBytes wraps raw elements in the machine's byte order without copying
// where the processor can read them where they lie, and copies where it cannot. It is an error
// if the length is not exactly what type and shape need, or for String.
func FromBytes(d DType, shape Shape, data []byte) (*Tensor, error) {
	n, err := shape.count()
	if err != nil {
		return nil, err
	}
	if !d.Valid() || d == String {
		return nil, fmt.Errorf("tensor: %v has no byte representation", d)
	}
	if want := d.Bytes(n); want != len(data) {
		return nil, fmt.Errorf("tensor: %v%v takes %d bytes, got %d", d, shape, want, len(data))
	}
	if align := alignment(d); uintptr(unsafe.Pointer(unsafe.SliceData(data)))%align != 0 {
		copied := alignedBytes(len(data))
		copy(copied, data)
		data = copied
	}
	return &Tensor{dtype: d, shape: shape.Clone(), data: data}, nil
}

// Slice views the elements of t as a Go slice that shares its memory. It panics
// if T is not the Go type of t's elements; see [DTypeOf].
func Slice[T Element](t *Tensor) []T {
	if d := DTypeOf[T](); d != t.dtype {
		panic(fmt.Sprintf("tensor: elements are %v, not %v", t.dtype, d))
	}
	if t.dtype == String {
		return any(t.strings).([]T)
	}
	if len(t.data) == 0 {
		return []T{}
	}
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.data))), len(t.data)/int(unsafe.Sizeof(zero)))
}

// DTypeOf returns the element type whose Go type is T.
func DTypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case bool:
		return Bool
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case float32:
		return Float32
	case float64:
		return Float64
	case complex64:
		return Complex64
	case complex128:
		return Complex128
	case string:
		return String
	case F16:
		return Float16
	case BF16:
		return BFloat16
	case F8E4M3FN:
		return Float8E4M3FN
	case F8E4M3FNUZ:
		return Float8E4M3FNUZ
	case F8E5M2:
		return Float8E5M2
	case F8E5M2FNUZ:
		return Float8E5M2FNUZ
	case F8E8M0:
		return Float8E8M0
	}
	return Undefined
}

// DType returns the type of the elements.
func (t *Tensor) DType() DType { return t.dtype }

// Shape returns the extents. The caller must not change them.
func (t *Tensor) Shape() Shape { return t.shape }

// Rank returns the number of axes.
func (t *Tensor) Rank() int { return len(t.shape) }

// Len returns the number of elements.
func (t *Tensor) Len() int { return t.shape.Size() }

// Type implements [Value].
func (t *Tensor) Type() Type { return TensorType(t.dtype, KnownDims(t.shape)) }

// Bytes returns the elements as they lie in memory, nil for strings. Writing to
// them writes to the tensor.
func (t *Tensor) Bytes() []byte { return t.data }

// Strings returns the elements of a String tensor, nil for other types.
func (t *Tensor) Strings() []string { return t.strings }

// Reshape returns a tensor that shares t's elements under another shape with
// as many elements.
func (t *Tensor) Reshape(shape Shape) (*Tensor, error) {
	n, err := shape.count()
	if err != nil {
		return nil, err
	}
	if n != t.Len() {
		return nil, fmt.Errorf("tensor: cannot view %d elements of shape %v as %v", t.Len(), t.shape, shape)
	}
	return &Tensor{dtype: t.dtype, shape: shape.Clone(), data: t.data, strings: t.strings}, nil
}

// Clone returns a tensor that shares nothing with t.
func (t *Tensor) Clone() *Tensor {
	c := &Tensor{dtype: t.dtype, shape: t.shape.Clone()}
	if t.dtype == String {
		c.strings = append([]string{}, t.strings...)
		return c
	}
	c.data = alignedBytes(len(t.data))
	copy(c.data, t.data)
	return c
}

// String returns the type and shape, and the elements of small tensors.
func (t *Tensor) String() string {
	const few = 16
	head := t.dtype.String() + t.shape.String()
	if t.Len() > few {
		return head
	}
	switch {
	case t.dtype == String:
		return fmt.Sprintf("%s%q", head, t.strings)
	case t.dtype == Bool:
		return fmt.Sprintf("%s%v", head, Slice[bool](t))
	case t.dtype.IsInteger():
		return fmt.Sprintf("%s%v", head, t.Int64s())
	case t.dtype.IsFloat():
		return fmt.Sprintf("%s%v", head, t.Float64s())
	}
	return head
}

// alignedBytes returns n zeroed bytes whose address suits every element type.
func alignedBytes(n int) []byte {
	words := make([]uint64, (n+7)/8)
	if n == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), n)
}

// alignment is the multiple of an address at which elements of a type can be
// read in place. Most processors read them anywhere, and Go allows misaligned
// pointers to types without pointers.
func alignment(d DType) uintptr {
	switch runtime.GOARCH {
	case "amd64", "arm64", "386", "wasm", "ppc64le", "s390x":
		return 1
	}
	switch d.Bits() {
	case 16:
		return 2
	case 32:
		return 4
	case 64, 128:
		if d == Complex64 {
			return 4
		}
		return 8
	}
	return 1
}
