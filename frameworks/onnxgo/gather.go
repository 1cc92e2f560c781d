package onnxgo

import (
	"fmt"
	"strings"

	"github.com/owulveryck/onnx-go"
	gonum "gonum.org/v1/gonum/graph"
)

// firstID is the ID of the first node. onnx-go takes the number of an input for
// the ID of its node, which is wrong where an initializer comes before it, so
// smaller IDs are those numbers: see [Backend.Node].
const firstID = 1 << 32

// operation is one use of an operator.
type operation struct {
	onnx.Operation
	inputs, outputs []*Node // nil for those left out
}

// NewNode implements gonum's NodeAdder: the node is a value without a name.
func (b *Backend) NewNode() gonum.Node {
	return &Node{backend: b, id: firstID + int64(len(b.nodes)), madeFor: len(b.operations)}
}

// AddNode implements gonum's NodeAdder for the node that NewNode returned last.
// It panics if it is another one.
func (b *Backend) AddNode(n gonum.Node) {
	own, ok := n.(*Node)
	if !ok || own.backend != b || own.id != firstID+int64(len(b.nodes)) {
		panic("onnxgo: a node must be added to the Backend that made it, once, before another one is made")
	}
	b.nodes = append(b.nodes, own)
}

// NewWeightedEdge implements gonum's WeightedEdgeAdder: from reads to, as the
// input that the weight numbers. It panics if they are not nodes of b.
func (b *Backend) NewWeightedEdge(from, to gonum.Node, weight float64) gonum.WeightedEdge {
	return &edge{from: from.(*Node), to: to.(*Node), position: int(weight)}
}

// SetWeightedEdge implements gonum's WeightedEdgeAdder. Edges between the same
// nodes are kept besides each other. It panics if NewWeightedEdge did not make e.
func (b *Backend) SetWeightedEdge(e gonum.WeightedEdge) {
	own := e.(*edge)
	own.from.reads = append(own.from.reads, own)
	own.to.readers = append(own.to.readers, own)
	b.pending = append(b.pending, own)
}

// ApplyOperation implements onnx-go's OperationCarrier: the operator reads what
// edges were set to since the last operation, and writes outputs.
func (b *Backend) ApplyOperation(o onnx.Operation, outputs ...gonum.Node) error {
	op := &operation{Operation: o}
	for _, e := range b.pending { // each output has an edge to each input
		if e.position < 0 || e.position >= len(b.pending) {
			return fmt.Errorf("onnxgo: operator %s has %d edges, and one of them is for input %d", o.Name, len(b.pending), e.position)
		}
		for len(op.inputs) <= e.position {
			op.inputs = append(op.inputs, nil)
		}
		op.inputs[e.position] = e.to
	}
	b.pending = nil
	if len(op.inputs) == 1 && op.inputs[0].standsForNone() {
		op.inputs = nil
	}
	b.operations = append(b.operations, op)
	for _, out := range outputs {
		n, ok := out.(*Node)
		if !ok || n.backend != b {
			return fmt.Errorf("onnxgo: operator %s writes a %T that is not the Backend's", o.Name, out)
		}
		if v := n.value; v != nil && v.producer != nil {
			return fmt.Errorf("onnxgo: operators %s and %s both write %q; a Backend takes one model", v.producer.Name, o.Name, v.name)
		} else if v != nil {
			v.producer = op
		}
		op.outputs = append(op.outputs, n)
	}
	return nil
}

// standsForNone reports whether n, which the next operator reads, is what
// onnx-go makes up where an operator has no inputs.
func (n *Node) standsForNone() bool {
	return n.madeFor == len(n.backend.operations) && len(n.attached) == 0 && strings.HasSuffix(n.GetName(), "/input")
}

// linking reports whether the decoder has come to the operators. Before them it
// declares values.
func (b *Backend) linking() bool { return len(b.pending) > 0 || len(b.operations) > 0 }

// settle finds out what the values are that onnx-go has declared. It does not
// say so, but shows it by the calls that it makes for them, in this order:
//
//	input        NewNode, SetTensor of zeros if it has a type, ID
//	value_info   NewNode, SetTensor of zeros if it has a type
//	output       as an input
//	initializer  ID for each input, SetTensor, after NewNode unless it is one of the above
func (b *Backend) settle() {
	if b.settled || !b.linking() {
		return
	}
	b.settled = true
	for _, n := range b.nodes {
		switch v := n.value; {
		case v == nil:
		case len(n.attached) > 1:
			v.constant = n.attached[1]
		case n.kept:
			v.kept = true
			if len(n.attached) > 0 {
				v.declared = n.attached[0]
			}
		case len(n.attached) > 0:
			v.loose = n.attached[0]
		}
	}
	for _, v := range b.values {
		v.settle()
	}
}
