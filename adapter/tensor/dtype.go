package tensor

import "fmt"

// DType is the type of a tensor's elements. The numbers are those of
// TensorProto.DataType in the ONNX specification (onnx.proto3).
type DType uint8

// Every element type of ONNX.
const (
	Undefined      DType = 0
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	Complex64      DType = 14
	Complex128     DType = 15
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
)

type dtypeFacts struct {
	name string // as this library prints it
	onnx string // as the operator schemas spell it
	bits int    // 0 for strings
	kind dtypeKind
}

type dtypeKind uint8

const (
	otherKind dtypeKind = iota
	floatKind
	signedKind
	unsignedKind
	complexKind
)

var dtypes = [...]dtypeFacts{
	Undefined:      {"undefined", "undefined", 0, otherKind},
	Float32:        {"float32", "float", 32, floatKind},
	Uint8:          {"uint8", "uint8", 8, unsignedKind},
	Int8:           {"int8", "int8", 8, signedKind},
	Uint16:         {"uint16", "uint16", 16, unsignedKind},
	Int16:          {"int16", "int16", 16, signedKind},
	Int32:          {"int32", "int32", 32, signedKind},
	Int64:          {"int64", "int64", 64, signedKind},
	String:         {"string", "string", 0, otherKind},
	Bool:           {"bool", "bool", 8, otherKind},
	Float16:        {"float16", "float16", 16, floatKind},
	Float64:        {"float64", "double", 64, floatKind},
	Uint32:         {"uint32", "uint32", 32, unsignedKind},
	Uint64:         {"uint64", "uint64", 64, unsignedKind},
	Complex64:      {"complex64", "complex64", 64, complexKind},
	Complex128:     {"complex128", "complex128", 128, complexKind},
	BFloat16:       {"bfloat16", "bfloat16", 16, floatKind},
	Float8E4M3FN:   {"float8e4m3fn", "float8e4m3fn", 8, floatKind},
	Float8E4M3FNUZ: {"float8e4m3fnuz", "float8e4m3fnuz", 8, floatKind},
	Float8E5M2:     {"float8e5m2", "float8e5m2", 8, floatKind},
	Float8E5M2FNUZ: {"float8e5m2fnuz", "float8e5m2fnuz", 8, floatKind},
	Uint4:          {"uint4", "uint4", 4, unsignedKind},
	Int4:           {"int4", "int4", 4, signedKind},
	Float4E2M1:     {"float4e2m1", "float4e2m1", 4, floatKind},
	Float8E8M0:     {"float8e8m0", "float8e8m0", 8, floatKind},
	Uint2:          {"uint2", "uint2", 2, unsignedKind},
	Int2:           {"int2", "int2", 2, signedKind},
}

func (d DType) facts() dtypeFacts {
	if int(d) < len(dtypes) {
		return dtypes[d]
	}
	return dtypeFacts{name: fmt.Sprintf("dtype(%d)", uint8(d))}
}

// String returns the type's name as Go spells it ("float32", "int64").
func (d DType) String() string { return d.facts().name }

// ONNXName returns the name that ONNX's schemas use ("float", "double").
func (d DType) ONNXName() string { return d.facts().onnx }

// Bits returns the width of one element in bits, 0 for String and Undefined.
func (d DType) Bits() int { return d.facts().bits }

// Valid reports whether d is one of the element types above, Undefined aside.
func (d DType) Valid() bool { return d != Undefined && int(d) < len(dtypes) }

// IsFloat reports whether d is a real floating-point type of any width.
func (d DType) IsFloat() bool { return d.facts().kind == floatKind }

// IsSigned reports whether d is a signed integer type.
func (d DType) IsSigned() bool { return d.facts().kind == signedKind }

// IsUnsigned reports whether d is an unsigned integer type.
func (d DType) IsUnsigned() bool { return d.facts().kind == unsignedKind }

// IsInteger reports whether d is an integer type (Bool is not).
func (d DType) IsInteger() bool { return d.IsSigned() || d.IsUnsigned() }

// IsComplex reports whether d is a complex type.
func (d DType) IsComplex() bool { return d.facts().kind == complexKind }

// Packed reports whether several elements share a byte.
func (d DType) Packed() bool { b := d.Bits(); return b > 0 && b < 8 }

// Bytes returns how many bytes n packed elements of type d take:
// ceil(n × Bits / 8). Strings have no such size and give 0.
func (d DType) Bytes(n int) int {
	bits := d.Bits()
	if bits >= 8 {
		return n * (bits / 8)
	}
	return (n*bits + 7) / 8
}

// ParseDType returns the type of a name as Go or as ONNX spells it.
func ParseDType(name string) (DType, error) {
	for d, f := range dtypes {
		if d != int(Undefined) && (f.name == name || f.onnx == name) {
			return DType(d), nil
		}
	}
	return Undefined, fmt.Errorf("tensor: no element type is called %q", name)
}
