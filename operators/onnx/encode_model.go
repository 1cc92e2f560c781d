package onnx

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// encodeModel makes a ModelProto.
func encodeModel(m *graph.Model) (*encoding, error) {
	if m.Graph == nil {
		return nil, errorf(ErrNotModel, "the model has no graph")
	}
	e := &encoding{}
	e.int(1, irVersion(m))
	e.textSet(2, m.Producer)
	e.textSet(3, m.ProducerVersion)
	e.textSet(4, m.Domain)
	e.intSet(5, m.Version)
	e.textSet(6, m.Doc)
	g, err := (&graphEncoder{model: m, names: newNames(m.Graph)}).graph(m.Graph)
	if err != nil {
		return nil, err
	}
	e.message(7, g)
	opsets := readUnder(m.Graph, m.Opsets, nil)
	e.imports(8, opsets)
	e.metadata(14, m.Metadata)
	for _, f := range m.Functions {
		body, err := encodeFunction(m, f, opsets)
		if err != nil {
			return nil, within(err, "function %s", name(f.Name))
		}
		e.message(25, body)
	}
	return e, e.fits()
}

// irVersion returns the version of the representation that a model states, else
// the lowest that has everything in it: 8 brought functions, 10 four-bit
// integers, metadata and overloads, 11 to 13 narrower types.
func irVersion(m *graph.Model) int64 {
	if m.IRVersion != 0 {
		return m.IRVersion
	}
	version := int64(10)
	note := func(values []*graph.Value) {
		for _, v := range values {
			if v == nil {
				continue
			}
			switch v.Type.DType {
			case tensor.Float4E2M1:
				version = max(version, 11)
			case tensor.Float8E8M0:
				version = max(version, 12)
			case tensor.Uint2, tensor.Int2:
				version = max(version, 13)
			}
		}
	}
	note(m.Graph.Inputs)
	note(m.Graph.Initializers)
	for n := range m.Graph.All {
		note(n.Outputs)
	}
	return version
}

// readUnder returns the operator sets to import for a graph: those stated, in
// a higher version where a node is to be read under one, and what nodes need
// beyond them that the model around does not import alike.
func readUnder(g *graph.Graph, stated, around map[string]int) map[string]int {
	opsets := make(map[string]int, len(stated))
	for domain, version := range stated {
		domain = graph.NormalDomain(domain)
		opsets[domain] = max(opsets[domain], version)
	}
	for n := range g.All {
		domain := graph.NormalDomain(n.Domain)
		_, ok := opsets[domain]
		if ok && n.Version > opsets[domain] || !ok && n.Version > 0 && n.Version != around[domain] {
			opsets[domain] = n.Version
		}
	}
	return opsets
}

func (e *encoding) imports(num protowire.Number, opsets map[string]int) {
	for _, domain := range slices.Sorted(maps.Keys(opsets)) {
		set := &encoding{}
		set.text(1, domain)
		set.int(2, int64(opsets[domain]))
		e.message(num, set)
	}
}

// metadata writes StringStringEntryProtos in the order of their keys.
func (e *encoding) metadata(num protowire.Number, entries map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		entry := &encoding{}
		entry.text(1, key)
		entry.text(2, entries[key])
		e.message(num, entry)
	}
}

// encodeFunction makes a FunctionProto. Functions have no initializers: those
// of the body become Constant nodes.
func encodeFunction(m *graph.Model, f *graph.Function, opsets map[string]int) (*encoding, error) {
	g := &graphEncoder{model: m, function: f, names: newNames(f.Body)}
	e := &encoding{}
	e.text(1, f.Name)
	for _, v := range f.Body.Inputs {
		e.text(4, g.names.of(v))
	}
	for i, v := range f.Body.Outputs {
		s, err := g.read(v)
		if err != nil || v == nil {
			return nil, invalid("output %d is not defined in the body", i)
		}
		e.text(5, s)
	}
	for _, attribute := range f.Attributes {
		e.text(6, attribute)
	}
	for _, v := range f.Body.Initializers {
		constant := &graph.Node{Op: "Constant", Outputs: []*graph.Value{v}, Attributes: []graph.Attribute{graph.A("value", v.Const)}}
		if err := g.node(e, 7, constant); err != nil {
			return nil, err
		}
	}
	if err := g.nodes(e, 7, f.Body.Nodes); err != nil {
		return nil, err
	}
	e.textSet(8, f.Doc)
	e.imports(9, readUnder(f.Body, f.Opsets, opsets))
	e.text(10, f.Domain)
	for i, a := range f.Defaults {
		def, err := g.attribute(nil, a)
		if err != nil {
			return nil, within(err, "default %d %s", i, name(a.Name))
		}
		e.message(11, def)
	}
	for _, v := range f.Body.Inputs {
		g.valueInfo(e, 12, v)
	}
	g.valueInfos(e, 12, f.Body, nil)
	e.textSet(13, f.Overload)
	e.metadata(14, f.Body.Metadata)
	return e, nil
}
