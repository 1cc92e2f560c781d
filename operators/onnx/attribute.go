package onnx

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// attributeType numbers what an attribute may hold, as AttributeProto does.
type attributeType int64

const (
	attrFloat         attributeType = 1
	attrInt           attributeType = 2
	attrString        attributeType = 3
	attrTensor        attributeType = 4
	attrGraph         attributeType = 5
	attrFloats        attributeType = 6
	attrInts          attributeType = 7
	attrStrings       attributeType = 8
	attrTensors       attributeType = 9
	attrGraphs        attributeType = 10
	attrSparseTensor  attributeType = 11
	attrSparseTensors attributeType = 12
	attrType          attributeType = 13
	attrTypes         attributeType = 14
)

var attributeNames = map[attributeType]string{
	attrFloat: "FLOAT", attrInt: "INT", attrString: "STRING", attrTensor: "TENSOR", attrGraph: "GRAPH",
	attrFloats: "FLOATS", attrInts: "INTS", attrStrings: "STRINGS", attrTensors: "TENSORS", attrGraphs: "GRAPHS",
	attrSparseTensor: "SPARSE_TENSOR", attrSparseTensors: "SPARSE_TENSORS", attrType: "TYPE_PROTO", attrTypes: "TYPE_PROTOS",
}

func (t attributeType) String() string {
	if s, ok := attributeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("AttributeType(%d)", int64(t))
}

// attributes reads the attributes of one node, or the defaults of a function,
// whose names must differ.
func (d *decoder) attributes(messages [][]byte, s *scope) ([]graph.Attribute, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	attributes := make([]graph.Attribute, len(messages))
	for i, b := range messages {
		a := &attributes[i]
		if err := d.attribute(b, a, s); err != nil {
			return nil, within(err, "attribute %s", name(a.Name))
		}
	}
	if a := repeated(attributes); a != nil {
		return nil, within(invalid("there are two of this name"), "attribute %s", name(a.Name))
	}
	return attributes, nil
}

// repeated returns an attribute whose name another one has too, or nil.
func repeated(attributes []graph.Attribute) *graph.Attribute {
	const few = 16 // as long as comparing all with all is faster than a map
	if len(attributes) > few {
		seen := make(map[string]bool, len(attributes))
		for i, a := range attributes {
			if seen[a.Name] {
				return &attributes[i]
			}
			seen[a.Name] = true
		}
		return nil
	}
	for i, a := range attributes {
		for _, b := range attributes[:i] {
			if a.Name == b.Name {
				return &attributes[i]
			}
		}
	}
	return nil
}

// attributeFields is what an AttributeProto holds, before messages are read.
type attributeFields struct {
	typ  attributeType
	held attributeType // of the value fields that were there
	many bool          // value fields of several types were there

	f        float32
	i        int64
	s        string
	message  []byte // t, g, sparse_tensor or tp
	floats   []float32
	ints     []int64
	strings  []string
	messages [][]byte // tensors, graphs, sparse_tensors or type_protos
}

// hold notes that a value field is there.
func (h *attributeFields) hold(t attributeType) {
	h.many = h.many || h.held != 0 && h.held != t
	h.held = t
}

func (d *decoder) attribute(b []byte, a *graph.Attribute, s *scope) error {
	var h attributeFields
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			a.Name = d.intern(f.message())
		case 13:
			a.Doc = f.text()
		case 20:
			h.typ = attributeType(f.int())
		case 21:
			a.Ref = f.text()
		default:
			h.value(&f)
		}
	}
	if f.err != nil {
		return f.err
	}
	if a.Name == "" {
		return invalid("an attribute needs a name")
	}
	if a.Ref != "" {
		if h.held != 0 {
			return invalid("it refers to attribute %s of the call and has a value of its own", name(a.Ref))
		}
		return nil
	}
	if h.typ == 0 { // files of version 1 of the representation have no types
		h.typ = h.held
	}
	if h.many || h.held != 0 && h.held != h.typ {
		return invalid("its type is %v, it holds a value of another type", h.typ)
	}
	var err error
	a.Value, err = d.attributeValue(&h, s)
	return err
}

// value reads a value field, if the field is one.
func (h *attributeFields) value(f *fields) {
	switch f.num {
	case 2:
		h.hold(attrFloat)
		h.f = f.float()
	case 3:
		h.hold(attrInt)
		h.i = f.int()
	case 4:
		h.hold(attrString)
		h.s = f.text()
	case 5:
		h.hold(attrTensor)
		h.message = f.once(h.message)
	case 6:
		h.hold(attrGraph)
		h.message = f.once(h.message)
	case 7:
		h.hold(attrFloats)
		h.floats = f.floats(h.floats)
	case 8:
		h.hold(attrInts)
		h.ints = f.ints(h.ints)
	case 9:
		h.hold(attrStrings)
		h.strings = append(h.strings, f.text())
	case 10:
		h.hold(attrTensors)
		h.messages = append(h.messages, f.message())
	case 11:
		h.hold(attrGraphs)
		h.messages = append(h.messages, f.message())
	case 14:
		h.hold(attrType)
		h.message = f.once(h.message)
	case 15:
		h.hold(attrTypes)
		h.messages = append(h.messages, f.message())
	case 22:
		h.hold(attrSparseTensor)
		h.message = f.once(h.message)
	case 23:
		h.hold(attrSparseTensors)
		h.messages = append(h.messages, f.message())
	}
}

// attributeValue returns the value in the type that graph.Attribute keeps it
// in. A number, string or list that is not there is zero or empty.
func (d *decoder) attributeValue(h *attributeFields, s *scope) (any, error) {
	switch h.typ {
	case attrTensor, attrGraph, attrSparseTensor, attrType:
		if h.message == nil {
			return nil, invalid("its type is %v, the value is missing", h.typ)
		}
	}
	switch h.typ {
	case attrFloat:
		return h.f, nil
	case attrInt:
		return h.i, nil
	case attrString:
		return h.s, nil
	case attrFloats:
		return orEmpty(h.floats), nil
	case attrInts:
		return orEmpty(h.ints), nil
	case attrStrings:
		return orEmpty(h.strings), nil
	case attrTensor:
		return d.attributeTensor(h.message)
	case attrSparseTensor:
		return d.attributeSparse(h.message)
	case attrGraph:
		return d.attributeGraph(h.message, s)
	case attrType:
		return d.attributeType(h.message)
	case attrTensors:
		return each(h.messages, d.attributeTensor)
	case attrSparseTensors:
		return each(h.messages, d.attributeSparse)
	case attrGraphs:
		return each(h.messages, func(b []byte) (*graph.Graph, error) { return d.attributeGraph(b, s) })
	case attrTypes:
		return each(h.messages, d.attributeType)
	case 0:
		return nil, invalid("it has neither a type nor a value")
	}
	return nil, invalid("no attribute has the type %d", int64(h.typ))
}

func (d *decoder) attributeTensor(b []byte) (*tensor.Tensor, error) {
	t, err := d.initializer(b)
	return t.tensor, err
}

func (d *decoder) attributeSparse(b []byte) (*tensor.Tensor, error) {
	t, err := d.sparseInitializer(b)
	return t.tensor, err
}

func (d *decoder) attributeGraph(b []byte, s *scope) (*graph.Graph, error) {
	return d.graph(b, &scope{outer: s, opsets: s.opsets, depth: s.depth + 1})
}

func (d *decoder) attributeType(b []byte) (tensor.Type, error) { return d.typeProto(b, 0) }

// orEmpty returns a list that is not nil.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// each reads every message of a list, which is never nil.
func each[T any](messages [][]byte, read func([]byte) (T, error)) ([]T, error) {
	list := make([]T, len(messages))
	for i, b := range messages {
		var err error
		if list[i], err = read(b); err != nil {
			return nil, within(err, "element %d", i)
		}
	}
	return list, nil
}
