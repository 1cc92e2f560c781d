package onnx

import (
	"strconv"
	"unsafe"

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
	r := externalRange{location, offset, length, h.dtype}
	if b, ok := d.copies[r]; ok {
		return tensor.FromBytes(h.dtype, shape, b)
	}
	if d.external == nil {
		return nil, errorf(ErrExternalData, "the elements lie in file %s, and the model was read without its folder", name(location))
	}
	b, err := d.external(location, offset, length)
	if err != nil {
		return nil, &Error{Kind: ErrExternalData, Offset: -1, Reason: "file " + name(location), Err: err}
	}
	t, err := d.rawTensor(h.dtype, shape, n, b, "external_data")
	if err != nil {
		return nil, err
	}
	return t, d.account(r, b, t.Bytes())
}

// externalRange is what a tensor takes from a file of external data.
type externalRange struct {
	location       string
	offset, length int64
	dtype          tensor.DType
}

// account keeps what had to be copied out of external data, for tensors that
// share it, and makes sure that copies of one file are no larger together than
// the file: tensors of ranges that overlap would take memory out of proportion.
func (d *decoder) account(r externalRange, b, own []byte) error {
	if d.copies == nil {
		d.copies, d.copied, d.extent = make(map[externalRange][]byte), make(map[string]int64), make(map[string]int64)
	}
	d.extent[r.location] = max(d.extent[r.location], r.offset+r.length)
	if unsafe.SliceData(own) == unsafe.SliceData(b) {
		return nil
	}
	d.copies[r] = own
	if d.copied[r.location] += r.length; d.copied[r.location] > d.extent[r.location] {
		return errorf(ErrLimit, "tensors overlap in file %s, where they cannot be used without copying them", name(r.location))
	}
	return nil
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
