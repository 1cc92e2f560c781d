// Package codec turns values into bytes and back: for child processes, for
// digests and for stored outputs. Equal values give equal bytes on every
// machine.
//
// A value is its kind in one byte, then: of a tensor the element type in one
// byte, the rank and the extents as unsigned varints, and the elements, in little
// endian order, or for strings each with its length in front; of a sequence the
// number of elements and the elements; of an optional 0, or 1 and the value; of a
// map its keys and its values.
package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unsafe"

	"example.com/midplane/adapter/tensor"
)

// none is the kind of a value that is not there.
const none = 0

var littleEndian = func() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}()

// Append appends a value, which may be nil.
func Append(b []byte, v tensor.Value) []byte {
	switch x := v.(type) {
	case *tensor.Tensor:
		return appendTensor(append(b, byte(tensor.KindTensor)), x)
	case *tensor.Sequence:
		b = binary.AppendUvarint(append(b, byte(tensor.KindSequence)), uint64(len(x.Items)))
		for _, item := range x.Items {
			b = Append(b, item)
		}
		return b
	case *tensor.Optional:
		b = append(b, byte(tensor.KindOptional))
		if x.Item == nil {
			return append(b, 0)
		}
		return Append(append(b, 1), x.Item)
	case *tensor.Map:
		return Append(Append(append(b, byte(tensor.KindMap)), x.Keys), x.Values)
	}
	return append(b, none)
}

func appendTensor(b []byte, t *tensor.Tensor) []byte {
	b = binary.AppendUvarint(append(b, byte(t.DType())), uint64(t.Rank()))
	for _, n := range t.Shape() {
		b = binary.AppendUvarint(b, uint64(n))
	}
	if t.DType() == tensor.String {
		for _, s := range t.Strings() {
			b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
		}
		return b
	}
	at := len(b)
	b = append(b, t.Bytes()...)
	swap(b[at:], t.DType())
	return b
}

// swap brings elements from the machine's byte order into little endian order,
// or back.
func swap(b []byte, d tensor.DType) {
	width := d.Bits() / 8
	if d.IsComplex() {
		width /= 2
	}
	if littleEndian || width < 2 {
		return
	}
	for i := 0; i+width <= len(b); i += width {
		slices.Reverse(b[i : i+width])
	}
}

var errShort = errors.New("codec: the bytes end inside a value")

// deepest is how deep values may lie within each other.
const deepest = 32

// Decode reads one value and returns the bytes behind it.
func Decode(b []byte) (tensor.Value, []byte, error) { return decode(b, 0) }

func decode(b []byte, depth int) (tensor.Value, []byte, error) {
	if depth > deepest {
		return nil, nil, fmt.Errorf("codec: values lie more than %d deep within each other", deepest)
	}
	if len(b) == 0 {
		return nil, nil, errShort
	}
	kind, b := tensor.Kind(b[0]), b[1:]
	switch kind {
	case none:
		return nil, b, nil
	case tensor.KindTensor:
		return decodeTensor(b)
	case tensor.KindSequence:
		return decodeSequence(b, depth)
	case tensor.KindOptional:
		if len(b) == 0 {
			return nil, nil, errShort
		}
		if b[0] == 0 {
			return &tensor.Optional{}, b[1:], nil
		}
		item, rest, err := decode(b[1:], depth+1)
		if err != nil || item == nil {
			return nil, nil, errors.Join(err, errors.New("codec: an optional without its value"))
		}
		return &tensor.Optional{Elem: item.Type(), Item: item}, rest, nil
	case tensor.KindMap:
		keys, rest, err := decode(b, depth+1)
		if err != nil {
			return nil, nil, err
		}
		values, rest, err := decode(rest, depth+1)
		k, ok := keys.(*tensor.Tensor)
		if err != nil || !ok || values == nil {
			return nil, nil, errors.Join(err, errors.New("codec: a map without keys or values"))
		}
		return &tensor.Map{Keys: k, Values: values}, rest, nil
	}
	return nil, nil, fmt.Errorf("codec: %d is no kind of value", kind)
}

func decodeSequence(b []byte, depth int) (tensor.Value, []byte, error) {
	n, b, err := uvarint(b)
	if err != nil {
		return nil, nil, err
	}
	s := &tensor.Sequence{}
	for range n {
		var item tensor.Value
		if item, b, err = decode(b, depth+1); err != nil {
			return nil, nil, err
		}
		if item == nil {
			return nil, nil, errors.New("codec: a sequence with an element missing")
		}
		s.Items = append(s.Items, item)
		s.Elem = item.Type()
		s.Elem.Dims = nil
	}
	return s, b, nil
}

func uvarint(b []byte) (int, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > min(1<<40, math.MaxInt) {
		return 0, nil, errShort
	}
	return int(v), b[n:], nil
}

func decodeTensor(b []byte) (tensor.Value, []byte, error) {
	if len(b) == 0 {
		return nil, nil, errShort
	}
	d := tensor.DType(b[0])
	rank, b, err := uvarint(b[1:])
	if err != nil || rank > len(b) || !d.Valid() {
		return nil, nil, errors.Join(err, fmt.Errorf("codec: a tensor of %v of rank %d", d, rank))
	}
	shape := make(tensor.Shape, rank)
	for i := range shape {
		if shape[i], b, err = uvarint(b); err != nil {
			return nil, nil, err
		}
	}
	n, err := shape.Elements()
	if err != nil {
		return nil, nil, err
	}
	if d == tensor.String {
		return decodeStrings(b, shape, n)
	}
	size := d.Bytes(n)
	if size > len(b) || n > 8*len(b) {
		return nil, nil, errShort
	}
	data := slices.Clone(b[:size])
	swap(data, d)
	t, err := tensor.FromBytes(d, shape, data)
	return t, b[size:], err
}

func decodeStrings(b []byte, shape tensor.Shape, n int) (tensor.Value, []byte, error) {
	if n > len(b) {
		return nil, nil, errShort
	}
	list := make([]string, n)
	for i := range list {
		size, rest, err := uvarint(b)
		if err != nil || size > len(rest) {
			return nil, nil, errShort
		}
		list[i], b = string(rest[:size]), rest[size:]
	}
	t, err := tensor.FromSlice(shape, list)
	return t, b, err
}

// All returns the bytes of several values, with their number in front.
func All(values []tensor.Value) []byte {
	b := binary.AppendUvarint(nil, uint64(len(values)))
	for _, v := range values {
		b = Append(b, v)
	}
	return b
}

// DecodeAll is the inverse of All. Nothing may be left.
func DecodeAll(b []byte) ([]tensor.Value, error) {
	n, b, err := uvarint(b)
	if err != nil {
		return nil, err
	}
	var values []tensor.Value
	for range n {
		var v tensor.Value
		if v, b, err = Decode(b); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("codec: %d bytes behind the last value", len(b))
	}
	return values, nil
}
