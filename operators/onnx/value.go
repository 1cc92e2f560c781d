package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
)

// DecodeTensor reads a TensorProto, as a .pb file holds it. The tensor aliases
// data where it can.
func DecodeTensor(data []byte) (*tensor.Tensor, error) {
	d, data := valueDecoder(data)
	return d.attributeTensor(data)
}

// DecodeSequence reads a SequenceProto. Its element type is elem, or where that
// is unknown, what the elements have in common.
func DecodeSequence(data []byte, elem tensor.Type) (*tensor.Sequence, error) {
	d, data := valueDecoder(data)
	return d.sequence(data, elem, 0)
}

// DecodeOptional reads an OptionalProto. Its element type is elem, or where
// that is unknown, the type of its value.
func DecodeOptional(data []byte, elem tensor.Type) (*tensor.Optional, error) {
	d, data := valueDecoder(data)
	return d.optional(data, elem, 0)
}

// DecodeMap reads a MapProto.
func DecodeMap(data []byte) (*tensor.Map, error) {
	d, data := valueDecoder(data)
	return d.mapping(data, tensor.Type{}, 0)
}

// DecodeValue reads the message that stands for a value of type t: TensorProto
// for tensors, and for what is unknown, SparseTensorProto, SequenceProto,
// OptionalProto or MapProto.
func DecodeValue(data []byte, t tensor.Type) (tensor.Value, error) {
	d, data := valueDecoder(data)
	return d.value(data, t, 0)
}

func valueDecoder(data []byte) (*decoder, []byte) {
	return newDecoder(data, nil, nil), data[:len(data):len(data)]
}

func (d *decoder) value(b []byte, t tensor.Type, depth int) (tensor.Value, error) {
	if depth >= d.MaxDepth {
		return nil, errorf(ErrLimit, "values are nested more than %d deep", d.MaxDepth)
	}
	var elem tensor.Type
	if t.Elem != nil {
		elem = *t.Elem
	}
	switch t.Kind {
	case tensor.KindSequence:
		return valueOr(d.sequence(b, elem, depth))
	case tensor.KindOptional:
		return valueOr(d.optional(b, elem, depth))
	case tensor.KindMap:
		return valueOr(d.mapping(b, elem, depth))
	case tensor.KindSparse:
		return valueOr(d.attributeSparse(b))
	}
	return valueOr(d.attributeTensor(b))
}

// valueOr makes a value of a pointer that is nil where there is an error.
func valueOr[T any, P interface {
	*T
	tensor.Value
}](v P, err error) (tensor.Value, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// kinds numbers what a sequence or optional holds, as SequenceProto.DataType
// and OptionalProto.DataType do.
var kinds = []tensor.Kind{
	tensor.KindUnknown, tensor.KindTensor, tensor.KindSparse, tensor.KindSequence, tensor.KindMap, tensor.KindOptional,
}

// members is what a SequenceProto or OptionalProto holds: messages of one kind,
// in fields that follow those of kinds from number 3 on.
type members struct {
	kind     tensor.Kind
	messages [][]byte
}

// memberField returns the field for values of the kind of a number.
func memberField(number int) protowire.Number { return protowire.Number(number + 2) }

func (d *decoder) members(b []byte) (members, error) {
	var m members
	var said tensor.Kind
	f := d.fields(b)
	for f.next() {
		switch {
		case f.num == 1: // name
			f.ignore()
		case f.num == 2:
			v := f.int()
			if v < 0 || v >= int64(len(kinds)) {
				f.fail(ErrInvalid, "there is no kind of value %d", v)
				continue
			}
			said = kinds[v]
		case f.num >= 3 && int(f.num)-2 < len(kinds):
			kind := kinds[f.num-2] // see memberField
			if m.kind != tensor.KindUnknown && m.kind != kind {
				f.fail(ErrInvalid, "values of two kinds in fields that exclude each other")
			}
			m.kind, m.messages = kind, append(m.messages, f.message())
		}
	}
	if f.err != nil {
		return m, f.err
	}
	if m.kind != tensor.KindUnknown && said != tensor.KindUnknown && m.kind != said {
		return m, invalid("elem_type says %s, there is a %s", kindName(said), kindName(m.kind))
	}
	if m.kind == tensor.KindUnknown {
		m.kind = said
	}
	return m, nil
}

func kindName(k tensor.Kind) string {
	switch k {
	case tensor.KindTensor:
		return "tensor"
	case tensor.KindSparse:
		return "sparse tensor"
	case tensor.KindSequence:
		return "sequence"
	case tensor.KindMap:
		return "map"
	case tensor.KindOptional:
		return "optional"
	}
	return "value of unknown kind"
}

// agree returns the type under which to read members: the one expected, which
// must be of their kind, or else that kind.
func (m *members) agree(expected tensor.Type) (tensor.Type, error) {
	if expected.Kind == tensor.KindUnknown || m.kind == tensor.KindUnknown {
		if expected.Kind == tensor.KindUnknown {
			expected.Kind = m.kind
		}
		return expected, nil
	}
	if expected.Kind != m.kind {
		return expected, invalid("a %s is expected, there is a %s", kindName(expected.Kind), kindName(m.kind))
	}
	return expected, nil
}

// member reads what a container holds, which must have the element type that
// the container's type says.
func (d *decoder) member(b []byte, elem tensor.Type, depth int) (tensor.Value, error) {
	v, err := d.value(b, elem, depth+1)
	if err != nil {
		return nil, err
	}
	if t := v.Type(); elem.DType != tensor.Undefined && t.DType != elem.DType {
		return nil, invalid("a value of type %v where %v is expected", t, elem)
	}
	return v, nil
}

func (d *decoder) sequence(b []byte, elem tensor.Type, depth int) (*tensor.Sequence, error) {
	m, err := d.members(b)
	if err != nil {
		return nil, err
	}
	if elem, err = m.agree(elem); err != nil {
		return nil, err
	}
	s := &tensor.Sequence{Elem: elem, Items: make([]tensor.Value, len(m.messages))}
	for i, b := range m.messages {
		if s.Items[i], err = d.member(b, elem, depth); err != nil {
			return nil, within(err, "element %d", i)
		}
	}
	s.Elem = elemType(elem, s.Items)
	s.Elem.Dims = elem.Dims // tensors of one sequence may differ in shape
	return s, nil
}

// elemType returns the type of what a container holds: elem, or where that is
// no more than a kind, the type of the first item. Sparse tensors have become
// dense.
func elemType(elem tensor.Type, items []tensor.Value) tensor.Type {
	if elem.Kind == tensor.KindSparse {
		elem.Kind = tensor.KindTensor
	}
	if len(items) == 0 || elem.DType != tensor.Undefined || elem.Elem != nil {
		return elem
	}
	return items[0].Type()
}

func (d *decoder) optional(b []byte, elem tensor.Type, depth int) (*tensor.Optional, error) {
	m, err := d.members(b)
	if err != nil {
		return nil, err
	}
	if elem, err = m.agree(elem); err != nil {
		return nil, err
	}
	o := &tensor.Optional{Elem: elemType(elem, nil)}
	switch len(m.messages) {
	case 0:
		return o, nil
	case 1:
		if o.Item, err = d.member(m.messages[0], elem, depth); err != nil {
			return nil, err
		}
		o.Elem = elemType(elem, []tensor.Value{o.Item})
		return o, nil
	}
	return nil, invalid("an optional holds one value at most, there are %d", len(m.messages))
}

// mapping reads a MapProto. Where every value is a scalar of one element type,
// the map's values are one tensor, else a sequence.
func (d *decoder) mapping(b []byte, elem tensor.Type, depth int) (*tensor.Map, error) {
	var key tensor.DType
	var ints []int64
	var texts []string
	var values []byte
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1: // name
			f.ignore()
		case 2:
			key = f.dtype()
		case 3:
			ints = f.ints(ints)
		case 4:
			texts = append(texts, f.text())
		case 5:
			values = f.once(values)
		}
	}
	if f.err != nil {
		return nil, f.err
	}
	m := &tensor.Map{}
	switch {
	case key == tensor.String && len(ints) == 0:
		m.Keys = tensor.Of(append([]string{}, texts...))
	case key.IsInteger() && !key.Packed() && len(texts) == 0:
		m.Keys = tensor.FromInt64s(key, tensor.Shape{len(ints)}, ints)
	default:
		return nil, invalid("keys of a map are integers or strings as key_type says, which is %v with %d integers and %d strings", key, len(ints), len(texts))
	}
	s, err := d.sequence(values, elem, depth+1)
	if err != nil {
		return nil, within(err, "values")
	}
	if len(s.Items) != m.Keys.Len() {
		return nil, invalid("a map has %d keys and %d values", m.Keys.Len(), len(s.Items))
	}
	m.Values = s
	if t := scalars(s); t != nil {
		m.Values = t
	}
	return m, nil
}

// scalars returns the elements of a sequence as one tensor of rank 1, or nil if
// they are not all scalars of one type.
func scalars(s *tensor.Sequence) *tensor.Tensor {
	if s.Elem.Kind != tensor.KindTensor || !s.Elem.DType.Valid() {
		return nil
	}
	all, err := tensor.New(s.Elem.DType, tensor.Shape{len(s.Items)})
	if err != nil {
		return nil
	}
	for i, item := range s.Items {
		t, ok := item.(*tensor.Tensor)
		if !ok || t.DType() != all.DType() || t.Rank() != 0 {
			return nil
		}
		copyElement(all, i, t, 0)
	}
	return all
}
