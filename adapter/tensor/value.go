package tensor

// Value is anything that an edge of a graph can carry: *[Tensor], *[Sequence],
// *[Optional], *[Map], or a tensor that lies on a device.
type Value interface {
	// Type returns the value's exact type: tensors have known shapes.
	Type() Type
}

// Sequence is an ordered list of values of one type.
type Sequence struct {
	Elem  Type // the type of its elements; shapes may differ between them
	Items []Value
}

// Type implements [Value].
func (s *Sequence) Type() Type { return SequenceType(s.Elem) }

// Optional is a value that may be absent.
type Optional struct {
	Elem Type  // the type of the value if there is one
	Item Value // nil when absent
}

// Type implements [Value].
func (o *Optional) Type() Type { return OptionalType(o.Elem) }

// Map is a dictionary whose keys are integers or strings. Keys and Values run
// in parallel, in the order in which the map was made.
type Map struct {
	Keys   *Tensor // rank 1, of an integer type or String
	Values Value   // a rank-1 Tensor as long as Keys, or a Sequence
}

// Type implements [Value].
func (m *Map) Type() Type {
	elem := m.Values.Type()
	switch elem.Kind {
	case KindSequence:
		elem = *elem.Elem
	case KindTensor:
		elem.Dims = Dims{}
	}
	return MapType(m.Keys.DType(), elem)
}

// Items returns the map's values one by one, in the order of its keys. Those of
// a Tensor are scalars.
func (m *Map) Items() []Value {
	t, ok := m.Values.(*Tensor)
	if !ok {
		return m.Values.(*Sequence).Items
	}
	items := make([]Value, t.Len())
	for i := range items {
		items[i] = t.scalar(i)
	}
	return items
}

// scalar returns a copy of the i-th element.
func (t *Tensor) scalar(i int) *Tensor {
	one := Zeros(t.dtype, Shape{})
	bits := t.dtype.Bits()
	switch {
	case t.dtype == String:
		one.strings[0] = t.strings[i]
	case bits < 8:
		one.data[0] = t.data[i*bits/8] >> (i * bits % 8) & (1<<bits - 1)
	default:
		copy(one.data, t.data[i*bits/8:])
	}
	return one
}
