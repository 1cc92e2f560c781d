package onnx

import (
	"slices"

	"example.com/midplane/adapter/tensor"
)

// encodeValue makes the message of a value and says of what kind it is.
func encodeValue(v tensor.Value) (*encoding, tensor.Kind, error) {
	switch v := v.(type) {
	case *tensor.Tensor:
		return encodeTensor(v), tensor.KindTensor, nil
	case *tensor.Sequence:
		e, err := encodeMembers(v.Elem.Kind, v.Items)
		return e, tensor.KindSequence, err
	case *tensor.Optional:
		var items []tensor.Value
		if v.Item != nil {
			items = append(items, v.Item)
		}
		e, err := encodeMembers(v.Elem.Kind, items)
		return e, tensor.KindOptional, err
	case *tensor.Map:
		e, err := encodeMap(v)
		return e, tensor.KindMap, err
	}
	return nil, tensor.KindUnknown, invalid("a %T has no representation in a file", v)
}

// encodeMembers makes a SequenceProto or OptionalProto, whose fields are the
// same.
func encodeMembers(kind tensor.Kind, items []tensor.Value) (*encoding, error) {
	e := &encoding{}
	messages := make([]*encoding, len(items))
	for i, item := range items {
		var k tensor.Kind
		var err error
		if messages[i], k, err = encodeValue(item); err != nil {
			return nil, err
		}
		if i == 0 && kind == tensor.KindUnknown {
			kind = k
		}
		if k != kind {
			return nil, invalid("a container of %ss holds a %s", kindName(kind), kindName(k))
		}
	}
	number := slices.Index(kinds, kind)
	e.int(2, int64(number))
	for _, m := range messages {
		e.message(memberField(number), m)
	}
	return e, nil
}

// encodeMap makes a MapProto.
func encodeMap(m *tensor.Map) (*encoding, error) {
	e := &encoding{}
	e.int(2, int64(m.Keys.DType()))
	if m.Keys.DType() == tensor.String {
		for _, key := range m.Keys.Strings() {
			e.text(4, key)
		}
	} else {
		for _, key := range m.Keys.Int64s() {
			e.int(3, key)
		}
	}
	values, err := encodeMembers(tensor.KindUnknown, m.Items())
	if err != nil {
		return nil, err
	}
	e.message(5, values)
	return e, nil
}
