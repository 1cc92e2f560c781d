package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
)

// typeFields are the fields of TypeProto.
var typeFields = map[tensor.Kind]protowire.Number{
	tensor.KindTensor: 1, tensor.KindSequence: 4, tensor.KindMap: 5, tensor.KindSparse: 8, tensor.KindOptional: 9,
}

// encodeType makes a TypeProto, empty for an unknown type.
func encodeType(t tensor.Type) *encoding {
	e, inner := &encoding{}, &encoding{}
	switch t.Kind {
	case tensor.KindUnknown:
		return e
	case tensor.KindTensor, tensor.KindSparse:
		inner.intSet(1, int64(t.DType))
		if t.Dims.Ranked() {
			inner.message(2, encodeDims(t.Dims))
		}
	case tensor.KindMap:
		inner.intSet(1, int64(t.DType))
		if t.Elem != nil {
			inner.message(2, encodeType(*t.Elem))
		}
	default:
		if t.Elem != nil {
			inner.message(1, encodeType(*t.Elem))
		}
	}
	e.message(typeFields[t.Kind], inner)
	return e
}

// encodeDims makes a TensorShapeProto.
func encodeDims(dims tensor.Dims) *encoding {
	e := &encoding{}
	for _, d := range dims {
		dim := &encoding{}
		if d.IsKnown() {
			dim.int(1, int64(d.Size))
		} else {
			dim.textSet(2, d.Name)
		}
		e.message(1, dim)
	}
	return e
}
