package onnxruntime

import (
	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// elementType is an ONNXTensorElementDataType. A tensor is made under the
// number that ONNX gives its element type; the number that the library reports
// is another one for the newest types.
type elementType int32

// The element types that are reported under other numbers than ONNX's.
const (
	reportedUint2 elementType = 24
	reportedInt2  elementType = 25
	reportedE8M0  elementType = 26
)

// elementOf returns the number under which tensors of an element type are made.
func elementOf(d tensor.DType) (elementType, error) {
	if !d.Valid() {
		return 0, driver.Errorf(driver.InvalidArgument, "Run", "a tensor of %v elements", d)
	}
	return elementType(d), nil
}

// dtypeOf returns the element type of a reported number.
func dtypeOf(e elementType) (tensor.DType, error) {
	switch e {
	case reportedUint2:
		return tensor.Uint2, nil
	case reportedInt2:
		return tensor.Int2, nil
	case reportedE8M0:
		return tensor.Float8E8M0, nil
	}
	if e > 0 && e <= elementType(tensor.Float4E2M1) {
		return tensor.DType(e), nil
	}
	return 0, driver.Errorf(driver.Unsupported, "Run", "ONNX Runtime returned elements of its type %d, which is unknown here", e)
}
