package tensor

import "fmt"

// Kind tells tensors from the containers made of them.
type Kind uint8

// The kinds of values in ONNX. KindUnknown is the zero value.
const (
	KindUnknown Kind = iota
	KindTensor
	KindSequence
	KindOptional
	KindMap
	KindSparse
)

// Type describes a value before it exists.
type Type struct {
	Kind  Kind
	DType DType // of the elements (tensors), or of the keys (maps)
	Dims  Dims  // tensors only; nil while the rank is unknown
	Elem  *Type // what a sequence, optional or map holds; nil while unknown
}

// TensorType returns the type of a tensor. Nil dims mean an unknown rank.
func TensorType(d DType, dims Dims) Type { return Type{Kind: KindTensor, DType: d, Dims: dims} }

// SequenceType returns the type of a sequence of elem.
func SequenceType(elem Type) Type { return Type{Kind: KindSequence, Elem: &elem} }

// OptionalType returns the type of an optional elem.
func OptionalType(elem Type) Type { return Type{Kind: KindOptional, Elem: &elem} }

// MapType returns the type of a map from key to elem.
func MapType(key DType, elem Type) Type { return Type{Kind: KindMap, DType: key, Elem: &elem} }

// IsTensor reports whether t is a dense tensor's type.
func (t Type) IsTensor() bool { return t.Kind == KindTensor }

// HostOnly reports whether values of type t exist on the host alone: strings
// and every container.
func (t Type) HostOnly() bool {
	return t.Kind != KindUnknown && t.Kind != KindTensor || t.Kind == KindTensor && t.DType == String
}

// String returns for example "float32[batch,3]" or "sequence(int64[...])".
func (t Type) String() string {
	elem := "?"
	if t.Elem != nil {
		elem = t.Elem.String()
	}
	switch t.Kind {
	case KindTensor:
		return t.DType.String() + t.Dims.String()
	case KindSparse:
		return "sparse " + t.DType.String() + t.Dims.String()
	case KindSequence:
		return fmt.Sprintf("sequence(%s)", elem)
	case KindOptional:
		return fmt.Sprintf("optional(%s)", elem)
	case KindMap:
		return fmt.Sprintf("map(%s, %s)", t.DType, elem)
	}
	return "unknown"
}
