// Package graph is the intermediate representation that every stage between a
// model file and a plan works on: graphs of nodes joined by values.
//
// The representation is in static single assignment form. A [Value] is written
// by one node, or is a graph's input or initializer; nodes point to the values
// they read and write, and the body of a control-flow node points straight to
// the values of the graphs around it. Names are for people and for files: no
// stage after decoding looks anything up by name.
//
// A graph is not safe for concurrent change. Stages that keep a graph (plans,
// sessions) treat it as immutable, which makes it safe to share.
package graph

import (
	"strings"

	"example.com/midplane/adapter/tensor"
)

// Model is a decoded model file: the main graph and what surrounds it.
type Model struct {
	IRVersion       int64
	Producer        string
	ProducerVersion string
	Domain          string
	Version         int64
	Doc             string
	Opsets          map[string]int // operator set version by domain; "" is ai.onnx
	Graph           *Graph
	Functions       []*Function
	Metadata        map[string]string
}

// Function is a model-local function: an operator defined by a graph.
type Function struct {
	Domain, Name, Overload string
	Opsets                 map[string]int // what its nodes are read under
	Attributes             []string       // names of the attributes a call may set
	Defaults               []Attribute    // attributes with a default
	Body                   *Graph         // Inputs and Outputs are the formal ones, untyped
	Doc                    string
}

// Graph is a list of nodes in topological order, with its interface.
type Graph struct {
	Name         string
	Doc          string
	Inputs       []*Value
	Outputs      []*Value
	Initializers []*Value // values with Const; one may be among Inputs too, as its default
	Nodes        []*Node
	Metadata     map[string]string
}

// Value is an edge: what one node writes, or a graph receives, and others read.
type Value struct {
	Name     string
	Type     tensor.Type    // as far as it is known
	Const    *tensor.Tensor // an initializer's tensor, else nil
	Producer *Node          // the node that writes it, nil for inputs and initializers
	Doc      string
}

// Node is one use of an operator.
type Node struct {
	Name       string
	Domain     string // "" is ai.onnx
	Op         string
	Overload   string // tells model-local functions of one name apart
	Version    int    // the operator-set version under which the node is to be read
	Inputs     []*Value
	Outputs    []*Value // an absent optional input or output is nil
	Attributes []Attribute
	Doc        string
	Metadata   map[string]string

	// Source holds the nodes of the decoded graph that this one came from; it
	// is empty in the decoded graph itself.
	Source []*Node
}

// Input returns the i-th input, nil where it is absent or left out at the end.
func (n *Node) Input(i int) *Value {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return nil
}

// Output returns the i-th output, nil where it is absent or left out.
func (n *Node) Output(i int) *Value {
	if i < len(n.Outputs) {
		return n.Outputs[i]
	}
	return nil
}

// Label names a node for people: its own name, or that of the first value it
// writes, with the operator: `Conv "conv1"`.
func (n *Node) Label() string {
	name := n.Name
	for _, out := range n.Outputs {
		if name == "" && out != nil {
			name = out.Name
		}
	}
	return n.Operator() + " " + quote(name)
}

// Operator returns the operator's name with its domain: "Conv",
// "com.microsoft.Gelu".
func (n *Node) Operator() string {
	if n.Domain == "" {
		return n.Op
	}
	return n.Domain + "." + n.Op
}

// Bodies returns the graphs among the node's attributes, in their order.
func (n *Node) Bodies() []*Graph {
	var bodies []*Graph
	for _, a := range n.Attributes {
		switch v := a.Value.(type) {
		case *Graph:
			bodies = append(bodies, v)
		case []*Graph:
			bodies = append(bodies, v...)
		}
	}
	return bodies
}

// NormalDomain returns the domain under which operators are filed: "ai.onnx",
// another name of the default domain, becomes "".
func NormalDomain(domain string) string {
	if domain == "ai.onnx" {
		return ""
	}
	return domain
}

// quote puts a name between quotation marks, one of unusual length without its
// middle.
func quote(s string) string {
	const most = 160
	if len(s) > most {
		s = s[:most/2] + "…" + s[len(s)-most/2:]
	}
	return `"` + s + `"`
}

// SplitOperator is the inverse of [Node.Operator]: it splits "ai.onnx.ml.Scaler"
// into domain and name.
func SplitOperator(operator string) (domain, op string) {
	if i := strings.LastIndexByte(operator, '.'); i >= 0 {
		return operator[:i], operator[i+1:]
	}
	return "", operator
}
