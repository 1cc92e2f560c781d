package graph_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// chain is y = a(x), z = b(y), with y an output too.
func chain() *graph.Graph {
	x := &graph.Value{Name: "x"}
	a := op("A", "y", x)
	b := op("B", "z", a.Outputs[0])
	return &graph.Graph{Inputs: []*graph.Value{x}, Nodes: []*graph.Node{a, b}, Outputs: []*graph.Value{a.Outputs[0], b.Outputs[0]}}
}

// The readers of a node's output read what replaces it without being told.
func TestReplace(t *testing.T) {
	g := chain()
	old, y := g.Nodes[0], g.Outputs[0]
	b := graph.NewBuilder(old)
	k := b.Ints(1, 2)
	sum := b.Op("Add", []*graph.Value{g.Inputs[0], k}, graph.A("alpha", int64(3)))
	out := b.Op("Neg", []*graph.Value{sum})
	reader := b.Op("Abs", []*graph.Value{out}) // inside the replacement
	require.NoError(t, b.Err())
	assert.Equal(t, 3, g.Replace(0, b, []*graph.Value{out}))
	require.Len(t, g.Nodes, 4)
	assert.Equal(t, "y/Add.2 y/Neg.3 y/Abs.4 z", names(g.Nodes))
	assert.Same(t, y, g.Nodes[1].Outputs[0], "the value keeps its identity")
	assert.Same(t, g.Nodes[1], y.Producer)
	assert.Same(t, y, reader.Producer.Inputs[0])
	assert.Same(t, y, g.Nodes[3].Inputs[0])
	assert.Equal(t, []*graph.Value{k}, g.Initializers)
	assert.Equal(t, tensor.Of([]int64{1, 2}), k.Const)
	assert.EqualValues(t, 3, g.Nodes[0].Int("alpha", 0))
	for _, n := range g.Nodes[:3] {
		assert.Equal(t, []*graph.Node{old}, n.Source)
	}
}

// An input passed on, and one value for two outputs, are copied: every output is
// written by a node, and by one only.
func TestReplaceCopies(t *testing.T) {
	x := &graph.Value{Name: "x"}
	split := &graph.Node{Op: "Split", Inputs: []*graph.Value{x}}
	for _, name := range []string{"a", "b", "c"} {
		split.Outputs = append(split.Outputs, &graph.Value{Name: name, Producer: split})
	}
	g := &graph.Graph{Inputs: []*graph.Value{x}, Nodes: []*graph.Node{split}, Outputs: split.Outputs}
	outputs := append([]*graph.Value{}, split.Outputs...)
	b := graph.NewBuilder(split)
	y := b.Op("Neg", []*graph.Value{x})
	assert.Equal(t, 3, g.Replace(0, b, []*graph.Value{y, y, x}))
	writers := make(map[*graph.Node]bool)
	for i, v := range outputs {
		assert.Same(t, v, g.Outputs[i])
		require.NotNil(t, v.Producer)
		assert.Contains(t, g.Nodes, v.Producer)
		assert.Contains(t, v.Producer.Outputs, v)
		writers[v.Producer] = true
	}
	assert.Len(t, writers, 3)
	assert.Equal(t, []string{"Neg", "Identity", "Identity"}, []string{g.Nodes[0].Op, g.Nodes[1].Op, g.Nodes[2].Op})
	assert.Same(t, outputs[0], g.Nodes[1].Inputs[0])
	assert.Same(t, x, g.Nodes[2].Inputs[0])
	require.NoError(t, g.Sort())
}

func TestBuilderNodes(t *testing.T) {
	n := &graph.Node{Name: "n", Op: "X", Outputs: []*graph.Value{nil, {Name: "second"}}}
	b := graph.NewBuilder(n)
	out := b.Node("d", "TopK", []*graph.Value{nil}, 2)
	require.Len(t, out, 2)
	assert.Equal(t, "second/TopK.1:0", out[0].Name, "after the first output that is there")
	assert.Equal(t, "second/TopK.1:1", out[1].Name)
	assert.Same(t, out[0].Producer, out[1].Producer)
	assert.Equal(t, "d.TopK", out[0].Producer.Operator())

	wrong := errors.New("wrong")
	b.Inferred = func(n *graph.Node) error {
		n.Outputs[0].Type = tensor.TensorType(tensor.Bool, nil)
		if n.Op == "Bad" {
			return wrong
		}
		return nil
	}
	assert.Equal(t, tensor.Bool, b.Op("Good", nil).Type.DType)
	require.NoError(t, b.Err())
	b.Body("body", nil, func(b *graph.Builder) []*graph.Value { return []*graph.Value{b.Op("Bad", nil)} })
	assert.Equal(t, wrong, b.Err(), "what goes wrong in a body too")
	b.Op("Good", nil)
	assert.Equal(t, wrong, b.Err(), "the first error stays")
}

func TestBuilderBody(t *testing.T) {
	n := op("Loop", "y")
	b := graph.NewBuilder(n)
	x := b.Op("Relu", nil)
	in := &graph.Value{Name: "i"}
	body := b.Body("body", []*graph.Value{in}, func(b *graph.Builder) []*graph.Value {
		return []*graph.Value{b.Op("Add", []*graph.Value{in, x}), b.Ints(1)}
	})
	assert.Equal(t, []*graph.Value{x}, body.Captures())
	assert.Equal(t, "y/body/Add.1", body.Nodes[0].Name)
	assert.Len(t, body.Initializers, 1)
	assert.Len(t, b.Nodes, 1, "the body's nodes are its own")
}

// Substitute reaches bodies and outputs.
func TestSubstitute(t *testing.T) {
	g := nested()
	y, other := g.Nodes[0].Outputs[0], &graph.Value{Name: "other"}
	g.Outputs = append(g.Outputs, y)
	g.Substitute(y, other)
	assert.Same(t, other, g.Outputs[1])
	assert.Same(t, other, g.Nodes[1].Body("then_branch").Nodes[0].Inputs[0])
	assert.Same(t, y, g.Nodes[0].Outputs[0], "who writes it still does")
}
