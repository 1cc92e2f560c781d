package onnx

import (
	"strconv"

	"example.com/midplane/operators/graph"
)

// names gives every value of a graph a name that no other value of the graph,
// or of the graphs around it, has.
type names struct {
	outer  *names
	values map[*graph.Value]string
	taken  map[string]bool
	tried  map[string]int // how often a name has been asked for again
}

// newNames names the values of a graph without one around it.
func newNames(g *graph.Graph) *names { return (*names)(nil).body(g) }

// body names the values of a graph inside the one of n. Names that are there
// and do not clash are given first, the interface's before the others'.
func (n *names) body(g *graph.Graph) *names {
	in := &names{outer: n, values: make(map[*graph.Value]string), taken: make(map[string]bool), tried: make(map[string]int)}
	own := definitions(g)
	var unnamed []*graph.Value
	for _, v := range own {
		if _, done := in.values[v]; done {
			continue
		}
		if v.Name == "" || in.isTaken(v.Name) {
			unnamed = append(unnamed, v)
			in.values[v] = ""
			continue
		}
		in.values[v], in.taken[v.Name] = v.Name, true
	}
	for _, v := range unnamed {
		in.values[v] = in.fresh(v.Name)
	}
	return in
}

// definitions returns the values that a graph defines, those of its interface
// first; some twice.
func definitions(g *graph.Graph) []*graph.Value {
	var own []*graph.Value
	own = append(own, g.Inputs...)
	writers := make(map[*graph.Node]bool, len(g.Nodes))
	for _, n := range g.Nodes {
		writers[n] = true
	}
	for _, v := range g.Outputs {
		if v != nil && writers[v.Producer] {
			own = append(own, v)
		}
	}
	own = append(own, g.Initializers...)
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			if v != nil {
				own = append(own, v)
			}
		}
	}
	return own
}

func (n *names) isTaken(s string) bool {
	for ; n != nil; n = n.outer {
		if n.taken[s] {
			return true
		}
	}
	return false
}

// fresh makes a name of a base by a number at its end.
func (n *names) fresh(base string) string {
	if base == "" {
		base = "value"
	}
	for {
		n.tried[base]++
		if s := base + "_" + strconv.Itoa(n.tried[base]); !n.isTaken(s) {
			n.taken[s] = true
			return s
		}
	}
}

// of returns the name of a value, "" if it is nil or neither this graph nor one
// around it defines it.
func (n *names) of(v *graph.Value) string {
	for ; n != nil; n = n.outer {
		if s, ok := n.values[v]; ok {
			return s
		}
	}
	return ""
}
