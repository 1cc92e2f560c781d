package mine_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/mine"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// builder makes a model.
type builder struct{ graph.Graph }

func (b *builder) constant(t *tensor.Tensor) *graph.Value {
	v := &graph.Value{Name: "c" + string(rune('0'+len(b.Initializers))), Type: t.Type(), Const: t}
	b.Initializers = append(b.Initializers, v)
	return v
}

func (b *builder) node(op string, in []*graph.Value, attributes ...graph.Attribute) *graph.Value {
	n := &graph.Node{Op: op, Version: 17, Inputs: in, Attributes: attributes}
	v := &graph.Value{Name: "v" + string(rune('a'+len(b.Nodes))), Producer: n}
	n.Outputs = []*graph.Value{v}
	b.Nodes = append(b.Nodes, n)
	return v
}

type values = []*graph.Value

// model is a model of nodes that are mined and of some that are not, for an input
// whose batch is open.
func model() *graph.Model {
	b := &builder{graph.Graph{Name: "model"}}
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("n"), tensor.Known(3)})}
	i := &graph.Value{Name: "i", Type: tensor.TensorType(tensor.Int64, tensor.Dims{tensor.Known(2)})}
	b.Inputs = values{x, i}
	weights := func(v float32) *graph.Value {
		t := tensor.Zeros(tensor.Float32, tensor.Shape{3, 40})
		tensor.Slice[float32](t)[0] = v
		return b.constant(t)
	}
	first := b.node("MatMul", values{x, weights(1)})
	second := b.node("MatMul", values{x, weights(2)}) // of other weights, but of the same shape
	sum := b.node("Add", values{first, second})
	least := b.node("Clip", values{sum, b.constant(tensor.Scalar[float32](0))})
	most := b.node("Clip", values{least, b.constant(tensor.Scalar[float32](1))}) // of another constant
	turned := b.node("Transpose", values{most}, graph.Attribute{Name: "perm", Value: []int64{1, 0}})
	gathered := b.node("Gather", values{turned, i})       // its indexes are computed
	noise := b.node("RandomNormalLike", values{gathered}) // its results are drawn
	extents := b.node("Shape", values{x})                 // it is known beforehand
	folded := b.node("Neg", values{b.constant(tensor.Of([]float32{1}))})
	b.Outputs = values{noise, extents, folded}
	return &graph.Model{IRVersion: 8, Opsets: map[string]int{"": 17}, Graph: &b.Graph}
}

func mined(t *testing.T, batch int) []mine.Node {
	t.Helper()
	b, err := onnx.Encode(model())
	require.NoError(t, err)
	f, err := onnx.LoadBytes(b, nil)
	require.NoError(t, err)
	nodes, err := mine.Nodes(t.Context(), f.Model, []tensor.Value{tensor.Zeros(tensor.Float32, tensor.Shape{batch, 3}), tensor.Of([]int64{0, 1})})
	require.NoError(t, err)
	return nodes
}

func TestDistinctNodes(t *testing.T) {
	nodes := mined(t, 5)
	var names []string
	for _, n := range nodes {
		assert.Regexp(t, `^mined/\w+/\d+/float32/[0-9a-f]{12}$`, n.ID)
		names = append(names, n.ID[len("mined/"):len(n.ID)-len("/float32/000000000000")])
	}
	assert.Equal(t, []string{"MatMul/13", "Add/14", "Clip/13", "Clip/13", "Transpose/25", "Shape/25"}, names)
	assert.NotEqual(t, nodes[2].ID, nodes[3].ID, "bounds count")
	assert.Equal(t, 5.0*3+3*40+5*40+5*40*3, nodes[0].Work, "elements and multiplications")

	again, other := mined(t, 5), mined(t, 6)
	for i := range nodes {
		assert.Equal(t, nodes[i].ID, again[i].ID)
		assert.NotEqual(t, nodes[i].ID, other[i].ID, "shapes count")
	}
}

// A problem is one node with its constants and shapes, and data that follows from
// the seed.
func TestProblem(t *testing.T) {
	clip := mined(t, 5)[3]
	p := clip.Make(7)
	require.Len(t, p.Model.Graph.Nodes, 1)
	require.Len(t, p.Model.Graph.Inputs, 1)
	require.Len(t, p.Model.Graph.Initializers, 1)
	assert.Equal(t, []float32{1}, tensor.Slice[float32](p.Model.Graph.Initializers[0].Const))
	require.Len(t, p.Draws, 2)
	x := p.Draws[0].Inputs[0].(*tensor.Tensor)
	assert.Equal(t, tensor.Shape{5, 40}, x.Shape())
	assert.Equal(t, x, clip.Make(7).Draws[0].Inputs[0], "equal seeds, equal data")
	assert.NotEqual(t, x, clip.Make(8).Draws[0].Inputs[0])
	assert.NotEqual(t, x, p.Draws[1].Inputs[0])
	_, err := onnx.Encode(p.Model)
	assert.NoError(t, err)
}
