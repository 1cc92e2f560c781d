package optimize_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// branchOf is a body that computes op of a value from outside, and passes on another.
func branchOf(op string, x, other *graph.Value) *graph.Graph {
	b := graph.NewBuilder(&graph.Node{Name: "inside"})
	y := b.Op("Add", []*graph.Value{b.Op(op, []*graph.Value{x}), b.Const(tensor.Of([]float32{1}))})
	return &graph.Graph{Name: op, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: []*graph.Value{y, other, y}}
}

func TestBranchesOfConstantConditions(t *testing.T) {
	for _, taken := range []bool{true, false} {
		x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2}))}
		b := graph.NewBuilder(&graph.Node{Name: "net"})
		k := b.Const(tensor.Of([]float32{5, 6}))
		var outputs []*graph.Value
		for range 2 { // names inside do not meet
			condition := b.Op("Not", []*graph.Value{b.Const(tensor.Scalar(!taken))})
			y := b.Node("", "If", []*graph.Value{condition}, 3, graph.A("then_branch", branchOf("Neg", x, k)), graph.A("else_branch", branchOf("Exp", x, x)))
			outputs = append(outputs, b.Op("Mul", []*graph.Value{y[0], y[1]}), y[2])
		}
		g := &graph.Graph{Inputs: []*graph.Value{x}, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: outputs}
		in := []tensor.Value{tensor.Of([]float32{1, -2})}
		want, err := reference.Evaluate(t.Context(), g, in)
		require.NoError(t, err)
		o := optimized(t, g)
		assert.NotContains(t, operatorsOf(o), "If")
		names := make(map[string]bool)
		for _, n := range o.Nodes {
			assert.False(t, names[n.Name], "two nodes are called %q", n.Name)
			names[n.Name] = true
		}
		got, err := reference.Evaluate(t.Context(), o, in)
		require.NoError(t, err)
		for i := range want {
			assert.Equal(t, want[i].(*tensor.Tensor).Float64s(), got[i].(*tensor.Tensor).Float64s(), "output %d", i)
		}
	}
}

func TestBranchesOfOtherConditionsStay(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2}))}
	c := &graph.Value{Name: "c", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	b := graph.NewBuilder(&graph.Node{Name: "net"})
	y := b.Node("", "If", []*graph.Value{c}, 3, graph.A("then_branch", branchOf("Neg", x, x)), graph.A("else_branch", branchOf("Exp", x, x)))
	o := optimized(t, &graph.Graph{Inputs: []*graph.Value{x, c}, Nodes: b.Nodes, Outputs: y})
	assert.Equal(t, []string{"If"}, operatorsOf(o))
}
