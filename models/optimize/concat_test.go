package optimize_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// Of Concats of ever more of the same, each begins with the one before it; others
// stay as they are.
func TestConcatsGrow(t *testing.T) {
	n := net{Builder: graph.NewBuilder(&graph.Node{Name: "net"}), x: &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{1, 2, 3}))}}
	concat := func(axis int64, parts ...*graph.Value) *graph.Value {
		return n.Op("Concat", parts, graph.A("axis", axis))
	}
	a, b, c := n.op("Neg", n.x), n.op("Abs", n.x), n.op("Exp", n.x)
	two := concat(1, a, b)
	three := concat(1, a, b, c)
	four := concat(1, a, b, c, a)
	wide := concat(2, a, b, c)    // along another axis
	turned := concat(1, b, a, c)  // in another order
	again := concat(1, a)         // of one
	shorter := concat(1, a, c, b) // a alone is no beginning
	g := &graph.Graph{Inputs: []*graph.Value{n.x}, Nodes: n.Nodes, Outputs: []*graph.Value{two, three, four, wide, turned, again, shorter}}
	o := optimized(t, g)
	var inputs []int
	for _, v := range o.Outputs {
		if v.Producer != nil && v.Producer.Op == "Concat" {
			inputs = append(inputs, len(v.Producer.Inputs))
		}
	}
	require.Equal(t, []int{2, 2, 2, 3, 3, 1, 3}, inputs)
	assert.Same(t, o.Outputs[0], o.Outputs[1].Producer.Inputs[0])
	assert.Same(t, o.Outputs[1], o.Outputs[2].Producer.Inputs[0])

	in := []tensor.Value{random(rand.New(rand.NewPCG(3, 4)), -6, 6, 1, 2, 3)}
	want, err := reference.Evaluate(t.Context(), g, in)
	require.NoError(t, err)
	got, err := reference.Evaluate(t.Context(), o, in)
	require.NoError(t, err)
	assert.Equal(t, want, got)
}
