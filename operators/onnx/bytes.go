package onnx

import (
	"encoding/binary"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// bigEndian says that the machine's byte order is not that of files.
var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1

// native returns elements as they lie in a tensor: in the machine's byte order,
// and booleans as 0 or 1. It shares b where nothing has to change, unless the
// decoder copies.
func (d *decoder) native(t tensor.DType, b []byte) []byte {
	switch {
	case t == tensor.Bool && slices.ContainsFunc(b, func(c byte) bool { return c > 1 }):
		b = slices.Clone(b)
		for i, v := range b {
			b[i] = min(v, 1)
		}
	case bigEndian && width(t) > 1:
		b = swapped(b, width(t))
	case d.Copy:
		b = slices.Clone(b)
	}
	return b
}

// width returns the bytes of one number of a type: of half a complex element,
// of a byte that several packed elements share.
func width(t tensor.DType) int {
	bits := t.Bits()
	if t.IsComplex() {
		bits /= 2
	}
	return max(bits/8, 1)
}

// swapped returns a copy with the bytes of every number reversed.
func swapped(b []byte, width int) []byte {
	out := slices.Clone(b)
	for i := 0; i+width <= len(out); i += width {
		slices.Reverse(out[i : i+width])
	}
	return out
}

// putter returns a function that stores the i-th number of a tensor's bytes,
// cut to its width.
func putter(t tensor.DType, to []byte) func(i int, v uint64) {
	order := binary.NativeEndian
	switch width(t) {
	case 2:
		return func(i int, v uint64) { order.PutUint16(to[2*i:], uint16(v)) }
	case 4:
		return func(i int, v uint64) { order.PutUint32(to[4*i:], uint32(v)) }
	case 8:
		return func(i int, v uint64) { order.PutUint64(to[8*i:], v) }
	}
	if t == tensor.Bool {
		return func(i int, v uint64) { to[i] = byte(min(v, 1)) }
	}
	return func(i int, v uint64) { to[i] = byte(v) }
}
