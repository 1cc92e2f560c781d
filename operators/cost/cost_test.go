package cost_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/cost"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/infer"
)

func value(d tensor.DType, shape ...int) *graph.Value {
	return &graph.Value{Name: "v", Type: tensor.TensorType(d, tensor.KnownDims(shape))}
}

func f32(shape ...int) *graph.Value { return value(tensor.Float32, shape...) }

func node(op string, out *graph.Value, inputs []*graph.Value, attributes ...graph.Attribute) *graph.Node {
	n := &graph.Node{Op: op, Inputs: inputs, Outputs: []*graph.Value{out}, Attributes: attributes}
	out.Producer = n
	return n
}

func domain(name string, n *graph.Node) *graph.Node {
	n.Domain = name
	return n
}

type vs = []*graph.Value

func TestNode(t *testing.T) {
	unranked := &graph.Value{Name: "v", Type: tensor.TensorType(tensor.Float32, nil)}
	open := &graph.Value{Name: "v", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2), tensor.Symbol("n")})}
	for name, c := range map[string]struct {
		node             *graph.Node
		floats, integers float64
	}{
		"a 3×3 filter, 8 to 16 channels": {node("Conv", f32(1, 16, 5, 7), vs{f32(1, 8, 5, 7), f32(16, 8, 3, 3)}), 16 * 5 * 7 * 8 * 9, 0},
		"depthwise":                      {node("Conv", f32(2, 8, 5), vs{f32(2, 8, 7), f32(8, 1, 3)}, graph.A("group", int64(8))), 2 * 8 * 5 * 3, 0},
		"no channels out":                {node("Conv", f32(1, 0, 5), vs{f32(1, 8, 7), f32(0, 8, 3)}), 0, 0},
		"transposed convolution":         {node("ConvTranspose", f32(1, 4, 11), vs{f32(1, 8, 5), f32(8, 4, 3)}), 8 * 5 * 4 * 3, 0},
		"integers":                       {node("ConvInteger", value(tensor.Int32, 1, 4, 6), vs{value(tensor.Uint8, 1, 2, 6), value(tensor.Int8, 4, 2, 1)}), 0, 4 * 6 * 2},
		"quantized convolution":          {node("QLinearConv", value(tensor.Uint8, 1, 4, 6), vs{value(tensor.Uint8, 1, 2, 6), f32(), value(tensor.Uint8), value(tensor.Int8, 4, 2, 1)}), 0, 4 * 6 * 2},
		"channels in blocks":             {domain("midplane.blocked", node("Conv", f32(2, 2, 5, 7, 16), vs{f32(2, 1, 5, 7, 16), f32(20, 8, 3, 3)})), 2 * 20 * 5 * 7 * 8 * 9, 0},
		"transposed, in blocks":          {domain("midplane.blocked", node("ConvTranspose", f32(1, 1, 10, 14, 16), vs{f32(1, 1, 5, 7, 16), f32(8, 4, 2, 2)})), 5 * 7 * 8 * 4 * 4, 0},
		"no pixels in blocks":            {domain("midplane.blocked", node("Conv", f32(0, 2, 5, 16), vs{f32(0, 1, 5, 16), f32(20, 8, 3)})), 0, 0},
		"another vendor's Conv":          {domain("vendor", node("Conv", f32(1, 16, 5), vs{f32(1, 8, 5), f32(16, 8, 3)})), 0, 0},
		"batched product":                {node("MatMul", f32(3, 4, 5), vs{f32(3, 4, 7), f32(7, 5)}), 3 * 4 * 5 * 7, 0},
		"product with a vector":          {node("MatMul", f32(4), vs{f32(4, 7), f32(7)}), 4 * 7, 0},
		"product of nothing":             {node("MatMul", f32(4, 5), vs{f32(4, 0), f32(0, 5)}), 0, 0},
		"Gemm":                           {node("Gemm", f32(4, 5), vs{f32(4, 7), f32(7, 5)}), 4 * 5 * 7, 0},
		"Gemm, transposed":               {node("Gemm", f32(4, 5), vs{f32(7, 4), f32(7, 5)}, graph.A("transA", int64(1))), 4 * 5 * 7, 0},
		"LSTM, both directions":          {node("LSTM", f32(9, 2, 3, 6), vs{f32(9, 3, 5), f32(2, 24, 5), f32(2, 24, 6)}), 9 * 3 * 2 * 24 * (5 + 6), 0},
		"attention with a past":          {node("Attention", f32(2, 3, 4, 8), vs{f32(2, 3, 4, 6), f32(2, 3, 5, 6), f32(2, 3, 5, 8), nil, f32(2, 3, 7, 6), f32(2, 3, 7, 8)}), 2 * 3 * 4 * 12 * (6 + 8), 0},
		"projections and attention":      {domain("com.microsoft", node("Attention", f32(2, 5, 8), vs{f32(2, 5, 6), f32(6, 24), f32(24), nil, f32(2, 2, 4, 3, 2)})), 2*5*6*24 + 2*(2*5*8)*(5+3), 0},
		"other operators":                {node("Add", f32(4, 5), vs{f32(4, 5), f32(4, 5)}), 0, 0},
		"an unknown rank":                {node("MatMul", unranked, vs{f32(4, 5), unranked}), 0, 0},
		"an unknown extent":              {node("MatMul", open, vs{f32(2, 5), unranked}), 0, 0},
		"too few inputs":                 {node("Conv", f32(1, 4, 5), vs{f32(1, 4, 5)}), 0, 0},
		"a scalar operand":               {node("MatMul", f32(4), vs{f32(), f32(4)}), 0, 0},
	} {
		assert.Equal(t, cost.Work{Floats: c.floats, Integers: c.integers}, cost.Node(c.node, nil), name)
	}
}

// Facts count before what the graph declares.
func TestFacts(t *testing.T) {
	out, in := f32(1, 1), f32(1, 2)
	n := node("MatMul", out, vs{in, f32(2, 1)})
	facts := infer.Facts{out: {Type: f32(8, 1).Type}, in: {Type: f32(8, 2).Type}}
	assert.Equal(t, cost.Work{Floats: 16}, cost.Node(n, facts))
}

func TestDequantizedOperands(t *testing.T) {
	a, b := f32(4, 7), f32(7, 5)
	node("DequantizeLinear", a, nil)
	node("DequantizeLinear", b, nil)
	assert.Equal(t, cost.Work{Integers: 140}, cost.Node(node("MatMul", f32(4, 5), vs{a, b}), nil))
	assert.Equal(t, cost.Work{Floats: 140}, cost.Node(node("MatMul", f32(4, 5), vs{a, f32(7, 5)}), nil))
}

func TestBodies(t *testing.T) {
	body := func(k int) *graph.Graph {
		return &graph.Graph{Nodes: []*graph.Node{node("MatMul", f32(2, 3), vs{f32(2, k), f32(k, 3)})}}
	}
	trips := &graph.Value{Name: "trips", Const: tensor.Of([]int64{5})}
	known := infer.Facts{trips: infer.Of(trips.Const)}
	for name, c := range map[string]struct {
		node  *graph.Node
		facts infer.Facts
		want  float64
	}{
		"the greater branch":   {node("If", f32(2, 3), vs{value(tensor.Bool)}, graph.A("then_branch", body(7)), graph.A("else_branch", body(11))), nil, 66},
		"every scanned row":    {node("Scan", f32(4, 2, 3), vs{f32(2), f32(4, 9)}, graph.A("num_scan_inputs", int64(1)), graph.A("body", body(1))), nil, 4 * 6},
		"scanned columns":      {node("Scan", f32(9, 2, 3), vs{f32(2), f32(4, 9)}, graph.A("num_scan_inputs", int64(1)), graph.A("scan_input_axes", []int64{-1}), graph.A("body", body(1))), nil, 9 * 6},
		"a constant number":    {node("Loop", f32(2, 3), vs{trips}, graph.A("body", body(1))), known, 5 * 6},
		"an unknown number":    {node("Loop", f32(2, 3), vs{value(tensor.Int64)}, graph.A("body", body(1))), nil, 0},
		"no bound on the trip": {node("Loop", f32(2, 3), vs{nil, value(tensor.Bool)}, graph.A("body", body(1))), nil, 0},
	} {
		got := cost.Graph(&graph.Graph{Nodes: []*graph.Node{c.node}}, c.facts)
		require.Zero(t, got.Integers, name)
		assert.Equal(t, c.want, got.Total(), name)
	}
}
