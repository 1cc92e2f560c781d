package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// attribute makes an AttributeProto of an attribute of n, or of a function's
// default where n is nil.
func (g *graphEncoder) attribute(n *graph.Node, a graph.Attribute) (*encoding, error) {
	e := &encoding{}
	e.text(1, a.Name)
	e.textSet(13, a.Doc)
	if a.Ref != "" {
		e.int(20, int64(g.referredType(a.Ref)))
		e.text(21, a.Ref)
		return e, nil
	}
	typ := typeOf(a.Value)
	if t, ok := a.Value.(*tensor.Tensor); ok && n != nil && n.Domain == "" && n.Op == "Constant" && a.Name == "sparse_value" {
		e.message(22, encodeSparse(t))
		typ = attrSparseTensor
	} else if err := g.attributeValue(e, a.Value); err != nil {
		return nil, err
	}
	e.int(20, int64(typ))
	return e, nil
}

// typeOf returns the type of an attribute's value, 0 if it is none.
func typeOf(value any) attributeType {
	switch value.(type) {
	case float32:
		return attrFloat
	case int64:
		return attrInt
	case string:
		return attrString
	case *tensor.Tensor:
		return attrTensor
	case *graph.Graph:
		return attrGraph
	case tensor.Type:
		return attrType
	case []float32:
		return attrFloats
	case []int64:
		return attrInts
	case []string:
		return attrStrings
	case []*tensor.Tensor:
		return attrTensors
	case []*graph.Graph:
		return attrGraphs
	case []tensor.Type:
		return attrTypes
	}
	return 0
}

// referredType returns the type of the function's attribute that an attribute
// of its body refers to: that of its default, or of what a call sets, 0 where
// there is neither.
func (g *graphEncoder) referredType(ref string) attributeType {
	f := g.function
	if f == nil {
		return 0
	}
	for _, a := range f.Defaults {
		if a.Name == ref {
			return typeOf(a.Value)
		}
	}
	for n := range g.model.Graph.All {
		if n.Domain != f.Domain || n.Op != f.Name || n.Overload != f.Overload {
			continue
		}
		for _, a := range n.Attributes {
			if a.Name == ref {
				return typeOf(a.Value)
			}
		}
	}
	return 0
}

func (g *graphEncoder) attributeValue(e *encoding, value any) error {
	switch v := value.(type) {
	case float32:
		e.float(2, v)
	case int64:
		e.int(3, v)
	case string:
		e.text(4, v)
	case *tensor.Tensor:
		e.message(5, encodeTensor(v))
	case *graph.Graph:
		return g.body(e, 6, v)
	case []float32:
		for _, f := range v {
			e.float(7, f)
		}
	case []int64:
		for _, i := range v {
			e.int(8, i)
		}
	case []string:
		for _, s := range v {
			e.text(9, s)
		}
	case []*tensor.Tensor:
		for _, t := range v {
			e.message(10, encodeTensor(t))
		}
	case []*graph.Graph:
		for _, body := range v {
			if err := g.body(e, 11, body); err != nil {
				return err
			}
		}
	case tensor.Type:
		e.message(14, encodeType(v))
	case []tensor.Type:
		for _, t := range v {
			e.message(15, encodeType(t))
		}
	default:
		return invalid("no attribute holds a %T", value)
	}
	return nil
}

// body adds a GraphProto whose names are unlike those around it.
func (g *graphEncoder) body(e *encoding, num protowire.Number, body *graph.Graph) error {
	inner, err := (&graphEncoder{model: g.model, function: g.function, names: g.names.body(body)}).graph(body)
	if err != nil {
		return err
	}
	e.message(num, inner)
	return nil
}
