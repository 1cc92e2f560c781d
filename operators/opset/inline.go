package opset

import (
	"fmt"
	"strings"

	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// Bounds of inlining: functions that call others several times each grow a graph
// exponentially, and names grow with every call that a node stands within.
const (
	maxNodes = 1 << 18
	maxCalls = 128       // within each other
	maxNames = 128 << 20 // bytes of all names made
)

// signature tells functions apart.
type signature struct{ domain, name, overload string }

func (s signature) String() string {
	name := s.name
	if s.domain != "" {
		name = s.domain + "." + name
	}
	if s.overload != "" {
		name += ":" + s.overload
	}
	return name
}

type inliner struct {
	functions map[signature]*graph.Function
	nodes     int // made so far
	names     int // bytes of names made so far
}

// inline puts the bodies of model-local functions in place of their calls, in g
// and in the bodies of its nodes. A function goes before an operator of the same
// name.
func inline(g *graph.Graph, functions []*graph.Function) error {
	if len(functions) == 0 {
		return nil
	}
	in := &inliner{functions: make(map[signature]*graph.Function, len(functions))}
	for _, f := range functions {
		in.functions[signature{graph.NormalDomain(f.Domain), f.Name, f.Overload}] = f
	}
	return in.graph(g, nil)
}

// graph inlines the calls in g, which stands within the given calls.
func (in *inliner) graph(g *graph.Graph, within []signature) error {
	nodes := make([]*graph.Node, 0, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, body := range n.Bodies() {
			if err := in.graph(body, within); err != nil {
				return err
			}
		}
		callee := signature{n.Domain, n.Op, n.Overload}
		f, ok := in.functions[callee]
		if !ok {
			nodes = append(nodes, n)
			continue
		}
		path, err := extend(within, callee)
		if err != nil {
			return fmt.Errorf("node %s: %w", n.Label(), err)
		}
		body, err := in.call(n, f)
		if err != nil {
			return fmt.Errorf("node %s: %w", n.Label(), err)
		}
		if err := in.graph(body, path); err != nil {
			return err
		}
		nodes = append(nodes, body.Nodes...)
		g.Initializers = append(g.Initializers, body.Initializers...)
	}
	g.Nodes = nodes
	return nil
}

// extend adds a call to those it stands within. A function that calls itself,
// through others too, is an error.
func extend(within []signature, callee signature) ([]signature, error) {
	if len(within) == maxCalls {
		return nil, fmt.Errorf("calls of functions are more than %d deep", maxCalls)
	}
	path := append(within[:len(within):len(within)], callee)
	for _, caller := range within {
		if caller == callee {
			names := make([]string, len(path))
			for i, s := range path {
				names[i] = s.String()
			}
			return nil, fmt.Errorf("functions may not be recursive: %s", strings.Join(names, " calls "))
		}
	}
	return path, nil
}

// call returns the body of f with the values and attributes of the call n in
// place of the formal ones.
func (in *inliner) call(n *graph.Node, f *graph.Function) (*graph.Graph, error) {
	if len(n.Inputs) > len(f.Body.Inputs) || len(n.Outputs) > len(f.Body.Outputs) {
		return nil, fmt.Errorf("the call has %d inputs and %d outputs, the function %d and %d",
			len(n.Inputs), len(n.Outputs), len(f.Body.Inputs), len(f.Body.Outputs))
	}
	actual := bind(n, f.Body)
	into := make(map[*graph.Value]*graph.Value, len(actual))
	for formal, v := range actual {
		into[formal] = v
	}
	body := f.Body.Clone(into)
	prefix := scope(n)
	for v, made := range into {
		if _, ok := actual[v]; !ok {
			made.Name = in.name(prefix, v.Name)
		}
	}
	readUnder(body, f.Opsets)
	for m := range body.All {
		if in.nodes++; in.nodes > maxNodes {
			return nil, fmt.Errorf("inlining functions makes more than %d nodes", maxNodes)
		}
		if m.Name != "" {
			m.Name = in.name(prefix, m.Name)
		}
		m.Source = append(m.Source[:len(m.Source):len(m.Source)], n.Source...)
	}
	if in.names > maxNames {
		return nil, fmt.Errorf("inlining functions makes names of more than %d bytes", maxNames)
	}
	for m := range body.All {
		m.Attributes = resolve(m.Attributes, n, f)
	}
	return body, passThrough(n, f.Body, body)
}

// name returns a name with what names in an inlined body start with.
func (in *inliner) name(prefix, name string) string {
	if in.names += len(prefix) + len(name); in.names > maxNames {
		return name // call gives up
	}
	return prefix + name
}

// bind maps the formal inputs of a function to the call's, nil where the call
// leaves one out, and formal outputs to the call's where a node of the function
// is to write them.
func bind(n *graph.Node, formal *graph.Graph) map[*graph.Value]*graph.Value {
	actual := make(map[*graph.Value]*graph.Value)
	for i, v := range formal.Inputs {
		actual[v] = n.Input(i)
	}
	for i, v := range formal.Outputs {
		if _, taken := actual[v]; !taken && v.Producer != nil && n.Output(i) != nil {
			actual[v] = n.Output(i)
		}
	}
	return actual
}

// passThrough adds to a body, for every output of the call that none of its
// nodes writes (a formal input or an initializer returned, a value returned
// twice), an Identity that does.
func passThrough(n *graph.Node, formal, body *graph.Graph) error {
	for i, out := range n.Outputs {
		from := body.Outputs[i]
		if out == nil || from == out {
			continue
		}
		if from == nil {
			return fmt.Errorf("the function returns its input %q, which the call leaves out", formal.Outputs[i].Name)
		}
		id := &graph.Node{
			Op:      "Identity",
			Version: operators.NewestOpset(""),
			Inputs:  []*graph.Value{from},
			Outputs: []*graph.Value{out},
			Source:  n.Source,
		}
		out.Producer = id
		body.Nodes = append(body.Nodes, id)
	}
	return nil
}

// resolve replaces references to attributes of the function by what the call
// sets, or the function's default; a reference to neither is left out.
func resolve(attrs []graph.Attribute, call *graph.Node, f *graph.Function) []graph.Attribute {
	var resolved []graph.Attribute
	for _, a := range attrs {
		if a.Ref != "" {
			value, ok := find(call.Attributes, a.Ref)
			if !ok {
				value, ok = find(f.Defaults, a.Ref)
			}
			if !ok {
				continue
			}
			a.Value, a.Ref = copied(value), ""
		}
		resolved = append(resolved, a)
	}
	return resolved
}

func find(attrs []graph.Attribute, name string) (any, bool) {
	for _, a := range attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return nil, false
}

// copied returns a value that a node may own: graphs are copied, so that none
// is part of two nodes.
func copied(value any) any {
	switch v := value.(type) {
	case *graph.Graph:
		return v.Clone(nil)
	case []*graph.Graph:
		graphs := make([]*graph.Graph, len(v))
		for i, g := range v {
			graphs[i] = g.Clone(nil)
		}
		return graphs
	}
	return value
}

// scope returns what names in an inlined body start with.
func scope(n *graph.Node) string {
	name := n.Name
	for _, out := range n.Outputs {
		if name == "" && out != nil {
			name = out.Name
		}
	}
	return name + "/"
}
