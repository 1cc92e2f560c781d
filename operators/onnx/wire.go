package onnx

import (
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields walks the fields of one message in the order of its bytes:
//
//	f := d.fields(b)
//	for f.next() {
//		switch f.num {
//		case 1:
//			v = f.int()
//		}
//	}
//	return f.err
//
// The first error ends the walk.
type fields struct {
	num protowire.Number
	err error

	typ   protowire.Type
	value uint64 // of a varint or fixed-width field
	bytes []byte // the field's bytes, without the length that precedes them
	rest  []byte // behind the field
	here  int    // capacity of the slice that begins with the field
	size  int    // of the whole file
}

// fields starts a walk. Every slice of the file reaches in capacity to the
// file's end, which is how offsets are known.
func (d *decoder) fields(b []byte) fields { return fields{rest: b, here: cap(b), size: d.size} }

func (f *fields) next() bool {
	if f.err != nil || len(f.rest) == 0 {
		return false
	}
	start := f.rest
	f.here = cap(start)
	num, typ, n := protowire.ConsumeTag(start)
	if n < 0 {
		return f.malformed(n)
	}
	f.num, f.typ = num, typ
	b := start[n:]
	skip := 0 // bytes of a length prefix
	switch typ {
	case protowire.VarintType:
		f.value, n = protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(b)
		f.value = uint64(v)
	case protowire.Fixed64Type:
		f.value, n = protowire.ConsumeFixed64(b)
	case protowire.BytesType:
		var v []byte
		v, n = protowire.ConsumeBytes(b)
		skip = n - len(v)
	default:
		n = protowire.ConsumeFieldValue(num, typ, b)
	}
	if n < 0 {
		return f.malformed(n)
	}
	f.bytes, f.rest = b[skip:n], b[n:]
	return true
}

// malformed records an error code of protowire.
func (f *fields) malformed(code int) bool {
	err := protowire.ParseError(code)
	if err == io.ErrUnexpectedEOF {
		f.fail(ErrTruncated, "the bytes end in the middle of field %d", f.num)
	} else {
		f.fail(ErrInvalid, "no Protocol Buffers field: %v", err)
	}
	return false
}

// fail records an error about the field at hand.
func (f *fields) fail(kind error, format string, args ...any) {
	if f.err == nil {
		f.err = &Error{Kind: kind, Offset: int64(f.size - f.here), Reason: fmt.Sprintf(format, args...)}
	}
}

var wireNames = map[protowire.Type]string{
	protowire.VarintType: "a varint", protowire.Fixed32Type: "32 bits", protowire.Fixed64Type: "64 bits",
	protowire.BytesType: "length-delimited", protowire.StartGroupType: "a group", protowire.EndGroupType: "the end of a group",
}

// is reports whether the field has the wire type that it should.
func (f *fields) is(want protowire.Type) bool {
	if f.typ != want {
		f.fail(ErrInvalid, "field %d is %s on the wire, should be %s", f.num, wireNames[f.typ], wireNames[want])
	}
	return f.err == nil
}

// int returns an integer field.
func (f *fields) int() int64 {
	if !f.is(protowire.VarintType) {
		return 0
	}
	return int64(f.value)
}

// float returns a float field.
func (f *fields) float() float32 {
	if !f.is(protowire.Fixed32Type) {
		return 0
	}
	return math.Float32frombits(uint32(f.value))
}

// text returns a copy of a string field, whatever its bytes.
func (f *fields) text() string { return string(f.message()) }

// message returns the bytes of a length-delimited field, never nil.
func (f *fields) message() []byte {
	if !f.is(protowire.BytesType) {
		return []byte{}
	}
	return f.bytes
}

// ignore checks the wire type of a message or string that is not read.
func (f *fields) ignore() { f.is(protowire.BytesType) }

// once returns the bytes of a message that may be given only once. Protocol
// Buffers would merge two; readers that do not would see another model.
func (f *fields) once(before []byte) []byte {
	if before != nil {
		f.fail(ErrInvalid, "field %d is given twice", f.num)
	}
	return f.message()
}

// ints appends the integers of a repeated field, packed or not.
func (f *fields) ints(to []int64) []int64 {
	if f.typ != protowire.BytesType {
		return append(to, f.int())
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			f.malformed(n)
			return to
		}
		to, b = append(to, int64(v)), b[n:]
	}
	return to
}

// floats appends the floats of a repeated field, packed or not.
func (f *fields) floats(to []float32) []float32 {
	if f.typ != protowire.BytesType {
		return append(to, f.float())
	}
	if len(f.bytes)%4 != 0 {
		f.fail(ErrInvalid, "packed floats take a multiple of 4 bytes, field %d has %d", f.num, len(f.bytes))
		return to
	}
	for b := f.bytes; len(b) > 0; b = b[4:] {
		v, _ := protowire.ConsumeFixed32(b)
		to = append(to, math.Float32frombits(v))
	}
	return to
}

// chunk returns the encoded elements of a repeated field of scalars, whose wire
// type is elem where they are not packed.
func (f *fields) chunk(elem protowire.Type) []byte {
	if f.typ != protowire.BytesType && !f.is(elem) {
		return nil
	}
	return f.bytes
}
