package opset

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// lifted lifts a model of one node, read under a version, whose inputs have the
// types of the given tensors, and computes it.
func lifted(t *testing.T, version int, op string, outputs int, in []*tensor.Tensor, attrs ...graph.Attribute) []*tensor.Tensor {
	t.Helper()
	g, err := liftNode(version, op, outputs, in, attrs...)
	require.NoError(t, err)
	values := make([]tensor.Value, len(in))
	for i, x := range in {
		values[i] = x
	}
	got, err := reference.Evaluate(context.Background(), g, values)
	require.NoError(t, err)
	out := make([]*tensor.Tensor, len(got))
	for i, v := range got {
		out[i] = v.(*tensor.Tensor)
	}
	return out
}

func liftNode(version int, op string, outputs int, in []*tensor.Tensor, attrs ...graph.Attribute) (*graph.Graph, error) {
	var inputs []*graph.Value
	for i, x := range in {
		inputs = append(inputs, &graph.Value{Name: string(rune('a' + i)), Type: x.Type()})
	}
	n := node(op, inputs, []string{"y", "z"}[:outputs], attrs...)
	return Lift(context.Background(), model(version, inputs, n))
}

func floats(shape tensor.Shape, v ...float32) *tensor.Tensor { return tensor.Of(v, shape...) }

func TestLegacyBroadcast(t *testing.T) {
	a := floats(tensor.Shape{2, 3, 2}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	on := graph.A("broadcast", int64(1))
	axis := func(i int64) graph.Attribute { return graph.A("axis", i) }
	tests := []struct {
		name  string
		b     *tensor.Tensor
		attrs []graph.Attribute
		want  []float32
	}{
		{"first axis", floats(tensor.Shape{2}, 100, 200), []graph.Attribute{on, axis(0)},
			[]float32{101, 102, 103, 104, 105, 106, 207, 208, 209, 210, 211, 212}},
		{"middle axis", floats(tensor.Shape{3}, 100, 200, 300), []graph.Attribute{on, axis(1)},
			[]float32{101, 102, 203, 204, 305, 306, 107, 108, 209, 210, 311, 312}},
		{"negative axis", floats(tensor.Shape{3}, 100, 200, 300), []graph.Attribute{on, axis(-2)},
			[]float32{101, 102, 203, 204, 305, 306, 107, 108, 209, 210, 311, 312}},
		{"two axes", floats(tensor.Shape{2, 3}, 10, 20, 30, 40, 50, 60), []graph.Attribute{on, axis(0)},
			[]float32{11, 12, 23, 24, 35, 36, 47, 48, 59, 60, 71, 72}},
		{"last axes", floats(tensor.Shape{3, 2}, 10, 20, 30, 40, 50, 60), []graph.Attribute{on, axis(1)},
			[]float32{11, 22, 33, 44, 55, 66, 17, 28, 39, 50, 61, 72}},
		{"suffix without axis", floats(tensor.Shape{2}, 100, 200), []graph.Attribute{on},
			[]float32{101, 202, 103, 204, 105, 206, 107, 208, 109, 210, 111, 212}},
		{"one element", floats(tensor.Shape{1, 1}, 100), []graph.Attribute{on, axis(1)},
			[]float32{101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112}},
		{"no broadcast", a, nil, []float32{2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got := lifted(t, 6, "Add", 1, []*tensor.Tensor{a, c.b}, c.attrs...)[0]
			assert.Equal(t, tensor.Of(c.want, 2, 3, 2), got)
		})
	}
	_, err := liftNode(6, "Add", 1, []*tensor.Tensor{a, floats(tensor.Shape{3, 2}, 1, 2, 3, 4, 5, 6)}, on, axis(2))
	assert.ErrorContains(t, err, "[3,2] do not lie at axis 2 of [2,3,2]")
}

func TestLegacyBroadcastNeedsRanks(t *testing.T) {
	unranked := &graph.Value{Name: "a", Type: tensor.TensorType(tensor.Float32, nil)}
	b := value("b", 3)
	n := node("Mul", []*graph.Value{unranked, b}, []string{"y"}, graph.A("broadcast", int64(1)), graph.A("axis", int64(1)))
	_, err := Lift(context.Background(), model(6, []*graph.Value{unranked, b}, n))
	assert.ErrorContains(t, err, "ranks of both operands must be known; they are [...] and [3]")
}

// Every attribute that a newer version lacks is gone after lifting.
func TestLiftDropsLegacyAttributes(t *testing.T) {
	consumed := graph.A("consumed_inputs", []int64{0})
	x := floats(tensor.Shape{2}, 1, 2)
	one := []string{"Abs", "Neg", "Sqrt", "Exp", "Log", "Floor", "Ceil", "Reciprocal", "Tanh", "Relu",
		"LeakyRelu", "Elu", "Sigmoid", "HardSigmoid", "Min", "Max", "Sum", "Mean"}
	two := []string{"Add", "Sub", "Mul", "Div", "PRelu"}
	for _, op := range one {
		g, err := liftNode(1, op, 1, []*tensor.Tensor{x}, consumed)
		require.NoError(t, err, op)
		assert.Empty(t, g.Nodes[0].Attributes, op)
	}
	for _, op := range two {
		g, err := liftNode(1, op, 1, []*tensor.Tensor{x, x}, consumed)
		require.NoError(t, err, op)
		assert.Empty(t, g.Nodes[0].Attributes, op)
	}
}

func TestSeluHasItsOldCoefficients(t *testing.T) {
	x := floats(tensor.Shape{2}, 1, -1)
	got := tensor.Slice[float32](lifted(t, 1, "Selu", 1, []*tensor.Tensor{x})[0])
	assert.InDelta(t, 1.0507, got[0], 1e-6)
	assert.InDelta(t, 1.0507*1.6732*math.Expm1(-1), got[1], 1e-6)
	got = tensor.Slice[float32](lifted(t, 1, "Selu", 1, []*tensor.Tensor{x}, graph.A("gamma", float32(2)))[0])
	assert.Equal(t, float32(2), got[0])
}

func TestClipAttributesBecomeInputs(t *testing.T) {
	low, high := graph.A("min", float32(-1)), graph.A("max", float32(2))
	inf := float32(math.Inf(1))
	x := floats(tensor.Shape{5}, -inf, -3, 0.5, 3, inf)
	for _, version := range []int{1, 6, 10} {
		assert.Equal(t, floats(tensor.Shape{5}, -1, -1, 0.5, 2, 2), lifted(t, version, "Clip", 1, []*tensor.Tensor{x}, low, high)[0])
		assert.Equal(t, floats(tensor.Shape{5}, -1, -1, 0.5, 3, inf), lifted(t, version, "Clip", 1, []*tensor.Tensor{x}, low)[0])
		assert.Equal(t, floats(tensor.Shape{5}, -inf, -3, 0.5, 2, 2), lifted(t, version, "Clip", 1, []*tensor.Tensor{x}, high)[0])
	}
	half := tensor.FromFloat64s(tensor.Float16, tensor.Shape{2}, []float64{-7, 7})
	got := lifted(t, 6, "Clip", 1, []*tensor.Tensor{half}, low, high)[0]
	assert.Equal(t, tensor.Float16, got.DType())
	assert.Equal(t, []float64{-1, 2}, got.Float64s())
}

func TestClipOfUnknownType(t *testing.T) {
	x := &graph.Value{Name: "x"}
	n := node("Clip", []*graph.Value{x}, []string{"y"}, graph.A("max", float32(2)))
	g, err := Lift(context.Background(), model(6, []*graph.Value{x}, n))
	require.NoError(t, err)
	assert.Equal(t, []string{"CastLike", "Clip"}, operatorsOf(g))
}

func TestPReluSlopePerChannel(t *testing.T) {
	x := floats(tensor.Shape{1, 2, 2}, -1, -2, -3, 4)
	per := floats(tensor.Shape{2}, 10, 100)
	assert.Equal(t, floats(tensor.Shape{1, 2, 2}, -10, -20, -300, 4), lifted(t, 6, "PRelu", 1, []*tensor.Tensor{x, per})[0])
	assert.Equal(t, floats(tensor.Shape{1, 2, 2}, -10, -200, -30, 4), lifted(t, 7, "PRelu", 1, []*tensor.Tensor{x, per})[0],
		"from version 7 on slopes broadcast from the last axis")
	shared := floats(tensor.Shape{1}, 10)
	assert.Equal(t, floats(tensor.Shape{1, 2, 2}, -10, -20, -30, 4), lifted(t, 6, "PRelu", 1, []*tensor.Tensor{x, shared})[0])
	flat := floats(tensor.Shape{1, 2}, -1, -2)
	assert.Equal(t, floats(tensor.Shape{1, 2}, -10, -200), lifted(t, 6, "PRelu", 1, []*tensor.Tensor{flat, per})[0])
}

func TestCastByName(t *testing.T) {
	x := floats(tensor.Shape{2}, 1.5, -2.5)
	got := lifted(t, 1, "Cast", 1, []*tensor.Tensor{x}, graph.A("to", "INT32"))[0]
	assert.Equal(t, tensor.Of([]int32{1, -2}), got)
	got = lifted(t, 5, "Cast", 1, []*tensor.Tensor{x}, graph.A("to", "DOUBLE"))[0]
	assert.Equal(t, tensor.Of([]float64{1.5, -2.5}), got)
	_, err := liftNode(1, "Cast", 1, []*tensor.Tensor{x}, graph.A("to", "QUAD"))
	assert.ErrorContains(t, err, `no element type is called "quad"`)
}

func TestErfOfIntegers(t *testing.T) {
	x := tensor.Of([]int32{-9, 0, 1, 9})
	assert.Equal(t, tensor.Of([]int32{-1, 0, 0, 1}), lifted(t, 9, "Erf", 1, []*tensor.Tensor{x})[0])
}

func TestDropoutForms(t *testing.T) {
	x := floats(tensor.Shape{64}, make([]float32, 64)...)
	for i := range tensor.Slice[float32](x) {
		tensor.Slice[float32](x)[i] = 3
	}
	quarter := graph.A("ratio", float32(0.25))
	t.Run("trains below version 7", func(t *testing.T) {
		out := lifted(t, 6, "Dropout", 2, []*tensor.Tensor{x}, quarter)
		y, mask := tensor.Slice[float32](out[0]), tensor.Slice[float32](out[1])
		dropped := 0
		for i := range y {
			if mask[i] == 0 {
				dropped++
			}
			assert.Equal(t, mask[i]*4, y[i], "3 / (1 - 1/4) where the mask is 1")
		}
		assert.NotZero(t, dropped)
		assert.Less(t, dropped, 64)
	})
	t.Run("tests", func(t *testing.T) {
		assert.Equal(t, x, lifted(t, 1, "Dropout", 1, []*tensor.Tensor{x}, quarter, graph.A("is_test", int64(1)))[0])
		assert.Equal(t, x, lifted(t, 7, "Dropout", 1, []*tensor.Tensor{x}, quarter)[0])
	})
	t.Run("mask types", func(t *testing.T) {
		assert.Equal(t, tensor.Float32, lifted(t, 9, "Dropout", 2, []*tensor.Tensor{x})[1].DType())
		assert.Equal(t, tensor.Bool, lifted(t, 10, "Dropout", 2, []*tensor.Tensor{x})[1].DType())
	})
}
