package onnx

import (
	"math"

	"example.com/midplane/adapter/tensor"
)

// typeProto reads a TypeProto. One that says nothing, or that is opaque, gives
// an unknown type.
func (d *decoder) typeProto(b []byte, depth int) (tensor.Type, error) {
	if depth >= d.MaxDepth {
		return tensor.Type{}, errorf(ErrLimit, "types are nested more than %d deep", d.MaxDepth)
	}
	var t tensor.Type
	var err error
	f := d.fields(b)
	for f.next() && err == nil {
		switch f.num {
		case 1:
			t, err = d.tensorType(f.message(), tensor.KindTensor)
		case 4:
			t, err = d.containerType(f.message(), tensor.KindSequence, depth)
		case 5:
			t, err = d.containerType(f.message(), tensor.KindMap, depth)
		case 6: // denotation
			f.ignore()
		case 7: // opaque_type
			f.ignore()
			t = tensor.Type{}
		case 8:
			t, err = d.tensorType(f.message(), tensor.KindSparse)
		case 9:
			t, err = d.containerType(f.message(), tensor.KindOptional, depth)
		}
	}
	if err == nil {
		err = f.err
	}
	return t, err
}

// tensorType reads a TypeProto.Tensor or TypeProto.SparseTensor.
func (d *decoder) tensorType(b []byte, kind tensor.Kind) (tensor.Type, error) {
	t := tensor.Type{Kind: kind}
	var shape []byte
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			t.DType = f.dtype()
		case 2:
			shape = f.once(shape)
		}
	}
	if f.err != nil || shape == nil {
		return t, f.err
	}
	var err error
	t.Dims, err = d.dims(shape)
	return t, err
}

// dtype returns a field that holds an element type, which may be undefined.
func (f *fields) dtype() tensor.DType {
	v := f.int()
	if v < 0 || v > math.MaxUint8 || v != 0 && !tensor.DType(v).Valid() {
		f.fail(ErrInvalid, "there is no element type %d", v)
		return tensor.Undefined
	}
	return tensor.DType(v)
}

// dims reads a TensorShapeProto. The result is never nil.
func (d *decoder) dims(b []byte) (tensor.Dims, error) {
	dims := tensor.Dims{}
	f := d.fields(b)
	for f.next() {
		if f.num == 1 {
			dims = append(dims, d.dim(&f))
		}
	}
	return dims, f.err
}

// dim reads a TensorShapeProto.Dimension. Files also write -1 for an unknown.
func (d *decoder) dim(parent *fields) tensor.Dim {
	dim := tensor.Symbol("")
	f := d.fields(parent.message())
	for f.next() {
		switch f.num {
		case 1:
			switch v := f.int(); {
			case v > math.MaxInt:
				f.fail(ErrInvalid, "an extent of %d is larger than the address space", v)
			case v >= 0:
				dim = tensor.Known(int(v))
			default:
				dim = tensor.Symbol("")
			}
		case 2:
			dim = tensor.Symbol(f.text())
		case 3: // denotation
			f.ignore()
		}
	}
	if parent.err == nil {
		parent.err = f.err
	}
	return dim
}

// containerType reads a TypeProto.Sequence, TypeProto.Optional or
// TypeProto.Map.
func (d *decoder) containerType(b []byte, kind tensor.Kind, depth int) (tensor.Type, error) {
	t := tensor.Type{Kind: kind}
	elemField := 1
	if kind == tensor.KindMap {
		elemField = 2
	}
	var elem []byte
	f := d.fields(b)
	for f.next() {
		switch {
		case int(f.num) == elemField:
			elem = f.once(elem)
		case f.num == 1:
			t.DType = f.dtype()
		}
	}
	if f.err != nil || elem == nil {
		return t, f.err
	}
	inner, err := d.typeProto(elem, depth+1)
	t.Elem = &inner
	return t, err
}
