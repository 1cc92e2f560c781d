package onnxruntime

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// nodeModel is a model of one node.
type nodeModel struct {
	bytes   []byte
	inputs  []int // the node's inputs that the model has as inputs; others are absent or in it as constants
	outputs []int // the node's outputs that are not left out
}

// smallConstant is the most bytes of a constant that has a say in whether the
// library has a kernel: axes, shapes, scales.
const smallConstant = 4 << 10

// newNodeModel encodes the model of a node. Constants for which keep holds are
// part of it; the other inputs are the model's.
func newNodeModel(n *graph.Node, keep func(*tensor.Tensor) bool) (*nodeModel, error) {
	m := &nodeModel{}
	only := &graph.Node{Name: n.Op, Domain: n.Domain, Op: n.Op, Version: version(n), Attributes: n.Attributes}
	g := &graph.Graph{Name: n.Op, Nodes: []*graph.Node{only}}
	for i, v := range n.Inputs {
		if v == nil {
			only.Inputs = append(only.Inputs, nil)
			continue
		}
		in := &graph.Value{Name: fmt.Sprintf("in%d", i), Type: v.Type}
		if v.Const != nil && keep(v.Const) {
			in.Const = v.Const
			g.Initializers = append(g.Initializers, in)
		} else {
			m.inputs = append(m.inputs, i)
			g.Inputs = append(g.Inputs, in)
		}
		only.Inputs = append(only.Inputs, in)
	}
	for i, v := range n.Outputs {
		if v == nil {
			only.Outputs = append(only.Outputs, nil)
			continue
		}
		out := &graph.Value{Name: fmt.Sprintf("out%d", i), Type: v.Type, Producer: only}
		m.outputs = append(m.outputs, i)
		only.Outputs = append(only.Outputs, out)
		g.Outputs = append(g.Outputs, out)
	}
	var err error
	m.bytes, err = onnx.Encode(&graph.Model{Opsets: map[string]int{n.Domain: only.Version}, Graph: g})
	return m, err
}

// version returns the lowest operator-set version under which the node means
// the same: a library that does not know the newest one may well have the
// operator.
func version(n *graph.Node) int {
	newest := n.Version
	if newest <= 0 {
		newest = operators.NewestOpset(n.Domain)
	}
	if s, ok := operators.Lookup(n.Domain, n.Op, newest); ok {
		return s.Since
	}
	return max(newest, 1)
}

// numbered returns the names of the inputs or outputs of these numbers.
func numbered(prefix string, numbers []int) []string {
	list := make([]string, len(numbers))
	for i, k := range numbers {
		list[i] = fmt.Sprintf("%s%d", prefix, k)
	}
	return list
}
