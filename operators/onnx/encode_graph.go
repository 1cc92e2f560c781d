package onnx

import (
	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// graphEncoder encodes one graph, or the body of one function.
type graphEncoder struct {
	model    *graph.Model
	function *graph.Function // around the graph, or nil
	names    *names
}

// graph makes a GraphProto.
func (g *graphEncoder) graph(from *graph.Graph) (*encoding, error) {
	e := &encoding{}
	if err := g.fill(e, from); err != nil {
		return nil, within(err, "graph %s", name(from.Name))
	}
	return e, nil
}

func (g *graphEncoder) fill(e *encoding, from *graph.Graph) error {
	if err := g.nodes(e, 1, from.Nodes); err != nil {
		return err
	}
	e.textSet(2, from.Name)
	inputs := make(map[*graph.Value]bool, len(from.Inputs))
	for _, v := range from.Inputs {
		inputs[v] = true
	}
	for _, v := range from.Initializers {
		if v.Const == nil {
			return invalid("initializer %s has no tensor", name(v.Name))
		}
		t := encodeTensor(v.Const)
		t.text(8, g.names.of(v))
		if !inputs[v] {
			t.textSet(12, v.Doc)
		}
		e.message(5, t)
	}
	e.textSet(10, from.Doc)
	for _, v := range from.Inputs {
		e.message(11, g.describe(v))
	}
	outputs := make(map[*graph.Value]bool, len(from.Outputs))
	for i, v := range from.Outputs {
		if _, err := g.read(v); err != nil || v == nil {
			return invalid("output %d is defined neither in the graph nor around it", i)
		}
		outputs[v] = true
		e.message(12, g.describe(v))
	}
	g.valueInfos(e, 13, from, outputs)
	e.metadata(16, from.Metadata)
	return nil
}

// valueInfos describes what nodes write and the graph does not return.
func (g *graphEncoder) valueInfos(e *encoding, num protowire.Number, from *graph.Graph, outputs map[*graph.Value]bool) {
	for _, n := range from.Nodes {
		for _, v := range n.Outputs {
			if v != nil && !outputs[v] {
				g.valueInfo(e, num, v)
			}
		}
	}
}

// valueInfo describes a value of which there is something to say.
func (g *graphEncoder) valueInfo(e *encoding, num protowire.Number, v *graph.Value) {
	if v.Type.Kind != tensor.KindUnknown || v.Doc != "" {
		e.message(num, g.describe(v))
	}
}

// describe makes a ValueInfoProto.
func (g *graphEncoder) describe(v *graph.Value) *encoding {
	e := &encoding{}
	e.text(1, g.names.of(v))
	if v.Type.Kind != tensor.KindUnknown {
		e.message(2, encodeType(v.Type))
	}
	e.textSet(3, v.Doc)
	return e
}

// read returns the name under which a value is read, "" for an absent one.
func (g *graphEncoder) read(v *graph.Value) (string, error) {
	if v == nil {
		return "", nil
	}
	s := g.names.of(v)
	if s == "" {
		return "", invalid("value %s is defined neither in the graph nor around it", name(v.Name))
	}
	return s, nil
}

func (g *graphEncoder) nodes(e *encoding, num protowire.Number, nodes []*graph.Node) error {
	for i, n := range nodes {
		if err := g.node(e, num, n); err != nil {
			return within(err, "node %d %s", i, name(n.Name))
		}
	}
	return nil
}

// node adds a NodeProto.
func (g *graphEncoder) node(to *encoding, num protowire.Number, n *graph.Node) error {
	e := &encoding{}
	for i, v := range n.Inputs {
		s, err := g.read(v)
		if err != nil {
			return within(err, "input %d", i)
		}
		e.text(1, s)
	}
	for _, v := range n.Outputs {
		e.text(2, g.names.of(v))
	}
	e.textSet(3, n.Name)
	e.text(4, n.Op)
	for _, a := range n.Attributes {
		attribute, err := g.attribute(n, a)
		if err != nil {
			return within(err, "attribute %s", name(a.Name))
		}
		e.message(5, attribute)
	}
	e.textSet(6, n.Doc)
	e.textSet(7, n.Domain)
	e.textSet(8, n.Overload)
	e.metadata(9, n.Metadata)
	to.message(num, e)
	return nil
}
