package graph

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// Rewrite replaces one node by others: it emits them through b and returns the
// values that stand for the node's outputs, in order (nil for an output that
// the node does not have). Lifts and decompositions are Rewrites.
type Rewrite func(b *Builder, n *Node) ([]*Value, error)

// Builder gathers the nodes and constants of a [Rewrite]. Nodes come out in the
// order in which they are added, which must be topological. The zero Builder is
// not usable; see [NewBuilder].
type Builder struct {
	Nodes        []*Node
	Initializers []*Value

	// Inferred, if set, is called for every node as it is added, so that the
	// types of its outputs are known to what follows.
	Inferred func(*Node) error

	source *Node
	prefix string
	count  int
	err    error
}

// NewBuilder returns a Builder of replacements for n. Values are named after
// the first output of n.
func NewBuilder(n *Node) *Builder {
	prefix := n.Name
	for _, out := range n.Outputs {
		if out != nil {
			prefix = out.Name
			break
		}
	}
	return &Builder{source: n, prefix: prefix}
}

// Err returns the first error that Inferred returned.
func (b *Builder) Err() error { return b.err }

// Op adds a node of the default domain with one output and returns it. A nil
// input is an absent one.
func (b *Builder) Op(op string, inputs []*Value, attrs ...Attribute) *Value {
	return b.Node("", op, inputs, 1, attrs...)[0]
}

// Node adds a node with the given number of outputs and returns them.
func (b *Builder) Node(domain, op string, inputs []*Value, outputs int, attrs ...Attribute) []*Value {
	n := &Node{
		Name:       b.name(op),
		Domain:     domain,
		Op:         op,
		Inputs:     append([]*Value{}, inputs...),
		Attributes: attrs,
		Source:     sources(b.source),
	}
	for i := range outputs {
		v := &Value{Name: n.Name, Producer: n}
		if outputs > 1 {
			v.Name = fmt.Sprintf("%s:%d", n.Name, i)
		}
		n.Outputs = append(n.Outputs, v)
	}
	b.Nodes = append(b.Nodes, n)
	if b.Inferred != nil && b.err == nil {
		b.err = b.Inferred(n)
	}
	return append([]*Value(nil), n.Outputs...) // the node's own list changes when it takes over other outputs
}

// Const adds an initializer.
func (b *Builder) Const(t *tensor.Tensor) *Value {
	v := &Value{Name: b.name("const"), Type: t.Type(), Const: t}
	b.Initializers = append(b.Initializers, v)
	return v
}

// Body makes a graph for an attribute of a node to be added: build emits the
// graph's nodes, which may read any value around them, and returns its outputs.
func (b *Builder) Body(name string, inputs []*Value, build func(b *Builder) []*Value) *Graph {
	inner := &Builder{Inferred: b.Inferred, source: b.source, prefix: b.prefix + "/" + name}
	outputs := build(inner)
	if b.err == nil {
		b.err = inner.err
	}
	return &Graph{Name: name, Inputs: inputs, Outputs: outputs, Nodes: inner.Nodes, Initializers: inner.Initializers}
}

// Ints adds a one-dimensional int64 initializer.
func (b *Builder) Ints(values ...int64) *Value { return b.Const(tensor.Of(values, len(values))) }

func (b *Builder) name(what string) string {
	b.count++
	return fmt.Sprintf("%s/%s.%d", b.prefix, what, b.count)
}

// sources returns what a node made from n came from.
func sources(n *Node) []*Node {
	if len(n.Source) > 0 {
		return n.Source
	}
	return []*Node{n}
}

// Replace puts the nodes of b where the i-th node of g stands and makes the
// values out take over the identity of its outputs, so that no reader of them
// has to change. It returns the number of nodes put in.
func (g *Graph) Replace(i int, b *Builder, out []*Value) int {
	old := g.Nodes[i]
	renamed := make(map[*Value]*Value)
	for k, was := range old.Outputs {
		if was == nil || k >= len(out) || out[k] == nil {
			continue
		}
		v := out[k]
		if now, ok := renamed[v]; ok { // one value for two outputs
			v = b.Op("Identity", []*Value{now})
		}
		b.rename(v, was)
		renamed[v] = was
	}
	g.Nodes = append(g.Nodes[:i], append(b.Nodes, g.Nodes[i+1:]...)...)
	g.Initializers = append(g.Initializers, b.Initializers...)
	return len(b.Nodes)
}

// rename makes the node that writes v write was instead, and b's other nodes
// read was. A value that b's nodes do not write (an input passed through) is
// copied by an Identity.
func (b *Builder) rename(v, was *Value) {
	if v == was {
		return
	}
	if v.Producer == nil || !b.owns(v.Producer) {
		v = b.Op("Identity", []*Value{v})
	}
	was.Producer = v.Producer
	if v.Type.Kind != tensor.KindUnknown {
		was.Type = v.Type
	}
	for i, out := range v.Producer.Outputs {
		if out == v {
			v.Producer.Outputs[i] = was
		}
	}
	for _, n := range b.Nodes {
		n.substitute(v, was)
	}
}

func (b *Builder) owns(n *Node) bool {
	for _, m := range b.Nodes {
		if m == n {
			return true
		}
	}
	return false
}

// substitute makes n and its bodies read the value to where they read from.
func (n *Node) substitute(from, to *Value) {
	for i, in := range n.Inputs {
		if in == from {
			n.Inputs[i] = to
		}
	}
	for _, body := range n.Bodies() {
		body.Substitute(from, to)
	}
}

// Substitute makes every node of g and of the bodies in it, and g's outputs,
// read the value to where they read from.
func (g *Graph) Substitute(from, to *Value) {
	for _, n := range g.Nodes {
		n.substitute(from, to)
	}
	for i, out := range g.Outputs {
		if out == from {
			g.Outputs[i] = to
		}
	}
}
