package onnx

import (
	"example.com/midplane/operators/graph"
)

// scope resolves the names of one graph, and of the graphs around it, to
// values.
type scope struct {
	outer    *scope
	opsets   map[string]int // under which nodes are read
	values   map[string]definition
	depth    int
	linking  int  // index of the node whose inputs are being resolved
	unsorted bool // a node reads what a later one writes
}

// definition is a value and the index of the node that writes it.
type definition struct {
	value *graph.Value
	node  int
}

// beforeNodes is the index of what stands before all nodes: inputs and
// initializers.
const beforeNodes = -1

// define adds a value, whose name must be new in the graph.
func (s *scope) define(v *graph.Value, node int) error {
	if v.Name == "" {
		return invalid("a value needs a name")
	}
	if before, ok := s.values[v.Name]; ok {
		if before.node == beforeNodes {
			return invalid("value %s is defined twice: it is an input or initializer too", name(v.Name))
		}
		return invalid("value %s is defined twice: node %d %s writes it too", name(v.Name), before.node, name(before.value.Producer.Name))
	}
	s.values[v.Name] = definition{v, node}
	return nil
}

// own returns the value of a name that the graph itself defines, or nil.
func (s *scope) own(name []byte) *graph.Value { return s.values[string(name)].value }

// lookup returns the value of a name, from the innermost graph that defines it,
// or nil.
func (s *scope) lookup(name []byte) *graph.Value {
	for ; s != nil; s = s.outer {
		if d, ok := s.values[string(name)]; ok {
			if d.node >= s.linking {
				s.unsorted = true
			}
			return d.value
		}
	}
	return nil
}

// sort puts the nodes of a linked graph into topological order.
func (s *scope) sort(g *graph.Graph) error {
	if !s.unsorted {
		return nil
	}
	if err := g.Sort(); err != nil {
		return errorf(ErrCycle, "%.300s", err)
	}
	return nil
}
