package differential_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// sample is a drawn node with its inputs.
type sample struct {
	schema  *operators.Schema
	attrs   []graph.Attribute
	inputs  []tensor.Value // nil: left out
	outputs int
	hidden  []int // outputs that the node leaves out

	// terms is about how many summands or factors a result gathers; 0 is 1.
	terms int
	// shapes says that results are random: shapes and types are compared only.
	shapes bool
	// fixed says that inputs behind the first are constants of the model.
	fixed bool
}

// node begins a sample with these inputs and one output.
func (d *dice) node(inputs ...tensor.Value) *sample {
	return &sample{schema: d.schema, inputs: inputs, outputs: 1}
}

// attribute sets an attribute if the version has it, and replaces one of that
// name.
func attribute[T graph.AttributeValue](n *sample, name string, v T) {
	if _, ok := n.schema.Attribute(name); ok {
		n.attrs = append(without(n.attrs, name), graph.A(name, v))
	}
}

// accumulates says how many terms a result gathers.
func (n *sample) accumulates(terms int) *sample {
	n.terms = terms
	return n
}

// tensorAt returns an input that is a tensor, nil if it is absent.
func (n *sample) tensorAt(i int) *tensor.Tensor {
	if i < 0 || i >= len(n.inputs) {
		return nil
	}
	t, _ := n.inputs[i].(*tensor.Tensor)
	return t
}

// model makes a model of the node. Some inputs become constants, and some are
// declared without extents.
func (n *sample) model(d *dice) (*graph.Model, []tensor.Value) {
	s := n.schema
	node := &graph.Node{Name: "drawn", Domain: s.Domain, Op: s.Name, Version: d.opset, Attributes: n.attrs}
	g := &graph.Graph{Name: "drawn", Nodes: []*graph.Node{node}}
	vague := d.one(4)
	constant := n.fixed || d.one(2)
	var given []tensor.Value
	for i, x := range n.inputs {
		if x == nil {
			node.Inputs = append(node.Inputs, nil)
			continue
		}
		v := &graph.Value{Name: fmt.Sprintf("x%d", i), Type: x.Type()}
		node.Inputs = append(node.Inputs, v)
		if t, ok := x.(*tensor.Tensor); ok && constant && i > 0 && t.DType() != tensor.String {
			v.Const = t
			g.Initializers = append(g.Initializers, v)
			continue
		}
		if vague && v.Type.IsTensor() {
			for axis := range v.Type.Dims {
				v.Type.Dims[axis] = tensor.Symbol(fmt.Sprintf("d%d_%d", i, axis))
			}
		}
		g.Inputs = append(g.Inputs, v)
		given = append(given, x)
	}
	for i := range n.outputs {
		if slices.Contains(n.hidden, i) {
			node.Outputs = append(node.Outputs, nil)
			continue
		}
		v := &graph.Value{Name: fmt.Sprintf("y%d", i), Producer: node}
		node.Outputs = append(node.Outputs, v)
		g.Outputs = append(g.Outputs, v)
	}
	opsets := map[string]int{"": 7}
	maps.Copy(opsets, map[string]int{s.Domain: d.opset})
	return &graph.Model{IRVersion: 8, Opsets: opsets, Graph: g}, given
}

// String describes the node for people.
func (n *sample) String() string {
	parts := []string{versionOf(n.schema)}
	for _, a := range n.attrs {
		parts = append(parts, a.String())
	}
	for i, x := range n.inputs {
		parts = append(parts, fmt.Sprintf("x%d=%s", i, describe(x)))
	}
	return strings.Join(parts, " ")
}

// describe writes a value in short.
func describe(v tensor.Value) string {
	switch v := v.(type) {
	case nil:
		return "absent"
	case *tensor.Tensor:
		if v.DType().IsFloat() {
			return fmt.Sprintf("%v%v%.6g", v.DType(), v.Shape(), v.Float64s())
		}
		if v.DType().IsInteger() {
			return fmt.Sprintf("%v%v%v", v.DType(), v.Shape(), v.Int64s())
		}
		return v.String()
	case *tensor.Sequence:
		items := make([]string, len(v.Items))
		for i, x := range v.Items {
			items[i] = describe(x)
		}
		return "(" + strings.Join(items, ", ") + ")"
	case *tensor.Optional:
		return "optional " + describe(v.Item)
	case *tensor.Map:
		return "map " + describe(v.Keys) + " to " + describe(v.Values)
	}
	return v.Type().String()
}

// without returns attributes less the one of a name.
func without(attrs []graph.Attribute, name string) []graph.Attribute {
	return slices.DeleteFunc(attrs, func(a graph.Attribute) bool { return a.Name == name })
}
