package optimize_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/optimize"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// random fills a float32 tensor with seeded values from low to high.
func random(r *rand.Rand, low, high float64, shape ...int) *tensor.Tensor {
	values := make([]float64, tensor.Shape(shape).Size())
	for i := range values {
		values[i] = low + r.Float64()*(high-low)
	}
	return tensor.FromFloat64s(tensor.Float32, shape, values)
}

// normalized is a convolution with a BatchNormalization behind it; also gives
// the convolution's result as an output if exposed.
func normalized(r *rand.Rand, bias, exposed bool) *graph.Graph {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2, 4, 5, 5}))}
	b := graph.NewBuilder(&graph.Node{Name: "net"})
	inputs := []*graph.Value{x, b.Const(random(r, -1, 1, 6, 2, 3, 3))}
	if bias {
		inputs = append(inputs, b.Const(random(r, -1, 1, 6)))
	}
	y := b.Op("Conv", inputs, graph.A("group", int64(2)))
	z := b.Op("BatchNormalization", []*graph.Value{y, b.Const(random(r, -2, 2, 6)), b.Const(random(r, -1, 1, 6)), b.Const(random(r, -1, 1, 6)), b.Const(random(r, 0.1, 2, 6))},
		graph.A("epsilon", float32(1e-3)))
	g := &graph.Graph{Inputs: []*graph.Value{x}, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: []*graph.Value{b.Op("Relu", []*graph.Value{z})}}
	g.Nodes = b.Nodes
	if exposed {
		g.Outputs = append(g.Outputs, y)
	}
	return g
}

func optimized(t *testing.T, g *graph.Graph) *graph.Graph {
	c := g.Clone(nil)
	facts, err := infer.Run(t.Context(), c, nil)
	require.NoError(t, err)
	infer.Annotate(c, facts)
	require.NoError(t, optimize.Run(t.Context(), c, facts))
	return c
}

func operatorsOf(g *graph.Graph) []string {
	var ops []string
	for _, n := range g.Nodes {
		ops = append(ops, n.Op)
	}
	return ops
}

func TestBatchNormFoldsIntoConv(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, bias := range []bool{false, true} {
		g := normalized(r, bias, false)
		o := optimized(t, g)
		assert.Equal(t, []string{"Conv", "Relu"}, operatorsOf(o))
		assert.Len(t, o.Nodes[0].Source, 2, "the merged node tells what it came from")
		in := []tensor.Value{random(r, -3, 3, 2, 4, 5, 5)}
		want, err := reference.Evaluate(t.Context(), g, in)
		require.NoError(t, err)
		got, err := reference.Evaluate(t.Context(), o, in)
		require.NoError(t, err)
		a, b := want[0].(*tensor.Tensor).Float64s(), got[0].(*tensor.Tensor).Float64s()
		assert.InDeltaSlice(t, a, b, 1e-5)
		assert.NotZero(t, a[0]+a[len(a)-1]+a[len(a)/2])
	}
}

func TestBatchNormStaysWhereItsInputIsReadElsewhere(t *testing.T) {
	o := optimized(t, normalized(rand.New(rand.NewPCG(2, 2)), true, true))
	assert.Equal(t, []string{"Conv", "BatchNormalization", "Relu"}, operatorsOf(o))
}

func TestIdentitiesAreSkipped(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2}))}
	b := graph.NewBuilder(&graph.Node{Name: "net"})
	y := b.Op("Neg", []*graph.Value{b.Op("Dropout", []*graph.Value{b.Op("Identity", []*graph.Value{x})})})
	y = b.Op("Sum", []*graph.Value{b.Op("Sum", []*graph.Value{y}), x})
	out := b.Op("Identity", []*graph.Value{y}) // an output keeps its Identity
	g := &graph.Graph{Inputs: []*graph.Value{x}, Nodes: b.Nodes, Initializers: b.Initializers, Outputs: []*graph.Value{out}}
	o := optimized(t, g)
	assert.Equal(t, []string{"Neg", "Add", "Identity"}, operatorsOf(o))
	got, err := reference.Evaluate(t.Context(), o, []tensor.Value{tensor.Of([]float32{1, -2})})
	require.NoError(t, err)
	assert.Equal(t, []float64{0, 0}, got[0].(*tensor.Tensor).Float64s())
}
