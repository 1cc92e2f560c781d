package onnxgo

import (
	"reflect"

	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// difference returns the first node of a that does not compute what the node in
// its place in b does, nil if there is none. Both are canonical graphs without
// bodies, made of one model.
func difference(a, b *graph.Graph) *graph.Node {
	twins := make(map[*graph.Value]*graph.Value)
	for i, v := range a.Inputs {
		twins[v] = b.Inputs[i]
	}
	for i, n := range a.Nodes {
		if i >= len(b.Nodes) || !same(n, b.Nodes[i], twins) {
			return n
		}
	}
	if len(b.Nodes) > len(a.Nodes) {
		return b.Nodes[len(a.Nodes)]
	}
	return nil
}

// same reports whether two nodes compute the same. twins holds which values
// are the same; what the nodes write is added to it.
func same(a, b *graph.Node, twins map[*graph.Value]*graph.Value) bool {
	from, other := operands(a), operands(b)
	if a.Operator() != b.Operator() || len(from) != len(other) || len(a.Outputs) != len(b.Outputs) {
		return false
	}
	for i, v := range from {
		if w := other[i]; v != nil && v.Const != nil && w != nil {
			if !reflect.DeepEqual(v.Const, w.Const) {
				return false
			}
		} else if twins[v] != w {
			return false
		}
	}
	for i, v := range a.Outputs {
		if v != nil {
			twins[v] = b.Outputs[i]
		}
	}
	return reflect.DeepEqual(effective(a), effective(b))
}

// operands returns what the outputs of n depend on.
func operands(n *graph.Node) []*graph.Value {
	if n.Operator() == "Dropout" && n.Input(2) == nil {
		return n.Inputs[:1] // the ratio only counts in training
	}
	return n.Inputs
}

// effective returns the attributes of n by name, with the values that hold where
// they are not set, and axes counted from the front where the rank is known.
func effective(n *graph.Node) map[string]any {
	values := make(map[string]any)
	if s, ok := operators.Newest(n.Domain, n.Op); ok {
		for _, a := range s.Attributes {
			values[a.Name] = a.Default
		}
	}
	if n.Operator() == "Split" && n.Input(1) == nil {
		values["num_outputs"] = int64(len(n.Outputs))
	}
	for _, a := range n.Attributes {
		values[a.Name] = a.Value
	}
	if axis, ok := values["axis"].(int64); ok && axis < 0 && n.Input(0) != nil && n.Inputs[0].Type.Dims.Ranked() {
		values["axis"] = axis + int64(len(n.Inputs[0].Type.Dims))
	}
	return values
}
