package onnx_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// op makes a node with one output of a name.
func op(name, out string, version int, inputs ...*graph.Value) *graph.Node {
	n := &graph.Node{Op: name, Version: version, Inputs: inputs}
	n.Outputs = []*graph.Value{{Name: out, Producer: n}}
	return n
}

func encodeGraph(t *testing.T, g *graph.Graph) *graph.Model {
	t.Helper()
	b, err := onnx.Encode(&graph.Model{Graph: g})
	require.NoError(t, err)
	return decode(t, b)
}

func outputNames(g *graph.Graph) []string {
	var names []string
	for _, n := range g.Nodes {
		for _, v := range n.Outputs {
			names = append(names, v.Name)
		}
	}
	return names
}

func TestNamesAreMadeUnique(t *testing.T) {
	x := &graph.Value{Name: "a"}
	c := &graph.Value{Name: "a", Const: tensor.Scalar(int64(1))}
	n0 := op("A", "", 20, x, c)
	n1 := op("B", "a", 20, n0.Outputs[0])
	n2 := op("C", "out", 20, n1.Outputs[0])
	n3 := op("D", "out", 20, n2.Outputs[0])
	n4 := op("E", "a_1", 20, n3.Outputs[0])
	g := encodeGraph(t, &graph.Graph{
		Inputs: []*graph.Value{x}, Initializers: []*graph.Value{c}, Nodes: []*graph.Node{n0, n1, n2, n3, n4},
		Outputs: []*graph.Value{n3.Outputs[0]},
	}).Graph
	assert.Equal(t, "a", g.Inputs[0].Name, "the interface keeps its names")
	assert.Equal(t, "out", g.Outputs[0].Name)
	assert.Equal(t, "a_2", g.Initializers[0].Name, "a_1 is a name already")
	assert.Equal(t, []string{"value_1", "a_3", "out_1", "out", "a_1"}, outputNames(g))
	assert.Equal(t, []*graph.Value{g.Inputs[0], g.Initializers[0]}, g.Nodes[0].Inputs)
	for i, n := range g.Nodes[1:] {
		assert.Same(t, g.Nodes[i].Outputs[0], n.Inputs[0])
	}
}

// A body that reads an outer value of the name of one of its own gets another
// name for its own; bodies beside each other may use the same names.
func TestNamesInBodies(t *testing.T) {
	outer := op("Outer", "v", 20)
	own := op("Own", "v", 20, outer.Outputs[0])
	other := op("Own", "w", 20)
	branch := op("If", "y", 20)
	branch.Set(graph.A("then_branch", &graph.Graph{Nodes: []*graph.Node{own}, Outputs: []*graph.Value{own.Outputs[0], outer.Outputs[0]}}))
	branch.Set(graph.A("else_branch", &graph.Graph{Nodes: []*graph.Node{other}, Outputs: []*graph.Value{other.Outputs[0]}}))
	last := op("Last", "w", 20)
	g := encodeGraph(t, &graph.Graph{Nodes: []*graph.Node{outer, branch, last}}).Graph
	then, otherwise := g.Nodes[1].Body("then_branch"), g.Nodes[1].Body("else_branch")
	assert.Equal(t, []string{"v_1"}, outputNames(then))
	assert.Equal(t, []string{"w_1"}, outputNames(otherwise), "values of the outer graph come first, wherever they are written")
	assert.Same(t, g.Nodes[0].Outputs[0], then.Nodes[0].Inputs[0])
	assert.Same(t, g.Nodes[0].Outputs[0], then.Outputs[1])
}

func TestEncodeErrors(t *testing.T) {
	stray := &graph.Value{Name: "stray"}
	withBody := op("If", "y", 20)
	withBody.Set(graph.A("then_branch", &graph.Graph{Name: "then", Outputs: []*graph.Value{stray}}))
	tests := map[string]struct {
		graph        *graph.Graph
		kind         error
		path, reason string
	}{
		"no graph":      {nil, onnx.ErrNotModel, "", "no graph"},
		"stray input":   {&graph.Graph{Name: "g", Nodes: []*graph.Node{op("A", "y", 20, stray)}}, onnx.ErrInvalid, `graph "g" node 0 "" input 0`, `"stray" is defined neither`},
		"stray output":  {&graph.Graph{Name: "g", Outputs: []*graph.Value{stray}}, onnx.ErrInvalid, `graph "g"`, "output 0 is defined neither"},
		"absent output": {&graph.Graph{Name: "g", Outputs: []*graph.Value{nil}}, onnx.ErrInvalid, `graph "g"`, "output 0 is defined neither"},
		"stray in body": {&graph.Graph{Name: "g", Nodes: []*graph.Node{withBody}}, onnx.ErrInvalid,
			`graph "g" node 0 "" attribute "then_branch" graph "then"`, "output 0 is defined neither"},
		"no tensor": {&graph.Graph{Name: "g", Initializers: []*graph.Value{stray}}, onnx.ErrInvalid, `graph "g"`, `initializer "stray" has no tensor`},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := onnx.Encode(&graph.Model{Graph: c.graph})
			requireError(t, err, c.kind, c.path, c.reason)
		})
	}
}

// Canonical graphs state for each node the version that brought its form: the
// highest of them is imported.
func TestImportsCoverTheNodes(t *testing.T) {
	custom := op("Custom", "c", 0)
	custom.Domain = "org.d"
	m := &graph.Model{
		IRVersion: 8, Opsets: map[string]int{"ai.onnx": 9, "org.d": 2, "unused": 1},
		Graph: &graph.Graph{Nodes: []*graph.Node{op("A", "a", 13), op("B", "b", 21), custom}},
	}
	b, err := onnx.Encode(m)
	require.NoError(t, err)
	got := decode(t, b)
	assert.Equal(t, map[string]int{"": 21, "org.d": 2, "unused": 1}, got.Opsets)
	assert.Equal(t, 2, got.Graph.Nodes[2].Version)
	assert.EqualValues(t, 8, got.IRVersion)
}

func TestIRVersionOfWhatIsInIt(t *testing.T) {
	for d, want := range map[tensor.DType]int64{tensor.Float32: 10, tensor.Int4: 10, tensor.Float4E2M1: 11, tensor.Float8E8M0: 12, tensor.Int2: 13} {
		v := &graph.Value{Name: "v", Type: tensor.TensorType(d, nil)}
		assert.Equal(t, want, encodeGraph(t, &graph.Graph{Inputs: []*graph.Value{v}}).IRVersion, "%v", d)
	}
}

// Functions have no initializers in a file: constants stand for them.
func TestInitializersOfFunctions(t *testing.T) {
	c := &graph.Value{Name: "c", Const: tensor.Scalar(float32(2))}
	x := &graph.Value{Name: "x"}
	mul := op("Mul", "y", 14, x, c)
	f := &graph.Function{Domain: "d", Name: "double", Opsets: map[string]int{"": 14}, Body: &graph.Graph{
		Inputs: []*graph.Value{x}, Initializers: []*graph.Value{c}, Nodes: []*graph.Node{mul}, Outputs: []*graph.Value{mul.Outputs[0]},
	}}
	b, err := onnx.Encode(&graph.Model{Graph: &graph.Graph{}, Functions: []*graph.Function{f}})
	require.NoError(t, err)
	body := decode(t, b).Functions[0].Body
	require.Len(t, body.Nodes, 2)
	assert.Equal(t, c.Const, body.Nodes[0].Tensor("value"))
	assert.Same(t, body.Nodes[0].Outputs[0], body.Nodes[1].Inputs[1])
}

func TestWrite(t *testing.T) {
	c := &graph.Value{Name: "c", Const: tensor.Zeros(tensor.Float32, tensor.Shape{5000})}
	m := &graph.Model{Graph: &graph.Graph{Initializers: []*graph.Value{c}}, Metadata: map[string]string{"b": "1", "a": "2", "c": "3"}}
	want, err := onnx.Encode(m)
	require.NoError(t, err)
	for range 10 {
		var b bytes.Buffer
		require.NoError(t, onnx.Write(&b, m))
		require.Equal(t, want, b.Bytes(), "equal models give equal bytes")
	}
	assert.Equal(t, m.Metadata, decode(t, want).Metadata)
}
