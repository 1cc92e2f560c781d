package opset

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// prefixSums is a Scan body that adds an element and a value from outside to
// its state, and gives the new state as scan output too.
func prefixSums(outside *graph.Value) *graph.Graph {
	state, element := &graph.Value{Name: "state"}, &graph.Value{Name: "element"}
	add := node("Add", []*graph.Value{state, element}, []string{"sum"})
	more := node("Add", []*graph.Value{add.Outputs[0], outside}, []string{"next"})
	return &graph.Graph{
		Inputs: []*graph.Value{state, element}, Nodes: []*graph.Node{add, more},
		Outputs: []*graph.Value{more.Outputs[0], more.Outputs[0]},
	}
}

func TestScanOfABatch(t *testing.T) {
	// Two sequences of at most three elements, all shifted by 100 per step.
	states := tensor.Of([]float32{1000, 2000}, 2, 1)
	scans := tensor.Of([]float32{1, 2, 3, 10, 20, 30}, 2, 3, 1)
	tests := []struct {
		name      string
		lengths   *tensor.Tensor
		direction []int64
		last      []float32
		sums      []float32
	}{
		{"whole", nil, nil, []float32{1306, 2360}, []float32{1101, 1203, 1306, 2110, 2230, 2360}},
		{"reverse", nil, []int64{1}, []float32{1306, 2360}, []float32{1103, 1205, 1306, 2130, 2250, 2360}},
		{"lengths", tensor.Of([]int64{3, 1}), nil, []float32{1306, 2110}, []float32{1101, 1203, 1306, 2110, 0, 0}},
		{"lengths in reverse", tensor.Of([]int64{2, 0}), []int64{1}, []float32{1203, 2000}, []float32{1102, 1203, 0, 0, 0, 0}},
	}
	for _, c := range tests {
		outside, s, x := value("outside"), value("s", 2, 1), value("x", 2, 3, 1)
		inputs, values := []*graph.Value{outside, s, x}, []tensor.Value{tensor.Scalar(float32(100)), states, scans}
		var lengths *graph.Value
		if c.lengths != nil {
			lengths = &graph.Value{Name: "lengths", Type: c.lengths.Type()}
			inputs, values = append(inputs, lengths), append(values, c.lengths)
		}
		n := node("Scan", []*graph.Value{lengths, s, x}, []string{"last", "sums"},
			graph.A("body", prefixSums(outside)), graph.A("num_scan_inputs", int64(1)))
		if c.direction != nil {
			n.Set(graph.A("directions", c.direction))
		}
		g, err := Lift(context.Background(), model(8, inputs, n))
		require.NoError(t, err, c.name)
		assert.Equal(t, "float32[2,1]", g.Outputs[0].Type.String(), c.name)
		if c.lengths == nil {
			assert.Equal(t, "float32[2,3,1]", g.Outputs[1].Type.String(), c.name)
		}
		out, err := reference.Evaluate(context.Background(), g, values)
		require.NoError(t, err, c.name)
		assert.Equal(t, tensor.Of(c.last, 2, 1), out[0], c.name)
		assert.Equal(t, tensor.Of(c.sums, 2, 3, 1), out[1], c.name)
	}
	s := value("s", 2, 1)
	_, err := Lift(context.Background(), model(8, []*graph.Value{s}, node("Scan", []*graph.Value{nil, s}, []string{"last"},
		graph.A("body", prefixSums(s)), graph.A("num_scan_inputs", int64(2)))))
	assert.ErrorContains(t, err, "num_scan_inputs is 2, it must lie in [1, 1]")
}

// Only attributes changed; what an RNN gives did not.
func TestRecurrentAttributes(t *testing.T) {
	x, w, r := floats(tensor.Shape{1, 1, 1}, 0.5), floats(tensor.Shape{1, 3, 1}, 1, 2, 3), floats(tensor.Shape{1, 3, 1}, 1, 1, 1)
	for _, c := range []struct {
		version   int
		direction string
	}{{1, "foward"}, {1, "forward"}, {3, "forward"}, {7, "forward"}, {14, "forward"}} {
		attrs := []graph.Attribute{graph.A("direction", c.direction)}
		if c.version < 7 {
			attrs = append(attrs, graph.A("output_sequence", int64(1)))
		}
		out := lifted(t, c.version, "GRU", 2, []*tensor.Tensor{x, w, r}, attrs...)
		// z = sigmoid(0.5), h = tanh(1.5): (1 - z)·h
		assert.InDelta(t, 0.3417307, out[0].Float64s()[0], 1e-6)
		assert.Equal(t, out[0].Float64s(), out[1].Float64s())
		g, err := liftNode(c.version, "GRU", 1, []*tensor.Tensor{x, w, r}, attrs...)
		require.NoError(t, err)
		assert.False(t, g.Nodes[0].Has("output_sequence"))
	}
}

// The axis of DFT-17 is 1 where it is left out, that of DFT-20 is -2: rank 4
// tells them apart.
func TestAxisOfDFT(t *testing.T) {
	x := floats(tensor.Shape{1, 2, 2, 1}, 1, 2, 3, 5)
	for _, c := range []struct {
		version int
		attrs   []graph.Attribute
		want    []float32 // the real parts; the imaginary ones are 0
	}{
		{17, nil, []float32{4, 7, -2, -3}},
		{17, []graph.Attribute{graph.A("axis", int64(2))}, []float32{3, -1, 8, -2}},
		{17, []graph.Attribute{graph.A("axis", int64(-2))}, []float32{3, -1, 8, -2}},
		{20, nil, []float32{3, -1, 8, -2}},
	} {
		out := lifted(t, c.version, "DFT", 1, []*tensor.Tensor{x}, c.attrs...)[0]
		require.Equal(t, tensor.Shape{1, 2, 2, 2}, out.Shape())
		for i, want := range c.want {
			assert.InDelta(t, want, out.Float64s()[2*i], 1e-6, "version %d, %v", c.version, c.attrs)
		}
	}
}
