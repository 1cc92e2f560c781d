package infer_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// cache is a graph that appends x [1, k] to past [p, k], and computes with both.
func cache() (g *graph.Graph, past, x *graph.Value) {
	symbol := func(name string, dims ...tensor.Dim) *graph.Value {
		return &graph.Value{Name: name, Type: tensor.TensorType(tensor.Float32, dims)}
	}
	past, x = symbol("past", tensor.Symbol("p"), tensor.Symbol("k")), symbol("x", tensor.Known(1), tensor.Symbol("k"))
	b := graph.NewBuilder(&graph.Node{Name: "g"})
	own := b.Op("Relu", []*graph.Value{b.Op("Neg", []*graph.Value{x})})
	all := b.Op("Concat", []*graph.Value{past, own}, graph.A("axis", int64(0)))
	length := b.Op("Shape", []*graph.Value{all}, graph.A("end", int64(1)))
	width := b.Op("Shape", []*graph.Value{all}, graph.A("start", int64(1)))
	sum := b.Op("ReduceSum", []*graph.Value{all, b.Const(tensor.Of([]int64{0}, 1))})
	flat := b.Op("Reshape", []*graph.Value{all, b.Op("Mul", []*graph.Value{length, width})})
	b.Op("Add", []*graph.Value{sum, own})
	g = &graph.Graph{Inputs: []*graph.Value{past, x}, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: []*graph.Value{sum, flat}}
	return g, past, x
}

func float(shape ...int) infer.Fact {
	return infer.Fact{Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(shape))}
}

// What is found again is what is found at first, and what differs is told with
// what it was.
func TestAgain(t *testing.T) {
	g, past, x := cache()
	facts, err := infer.Run(t.Context(), g, infer.Facts{past: float(4, 3), x: float(1, 3)})
	require.NoError(t, err)
	for _, step := range []struct {
		past, x infer.Fact
		differ  int // of past, x, -x, own, all, length, width, sum, product, flat, the last sum
	}{
		{float(4, 3), float(1, 3), 0},
		{float(5, 3), float(1, 3), 5},
		{float(0, 3), float(1, 3), 5},
		{float(0, 7), float(1, 7), 10},
		{float(6, 1), float(1, 1), 9}, // 7 elements, as before
	} {
		given := infer.Facts{past: step.past, x: step.x}
		fresh, err := infer.Run(t.Context(), g, given)
		require.NoError(t, err)
		before := make(infer.Facts)
		for v, f := range facts {
			before[v] = f
		}
		nodes, were, err := infer.Again(t.Context(), g, given, facts)
		require.NoError(t, err)
		for _, n := range g.Nodes {
			differs := func(v *graph.Value) bool { _, ok := were[v]; return ok }
			assert.Equal(t, slices.ContainsFunc(n.Inputs, differs), slices.Contains(nodes, n), n.Label())
		}
		assert.Equal(t, fresh, facts)
		assert.Len(t, were, step.differ)
		for v, f := range facts {
			if was, ok := were[v]; ok {
				assert.Equal(t, before[v], was)
				assert.NotEqual(t, was, f)
			} else {
				assert.Equal(t, before[v], f)
				assert.Same(t, before[v].Const, f.Const)
			}
		}
	}
}

// A node is evaluated again for what its bodies capture.
func TestAgainInBodies(t *testing.T) {
	_, past, x := cache()
	condition := &graph.Value{Name: "condition", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	branch := func(op string) *graph.Graph {
		b := graph.NewBuilder(&graph.Node{Name: op})
		return &graph.Graph{Outputs: []*graph.Value{b.Op(op, []*graph.Value{past})}, Nodes: b.Nodes}
	}
	b := graph.NewBuilder(&graph.Node{Name: "g"})
	y := b.Op("If", []*graph.Value{condition}, graph.A("then_branch", branch("Neg")), graph.A("else_branch", branch("Abs")))
	g := &graph.Graph{Inputs: []*graph.Value{past, x, condition}, Nodes: b.Nodes, Outputs: []*graph.Value{y}}
	facts, err := infer.Run(t.Context(), g, infer.Facts{past: float(4, 3)})
	require.NoError(t, err)
	nodes, were, err := infer.Again(t.Context(), g, infer.Facts{past: float(5, 2)}, facts)
	require.NoError(t, err)
	assert.Equal(t, g.Nodes, nodes)
	assert.Equal(t, float(5, 2), facts[y])
	assert.Equal(t, float(4, 3), were[y])
}

// A contradiction is found again too.
func TestAgainFails(t *testing.T) {
	g, past, x := cache()
	facts, err := infer.Run(t.Context(), g, infer.Facts{past: float(4, 3), x: float(1, 3)})
	require.NoError(t, err)
	_, _, err = infer.Again(t.Context(), g, infer.Facts{past: float(4, 2)}, facts)
	assert.ErrorContains(t, err, "Concat")
}
