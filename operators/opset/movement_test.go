package opset

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// oldForm is one node of an old version and what it means.
type oldForm struct {
	name    string
	op      string
	version int
	in      []*tensor.Tensor
	attrs   []graph.Attribute
	want    []*tensor.Tensor
}

func TestOldForms(t *testing.T) {
	in := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	on := func(a ...graph.Attribute) []graph.Attribute { return a }
	list := func(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
	number := func(name string, v int64) graph.Attribute { return graph.A(name, v) }
	vector := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{len(v)}, v...) }
	m := floats(tensor.Shape{2, 3}, 0, 1, 2, 3, 4, 5)
	cube := floats(tensor.Shape{2, 1, 2}, 1, 2, 3, 4)
	one := float32(math.Log(1))
	rows := floats(tensor.Shape{1, 2, 2}, one, one, one, one)
	index := func(v ...int64) *tensor.Tensor { return tensor.Of(v, len(v)) }
	for _, c := range []oldForm{
		{"shape", "Reshape", 1, in(m), on(list("shape", 3, -1), list("consumed_inputs", 0)), in(floats(tensor.Shape{3, 2}, 0, 1, 2, 3, 4, 5))},
		{"axes", "Squeeze", 1, in(cube), on(list("axes", 1)), in(floats(tensor.Shape{2, 2}, 1, 2, 3, 4))},
		{"all", "Squeeze", 11, in(cube), nil, in(floats(tensor.Shape{2, 2}, 1, 2, 3, 4))},
		{"axes", "Unsqueeze", 11, in(vector(1, 2)), on(list("axes", 0, -1)), in(floats(tensor.Shape{1, 2, 1}, 1, 2))},
		{"an axis", "Tile", 1, in(m, vector(2), vector(1)), nil, in(floats(tensor.Shape{2, 6}, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5))},
		{"scalars", "Tile", 1, in(vector(1, 2), tensor.Scalar(float32(2)), tensor.Scalar(float32(0))), nil, in(vector(1, 2, 1, 2))},
		{"ranges", "Slice", 1, in(m), on(list("starts", 1), list("ends", 100), list("axes", 1)), in(floats(tensor.Shape{2, 2}, 1, 2, 4, 5))},
		{"no axes", "Slice", 9, in(m), on(list("starts", 1, 0), list("ends", 2, -1)), in(floats(tensor.Shape{1, 2}, 3, 4))},
		{"default axis", "Concat", 1, in(cube, cube), nil, in(floats(tensor.Shape{2, 2, 2}, 1, 2, 1, 2, 3, 4, 3, 4))},
		{"an axis", "Concat", 1, in(vector(1), vector(2)), on(number("axis", 0)), in(vector(1, 2))},
		{"lengths", "Split", 2, in(vector(1, 2, 3)), on(list("split", 1, 2)), in(vector(1), vector(2, 3))},
		{"a real input of lengths", "Split", 1, in(vector(1, 2, 3), vector(2, 1)), on(number("axis", 0)), in(vector(1, 2), vector(3))},
		{"an attribute of lengths", "Split", 1, in(vector(1, 2, 3)), on(list("split", 2, 1)), in(vector(1, 2), vector(3))},
		{"evenly", "Split", 13, in(m), nil, in(floats(tensor.Shape{1, 3}, 0, 1, 2), floats(tensor.Shape{1, 3}, 3, 4, 5))},
		{"an input of lengths", "Split", 13, in(vector(1, 2, 3), index(0, 3)), nil, in(floats(tensor.Shape{0}), vector(1, 2, 3))},
		{"paddings", "Pad", 1, in(vector(1, 2)), on(list("paddings", 1, 0), graph.A("value", float32(7))), in(vector(7, 1, 2))},
		{"pads", "Pad", 2, in(vector(1, 2)), on(list("pads", 0, 1), graph.A("mode", "edge")), in(vector(1, 2, 2))},
		{"a value in the data's type", "Pad", 2, in(tensor.Of([]float64{1})), on(list("pads", 0, 1), graph.A("value", float32(0.5))), in(tensor.Of([]float64{1, 0.5}))},
		{"rows", "Scatter", 9, in(vector(1, 2, 3), index(1), vector(9)), nil, in(vector(1, 9, 3))},
		{"rows", "Scatter", 11, in(vector(1, 2, 3), index(-1), vector(9)), on(number("axis", 0)), in(vector(1, 2, 9))},
		{"negative", "OneHot", 9, in(index(1, -1), tensor.Scalar(int64(2)), vector(0, 1)), nil, in(floats(tensor.Shape{2, 2}, 0, 1, 0, 0))},
		{"real", "OneHot", 9, in(vector(1, -1), vector(2), vector(0, 1)), on(number("axis", 0)), in(floats(tensor.Shape{2, 2}, 0, 0, 1, 0))},
		{"unsigned", "OneHot", 9, in(tensor.Of([]uint8{1}), tensor.Scalar(int64(2)), vector(0, 1)), nil, in(floats(tensor.Shape{1, 2}, 0, 1))},
		{"k", "TopK", 1, in(vector(1, 3, 2)), on(number("k", 2)), in(vector(3, 2), index(1, 2))},
		{"K", "TopK", 10, in(vector(1, 3, 2), index(1)), nil, in(vector(3), index(1))},
		{"axes", "ReduceSum", 11, in(m), on(list("axes", -1), number("keepdims", 0)), in(vector(3, 12))},
		{"axes", "ReduceMax", 1, in(m), on(list("axes", 0)), in(floats(tensor.Shape{1, 3}, 3, 4, 5))},
		{"no axes", "ReduceMean", 13, in(m), on(number("keepdims", 0)), in(tensor.Scalar(float32(2.5)))},
		{"axes", "ReduceL1", 13, in(vector(-1, 2)), on(list("axes", 0)), in(vector(3))},
		{"coerced", "Softmax", 1, in(rows), nil, in(floats(tensor.Shape{1, 2, 2}, 0.25, 0.25, 0.25, 0.25))},
		{"at 0", "Softmax", 11, in(floats(tensor.Shape{2, 1}, one, one)), on(number("axis", 0)), in(floats(tensor.Shape{2, 1}, 0.5, 0.5))},
		{"the last axis", "Softmax", 11, in(rows), on(number("axis", -1)), in(floats(tensor.Shape{1, 2, 2}, 0.5, 0.5, 0.5, 0.5))},
		{"axis -1 now", "Softmax", 13, in(rows), nil, in(floats(tensor.Shape{1, 2, 2}, 0.5, 0.5, 0.5, 0.5))},
		{"coerced", "Hardmax", 11, in(cube), on(number("axis", 0)), in(floats(tensor.Shape{2, 1, 2}, 0, 0, 0, 1))},
		{"of nothing", "Softmax", 1, in(floats(tensor.Shape{0, 2, 2})), nil, in(floats(tensor.Shape{0, 2, 2}))},
	} {
		t.Run(c.op+" "+c.name, func(t *testing.T) {
			assert.Equal(t, c.want, lifted(t, c.version, c.op, len(c.want), c.in, c.attrs...))
		})
	}
}

func TestSoftmaxAlongItsAxisStaysOneNode(t *testing.T) {
	in := []*tensor.Tensor{floats(tensor.Shape{1, 2, 1, 1}, 1, 2)}
	g, err := liftNode(11, "Softmax", 1, in, graph.A("axis", int64(1)))
	require.NoError(t, err)
	assert.Equal(t, []string{"Softmax"}, operatorsOf(g))
	assert.Equal(t, int64(1), g.Nodes[0].Int("axis", -1))
}

// Without a known shape the matrix of a coercion is found as the graph runs.
func TestSoftmaxOfUnknownShape(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, nil)}
	g, err := Lift(context.Background(), model(11, []*graph.Value{x}, node("Softmax", []*graph.Value{x}, []string{"y"})))
	require.NoError(t, err)
	assert.Equal(t, []string{"Flatten", "Softmax", "Shape", "Reshape"}, operatorsOf(g))
}

func TestReshapeWithoutShape(t *testing.T) {
	_, err := liftNode(1, "Reshape", 1, []*tensor.Tensor{floats(tensor.Shape{2}, 1, 2)})
	assert.ErrorContains(t, err, "attribute shape is missing")
}
