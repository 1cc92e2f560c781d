package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// nested is y = relu(x) and z = if(c, neg(y), k), where the branches capture y
// and k.
func nested() *graph.Graph {
	x, c := &graph.Value{Name: "x"}, &graph.Value{Name: "c"}
	k := &graph.Value{Name: "k", Const: tensor.Of([]float32{1})}
	relu := op("Relu", "y", x)
	neg := op("Neg", "n", relu.Outputs[0])
	branch := op("If", "z", c)
	branch.Set(graph.A("then_branch", &graph.Graph{Name: "then", Nodes: []*graph.Node{neg}, Outputs: neg.Outputs}))
	branch.Set(graph.A("else_branch", &graph.Graph{Name: "else", Outputs: []*graph.Value{k}}))
	return &graph.Graph{
		Name: "nested", Inputs: []*graph.Value{x, c}, Initializers: []*graph.Value{k},
		Nodes: []*graph.Node{relu, branch}, Outputs: branch.Outputs,
	}
}

// Any order of a chain with branches sorts into one in which what is read was
// written before, also by way of bodies.
func TestSort(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		g := &graph.Graph{Name: "g"}
		var values []*graph.Value
		for i := range 30 {
			n := op("Add", fmt.Sprint("v", i))
			for range min(i, 2) {
				n.Inputs = append(n.Inputs, values[r.IntN(i)])
			}
			if i > 0 && r.IntN(4) == 0 { // read in a body within a body
				inner := op("Neg", "inner", values[r.IntN(i)])
				middle := op("If", "middle")
				middle.Set(graph.A("then_branch", &graph.Graph{Nodes: []*graph.Node{inner}}))
				n.Set(graph.A("body", &graph.Graph{Nodes: []*graph.Node{middle}}))
			}
			g.Nodes, values = append(g.Nodes, n), append(values, n.Outputs[0])
		}
		was := slices.Clone(g.Nodes)
		require.NoError(t, g.Sort())
		assert.Equal(t, names(was), names(g.Nodes), "what is in order stays")
		r.Shuffle(len(g.Nodes), func(i, j int) { g.Nodes[i], g.Nodes[j] = g.Nodes[j], g.Nodes[i] })
		require.NoError(t, g.Sort())
		require.Len(t, g.Nodes, len(was))
		written := make(map[*graph.Value]bool)
		for _, n := range g.Nodes {
			for _, v := range n.Reads() {
				assert.True(t, written[v], "seed %d: %s reads %s", seed, n.Name, v.Name)
			}
			written[n.Outputs[0]] = true
		}
	}
}

func TestSortFindsCycles(t *testing.T) {
	a, b := op("Relu", "a"), op("Neg", "b")
	a.Inputs, b.Inputs = b.Outputs, a.Outputs
	g := &graph.Graph{Name: "g", Nodes: []*graph.Node{a, b}}
	assert.ErrorContains(t, g.Sort(), `graph "g" has a cycle through node Relu "a"`)

	own := op("If", "own") // its body reads what it writes
	own.Set(graph.A("then_branch", &graph.Graph{Nodes: []*graph.Node{op("Neg", "n", own.Outputs[0])}}))
	assert.ErrorContains(t, (&graph.Graph{Nodes: []*graph.Node{own}}).Sort(), `node If "own"`)
}

func TestReadsAndCaptures(t *testing.T) {
	g := nested()
	branch, y, c, k := g.Nodes[1], g.Nodes[0].Outputs[0], g.Inputs[1], g.Initializers[0]
	assert.Equal(t, []*graph.Value{y}, branch.Body("then_branch").Captures())
	assert.Equal(t, []*graph.Value{k}, branch.Body("else_branch").Captures(), "an output may be captured")
	assert.Equal(t, []*graph.Value{c, y, k}, branch.Reads())
	assert.Empty(t, g.Captures())
	twice := op("Add", "s", y, y, nil)
	assert.Equal(t, []*graph.Value{y}, twice.Reads(), "each once")
	assert.True(t, g.IsInput(c))
	assert.False(t, g.IsInput(k))
}

func TestUses(t *testing.T) {
	g := nested()
	branch, y, c, k := g.Nodes[1], g.Nodes[0].Outputs[0], g.Inputs[1], g.Initializers[0]
	before := g.Uses()
	assert.Equal(t, 1, before[c], "the condition")
	assert.Equal(t, 1, before[y], "captured by one body")
	assert.Equal(t, 1, before[k], "captured by the other")
	g.Nodes, g.Outputs = append(g.Nodes, op("Add", "s", y, y)), append(g.Outputs, y)
	after := g.Uses()
	assert.Equal(t, before[y]+3, after[y], "twice by a node, and as an output")
	assert.Equal(t, before[branch.Outputs[0]], after[branch.Outputs[0]])
}

func TestAll(t *testing.T) {
	var seen []string
	for n := range nested().All {
		seen = append(seen, n.Name)
	}
	assert.Equal(t, []string{"y", "z", "n"}, seen)
	for n := range nested().All {
		seen = []string{n.Name}
		if n.Name == "z" {
			break
		}
	}
	assert.Equal(t, []string{"z"}, seen)
}

// A copy shares tensors and nothing else, and knows what it was copied from.
func TestClone(t *testing.T) {
	g := nested()
	c := g.Clone(nil)
	require.Len(t, c.Nodes, 2)
	for i, n := range c.Nodes {
		assert.NotSame(t, g.Nodes[i], n)
		assert.Equal(t, []*graph.Node{g.Nodes[i]}, n.Source)
		assert.Same(t, n, n.Outputs[0].Producer)
	}
	y, k := c.Nodes[0].Outputs[0], c.Initializers[0]
	assert.Equal(t, []*graph.Value{c.Inputs[1], y, k}, c.Nodes[1].Reads(), "bodies read the copies")
	assert.Same(t, g.Initializers[0].Const, k.Const)
	assert.NotSame(t, g.Initializers[0], k)
	assert.Same(t, c.Nodes[1].Outputs[0], c.Outputs[0])

	again := c.Clone(nil)
	assert.Equal(t, []*graph.Node{g.Nodes[0]}, again.Nodes[0].Source, "of a copy's copy the first")
	c.Nodes[1].Set(graph.A("extra", int64(1)))
	assert.False(t, g.Nodes[1].Has("extra"))
}

// What a body captures stays, or becomes what the map says.
func TestCloneOfABody(t *testing.T) {
	g := nested()
	body, y := g.Nodes[1].Body("then_branch"), g.Nodes[0].Outputs[0]
	assert.Same(t, y, body.Clone(nil).Nodes[0].Inputs[0])
	other := &graph.Value{Name: "other"}
	assert.Same(t, other, body.Clone(map[*graph.Value]*graph.Value{y: other}).Nodes[0].Inputs[0])
}
