package infer_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

// dims makes extents of numbers and names; "?" is an anonymous unknown.
func dims(extents ...any) tensor.Dims {
	d := tensor.Dims{}
	for _, e := range extents {
		switch v := e.(type) {
		case int:
			d = append(d, tensor.Known(v))
		case string:
			d = append(d, tensor.Symbol(map[bool]string{true: "", false: v}[v == "?"]))
		}
	}
	return d
}

// f32 is a float32 tensor of which only the extents are known.
func f32(extents ...any) infer.Fact { return typed(tensor.Float32, extents...) }

func typed(d tensor.DType, extents ...any) infer.Fact {
	return infer.Fact{Type: tensor.TensorType(d, dims(extents...))}
}

func unranked(d tensor.DType) infer.Fact { return infer.Fact{Type: tensor.TensorType(d, nil)} }

// absent stands for an optional input that is left out.
var absent = infer.Fact{Type: tensor.Type{Kind: 255}}

// inferred returns the types of a node's outputs.
func inferred(op string, outputs int, attrs []graph.Attribute, in ...infer.Fact) ([]string, error) {
	n := &graph.Node{Name: "test", Op: op, Attributes: attrs}
	for i, f := range in {
		if f.Type.Kind == absent.Type.Kind {
			n.Inputs = append(n.Inputs, nil)
			in[i] = infer.Fact{}
			continue
		}
		n.Inputs = append(n.Inputs, &graph.Value{})
	}
	for range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{})
	}
	out, err := infer.Node(context.Background(), n, in, nil)
	types := make([]string, len(out))
	for i, f := range out {
		types[i] = f.Type.String()
	}
	return types, err
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

func with(a ...graph.Attribute) []graph.Attribute { return a }

func constant(t *tensor.Tensor) *graph.Graph {
	return sketch(0, func(b *graph.Builder, _ []*graph.Value) []*graph.Value { return vals(b.Const(t)) })
}

func TestIf(t *testing.T) {
	a, b := tensor.Zeros(tensor.Float32, tensor.Shape{2, 3}), tensor.Zeros(tensor.Float32, tensor.Shape{2, 4})
	c, i := tensor.Zeros(tensor.Float32, tensor.Shape{2}), tensor.Zeros(tensor.Int64, tensor.Shape{2})
	failing := sketch(0, func(b *graph.Builder, _ []*graph.Value) []*graph.Value {
		return vals(b.Op("MatMul", vals(b.Const(a), b.Const(a))))
	})
	cond := typed(tensor.Bool)
	for _, test := range []struct {
		name        string
		cond        infer.Fact
		then, other *graph.Graph
		want        string
	}{
		{"extents differ", cond, constant(a), constant(b), "float32[2,?]"},
		{"ranks differ", cond, constant(a), constant(c), "float32[...]"},
		{"types differ", cond, constant(c), constant(i), "undefined[2]"},
		{"known true", infer.Of(tensor.Scalar(true)), constant(a), constant(b), "float32[2,3]"},
		{"known false", infer.Of(tensor.Of([]bool{false})), constant(a), constant(b), "float32[2,4]"},
		{"one cannot run", cond, failing, constant(b), "float32[2,4]"},
		{"the other cannot run", cond, constant(a), failing, "float32[2,3]"},
	} {
		got, err := inferred("If", 1, with(graph.A("then_branch", test.then), graph.A("else_branch", test.other)), test.cond)
		require.NoError(t, err, test.name)
		assert.Equal(t, []string{test.want}, got, test.name)
	}
	_, err := inferred("If", 1, with(graph.A("then_branch", failing), graph.A("else_branch", failing)), cond)
	assert.ErrorContains(t, err, "neither branch can run")
	_, err = inferred("If", 1, with(graph.A("then_branch", failing)), cond)
	assert.ErrorContains(t, err, "a branch is missing")
}

func TestIfKeepsWhatBranchesAgreeOn(t *testing.T) {
	x := &graph.Value{Name: "x", Type: f32("batch", 3).Type}
	pass := &graph.Graph{Outputs: vals(x)}
	relu := sketch(0, func(b *graph.Builder, _ []*graph.Value) []*graph.Value { return vals(b.Op("Relu", vals(x))) })
	cond := &graph.Value{Name: "cond", Type: typed(tensor.Bool).Type}
	out := &graph.Value{Name: "out"}
	n := &graph.Node{Op: "If", Inputs: vals(cond), Outputs: vals(out), Attributes: with(graph.A("then_branch", pass), graph.A("else_branch", relu))}
	facts, err := infer.Run(context.Background(), &graph.Graph{Inputs: vals(x, cond), Outputs: vals(out), Nodes: []*graph.Node{n}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "float32[batch,3]", facts[out].Type.String())
}

// carrying is a loop body of one state: it passes the condition on and gives
// the new state, and it as a scan output.
func carrying(next func(b *graph.Builder, state *graph.Value) *graph.Value) *graph.Graph {
	return sketch(3, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		v := next(b, in[2])
		return vals(b.Op("Identity", vals(in[1])), v, v)
	})
}

func TestLoop(t *testing.T) {
	same := func(b *graph.Builder, v *graph.Value) *graph.Value { return b.Op("Relu", vals(v)) }
	grow := func(b *graph.Builder, v *graph.Value) *graph.Value {
		return b.Op("Concat", vals(v, v), graph.A("axis", int64(0)))
	}
	raise := func(b *graph.Builder, v *graph.Value) *graph.Value {
		return b.Op("Unsqueeze", vals(v, b.Ints(0)))
	}
	m, yes, no := infer.Of(tensor.Scalar(int64(5))), infer.Of(tensor.Scalar(true)), infer.Of(tensor.Scalar(false))
	for _, c := range []struct {
		name    string
		m, cond infer.Fact
		state   infer.Fact
		next    func(*graph.Builder, *graph.Value) *graph.Value
		want    []string
	}{
		{"for", m, absent, f32("n", 2), same, []string{"float32[n,2]", "float32[5,n,2]"}},
		{"condition passed on", m, yes, f32("n", 2), same, []string{"float32[n,2]", "float32[5,n,2]"}},
		{"condition unknown", m, typed(tensor.Bool), f32("n", 2), same, []string{"float32[n,2]", "float32[?,n,2]"}},
		{"trip count unknown", typed(tensor.Int64), yes, f32("n", 2), same, []string{"float32[n,2]", "float32[?,n,2]"}},
		{"trip count is an extent", infer.Fact{Type: typed(tensor.Int64).Type, Ints: []infer.Int{{Name: "seq"}}}, absent, f32(2), same,
			[]string{"float32[2]", "float32[seq,2]"}},
		{"never", m, no, f32("n", 2), grow, []string{"float32[n,2]", "float32[0,?,2]"}},
		{"extent changes", typed(tensor.Int64), absent, f32(1, 2), grow, []string{"float32[?,2]", "float32[?,?,2]"}},
		{"rank changes", typed(tensor.Int64), absent, f32(1, 2), raise, []string{"float32[...]", "float32[...]"}},
	} {
		got, err := inferred("Loop", 2, with(graph.A("body", carrying(c.next))), c.m, c.cond, c.state)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
}

func TestLoopErrors(t *testing.T) {
	square := func(b *graph.Builder, v *graph.Value) *graph.Value { return b.Op("MatMul", vals(v, v)) }
	body := with(graph.A("body", carrying(square)))
	_, err := inferred("Loop", 2, body, infer.Of(tensor.Scalar(int64(1))), absent, f32(2, 3))
	assert.Error(t, err, "the first iteration certainly fails")
	got, err := inferred("Loop", 2, body, typed(tensor.Int64), absent, f32(2, 3))
	require.NoError(t, err, "there may be no iteration")
	assert.Equal(t, "float32[...]", got[0])
	_, err = inferred("Loop", 3, body, absent, absent, f32(2, 2), f32(2, 2))
	assert.ErrorContains(t, err, "the body must take 2+2 values")
}

// Two states that change places reach a fixed point.
func TestLoopFixedPoint(t *testing.T) {
	body := sketch(4, func(b *graph.Builder, in []*graph.Value) []*graph.Value { return vals(in[1], in[3], in[2]) })
	got, err := inferred("Loop", 2, with(graph.A("body", body)), typed(tensor.Int64), absent, f32(1, 7), f32(2, 7))
	require.NoError(t, err)
	assert.Equal(t, []string{"float32[?,7]", "float32[?,7]"}, got)

	// Twelve states in a row, each taking the place of the one before: the
	// last ones learn of the first after as many rounds, and are given up.
	row := sketch(14, func(_ *graph.Builder, in []*graph.Value) []*graph.Value {
		return append(vals(in[1], in[2]), in[2:13]...)
	})
	states := []infer.Fact{typed(tensor.Int64), absent, f32(1)}
	for range 11 {
		states = append(states, f32(2))
	}
	got, err = inferred("Loop", 12, with(graph.A("body", row)), states...)
	require.NoError(t, err)
	assert.Equal(t, "float32[1]", got[0])
	assert.Contains(t, []string{"float32[?]", "float32[...]"}, got[11])
}

func TestScan(t *testing.T) {
	body := sketch(2, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		sum := b.Op("Add", vals(in[0], in[1]))
		return vals(sum, sum)
	})
	attrs := with(graph.A("body", body), graph.A("num_scan_inputs", int64(1)))
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []infer.Fact
		want  []string
	}{
		{"first axis", nil, []infer.Fact{f32(2, "k"), f32("seq", 2, "k")}, []string{"float32[2,k]", "float32[seq,2,k]"}},
		{"other axes", with(graph.A("scan_input_axes", []int64{-1}), graph.A("scan_output_axes", []int64{1})),
			[]infer.Fact{f32(2, 3), f32(2, 3, 9)}, []string{"float32[2,3]", "float32[2,9,3]"}},
		{"unknown rank", nil, []infer.Fact{f32(2), unranked(tensor.Float32)}, []string{"float32[...]", "float32[...]"}},
		{"state becomes larger", nil, []infer.Fact{f32(1), f32(3, 2)}, []string{"float32[2]", "float32[3,2]"}},
	} {
		got, err := inferred("Scan", 2, append(with(attrs...), c.attrs...), c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, got, c.name)
	}
	_, err := inferred("Scan", 2, append(with(attrs...), graph.A("scan_input_axes", []int64{3})), f32(2), f32(3, 2))
	assert.ErrorContains(t, err, "axis 3 is outside [-2, 2)")
	_, err = inferred("Scan", 2, append(with(attrs...), graph.A("scan_output_axes", []int64{3})), f32(2), f32(3, 2))
	assert.ErrorContains(t, err, "axis 3 is outside its rank")
	_, err = inferred("Scan", 2, attrs, f32(5), f32(3, 2))
	assert.Error(t, err, "5 and 2 do not broadcast")
}

func TestSequenceMap(t *testing.T) {
	body := sketch(2, func(b *graph.Builder, in []*graph.Value) []*graph.Value {
		return vals(b.Op("Add", vals(in[0], in[1])), b.Op("Shape", vals(in[0])))
	})
	seq := infer.Fact{Type: tensor.SequenceType(f32("?", 3).Type)}
	got, err := inferred("SequenceMap", 2, with(graph.A("body", body)), seq, f32(1))
	require.NoError(t, err)
	assert.Equal(t, []string{"sequence(float32[?,3])", "sequence(int64[2])"}, got)
}
