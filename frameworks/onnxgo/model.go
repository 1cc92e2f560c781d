package onnxgo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	gtensor "gorgonia.org/tensor"

	"example.com/midplane/frameworks/gorgonia"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// model returns the model that was gathered, with operator-set versions.
func (b *Backend) model(ctx context.Context) (*graph.Model, error) {
	if len(b.operations) == 0 {
		return nil, errors.New("onnxgo: no model was decoded into the Backend")
	}
	a := &assembly{graph: &graph.Graph{}, values: make(map[*value]*graph.Value)}
	if err := a.assemble(b); err != nil {
		return nil, fmt.Errorf("onnxgo: %w", err)
	}
	if len(a.lost) > 0 {
		return nil, &LossError{a.lost}
	}
	m := &graph.Model{Graph: a.graph}
	return m, b.versions(ctx, m)
}

// assembly is a graph that is being put together.
type assembly struct {
	graph  *graph.Graph
	values map[*value]*graph.Value
	lost   []string // see [LossError]
}

func (a *assembly) assemble(b *Backend) error {
	for _, n := range b.settable() {
		if v := n.value; v.role == input && a.values[v] == nil {
			a.values[v] = &graph.Value{Name: v.name, Type: v.inputType()}
			a.graph.Inputs = append(a.graph.Inputs, a.values[v])
		}
	}
	for _, op := range b.operations {
		if err := a.add(op); err != nil {
			return err
		}
	}
	returned := make(map[*value]bool)
	for _, n := range b.nodes {
		if v := n.value; n.kept && v != nil && v.role == computed && !returned[v] {
			returned[v] = true
			a.graph.Outputs = append(a.graph.Outputs, a.values[v])
		}
	}
	return a.graph.Sort()
}

// add adds a node.
func (a *assembly) add(op *operation) error {
	n := &graph.Node{Op: op.Name}
	for _, out := range op.outputs {
		var written *graph.Value
		if out.value != nil {
			written = a.value(out.value)
			written.Producer = n
		}
		n.Outputs = append(n.Outputs, written)
	}
	for _, in := range op.inputs {
		read, err := a.read(in, n)
		if err != nil {
			return err
		}
		n.Inputs = append(n.Inputs, read)
	}
	for _, name := range slices.Sorted(maps.Keys(op.Attributes)) {
		if err := a.set(n, name, op.Attributes[name]); err != nil {
			return fmt.Errorf("attribute %q of node %s: %w", name, n.Label(), err)
		}
	}
	var known bool
	if n.Domain, known = domain(op.Name); !known {
		a.lose("the domain of node %s: ONNX has no such operator", n.Label())
	}
	a.graph.Nodes = append(a.graph.Nodes, n)
	return nil
}

func (a *assembly) lose(format string, args ...any) {
	a.lost = append(a.lost, fmt.Sprintf(format, args...))
}

// domain returns the first of ONNX's domains that has an operator of a name,
// ai.onnx before others.
func domain(op string) (string, bool) {
	for _, d := range operators.Domains() {
		if len(operators.Versions(d, op)) > 0 {
			return d, true
		}
	}
	return "", false
}

func (a *assembly) value(v *value) *graph.Value {
	if a.values[v] == nil {
		a.values[v] = &graph.Value{Name: v.name}
	}
	return a.values[v]
}

// read returns the value of a node that n reads, nil if it is left out.
func (a *assembly) read(in *Node, n *graph.Node) (*graph.Value, error) {
	if in == nil || in.value == nil {
		return nil, nil
	}
	v, first := in.value, a.values[in.value] == nil
	read := a.value(v)
	switch {
	case v.role == unknown && first:
		a.lose("value %q, which node %s reads: it may be a sparse initializer", v.name, n.Label())
	case v.role == initializer && first:
		t, err := gorgonia.Tensor(v.constant)
		if err != nil {
			return nil, fmt.Errorf("initializer %q: %w", v.name, err)
		}
		read.Type, read.Const = t.Type(), t
		a.graph.Initializers = append(a.graph.Initializers, read)
	}
	return read, nil
}

// set sets an attribute of n.
func (a *assembly) set(n *graph.Node, name string, value any) error {
	switch v := value.(type) {
	case int64, float32, string, []int64, []float32, []string:
		n.Set(graph.Attribute{Name: name, Value: v})
	case gtensor.Tensor:
		t, err := gorgonia.Tensor(v)
		if err != nil {
			return err
		}
		n.Set(graph.A(name, t))
	case struct{}: // what onnx-go makes of the type UNDEFINED
		a.lose("the value of attribute %q of node %s, as the file does not state its type", name, n.Label())
	default:
		return fmt.Errorf("it is a %T, which no attribute of ONNX's is", value)
	}
	return nil
}
