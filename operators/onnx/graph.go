package onnx

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// graphFields is what a GraphProto holds, before names are resolved.
type graphFields struct {
	nodes, inputs, outputs, infos [][]byte
	initializers, sparse          [][]byte
}

// graph reads a GraphProto into the empty scope s. Values are defined first,
// then nodes are linked to them, so that nodes may come in any order.
func (d *decoder) graph(b []byte, s *scope) (*graph.Graph, error) {
	g := &graph.Graph{}
	if err := d.fillGraph(b, g, s); err != nil {
		return nil, within(err, "graph %s", name(g.Name))
	}
	return g, nil
}

func (d *decoder) fillGraph(b []byte, g *graph.Graph, s *scope) error {
	if s.depth >= d.MaxDepth {
		return errorf(ErrLimit, "graphs are nested more than %d deep", d.MaxDepth)
	}
	var h graphFields
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			h.nodes = append(h.nodes, f.message())
		case 2:
			g.Name = f.text()
		case 5:
			h.initializers = append(h.initializers, f.message())
		case 10:
			g.Doc = f.text()
		case 11:
			h.inputs = append(h.inputs, f.message())
		case 12:
			h.outputs = append(h.outputs, f.message())
		case 13:
			h.infos = append(h.infos, f.message())
		case 14: // quantization_annotation
			f.ignore()
		case 15:
			h.sparse = append(h.sparse, f.message())
		case 16:
			d.entry(&f, &g.Metadata)
		}
	}
	if f.err != nil {
		return f.err
	}
	if err := d.count(len(h.inputs) + len(h.outputs) + len(h.infos) + len(h.initializers) + len(h.sparse)); err != nil {
		return err
	}
	s.values = make(map[string]definition, len(h.inputs)+len(h.initializers)+len(h.nodes))
	steps := []func() error{
		func() error { return d.inputs(g, h.inputs, s) },
		func() error { return d.initializers(g, h.initializers, d.initializer, s) },
		func() error { return d.initializers(g, h.sparse, d.sparseInitializer, s) },
		func() error { return d.define(g, h.nodes, s) },
		func() error { return d.describe(h.infos, s) },
		func() error { return d.link(g, h.nodes, s) },
		func() error { return d.outputs(g, h.outputs, s) },
		func() error { return s.sort(g) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// count adds to the number of values read.
func (d *decoder) count(values int) error {
	if d.values += values; d.values > d.MaxValues {
		return errorf(ErrLimit, "the model has more than %d values", d.MaxValues)
	}
	return nil
}

func (d *decoder) inputs(g *graph.Graph, messages [][]byte, s *scope) error {
	for i, b := range messages {
		v := &graph.Value{}
		info, err := d.valueInfo(b)
		if err == nil {
			v.Name, v.Type, v.Doc = string(info.name), info.typ, info.doc
			err = s.define(v, beforeNodes)
		}
		if err != nil {
			return within(err, "input %d %s", i, name(string(info.name)))
		}
		g.Inputs = append(g.Inputs, v)
	}
	return nil
}

// initializers reads TensorProtos or SparseTensorProtos. One that has the name
// of an input is that input's default.
func (d *decoder) initializers(g *graph.Graph, messages [][]byte, read func([]byte) (named, error), s *scope) error {
	for i, b := range messages {
		t, err := read(b)
		if err == nil {
			err = d.addInitializer(g, t, s)
		}
		if err != nil {
			return within(err, "initializer %d %s", i, name(t.name))
		}
	}
	return nil
}

func (d *decoder) addInitializer(g *graph.Graph, t named, s *scope) error {
	v := s.values[t.name].value
	if v == nil || v.Const != nil {
		v = &graph.Value{Name: t.name}
		if err := s.define(v, beforeNodes); err != nil {
			return err
		}
	}
	v.Const = t.tensor
	if v.Type.Kind == tensor.KindUnknown {
		v.Type = t.tensor.Type()
	}
	if v.Doc == "" {
		v.Doc = t.doc
	}
	g.Initializers = append(g.Initializers, v)
	return nil
}

// describe gives the values that the graph defines the types that it declares
// for them. Declarations of other values are passed over.
func (d *decoder) describe(messages [][]byte, s *scope) error {
	for i, b := range messages {
		info, err := d.valueInfo(b)
		if err != nil {
			return within(err, "value_info %d %s", i, name(string(info.name)))
		}
		if v := s.own(info.name); v != nil {
			info.describe(v)
		}
	}
	return nil
}

func (d *decoder) outputs(g *graph.Graph, messages [][]byte, s *scope) error {
	s.linking = len(g.Nodes)
	for i, b := range messages {
		info, err := d.valueInfo(b)
		if err != nil {
			return within(err, "output %d %s", i, name(string(info.name)))
		}
		v := s.lookup(info.name)
		if v == nil {
			return invalid("output %d %s is never defined", i, name(string(info.name)))
		}
		if s.own(info.name) != nil {
			info.describe(v)
		}
		g.Outputs = append(g.Outputs, v)
	}
	return nil
}

// valueInfo is a ValueInfoProto.
type valueInfo struct {
	name []byte
	typ  tensor.Type
	doc  string
}

func (d *decoder) valueInfo(b []byte) (valueInfo, error) {
	var info valueInfo
	var typ []byte
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			info.name = f.message()
		case 2:
			typ = f.once(typ)
		case 3:
			info.doc = f.text()
		case 4: // metadata_props
			f.ignore()
		}
	}
	if f.err != nil {
		return info, f.err
	}
	var err error
	info.typ, err = d.typeProto(typ, 0)
	return info, err
}

// describe adds to a value what is not known of it. What nodes write takes the
// latest declaration; inputs and initializers have their types already.
func (info *valueInfo) describe(v *graph.Value) {
	if v.Producer != nil && info.typ.Kind != tensor.KindUnknown || v.Type.Kind == tensor.KindUnknown {
		v.Type = info.typ
	}
	if v.Doc == "" {
		v.Doc = info.doc
	}
}
