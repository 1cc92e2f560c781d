package onnx

import (
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Encode returns the bytes of a model's .onnx file. Equal models give equal
// bytes. Values keep their names where they can: those without a name, or with
// one that another value of the graph or of a graph around it has, get a new
// one. Operator sets are imported in the highest version that a node is to be
// read under.
func Encode(m *graph.Model) ([]byte, error) {
	e, err := encodeModel(m)
	if err != nil {
		return nil, err
	}
	return e.bytes(), nil
}

// Write writes a model's .onnx file. The elements of its tensors are not copied
// on the way.
func Write(w io.Writer, m *graph.Model) error {
	e, err := encodeModel(m)
	if err != nil {
		return err
	}
	for _, part := range e.parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// EncodeTensor returns the bytes of a TensorProto, as a .pb file holds it.
func EncodeTensor(t *tensor.Tensor) ([]byte, error) {
	e := encodeTensor(t)
	return e.bytes(), e.fits()
}

// EncodeValue returns the bytes of the TensorProto, SequenceProto,
// OptionalProto or MapProto that stands for a value.
func EncodeValue(v tensor.Value) ([]byte, error) {
	e, _, err := encodeValue(v)
	if err != nil {
		return nil, err
	}
	return e.bytes(), e.fits()
}

// encoding is a message being written: parts to be joined in order, so that the
// elements of tensors are not copied into each message around them.
type encoding struct {
	parts  [][]byte
	size   int
	closed bool // the last part is not the encoding's own to append to
}

// add appends a copy of b.
func (e *encoding) add(b []byte) {
	if len(e.parts) == 0 || e.closed {
		e.parts, e.closed = append(e.parts, nil), false
	}
	last := &e.parts[len(e.parts)-1]
	*last = append(*last, b...)
	e.size += len(b)
}

// share appends b itself if it is large enough for that to be worth a part.
func (e *encoding) share(b []byte) {
	const large = 4096
	if len(b) < large {
		e.add(b)
		return
	}
	e.parts, e.closed = append(e.parts, b), true
	e.size += len(b)
}

// head appends a field's number and wire type, and a varint: the value of an
// integer field, the length of what follows.
func (e *encoding) head(num protowire.Number, typ protowire.Type, v uint64) {
	var buffer [20]byte
	b := protowire.AppendTag(buffer[:0], num, typ)
	e.add(protowire.AppendVarint(b, v))
}

func (e *encoding) int(num protowire.Number, v int64) {
	e.head(num, protowire.VarintType, uint64(v))
}

// intSet writes an integer that is not 0.
func (e *encoding) intSet(num protowire.Number, v int64) {
	if v != 0 {
		e.int(num, v)
	}
}

func (e *encoding) float(num protowire.Number, v float32) {
	var buffer [12]byte
	b := protowire.AppendTag(buffer[:0], num, protowire.Fixed32Type)
	e.add(protowire.AppendFixed32(b, math.Float32bits(v)))
}

func (e *encoding) data(num protowire.Number, b []byte) {
	e.head(num, protowire.BytesType, uint64(len(b)))
	e.share(b)
}

func (e *encoding) text(num protowire.Number, s string) {
	e.head(num, protowire.BytesType, uint64(len(s)))
	e.add([]byte(s))
}

// textSet writes a string that is not empty.
func (e *encoding) textSet(num protowire.Number, s string) {
	if s != "" {
		e.text(num, s)
	}
}

func (e *encoding) message(num protowire.Number, m *encoding) {
	e.head(num, protowire.BytesType, uint64(m.size))
	for _, part := range m.parts {
		e.share(part)
	}
}

// bytes joins the parts.
func (e *encoding) bytes() []byte {
	all := make([]byte, 0, e.size)
	for _, part := range e.parts {
		all = append(all, part...)
	}
	return all
}

// fits says whether readers can take a message of this size.
func (e *encoding) fits() error {
	if e.size > math.MaxInt32 {
		return errorf(ErrLimit, "the file would have %d bytes, Protocol Buffers allow %d", e.size, math.MaxInt32)
	}
	return nil
}
