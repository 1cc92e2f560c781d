package onnx

import (
	"strconv"

	"example.com/midplane/adapter/tensor"
)

// externalTensor reads a tensor whose elements lie in another file.
func (d *decoder) externalTensor(h *tensorFields, shape tensor.Shape, n int) (*tensor.Tensor, error) {
	location := h.location["location"]
	if location == "" {
		return nil, errorf(ErrExternalData, "the tensor has external data without a location")
	}
	want := int64(h.dtype.Bytes(n))
	offset, err := h.number("offset", 0)
	if err != nil {
		return nil, err
	}
	length, err := h.number("length", want)
	if err != nil {
		return nil, err
	}
	if length != want {
		return nil, invalid("%v%v takes %d bytes of external data, length says %d", h.dtype, shape, want, length)
	}
	if n == 0 {
		return tensor.New(h.dtype, shape)
	}
	if d.external == nil {
		return nil, errorf(ErrExternalData, "the elements lie in file %s, and the model was read without its folder", name(location))
	}
	b, err := d.external(location, offset, length)
	if err != nil {
		return nil, &Error{Kind: ErrExternalData, Offset: -1, Reason: "file " + name(location), Err: err}
	}
	return d.rawTensor(h.dtype, shape, n, b, "external_data")
}

// number returns an entry of external_data that holds a decimal number.
func (h *tensorFields) number(key string, def int64) (int64, error) {
	s, ok := h.location[key]
	if !ok || s == "" {
		return def, nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 {
		return 0, errorf(ErrExternalData, "%s of external data is %s, should be a number of bytes", key, name(s))
	}
	return v, nil
}
