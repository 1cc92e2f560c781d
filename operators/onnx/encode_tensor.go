package onnx

import (
	"example.com/midplane/adapter/tensor"
)

// encodeTensor makes a TensorProto without a name, elements raw but for
// strings. It shares the tensor's memory.
func encodeTensor(t *tensor.Tensor) *encoding {
	e := &encoding{}
	for _, extent := range t.Shape() {
		e.int(1, int64(extent))
	}
	e.int(2, int64(t.DType()))
	if t.DType() == tensor.String {
		for _, s := range t.Strings() {
			e.text(6, s)
		}
		return e
	}
	data := t.Bytes()
	if bigEndian && width(t.DType()) > 1 {
		data = swapped(data, width(t.DType()))
	}
	e.data(9, data)
	return e
}

// encodeSparse makes a SparseTensorProto of the elements that are not zero or
// empty, with linear indices.
func encodeSparse(t *tensor.Tensor) *encoding {
	at := []int64{}
	for i := range t.Len() {
		if !isZero(t, i) {
			at = append(at, int64(i))
		}
	}
	values := tensor.Zeros(t.DType(), tensor.Shape{len(at)})
	for i, p := range at {
		copyElement(values, i, t, int(p))
	}
	e := &encoding{}
	e.message(1, encodeTensor(values))
	e.message(2, encodeTensor(tensor.Of(at)))
	for _, extent := range t.Shape() {
		e.int(3, int64(extent))
	}
	return e
}

// isZero reports whether all bits of the i-th element are zero, or a string is
// empty.
func isZero(t *tensor.Tensor, i int) bool {
	bits := t.DType().Bits()
	switch {
	case t.DType() == tensor.String:
		return t.Strings()[i] == ""
	case bits < 8:
		return code(t.Bytes(), i, bits) == 0
	}
	for _, b := range t.Bytes()[i*bits/8 : (i+1)*bits/8] {
		if b != 0 {
			return false
		}
	}
	return true
}
