package reference_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// operate runs one node with so many outputs.
func operate(op string, outputs int, attrs []graph.Attribute, in ...tensor.Value) ([]tensor.Value, error) {
	n := &graph.Node{Name: "test", Op: op, Attributes: attrs}
	for range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{})
	}
	return reference.Run(context.Background(), n, in, nil)
}

// sketch makes a graph: build adds nodes that read the inputs, and returns the
// outputs.
func sketch(inputs int, build func(b *graph.Builder, in []*graph.Value) []*graph.Value) *graph.Graph {
	g := &graph.Graph{Name: "body"}
	for range inputs {
		g.Inputs = append(g.Inputs, &graph.Value{Name: "in"})
	}
	b := graph.NewBuilder(&graph.Node{Name: "body"})
	g.Outputs = build(b, g.Inputs)
	g.Nodes, g.Initializers = b.Nodes, b.Initializers
	return g
}

func vals(v ...*graph.Value) []*graph.Value { return v }

func attrs(a ...graph.Attribute) []graph.Attribute { return a }

func TestIfTakesTheBranchAndSeesOuterValues(t *testing.T) {
	// outer(x, cond, inner) = if cond { if inner { x + x } else { x } } else { 7 }
	g := sketch(3, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		x := in[0]
		double := sketch(0, func(b *graph.Builder, _ []*graph.Value) []*graph.Value {
			return vals(b.Op("Add", vals(x, x)))
		})
		same := &graph.Graph{Outputs: vals(x)}
		then := sketch(0, func(b *graph.Builder, _ []*graph.Value) []*graph.Value {
			return vals(b.Op("If", vals(in[2]), graph.A("then_branch", double), graph.A("else_branch", same)))
		})
		other := sketch(0, func(b *graph.Builder, _ []*graph.Value) []*graph.Value {
			return vals(b.Const(tensor.Of([]float32{7, 7, 7})))
		})
		return vals(b.Op("If", vals(in[1]), graph.A("then_branch", then), graph.A("else_branch", other)))
	})
	for _, c := range []struct {
		cond, inner bool
		want        *tensor.Tensor
	}{
		{true, true, tensor.Of([]float32{2, 4})},
		{true, false, tensor.Of([]float32{1, 2})},
		{false, true, tensor.Of([]float32{7, 7, 7})},
	} {
		out, err := reference.Evaluate(context.Background(), g, []tensor.Value{
			tensor.Of([]float32{1, 2}), tensor.Of([]bool{c.cond}), tensor.Scalar(c.inner)})
		require.NoError(t, err)
		assert.Equal(t, []tensor.Value{c.want}, out, "cond %v, inner %v", c.cond, c.inner)
	}
	_, err := operate("If", 1, nil, tensor.Of([]bool{true, false}))
	assert.ErrorContains(t, err, "one bool")
	_, err = operate("If", 1, nil, tensor.Scalar(true))
	assert.ErrorContains(t, err, "then_branch")
}

// accumulate is a loop body: it adds step to its state, gives the old state as
// scan output and goes on while the new state is less than limit.
func accumulate(step, limit int64) *graph.Graph {
	return sketch(3, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		next := b.Op("Add", vals(in[2], b.Const(tensor.Scalar(step))))
		return vals(b.Op("Less", vals(next, b.Const(tensor.Scalar(limit)))), next, b.Op("Identity", vals(in[2])))
	})
}

func TestLoopEndsByTripCountAndCondition(t *testing.T) {
	for _, c := range []struct {
		name    string
		m, cond tensor.Value
		final   int64
		scan    []int64
	}{
		{"while", nil, tensor.Scalar(true), 12, []int64{0, 3, 6, 9}},
		{"for ignores the body's condition", tensor.Scalar(int64(5)), nil, 15, []int64{0, 3, 6, 9, 12}},
		{"trip count first", tensor.Scalar(int64(2)), tensor.Scalar(true), 6, []int64{0, 3}},
		{"condition first", tensor.Of([]int64{9}), tensor.Of([]bool{true}), 12, []int64{0, 3, 6, 9}},
		{"never", tensor.Scalar(int64(9)), tensor.Scalar(false), 0, []int64{}},
		{"no trips", tensor.Scalar(int64(0)), nil, 0, []int64{}},
		{"negative", tensor.Scalar(int64(-1)), nil, 0, []int64{}},
	} {
		body := accumulate(3, 10)
		body.Outputs[2].Type = tensor.TensorType(tensor.Int64, tensor.Dims{})
		out, err := operate("Loop", 2, attrs(graph.A("body", body)), c.m, c.cond, tensor.Scalar(int64(0)))
		require.NoError(t, err, c.name)
		assert.Equal(t, []tensor.Value{tensor.Scalar(c.final), tensor.Of(c.scan)}, out, c.name)
	}
}

func TestLoopStacksScanOutputsOfAnyType(t *testing.T) {
	// The body gives its constant of type T and shape [3] in each of two rounds.
	for _, element := range []*tensor.Tensor{
		tensor.FromInt64s(tensor.Int4, tensor.Shape{3}, []int64{-1, 2, 3}),
		tensor.FromInt64s(tensor.Uint2, tensor.Shape{3}, []int64{1, 2, 3}),
		tensor.FromFloat64s(tensor.Float8E5M2, tensor.Shape{3}, []float64{1, 2, 3}),
		tensor.FromFloat64s(tensor.BFloat16, tensor.Shape{3}, []float64{1, 2, 3}),
	} {
		body := sketch(2, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
			return vals(in[1], b.Const(element))
		})
		out, err := operate("Loop", 1, attrs(graph.A("body", body)), tensor.Scalar(int64(2)), nil)
		require.NoError(t, err)
		got := out[0].(*tensor.Tensor)
		assert.Equal(t, tensor.Shape{2, 3}, got.Shape())
		assert.Equal(t, append(element.Float64s(), element.Float64s()...), got.Float64s(), "%v", element.DType())
	}
	words := tensor.Of([]string{"a", "b"})
	body := sketch(2, func(b *graph.Builder, in []*graph.Value) []*graph.Value { return vals(in[1], b.Const(words)) })
	out, err := operate("Loop", 1, attrs(graph.A("body", body)), tensor.Scalar(int64(2)), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "a", "b"}, out[0].(*tensor.Tensor).Strings())
}

func TestLoopCarriesSequencesAndOptionals(t *testing.T) {
	// Each round appends the iteration number to a sequence.
	body := sketch(3, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		return vals(in[1], b.Op("SequenceInsert", vals(in[2], in[0])))
	})
	empty := &tensor.Sequence{Elem: tensor.TensorType(tensor.Int64, nil)}
	out, err := operate("Loop", 1, attrs(graph.A("body", body)), tensor.Scalar(int64(3)), nil, empty)
	require.NoError(t, err)
	want := []tensor.Value{tensor.Scalar(int64(0)), tensor.Scalar(int64(1)), tensor.Scalar(int64(2))}
	assert.Equal(t, want, out[0].(*tensor.Sequence).Items)
	assert.Empty(t, empty.Items, "the input must not change")
}

func TestLoopRejectsAndStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	forever := sketch(2, func(_ *graph.Builder, in []*graph.Value) []*graph.Value { return vals(in[1]) })
	n := &graph.Node{Op: "Loop", Attributes: attrs(graph.A("body", forever))}
	_, err := reference.Run(ctx, n, []tensor.Value{nil, nil}, nil)
	assert.ErrorIs(t, err, context.Canceled)

	growing := sketch(3, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		return vals(in[1], b.Op("Concat", vals(in[2], in[2]), graph.A("axis", int64(0))), in[2])
	})
	_, err = operate("Loop", 2, attrs(graph.A("body", growing)), tensor.Scalar(int64(2)), nil, tensor.Of([]int64{1}))
	assert.ErrorContains(t, err, "iteration 1: a scan output was int64[1] in the first iteration and is now int64[2]")

	_, err = operate("Loop", 2, attrs(graph.A("body", accumulate(1, 1))), nil, nil, nil)
	assert.Error(t, err)
	_, err = operate("Loop", 1, attrs(graph.A("body", forever)), nil, tensor.Scalar(true), tensor.Scalar(true))
	assert.ErrorContains(t, err, "gives 1 outputs, at least 2")
}

// prefix is a scan body: it gives the sum of its state and of all its elements
// as the new state and as scan output.
func prefix(elements int) *graph.Graph {
	return sketch(1+elements, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		sum := in[0]
		for _, v := range in[1:] {
			sum = b.Op("Add", vals(sum, v))
		}
		return vals(sum, sum)
	})
}

func TestScan(t *testing.T) {
	zero := tensor.Of([]float32{0, 0})
	rows := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	columns := tensor.Of([]float32{1, 3, 5, 2, 4, 6}, 2, 3)
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    tensor.Value
		want  *tensor.Tensor
	}{
		{"forward", nil, rows, tensor.Of([]float32{1, 2, 4, 6, 9, 12}, 3, 2)},
		{"input axis", attrs(graph.A("scan_input_axes", []int64{-1})), columns, tensor.Of([]float32{1, 2, 4, 6, 9, 12}, 3, 2)},
		{"output axis", attrs(graph.A("scan_output_axes", []int64{1})), rows, tensor.Of([]float32{1, 4, 9, 2, 6, 12}, 2, 3)},
		{"input reversed", attrs(graph.A("scan_input_directions", []int64{1})), rows, tensor.Of([]float32{5, 6, 8, 10, 9, 12}, 3, 2)},
		{"output prepended", attrs(graph.A("scan_output_directions", []int64{1})), rows, tensor.Of([]float32{9, 12, 4, 6, 1, 2}, 3, 2)},
		{"all at once", attrs(graph.A("scan_input_axes", []int64{1}), graph.A("scan_input_directions", []int64{1}),
			graph.A("scan_output_axes", []int64{-1}), graph.A("scan_output_directions", []int64{1})),
			columns, tensor.Of([]float32{9, 8, 5, 12, 10, 6}, 2, 3)},
	} {
		with := append(attrs(graph.A("body", prefix(1)), graph.A("num_scan_inputs", int64(1))), c.attrs...)
		out, err := operate("Scan", 2, with, zero, c.in)
		require.NoError(t, err, c.name)
		assert.Equal(t, []tensor.Value{tensor.Of([]float32{9, 12}), c.want}, out, c.name)
	}
}

func TestScanEdges(t *testing.T) {
	body := prefix(2)
	body.Outputs[1].Type = tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)})
	with := attrs(graph.A("body", body), graph.A("num_scan_inputs", int64(2)))
	state, none := tensor.Of([]float32{1, 2}), tensor.Of([]float32{}, 0, 2)
	out, err := operate("Scan", 2, with, state, none, none)
	require.NoError(t, err)
	assert.Equal(t, []tensor.Value{state, none}, out)

	_, err = operate("Scan", 2, with, state, none, tensor.Of([]float32{1, 2}, 1, 2))
	assert.ErrorContains(t, err, "scan input 1 has 1 elements along axis 0, the first scan input has 0")
	_, err = operate("Scan", 2, attrs(graph.A("body", body), graph.A("num_scan_inputs", int64(9))), state, none)
	assert.ErrorContains(t, err, "num_scan_inputs is 9")
	_, err = operate("Scan", 2, append(with, graph.A("scan_input_axes", []int64{2})), state, none, none)
	assert.ErrorContains(t, err, "axis 2 is outside [-2, 2)")
}

func TestSequenceMap(t *testing.T) {
	body := sketch(3, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		return vals(b.Op("Add", vals(in[0], in[2])), b.Op("Mul", vals(in[0], in[1])))
	})
	elem := tensor.TensorType(tensor.Float32, nil)
	a := &tensor.Sequence{Elem: elem, Items: []tensor.Value{tensor.Of([]float32{1}), tensor.Of([]float32{2, 3})}}
	b := &tensor.Sequence{Elem: elem, Items: []tensor.Value{tensor.Scalar(float32(10)), tensor.Scalar(float32(20))}}
	out, err := operate("SequenceMap", 2, attrs(graph.A("body", body)), a, b, tensor.Scalar(float32(0.5)))
	require.NoError(t, err)
	assert.Equal(t, []tensor.Value{
		&tensor.Sequence{Elem: elem, Items: []tensor.Value{tensor.Of([]float32{1.5}), tensor.Of([]float32{2.5, 3.5})}},
		&tensor.Sequence{Elem: elem, Items: []tensor.Value{tensor.Of([]float32{10}), tensor.Of([]float32{40, 60})}},
	}, out)

	_, err = operate("SequenceMap", 2, attrs(graph.A("body", body)), a, &tensor.Sequence{Elem: elem}, tensor.Scalar(float32(1)))
	assert.ErrorContains(t, err, "sequence 1 has 0 elements, the first has 2")
	_, err = operate("SequenceMap", 2, attrs(graph.A("body", body)), tensor.Scalar(float32(1)))
	assert.ErrorContains(t, err, "input 0 must be a sequence")
}
