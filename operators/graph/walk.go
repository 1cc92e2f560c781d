package graph

import "fmt"

// Sort puts g's nodes into topological order, keeping their order where it is
// one already. It returns an error that names a node on the cycle if there is
// none. Bodies count as reading what they capture.
func (g *Graph) Sort() error {
	own := make(map[*Node]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		own[n] = true
	}
	const visiting, done = 1, 2
	state := make(map[*Node]int, len(g.Nodes))
	sorted := make([]*Node, 0, len(g.Nodes))
	type frame struct {
		node *Node
		deps []*Node
	}
	for _, root := range g.Nodes {
		if state[root] == done {
			continue
		}
		state[root] = visiting
		stack := []frame{{root, root.producers(own)}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if len(top.deps) == 0 {
				state[top.node] = done
				sorted = append(sorted, top.node)
				stack = stack[:len(stack)-1]
				continue
			}
			dep := top.deps[0]
			top.deps = top.deps[1:]
			switch state[dep] {
			case visiting:
				return fmt.Errorf("graph %q has a cycle through node %s", g.Name, dep.Label())
			case 0:
				state[dep] = visiting
				stack = append(stack, frame{dep, dep.producers(own)})
			}
		}
	}
	g.Nodes = sorted
	return nil
}

// producers returns the nodes of own that write what n and its bodies read.
func (n *Node) producers(own map[*Node]bool) []*Node {
	var deps []*Node
	for _, v := range n.Reads() {
		if v.Producer != nil && own[v.Producer] {
			deps = append(deps, v.Producer)
		}
	}
	return deps
}

// Reads returns the values that running n reads: its inputs, and what its
// bodies capture, each once, in order.
func (n *Node) Reads() []*Value {
	var reads []*Value
	seen := make(map[*Value]bool, len(n.Inputs))
	add := func(v *Value) {
		if v != nil && !seen[v] {
			seen[v] = true
			reads = append(reads, v)
		}
	}
	for _, v := range n.Inputs {
		add(v)
	}
	for _, body := range n.Bodies() {
		for _, v := range body.Captures() {
			add(v)
		}
	}
	return reads
}

// Captures returns the values of surrounding graphs that g, or a body inside
// it, reads or returns, each once, in the order of first use.
func (g *Graph) Captures() []*Value {
	own := g.defined()
	seen := make(map[*Value]bool)
	var captures []*Value
	add := func(v *Value) {
		if v != nil && !own[v] && !seen[v] {
			seen[v] = true
			captures = append(captures, v)
		}
	}
	for _, n := range g.Nodes {
		for _, v := range n.Reads() {
			add(v)
		}
	}
	for _, v := range g.Outputs {
		add(v)
	}
	return captures
}

// defined returns the values that g itself brings into being.
func (g *Graph) defined() map[*Value]bool {
	own := make(map[*Value]bool)
	for _, v := range g.Inputs {
		own[v] = true
	}
	for _, v := range g.Initializers {
		own[v] = true
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			own[v] = true
		}
	}
	return own
}

// All calls yield for every node of g and of the bodies in it, outer nodes
// first, until yield returns false. It is a range function.
func (g *Graph) All(yield func(*Node) bool) { g.all(yield) }

func (g *Graph) all(yield func(*Node) bool) bool {
	for _, n := range g.Nodes {
		if !yield(n) {
			return false
		}
		for _, body := range n.Bodies() {
			if !body.all(yield) {
				return false
			}
		}
	}
	return true
}

// Uses counts how often each value is read: as an input of g's nodes, by each of
// their bodies that captures it, and as an output.
func (g *Graph) Uses() map[*Value]int {
	uses := make(map[*Value]int)
	for _, n := range g.Nodes {
		for _, v := range n.Inputs {
			uses[v]++
		}
		for _, body := range n.Bodies() {
			for _, v := range body.Captures() {
				uses[v]++
			}
		}
	}
	for _, v := range g.Outputs {
		uses[v]++
	}
	return uses
}

// IsInput reports whether v is among g's inputs.
func (g *Graph) IsInput(v *Value) bool {
	for _, in := range g.Inputs {
		if in == v {
			return true
		}
	}
	return false
}

// Clone returns a deep copy of g: nodes, values and bodies are new, tensors are
// shared. Values of surrounding graphs stay shared too, unless into maps them
// to others. Each copied node's Source says which node it came from.
func (g *Graph) Clone(into map[*Value]*Value) *Graph {
	if into == nil {
		into = make(map[*Value]*Value)
	}
	c := &Graph{Name: g.Name, Doc: g.Doc, Metadata: g.Metadata}
	define := func(v *Value) *Value {
		if v == nil {
			return nil
		}
		if _, ok := into[v]; !ok {
			into[v] = &Value{Name: v.Name, Type: v.Type, Const: v.Const, Doc: v.Doc}
		}
		return into[v]
	}
	for _, v := range g.Inputs {
		c.Inputs = append(c.Inputs, define(v))
	}
	for _, v := range g.Initializers {
		c.Initializers = append(c.Initializers, define(v))
	}
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			define(v)
		}
	}
	for _, n := range g.Nodes {
		c.Nodes = append(c.Nodes, n.clone(into))
	}
	c.Outputs = lookup(g.Outputs, into)
	return c
}

func (n *Node) clone(into map[*Value]*Value) *Node {
	c := *n
	c.Source = sources(n)
	c.Inputs = lookup(n.Inputs, into)
	c.Outputs = lookup(n.Outputs, into)
	for _, v := range c.Outputs {
		if v != nil {
			v.Producer = &c
		}
	}
	c.Attributes = append([]Attribute(nil), n.Attributes...)
	for i, a := range c.Attributes {
		switch v := a.Value.(type) {
		case *Graph:
			c.Attributes[i].Value = v.Clone(into)
		case []*Graph:
			bodies := make([]*Graph, len(v))
			for k, body := range v {
				bodies[k] = body.Clone(into)
			}
			c.Attributes[i].Value = bodies
		}
	}
	return &c
}

func lookup(values []*Value, into map[*Value]*Value) []*Value {
	out := make([]*Value, len(values))
	for i, v := range values {
		out[i] = v
		if w, ok := into[v]; ok && v != nil {
			out[i] = w
		}
	}
	return out
}
