package onnx

import (
	"example.com/midplane/operators/graph"
)

// define makes the nodes of a graph and the values that they write.
func (d *decoder) define(g *graph.Graph, messages [][]byte, s *scope) error {
	if d.nodes += len(messages); d.nodes > d.MaxNodes {
		return errorf(ErrLimit, "the model has more than %d nodes", d.MaxNodes)
	}
	nodes := make([]graph.Node, len(messages))
	g.Nodes = make([]*graph.Node, len(messages))
	for i, b := range messages {
		g.Nodes[i] = &nodes[i]
		if err := d.defineNode(b, &nodes[i], i, s); err != nil {
			return within(err, "node %d %s", i, name(nodes[i].Name))
		}
	}
	return nil
}

// defineNode reads everything of a node but its inputs and attributes.
func (d *decoder) defineNode(b []byte, n *graph.Node, index int, s *scope) error {
	inputs, outputs := 0, make([][]byte, 0, 4)
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			inputs++
		case 2:
			outputs = append(outputs, f.message())
		case 3:
			n.Name = f.text()
		case 4:
			n.Op = d.intern(f.message())
		case 6:
			n.Doc = f.text()
		case 7:
			n.Domain = graph.NormalDomain(d.intern(f.message()))
		case 8:
			n.Overload = f.text()
		case 9:
			d.entry(&f, &n.Metadata)
		case 10: // device_configurations
			f.ignore()
		}
	}
	if f.err != nil {
		return f.err
	}
	if n.Op == "" {
		return invalid("a node needs an operator")
	}
	if err := d.count(len(outputs)); err != nil {
		return err
	}
	n.Version = d.version(s.opsets, n.Domain)
	n.Inputs = make([]*graph.Value, 0, inputs)
	n.Outputs = make([]*graph.Value, len(outputs))
	for i, output := range outputs {
		if len(output) == 0 {
			continue
		}
		v := &graph.Value{Name: string(output), Producer: n}
		if err := s.define(v, index); err != nil {
			return err
		}
		n.Outputs[i] = v
	}
	return nil
}

// link resolves the inputs of the nodes that define made, and reads their
// attributes, whose graphs may capture the values of this one.
func (d *decoder) link(g *graph.Graph, messages [][]byte, s *scope) error {
	for i, b := range messages {
		s.linking = i
		if err := d.linkNode(b, g.Nodes[i], s); err != nil {
			return within(err, "node %d %s", i, name(g.Nodes[i].Name))
		}
	}
	return nil
}

func (d *decoder) linkNode(b []byte, n *graph.Node, s *scope) error {
	attributes := make([][]byte, 0, 16)
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			input := f.message()
			var v *graph.Value
			if len(input) > 0 {
				if v = s.lookup(input); v == nil {
					f.fail(ErrInvalid, "input %d %s is never defined", len(n.Inputs), name(string(input)))
				}
			}
			n.Inputs = append(n.Inputs, v)
		case 5:
			attributes = append(attributes, f.message())
		}
	}
	if f.err != nil {
		return f.err
	}
	var err error
	n.Attributes, err = d.attributes(attributes, s)
	return err
}
