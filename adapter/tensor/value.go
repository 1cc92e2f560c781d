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
