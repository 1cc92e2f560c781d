package opset

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// node returns a node with named outputs and their producer set.
func node(op string, inputs []*graph.Value, outputs []string, attrs ...graph.Attribute) *graph.Node {
	n := &graph.Node{Name: op + "0", Op: op, Inputs: inputs, Attributes: attrs}
	for _, name := range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{Name: name, Producer: n})
	}
	return n
}

func value(name string, dims ...int) *graph.Value {
	return &graph.Value{Name: name, Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(dims))}
}

func model(version int, inputs []*graph.Value, nodes ...*graph.Node) *graph.Model {
	last := nodes[len(nodes)-1]
	return &graph.Model{
		IRVersion: 10,
		Opsets:    map[string]int{"": version},
		Graph:     &graph.Graph{Name: "g", Inputs: inputs, Nodes: nodes, Outputs: last.Outputs},
	}
}

func operatorsOf(g *graph.Graph) []string {
	var ops []string
	for n := range g.All {
		ops = append(ops, n.Operator())
	}
	return ops
}

// withRules puts rules for made-up uses in front of the table while a test runs.
func withRules(t *testing.T, rules family) {
	before := families
	families = append([]family{rules}, families...)
	t.Cleanup(func() { families = before })
}

func TestLiftLeavesTheDecodedGraphAlone(t *testing.T) {
	x := value("x", 2)
	m := model(13, []*graph.Value{x}, node("Abs", []*graph.Value{x}, []string{"y"}))
	g, err := Lift(context.Background(), m)
	require.NoError(t, err)
	assert.NotSame(t, m.Graph, g)
	assert.Equal(t, 0, m.Graph.Nodes[0].Version)
	assert.Equal(t, 13, g.Nodes[0].Version, "since when Abs has its newest form")
	assert.Equal(t, []*graph.Node{m.Graph.Nodes[0]}, g.Nodes[0].Source)
}

func TestRulesRunInOrderUntilOneEmits(t *testing.T) {
	var ran []string
	inPlace := func(name string) graph.Rewrite {
		return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
			ran = append(ran, name)
			return n.Outputs, nil
		}
	}
	emit := func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		ran = append(ran, "emit")
		return []*graph.Value{b.Op("Neg", []*graph.Value{b.Op("Abs", n.Inputs)})}, nil
	}
	withRules(t, family{"Relu": {{6, inPlace("six")}, {9, inPlace("nine")}, {13, emit}, {14, inPlace("fourteen")}}})
	tests := []struct {
		version int
		ran     []string
		ops     []string
	}{
		{1, []string{"six", "nine", "emit"}, []string{"Abs", "Neg"}},
		{6, []string{"nine", "emit"}, []string{"Abs", "Neg"}},
		{12, []string{"emit"}, []string{"Abs", "Neg"}},
		{13, []string{"fourteen"}, []string{"Relu"}},
		{14, nil, []string{"Relu"}},
		{28, nil, []string{"Relu"}},
	}
	for _, test := range tests {
		ran = nil
		x := value("x", 2)
		m := model(test.version, []*graph.Value{x}, node("Relu", []*graph.Value{x}, []string{"y"}))
		g, err := Lift(context.Background(), m)
		require.NoError(t, err, test.version)
		assert.Equal(t, test.ran, ran, test.version)
		assert.Equal(t, test.ops, operatorsOf(g), test.version)
		last := g.Nodes[len(g.Nodes)-1]
		assert.Same(t, g.Outputs[0], last.Outputs[0])
		assert.Same(t, last, g.Outputs[0].Producer)
		assert.Equal(t, "y", g.Outputs[0].Name)
		for _, n := range g.Nodes {
			assert.Equal(t, []*graph.Node{m.Graph.Nodes[0]}, n.Source)
		}
	}
}

func TestRuleThatPassesItsInputThrough(t *testing.T) {
	withRules(t, family{"Relu": {{13, func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		return []*graph.Value{n.Inputs[0]}, nil
	}}}})
	x := value("x", 2)
	g, err := Lift(context.Background(), model(6, []*graph.Value{x}, node("Relu", []*graph.Value{x}, []string{"y"})))
	require.NoError(t, err)
	assert.Equal(t, []string{"Identity"}, operatorsOf(g))
	assert.Equal(t, 25, g.Nodes[0].Version)
}

func TestRuleThatForgetsAnOutput(t *testing.T) {
	withRules(t, family{"Relu": {{13, func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		b.Op("Abs", n.Inputs)
		return n.Outputs, nil
	}}}})
	x := value("x", 2)
	_, err := Lift(context.Background(), model(6, []*graph.Value{x}, node("Relu", []*graph.Value{x}, []string{"y"})))
	assert.ErrorContains(t, err, `node Relu "Relu0" of operator set version 6: the lift emits nodes and none that writes output 0`)
}

func TestRuleErrorNamesTheNode(t *testing.T) {
	withRules(t, family{"Relu": {{13, func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		return nil, errors.New("cannot")
	}}}})
	x := value("x", 2)
	_, err := Lift(context.Background(), model(6, []*graph.Value{x}, node("Relu", []*graph.Value{x}, []string{"y"})))
	assert.EqualError(t, err, `opset: node Relu "Relu0" of operator set version 6: cannot`)
}

func TestRuleThatPanics(t *testing.T) {
	withRules(t, family{"Relu": {{13, func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		return n.Inputs[1:2], nil
	}}}})
	x := value("x", 2)
	_, err := Lift(context.Background(), model(6, []*graph.Value{x}, node("Relu", []*graph.Value{x}, []string{"y"})))
	assert.ErrorContains(t, err, `node Relu "Relu0" of operator set version 6: a form that the lift from below version 13 cannot take`)
}

func TestLiftChecksNodes(t *testing.T) {
	x, k := value("x", 2), &graph.Value{Name: "k", Type: tensor.TensorType(tensor.Int64, tensor.Dims{})}
	in := []*graph.Value{x, k}
	lift := func(nodes ...*graph.Node) error {
		_, err := Lift(context.Background(), model(13, in, nodes...))
		return err
	}
	err := lift(node("Abs", in, []string{"a"}), node("Abs", in[:1], []string{"b"}, graph.A("axis", int64(1))))
	assert.ErrorContains(t, err, `node Abs "Abs0" of operator set version 13: the operator has 1 input, the node 2`)
	assert.ErrorContains(t, err, `Abs has no attribute axis`, "every such node is reported")
	assert.ErrorContains(t, lift(node("Add", in, []string{"a"})), "both must be of one type T")
	abs := node("Abs", in[:1], []string{"a"})
	assert.ErrorContains(t, lift(abs, node("Add", []*graph.Value{k, abs.Outputs[0]}, []string{"y"})),
		"input 1 (B) is tensor(float) and input 0 is tensor(int64)", "types found on the way count")
}

func TestRulesSeeDeclaredTypes(t *testing.T) {
	var seen tensor.Type
	withRules(t, family{"Relu": {{13, func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		seen = n.Inputs[0].Type
		return n.Outputs, nil
	}}}})
	x := value("x", 2)
	other := node("Other", []*graph.Value{x}, []string{"h"})
	other.Domain = "com.example"
	other.Outputs[0].Type = tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("n")})
	m := model(6, []*graph.Value{x}, other, node("Relu", other.Outputs, []string{"y"}))
	m.Opsets["com.example"] = 3
	g, err := Lift(context.Background(), m)
	require.NoError(t, err)
	assert.Equal(t, "float32[n]", seen.String())
	assert.Equal(t, 3, g.Nodes[0].Version, "a domain that is not ONNX's passes")
}

func TestLiftGoesIntoBodiesFirst(t *testing.T) {
	var order []string
	note := func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		order = append(order, n.Op)
		if n.Op == "Relu" {
			return []*graph.Value{b.Op("Max", []*graph.Value{n.Inputs[0], b.Const(tensor.Scalar(float32(0)))})}, nil
		}
		return n.Outputs, nil
	}
	withRules(t, family{"Relu": {{13, note}}, "If": {{11, note}}})
	x := value("x", 2)
	cond := &graph.Value{Name: "c", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	inner := node("Relu", []*graph.Value{x}, []string{"r"})
	body := &graph.Graph{Name: "then", Nodes: []*graph.Node{inner}, Outputs: inner.Outputs}
	other := &graph.Graph{Name: "else", Outputs: []*graph.Value{x}}
	m := model(1, []*graph.Value{x, cond}, node("If", []*graph.Value{cond}, []string{"y"},
		graph.A("then_branch", body), graph.A("else_branch", other)))
	g, err := Lift(context.Background(), m)
	require.NoError(t, err)
	assert.Equal(t, []string{"Relu", "If"}, order)
	assert.Equal(t, []string{"If", "Max"}, operatorsOf(g))
	then := g.Nodes[0].Body("then_branch")
	assert.Len(t, then.Initializers, 1)
	assert.Same(t, g.Inputs[0], then.Nodes[0].Inputs[0], "the captured value is the new graph's")
	assert.Equal(t, 13, then.Nodes[0].Version)
}

func TestUnsupportedNodesAreReportedTogether(t *testing.T) {
	x := value("x", 2)
	in := []*graph.Value{x}
	gelu := node("Gelu", in, []string{"a"})
	never := node("Frobnicate", in, []string{"b"})
	scaler := node("Scaler", in, []string{"c"})
	scaler.Domain = "ai.onnx.ml"
	adam := node("Adam", in, []string{"d"})
	adam.Domain = "ai.onnx.preview.training"
	m := model(13, in, gelu, never, scaler, adam, node("Abs", in, []string{"y"}))
	m.Opsets["ai.onnx.preview.training"] = 2
	_, err := Lift(context.Background(), m)
	var unsupported *UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	var reasons []string
	for _, u := range unsupported.Nodes {
		reasons = append(reasons, u.Node.Label()+": "+u.Reason)
	}
	assert.Equal(t, []string{
		`Gelu "Gelu0": ai.onnx has no operator Gelu in version 13, only since version 20`,
		`Frobnicate "Frobnicate0": ai.onnx has no operator Frobnicate in any version up to 28`,
		`ai.onnx.ml.Scaler "Scaler0": the model imports no operator set of domain ai.onnx.ml`,
		`ai.onnx.preview.training.Adam "Adam0": version 2 of the operator set ai.onnx.preview.training is newer than the newest known, 1`,
	}, reasons)
	assert.ErrorContains(t, err, "4 nodes have unsupported operators")
}

func TestBodiesAreLiftedWithTheTypesOfTheirInputs(t *testing.T) {
	var seen tensor.Type
	withRules(t, family{"Add": {{14, func(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		seen = n.Inputs[0].Type
		return n.Outputs, nil
	}}}})
	count := &graph.Value{Name: "m", Type: tensor.TensorType(tensor.Int64, tensor.Dims{})}
	x, xs := value("x", 2, 3), value("xs", 5, 2, 3)
	weight := &graph.Value{Name: "w", Const: tensor.Of([]float32{1, 2, 3})}
	weight.Type = weight.Const.Type()
	tests := []struct {
		name   string
		op     string
		inputs []*graph.Value
		body   int // inputs of the body
		added  int // the one that the body adds to
		want   string
	}{
		{"iteration", "Loop", []*graph.Value{count, nil, x}, 3, 0, "int64[]"},
		{"carried value", "Loop", []*graph.Value{count, nil, x}, 3, 2, "float32[...]"},
		{"state", "Scan", []*graph.Value{x, xs}, 2, 0, "float32[2,3]"},
		{"scan input", "Scan", []*graph.Value{x, xs}, 2, 1, "float32[?,?]"},
	}
	for _, test := range tests {
		body := &graph.Graph{Name: "body", Initializers: []*graph.Value{weight}}
		for i := range test.body {
			body.Inputs = append(body.Inputs, &graph.Value{Name: string(rune('a' + i))})
		}
		add := node("Add", []*graph.Value{body.Inputs[test.added], body.Inputs[test.added]}, []string{"r"})
		body.Nodes = []*graph.Node{add}
		body.Outputs = []*graph.Value{body.Inputs[test.body-2], body.Inputs[test.body-1]}
		body.Inputs = append(body.Inputs, weight) // as before version 4 of the representation
		n := node(test.op, test.inputs, []string{"y", "z"}, graph.A("body", body))
		if test.op == "Scan" {
			n.Set(graph.A("num_scan_inputs", int64(1)))
		}
		inputs := slices.DeleteFunc(slices.Clone(test.inputs), func(v *graph.Value) bool { return v == nil })
		g, err := Lift(context.Background(), model(13, inputs, n))
		require.NoError(t, err, test.name)
		assert.Equal(t, test.want, seen.String(), test.name)
		assert.Len(t, g.Nodes[0].Body("body").Inputs, test.body, test.name)
		assert.Len(t, body.Inputs, test.body+1)
	}
}

func TestCancelledLift(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	x := value("x", 2)
	_, err := Lift(ctx, model(13, []*graph.Value{x}, node("Abs", []*graph.Value{x}, []string{"y"})))
	assert.ErrorIs(t, err, context.Canceled)
}
