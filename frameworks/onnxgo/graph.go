package onnxgo

import (
	gonum "gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
)

// edge leads from a node that an operator writes to one that it reads.
type edge struct {
	from, to *Node
	position int // of what is read among the operator's inputs
}

// From implements gonum's Edge.
func (e *edge) From() gonum.Node { return e.from }

// To implements gonum's Edge.
func (e *edge) To() gonum.Node { return e.to }

// ReversedEdge implements gonum's Edge: there is no reversed one.
func (e *edge) ReversedEdge() gonum.Edge { return e }

// Weight implements gonum's WeightedEdge.
func (e *edge) Weight() float64 { return float64(e.position) }

// Node implements gonum's Graph. onnx-go calls it with the numbers of inputs,
// which are no IDs: it returns the inputs for them.
func (b *Backend) Node(id int64) gonum.Node {
	if id < firstID {
		if inputs := b.settable(); id >= 0 && id < int64(len(inputs)) {
			return inputs[id]
		}
		return nil
	}
	if n := b.node(id); n != nil {
		return n
	}
	return nil
}

// settable returns the nodes of the model's inputs in the order that onnx-go
// numbers them in: less those with an initializer.
func (b *Backend) settable() []*Node {
	b.settle()
	var inputs []*Node
	for _, n := range b.nodes {
		if n.kept && len(n.attached) < 2 && n.value != nil && n.value.role != computed {
			inputs = append(inputs, n)
		}
	}
	return inputs
}

func (b *Backend) node(id int64) *Node {
	if i := id - firstID; i >= 0 && i < int64(len(b.nodes)) {
		return b.nodes[i]
	}
	return nil
}

// Nodes implements gonum's Graph.
func (b *Backend) Nodes() gonum.Nodes { return distinct(b.nodes) }

// From implements gonum's Graph: what the operator that writes the node reads.
func (b *Backend) From(id int64) gonum.Nodes {
	var nodes []*Node
	if n := b.node(id); n != nil {
		for _, e := range n.reads {
			nodes = append(nodes, e.to)
		}
	}
	return distinct(nodes)
}

// To implements gonum's Directed: what the operators that read the node write.
func (b *Backend) To(id int64) gonum.Nodes {
	var nodes []*Node
	if n := b.node(id); n != nil {
		for _, e := range n.readers {
			nodes = append(nodes, e.from)
		}
	}
	return distinct(nodes)
}

// distinct iterates over nodes, over each once.
func distinct(nodes []*Node) gonum.Nodes {
	seen := make(map[*Node]bool, len(nodes))
	once := make([]gonum.Node, 0, len(nodes))
	for _, n := range nodes {
		if !seen[n] {
			seen[n] = true
			once = append(once, n)
		}
	}
	return iterator.NewOrderedNodes(once)
}

// HasEdgeBetween implements gonum's Graph.
func (b *Backend) HasEdgeBetween(x, y int64) bool {
	return b.HasEdgeFromTo(x, y) || b.HasEdgeFromTo(y, x)
}

// HasEdgeFromTo implements gonum's Directed.
func (b *Backend) HasEdgeFromTo(from, to int64) bool { return b.edge(from, to) != nil }

// Edge implements gonum's Graph. Of several edges between two nodes it is the
// one that was set first.
func (b *Backend) Edge(from, to int64) gonum.Edge {
	if e := b.edge(from, to); e != nil {
		return e
	}
	return nil
}

func (b *Backend) edge(from, to int64) *edge {
	if n := b.node(from); n != nil {
		for _, e := range n.reads {
			if e.to.id == to {
				return e
			}
		}
	}
	return nil
}
