package onnx_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
)

// entry makes a StringStringEntryProto.
func entry(key, value string) message { return message{}.text(1, key).text(2, value) }

func TestDecodeModel(t *testing.T) {
	n := node("Relu", []string{"x", "", "w"}, []string{"", "y"}).
		text(3, "relu1").text(6, "a node").text(7, "ai.onnx").text(8, "over").bytes(9, entry("k", "v"))
	g := message{}.bytes(1, n).text(2, "g").bytes(5, floats("w", 1, 2).text(12, "weights")).text(10, "a graph").
		bytes(11, value("x").text(3, "the input")).bytes(12, value("y")).bytes(16, entry("gk", "gv"))
	m := decode(t, message{}.int(1, 10).text(2, "p").text(3, "1.2").text(4, "org.d").int(5, 7).text(6, "a model").
		bytes(7, g).bytes(8, message{}.text(1, "ai.onnx").int(2, 20)).bytes(8, message{}.int(2, 18)).
		bytes(8, message{}.text(1, "unused").int(2, 3)).bytes(14, entry("mk", "mv")))

	vector := tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("N")})
	x := &graph.Value{Name: "x", Type: vector, Doc: "the input"}
	w := &graph.Value{Name: "w", Const: tensor.Of([]float32{1, 2}), Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{2})), Doc: "weights"}
	y := &graph.Value{Name: "y", Type: vector}
	relu := &graph.Node{
		Name: "relu1", Op: "Relu", Overload: "over", Version: 20, Doc: "a node", Metadata: map[string]string{"k": "v"},
		Inputs: []*graph.Value{x, nil, w}, Outputs: []*graph.Value{nil, y},
	}
	y.Producer = relu
	assert.Equal(t, &graph.Model{
		IRVersion: 10, Producer: "p", ProducerVersion: "1.2", Domain: "org.d", Version: 7, Doc: "a model",
		Opsets: map[string]int{"": 20, "unused": 3}, Metadata: map[string]string{"mk": "mv"},
		Graph: &graph.Graph{
			Name: "g", Doc: "a graph", Metadata: map[string]string{"gk": "gv"}, Nodes: []*graph.Node{relu},
			Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}, Initializers: []*graph.Value{w},
		},
	}, m)
}

func TestOpsetImports(t *testing.T) {
	g := message{}.bytes(1, node("A", nil, nil)).bytes(1, node("B", nil, nil).text(7, "custom"))
	m := decode(t, message{}.int(1, 2).bytes(7, g))
	assert.Equal(t, map[string]int{"": 1}, m.Opsets, "version 1 is meant before imports existed")
	assert.Equal(t, 1, m.Graph.Nodes[0].Version)
	assert.Equal(t, 0, m.Graph.Nodes[1].Version)

	for _, version := range []int64{-1, 0, 1 << 40} {
		_, err := onnx.Decode(message{}.int(1, 9).bytes(7, g).bytes(8, message{}.int(2, version)), nil, nil)
		requireError(t, err, onnx.ErrInvalid, "", "which none has")
	}
}

func TestValuesOfTheInterface(t *testing.T) {
	g := message{}.bytes(5, floats("b", 1)).bytes(5, floats("a", 2)).bytes(11, value("a")).bytes(11, value("x")).
		bytes(12, value("x")).bytes(12, value("a")).bytes(12, value("b")).bytes(12, value("x"))
	m := decode(t, model(g))
	a, x, b := m.Graph.Inputs[0], m.Graph.Inputs[1], m.Graph.Initializers[0]
	assert.Same(t, a, m.Graph.Initializers[1], "an initializer with the name of an input is its default")
	assert.Equal(t, []float32{2}, tensor.Slice[float32](a.Const))
	assert.Equal(t, "float32[N]", a.Type.String(), "the input's declaration holds")
	assert.Equal(t, "float32[1]", b.Type.String())
	for i, want := range []*graph.Value{x, a, b, x} {
		assert.Same(t, want, m.Graph.Outputs[i])
	}
}

func TestValueInfo(t *testing.T) {
	info := func(name string, elem int64) message {
		return message{}.text(1, name).bytes(2, message{}.bytes(1, message{}.int(1, elem))).text(3, "about "+name)
	}
	g := message{}.bytes(1, node("A", nil, []string{"m", "y"})).bytes(13, info("m", 7)).bytes(13, info("y", 7)).
		bytes(13, info("elsewhere", 7)).bytes(12, info("y", 1))
	n := decode(t, model(g)).Graph.Nodes[0]
	assert.Equal(t, tensor.TensorType(tensor.Int64, nil), n.Outputs[0].Type)
	assert.Equal(t, "about m", n.Outputs[0].Doc)
	assert.Equal(t, tensor.TensorType(tensor.Float32, nil), n.Outputs[1].Type, "the output's declaration holds")
}

func TestNodesAreSorted(t *testing.T) {
	g := message{}.bytes(1, node("Last", []string{"b"}, []string{"c"})).bytes(1, node("Mid", []string{"a"}, []string{"b"})).
		bytes(1, node("First", nil, []string{"a"})).bytes(12, value("c"))
	var ops []string
	for _, n := range decode(t, model(g)).Graph.Nodes {
		ops = append(ops, n.Op)
	}
	assert.Equal(t, []string{"First", "Mid", "Last"}, ops)
}

// withBody makes a node whose attribute "body" is a graph.
func withBody(n message, body message) message {
	return n.bytes(5, message{}.text(1, "body").bytes(6, body).int(20, 5))
}

// A body reads values of the graphs around it, from the innermost graph that
// defines the name.
func TestBodiesCapture(t *testing.T) {
	inner := message{}.bytes(1, node("In", []string{"x", "shadowed", "late"}, []string{"z"})).bytes(5, floats("shadowed", 1)).
		text(2, "inner").bytes(12, value("z")).bytes(12, value("x"))
	outer := message{}.bytes(1, withBody(node("If", nil, []string{"y"}), inner)).bytes(1, node("Late", nil, []string{"late"})).
		bytes(1, node("Shadowed", nil, []string{"shadowed"})).bytes(11, value("x")).bytes(12, value("y"))
	g := decode(t, model(outer)).Graph
	require.Equal(t, "Late", g.Nodes[0].Op, "what a body captures is written before it runs")
	late, branch := g.Nodes[0], g.Nodes[1]
	body := branch.Body("body")
	in := body.Nodes[0]
	assert.Equal(t, []*graph.Value{g.Inputs[0], body.Initializers[0], late.Outputs[0]}, in.Inputs)
	assert.Same(t, g.Inputs[0], in.Inputs[0])
	assert.Same(t, g.Inputs[0], body.Outputs[1], "a body may return what it captures")
	assert.Same(t, in, body.Outputs[0].Producer)
}

func TestGraphErrors(t *testing.T) {
	two := func(a, b message) message {
		return message{}.text(2, "g").bytes(1, a.text(3, "first")).bytes(1, b.text(3, "second"))
	}
	tests := map[string]struct {
		graph        message
		kind         error
		path, reason string
	}{
		"undefined": {two(node("A", nil, nil), node("B", []string{"", "q"}, nil)), onnx.ErrInvalid,
			`graph "g" node 1 "second"`, `input 1 "q" is never defined`},
		"written twice": {two(node("A", nil, []string{"v"}), node("B", nil, []string{"v"})), onnx.ErrInvalid,
			`graph "g" node 1 "second"`, `value "v" is defined twice: node 0 "first" writes it too`},
		"writes an input": {two(node("A", nil, nil), node("B", nil, []string{"x"})).bytes(11, value("x")), onnx.ErrInvalid,
			`graph "g" node 1 "second"`, `value "x" is defined twice: it is an input or initializer too`},
		"two inputs": {message{}.bytes(11, value("x")).bytes(11, value("x")), onnx.ErrInvalid,
			`graph "" input 1 "x"`, "defined twice"},
		"two initializers": {message{}.bytes(5, floats("w", 1)).bytes(5, floats("w", 1)), onnx.ErrInvalid,
			`graph "" initializer 1 "w"`, "defined twice"},
		"nameless initializer": {message{}.bytes(5, floats("", 1)), onnx.ErrInvalid, `graph "" initializer 0 ""`, "needs a name"},
		"nameless input":       {message{}.bytes(11, value("")), onnx.ErrInvalid, `graph "" input 0 ""`, "needs a name"},
		"no operator":          {two(node("A", nil, nil), node("", nil, nil)), onnx.ErrInvalid, `graph "g" node 1 "second"`, "needs an operator"},
		"missing output":       {message{}.bytes(12, value("y")), onnx.ErrInvalid, `graph ""`, `output 0 "y" is never defined`},
		"cycle": {two(node("A", []string{"b"}, []string{"a"}), node("B", []string{"a"}, []string{"b"})), onnx.ErrCycle,
			`graph "g"`, `cycle through node A "first"`},
		"reads itself": {two(node("A", []string{"a"}, []string{"a"}), node("B", nil, nil)), onnx.ErrCycle,
			`graph "g"`, `cycle through node A "first"`},
		"body reads its node": {two(node("A", nil, nil), withBody(node("If", nil, []string{"y"}), message{}.bytes(12, value("y")))),
			onnx.ErrCycle, `graph "g"`, `cycle through node If "second"`},
		"in a body": {two(node("A", nil, nil), withBody(node("If", nil, nil), message{}.text(2, "then").bytes(1, node("C", []string{"q"}, nil)))),
			onnx.ErrInvalid, `graph "g" node 1 "second" attribute "body" graph "then" node 0 ""`, `input 0 "q" is never defined`},
		"outer cannot see inner": {two(withBody(node("If", nil, nil), message{}.bytes(1, node("C", nil, []string{"inner"}))), node("B", []string{"inner"}, nil)),
			onnx.ErrInvalid, `graph "g" node 1 "second"`, `input 0 "inner" is never defined`},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := onnx.Decode(model(c.graph), nil, nil)
			requireError(t, err, c.kind, c.path, c.reason)
		})
	}
}

func TestLimits(t *testing.T) {
	nested := message{}.bytes(1, node("A", nil, nil))
	for range 10 {
		nested = message{}.bytes(1, withBody(node("If", nil, nil), nested))
	}
	typ := message{}.bytes(1, message{}.int(1, 1))
	for range 10 {
		typ = message{}.bytes(4, message{}.bytes(1, typ))
	}
	deepType := message{}.bytes(11, message{}.text(1, "x").bytes(2, typ))
	tests := map[string]struct {
		graph         message
		enough, short onnx.Options
		reason        string
	}{
		"graphs": {nested, onnx.Options{MaxDepth: 11}, onnx.Options{MaxDepth: 10}, "graphs are nested more than 10 deep"},
		"types":  {deepType, onnx.Options{MaxDepth: 11}, onnx.Options{MaxDepth: 10}, "types are nested more than 10 deep"},
		"nodes":  {nested, onnx.Options{MaxNodes: 11}, onnx.Options{MaxNodes: 10}, "more than 10 nodes"},
		"values": {relu(), onnx.Options{MaxValues: 3}, onnx.Options{MaxValues: 2}, "more than 2 values"},
		"bytes":  {relu(), onnx.Options{MaxBytes: int64(len(model(relu())))}, onnx.Options{MaxBytes: int64(len(model(relu()))) - 1}, "the limit is"},
	}
	for name, c := range tests {
		_, err := onnx.Decode(model(c.graph), nil, &c.enough)
		assert.NoError(t, err, name)
		_, err = onnx.Decode(model(c.graph), nil, &c.short)
		if assert.ErrorIs(t, err, onnx.ErrLimit, name) {
			assert.ErrorContains(t, err, c.reason, name)
		}
	}
}

func TestTypes(t *testing.T) {
	dims := message{}.bytes(1, message{}.int(1, 3)).bytes(1, message{}.text(2, "N")).bytes(1, nil).bytes(1, message{}.int(1, -1)).bytes(1, message{}.int(1, 0))
	float := message{}.bytes(1, message{}.int(1, 1).bytes(2, dims))
	tests := map[string]struct {
		proto message
		want  tensor.Type
	}{
		"tensor[3,N,?,?,0]": {float, tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(3), tensor.Symbol("N"), tensor.Symbol(""), tensor.Symbol(""), tensor.Known(0)})},
		"scalar":            {message{}.bytes(1, message{}.int(1, 9).bytes(2, nil)), tensor.TensorType(tensor.Bool, tensor.Dims{})},
		"unranked":          {message{}.bytes(1, message{}.int(1, 9)), tensor.TensorType(tensor.Bool, nil)},
		"without element":   {message{}.bytes(1, nil), tensor.TensorType(tensor.Undefined, nil)},
		"sparse":            {message{}.bytes(8, message{}.int(1, 1)), tensor.Type{Kind: tensor.KindSparse, DType: tensor.Float32}},
		"sequence": {message{}.bytes(4, message{}.bytes(1, message{}.bytes(1, message{}.int(1, 7)))),
			tensor.SequenceType(tensor.TensorType(tensor.Int64, nil))},
		"bare sequence": {message{}.bytes(4, nil), tensor.Type{Kind: tensor.KindSequence}},
		"optional": {message{}.bytes(9, message{}.bytes(1, message{}.bytes(4, message{}.bytes(1, message{}.bytes(1, message{}.int(1, 7)))))),
			tensor.OptionalType(tensor.SequenceType(tensor.TensorType(tensor.Int64, nil)))},
		"map": {message{}.bytes(5, message{}.int(1, 8).bytes(2, message{}.bytes(1, message{}.int(1, 1)))),
			tensor.MapType(tensor.String, tensor.TensorType(tensor.Float32, nil))},
		"opaque":       {message{}.bytes(7, message{}.text(2, "o")), tensor.Type{}},
		"nothing":      {message{}, tensor.Type{}},
		"denotation":   {message{}.bytes(1, message{}.int(1, 9)).text(6, "IMAGE"), tensor.TensorType(tensor.Bool, nil)},
		"last of many": {message{}.bytes(4, nil).bytes(1, message{}.int(1, 9)), tensor.TensorType(tensor.Bool, nil)},
	}
	for name, c := range tests {
		input := message{}.bytes(11, message{}.text(1, "x").bytes(2, c.proto))
		m, err := onnx.Decode(model(input), nil, nil)
		if assert.NoError(t, err, name) {
			assert.Equal(t, c.want, m.Graph.Inputs[0].Type, name)
		}
		b, err := onnx.Encode(m)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, decode(t, b).Graph.Inputs[0].Type, name)
	}
	_, err := onnx.Decode(model(message{}.bytes(11, message{}.text(1, "x").bytes(2, message{}.bytes(1, message{}.int(1, 99))))), nil, nil)
	requireError(t, err, onnx.ErrInvalid, `graph "" input 0 "x"`, "there is no element type 99")
}

// call is a function f of domain d with the nodes given, which reads x and
// returns y.
func function(name string, nodes ...message) message {
	m := message{}.text(1, name).text(4, "x").text(5, "y").text(10, "d").bytes(9, message{}.int(2, 17))
	for _, n := range nodes {
		m = m.bytes(7, n)
	}
	return m
}

func TestFunctions(t *testing.T) {
	scaled := node("Scale", []string{"x"}, []string{"y"}).text(7, "d2").
		bytes(5, message{}.text(1, "by").int(20, 1).text(21, "alpha")).bytes(5, message{}.text(1, "to").int(20, 2).text(21, "beta"))
	f := function("f", scaled).text(6, "alpha").bytes(11, message{}.text(1, "beta").int(3, 4).int(20, 2)).text(8, "a function").
		text(13, "v2").bytes(12, value("y")).bytes(14, entry("k", "v"))
	g := message{}.bytes(1, node("f", []string{"x"}, []string{"y"}).text(7, "d").text(8, "v2").
		bytes(5, message{}.text(1, "alpha").float(2, 1.5).int(20, 1))).bytes(11, value("x")).bytes(12, value("y"))
	m := decode(t, model(g).bytes(8, message{}.text(1, "d2").int(2, 5)).bytes(25, f))
	require.Len(t, m.Functions, 1)
	got := m.Functions[0]
	assert.Equal(t, "d/f/v2 a function", got.Domain+"/"+got.Name+"/"+got.Overload+" "+got.Doc)
	assert.Equal(t, map[string]int{"": 17}, got.Opsets)
	assert.Equal(t, []string{"alpha"}, got.Attributes)
	assert.Equal(t, []graph.Attribute{graph.A("beta", int64(4))}, got.Defaults)
	assert.Equal(t, map[string]string{"k": "v"}, got.Body.Metadata)
	n := got.Body.Nodes[0]
	assert.Equal(t, []graph.Attribute{{Name: "by", Ref: "alpha"}, {Name: "to", Ref: "beta"}}, n.Attributes)
	assert.Equal(t, 5, n.Version, "the model's import where the function has none")
	assert.Same(t, n.Inputs[0], got.Body.Inputs[0])
	assert.Same(t, n.Outputs[0], got.Body.Outputs[0])
	assert.Equal(t, "float32[N]", n.Outputs[0].Type.String())

	b, err := onnx.Encode(m)
	require.NoError(t, err)
	assert.Equal(t, m, decode(t, b))
	assert.Contains(t, string(b), string(message{}.text(1, "by").int(20, 1).text(21, "alpha")), "the type comes from the call")
	assert.Contains(t, string(b), string(message{}.text(1, "to").int(20, 2).text(21, "beta")), "the type comes from the default")
}

func TestFunctionErrors(t *testing.T) {
	one := node("A", []string{"x"}, []string{"y"})
	call := func(name string) message { return node(name, []string{"x"}, []string{"y"}).text(7, "d") }
	tests := map[string]struct {
		functions    []message
		kind         error
		path, reason string
	}{
		"twice":         {[]message{function("f", one), function("f", one)}, onnx.ErrInvalid, "", `function "f" of domain "d" is defined twice`},
		"no name":       {[]message{function("", one)}, onnx.ErrInvalid, `function 0 ""`, "needs a name"},
		"no output":     {[]message{function("f")}, onnx.ErrInvalid, `function 0 "f"`, `output "y" is never defined`},
		"no input":      {[]message{function("f", node("A", []string{"q"}, []string{"y"}))}, onnx.ErrInvalid, `function 0 "f" node 0 ""`, `"q" is never defined`},
		"calls itself":  {[]message{function("f", call("f"))}, onnx.ErrCycle, "", `function "f" calls itself`},
		"call in turn":  {[]message{function("f", call("g")), function("g", call("h")), function("h", call("g"))}, onnx.ErrCycle, "", `function "g" calls itself`},
		"cyclic body":   {[]message{function("f", node("A", []string{"y"}, []string{"y"}))}, onnx.ErrCycle, `function 0 "f"`, "cycle"},
		"two inputs":    {[]message{function("f", one).text(4, "x")}, onnx.ErrInvalid, `function 0 "f" input "x"`, "defined twice"},
		"wrong default": {[]message{function("f", one).bytes(11, message{}.text(1, "b").int(20, 4))}, onnx.ErrInvalid, `function 0 "f" attribute "b"`, "the value is missing"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			m := model(relu())
			for _, f := range c.functions {
				m = m.bytes(25, f)
			}
			_, err := onnx.Decode(m, nil, nil)
			requireError(t, err, c.kind, c.path, c.reason)
		})
	}
	diamond := model(relu()).bytes(25, function("f", call("g"), node("g", []string{"x"}, []string{"z"}).text(7, "d"))).bytes(25, function("g", one))
	_, err := onnx.Decode(diamond, nil, nil)
	assert.NoError(t, err, "a function may be called from several places")
}

func TestErrorText(t *testing.T) {
	err := error(&onnx.Error{File: "m.onnx", Path: `graph "g"`, Offset: 12, Kind: onnx.ErrInvalid, Reason: "it is odd", Err: errors.New("cause")})
	assert.EqualError(t, err, `onnx: m.onnx: graph "g": it is odd: cause (at byte 12)`)
	assert.EqualError(t, &onnx.Error{Offset: -1, Reason: "it is odd"}, "onnx: it is odd")
}
