package opset

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// function returns a function whose formal values are named a, b, ….
func function(name string, inputs int, build func(in []*graph.Value) []*graph.Node, outputs func(in []*graph.Value, nodes []*graph.Node) []*graph.Value) *graph.Function {
	in := make([]*graph.Value, inputs)
	for i := range in {
		in[i] = &graph.Value{Name: string(rune('a' + i))}
	}
	nodes := build(in)
	return &graph.Function{
		Domain: "local", Name: name, Opsets: map[string]int{"": 18, "local": 1},
		Body: &graph.Graph{Name: name, Inputs: in, Nodes: nodes, Outputs: outputs(in, nodes)},
	}
}

func lastOutputs(_ []*graph.Value, nodes []*graph.Node) []*graph.Value {
	return nodes[len(nodes)-1].Outputs
}

func call(name string, inputs []*graph.Value, outputs []string, attrs ...graph.Attribute) *graph.Node {
	n := node(name, inputs, outputs, attrs...)
	n.Domain = "local"
	return n
}

func liftCalls(t *testing.T, functions []*graph.Function, inputs []*graph.Value, nodes ...*graph.Node) (*graph.Graph, error) {
	t.Helper()
	m := model(13, inputs, nodes...)
	m.Opsets["local"] = 1
	m.Functions = functions
	return Lift(context.Background(), m)
}

func TestInlineNestedCalls(t *testing.T) {
	inner := function("Inner", 1, func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{node("Abs", in, []string{"r"})}
	}, lastOutputs)
	outer := function("Outer", 1, func(in []*graph.Value) []*graph.Node {
		first := call("Inner", in, []string{"h"})
		return []*graph.Node{first, node("Neg", first.Outputs, []string{"r"})}
	}, lastOutputs)
	x := value("x", 2)
	c := call("Outer", []*graph.Value{x}, []string{"y"})
	g, err := liftCalls(t, []*graph.Function{outer, inner}, []*graph.Value{x}, c)
	require.NoError(t, err)
	assert.Equal(t, []string{"Abs", "Neg"}, operatorsOf(g))
	abs, neg := g.Nodes[0], g.Nodes[1]
	assert.Same(t, g.Inputs[0], abs.Inputs[0])
	assert.Same(t, abs.Outputs[0], neg.Inputs[0])
	assert.Same(t, g.Outputs[0], neg.Outputs[0])
	assert.Same(t, neg, g.Outputs[0].Producer)
	assert.Equal(t, []*graph.Node{inner.Body.Nodes[0], outer.Body.Nodes[0], c}, abs.Source)
	assert.Equal(t, []*graph.Node{outer.Body.Nodes[1], c}, neg.Source)
	assert.Equal(t, "Outer0/Inner0/Abs0", abs.Name)
	assert.Equal(t, "Outer0/h", abs.Outputs[0].Name)
	assert.Len(t, outer.Body.Nodes, 2, "the function itself is not changed")
	assert.Equal(t, "h", outer.Body.Nodes[0].Outputs[0].Name)
}

func TestInlinedNodesAreReadUnderTheFunctionsImports(t *testing.T) {
	f := function("F", 1, func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{node("Gelu", in, []string{"r"})} // not in the model's opset 13
	}, lastOutputs)
	x := value("x", 2)
	_, err := liftCalls(t, []*graph.Function{f}, []*graph.Value{x}, call("F", []*graph.Value{x}, []string{"y"}))
	assert.ErrorContains(t, err, "no operator Gelu in version 18")
	f.Opsets[""] = 20
	_, err = liftCalls(t, []*graph.Function{f}, []*graph.Value{x}, call("F", []*graph.Value{x}, []string{"y"}))
	assert.NoError(t, err)
}

func TestInlineResolvesAttributes(t *testing.T) {
	build := func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{node("LeakyRelu", in, []string{"r"}, graph.Attribute{Name: "alpha", Ref: "slope"})}
	}
	x := value("x", 2)
	tests := []struct {
		name     string
		defaults []graph.Attribute
		attrs    []graph.Attribute
		want     []graph.Attribute
	}{
		{"from the call", []graph.Attribute{graph.A("slope", float32(3))}, []graph.Attribute{graph.A("slope", float32(2))}, []graph.Attribute{graph.A("alpha", float32(2))}},
		{"default", []graph.Attribute{graph.A("slope", float32(3))}, nil, []graph.Attribute{graph.A("alpha", float32(3))}},
		{"neither", nil, nil, nil},
	}
	for _, test := range tests {
		f := function("F", 1, build, lastOutputs)
		f.Defaults = test.defaults
		g, err := liftCalls(t, []*graph.Function{f}, []*graph.Value{x}, call("F", []*graph.Value{x}, []string{"y"}, test.attrs...))
		require.NoError(t, err, test.name)
		assert.Equal(t, test.want, g.Nodes[0].Attributes, test.name)
	}
}

func TestInlineResolvesAttributesInBodies(t *testing.T) {
	cond := &graph.Value{Name: "c", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	f := function("F", 2, func(in []*graph.Value) []*graph.Node {
		leaky := node("LeakyRelu", in[:1], []string{"l"}, graph.Attribute{Name: "alpha", Ref: "slope"})
		then := &graph.Graph{Name: "then", Nodes: []*graph.Node{leaky}, Outputs: leaky.Outputs}
		return []*graph.Node{node("If", in[1:], []string{"r"},
			graph.A("then_branch", then), graph.Attribute{Name: "else_branch", Ref: "other"})}
	}, lastOutputs)
	x := value("x", 2)
	abs := node("Abs", []*graph.Value{x}, []string{"e"})
	other := &graph.Graph{Name: "else", Nodes: []*graph.Node{abs}, Outputs: abs.Outputs}
	attrs := []graph.Attribute{graph.A("slope", float32(2)), graph.A("other", other)}
	in := []*graph.Value{x, cond}
	g, err := liftCalls(t, []*graph.Function{f}, in, call("F", in, []string{"y"}, attrs...), call("F", in, []string{"z"}, attrs...))
	require.NoError(t, err)
	assert.Equal(t, []string{"If", "LeakyRelu", "Abs", "If", "LeakyRelu", "Abs"}, operatorsOf(g))
	first, second := g.Nodes[0], g.Nodes[1]
	assert.Equal(t, float32(2), first.Body("then_branch").Nodes[0].Float("alpha", 0))
	assert.NotSame(t, first.Body("else_branch"), second.Body("else_branch"), "a body belongs to one node")
	assert.Same(t, g.Inputs[0], first.Body("else_branch").Nodes[0].Inputs[0])
	assert.Equal(t, 13, first.Body("else_branch").Nodes[0].Version)
}

func TestInlineAbsentInputsAndOutputs(t *testing.T) {
	f := function("F", 3, func(in []*graph.Value) []*graph.Node {
		clip := node("Clip", in, []string{"r"})
		return []*graph.Node{clip, node("Abs", clip.Outputs, []string{"s"})}
	}, func(_ []*graph.Value, nodes []*graph.Node) []*graph.Value {
		return []*graph.Value{nodes[0].Outputs[0], nodes[1].Outputs[0]}
	})
	x, high := value("x", 2), value("high")
	c := call("F", []*graph.Value{x, nil, high}, []string{"y"})
	c.Outputs = []*graph.Value{nil, c.Outputs[0]}
	m := model(13, []*graph.Value{x, high}, c)
	m.Graph.Outputs = c.Outputs[1:]
	m.Opsets["local"] = 1
	m.Functions = []*graph.Function{f}
	g, err := Lift(context.Background(), m)
	require.NoError(t, err)
	assert.Equal(t, []*graph.Value{g.Inputs[0], nil, g.Inputs[1]}, g.Nodes[0].Inputs)
	assert.Same(t, g.Nodes[0].Outputs[0], g.Nodes[1].Inputs[0])
	assert.Same(t, g.Outputs[0], g.Nodes[1].Outputs[0])
}

func TestInlineReturnedInputs(t *testing.T) {
	f := function("F", 2, func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{node("Abs", in[:1], []string{"r"})}
	}, func(in []*graph.Value, nodes []*graph.Node) []*graph.Value {
		return []*graph.Value{in[1], nodes[0].Outputs[0], nodes[0].Outputs[0]}
	})
	x, z := value("x", 2), value("z", 2)
	g, err := liftCalls(t, []*graph.Function{f}, []*graph.Value{x, z}, call("F", []*graph.Value{x, z}, []string{"p", "q", "r"}))
	require.NoError(t, err)
	assert.Equal(t, []string{"Abs", "Identity", "Identity"}, operatorsOf(g))
	for i, producer := range []int{1, 0, 2} {
		assert.Same(t, g.Nodes[producer], g.Outputs[i].Producer)
	}
	assert.Same(t, g.Inputs[1], g.Nodes[1].Inputs[0])
	_, err = liftCalls(t, []*graph.Function{f}, []*graph.Value{x, z}, call("F", []*graph.Value{x}, []string{"p", "q", "r"}))
	assert.ErrorContains(t, err, `the function returns its input "b", which the call leaves out`)
}

func TestInlineRefusesRecursion(t *testing.T) {
	ping := function("Ping", 1, func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{call("Pong", in, []string{"r"})}
	}, lastOutputs)
	pong := function("Pong", 1, func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{call("Ping", in, []string{"r"})}
	}, lastOutputs)
	x := value("x", 2)
	_, err := liftCalls(t, []*graph.Function{ping, pong}, []*graph.Value{x}, call("Ping", []*graph.Value{x}, []string{"y"}))
	assert.ErrorContains(t, err, "functions may not be recursive: local.Ping calls local.Pong calls local.Ping")
}

func TestInlineBoundsExponentialGrowth(t *testing.T) {
	var functions []*graph.Function
	for i := range 40 {
		functions = append(functions, function(fmt.Sprintf("F%d", i), 1, func(in []*graph.Value) []*graph.Node {
			first := call(fmt.Sprintf("F%d", i+1), in, []string{"h"})
			return []*graph.Node{first, call(fmt.Sprintf("F%d", i+1), first.Outputs, []string{"r"})}
		}, lastOutputs))
	}
	x := value("x", 2)
	_, err := liftCalls(t, functions, []*graph.Value{x}, call("F0", []*graph.Value{x}, []string{"y"}))
	assert.ErrorContains(t, err, "inlining functions makes more than 262144 nodes")
}

func TestInlineRefusesTooManyArguments(t *testing.T) {
	f := function("F", 1, func(in []*graph.Value) []*graph.Node {
		return []*graph.Node{node("Abs", in, []string{"r"})}
	}, lastOutputs)
	x := value("x", 2)
	_, err := liftCalls(t, []*graph.Function{f}, []*graph.Value{x}, call("F", []*graph.Value{x, x}, []string{"y"}))
	assert.ErrorContains(t, err, "the call has 2 inputs and 1 outputs, the function 1 and 1")
}
