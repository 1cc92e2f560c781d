package cpu_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// link is a node of a chain: what it does to the value before it.
type link struct {
	op         string
	attributes []graph.Attribute
	others     []*tensor.Tensor // its other inputs
	first      bool             // they stand before the chain's value
	constant   bool             // they are constants
}

// chain is a graph of a head and the links behind it.
type chain struct {
	head   string
	attrs  []graph.Attribute
	inputs []*tensor.Tensor
	links  []link
	kernel string
}

func (c chain) graph(t *testing.T) (*graph.Graph, map[*graph.Value]tensor.Value) {
	g, values := &graph.Graph{}, make(map[*graph.Value]tensor.Value)
	value := func(x *tensor.Tensor, constant bool) *graph.Value {
		v := &graph.Value{Name: fmt.Sprint("v", len(values)), Type: x.Type()}
		if constant {
			v.Const = x
		} else {
			g.Inputs = append(g.Inputs, v)
		}
		values[v] = x
		return v
	}
	add := func(n *graph.Node) *graph.Value {
		in := make([]tensor.Value, len(n.Inputs))
		for i, v := range n.Inputs {
			in[i] = values[v]
		}
		out, err := reference.Run(t.Context(), n, in, nil)
		require.NoError(t, err)
		v := &graph.Value{Name: fmt.Sprint("v", len(values)), Type: out[0].Type(), Producer: n}
		n.Outputs = []*graph.Value{v}
		values[v] = out[0]
		g.Nodes = append(g.Nodes, n)
		return v
	}
	domain, op := graph.SplitOperator(c.head)
	head := &graph.Node{Domain: domain, Op: op, Name: "head", Attributes: c.attrs, Outputs: []*graph.Value{{}}}
	for i, x := range c.inputs {
		head.Inputs = append(head.Inputs, value(x, i > 0))
	}
	v := add(head)
	for i, l := range c.links {
		n := &graph.Node{Op: l.op, Name: fmt.Sprint("link", i), Attributes: l.attributes, Outputs: []*graph.Value{{}}}
		for _, x := range l.others {
			n.Inputs = append(n.Inputs, value(x, l.constant))
		}
		if l.first {
			n.Inputs = append(n.Inputs, v)
		} else {
			n.Inputs = append([]*graph.Value{v}, n.Inputs...)
		}
		v = add(n)
	}
	g.Outputs = []*graph.Value{v}
	return g, values
}

// check compares the group's kernel with the reference.
func (c chain) check(t *testing.T, threads int) {
	t.Helper()
	g, values := c.graph(t)
	d := cpu.New(&driver.Options{Threads: threads})
	defer func() { require.NoError(t, d.Close()) }()
	groups := d.Groups(g)
	require.Len(t, groups, 1, "%s", c.kernel)
	assert.Equal(t, g.Nodes, groups[0].Nodes)
	assert.Equal(t, c.kernel, groups[0].Kernel)
	k, err := d.BuildGroup(groups[0].Nodes)
	require.NoError(t, err)
	require.NotNil(t, k, "%s", c.kernel)
	call := &operators.Call{Outputs: make([]operators.Operand, 1)}
	for _, v := range operators.GroupInputs(groups[0].Nodes) {
		call.Inputs = append(call.Inputs, deviceOperand(t, d, values[v].(*tensor.Tensor)))
	}
	want := values[g.Outputs[0]].(*tensor.Tensor)
	call.Outputs[0] = deviceOperand(t, d, tensor.Zeros(want.DType(), want.Shape()))
	require.NoError(t, k.Run(t.Context(), call))
	b, err := d.HostBytes(call.Outputs[0].Region)
	require.NoError(t, err)
	result, err := tensor.FromBytes(want.DType(), want.Shape(), b)
	require.NoError(t, err)
	got := result.Float64s()
	for i, w := range want.Float64s() {
		if math.Abs(w-got[i]) > 1e-4*max(1, math.Abs(w)) || math.IsNaN(w) != math.IsNaN(got[i]) {
			require.Failf(t, "differs", "%s: element %d is %v, want %v", c.kernel, i, got[i], w)
		}
	}
}

func TestGroups(t *testing.T) {
	f := func(seed uint64, shape ...int) *tensor.Tensor { return random(seed, tensor.Float32, shape...) }
	number := func(v float32) *tensor.Tensor { return tensor.Of([]float32{v}) }
	x := f(1, 2, 6, 13, 17)
	relu := link{op: "Relu"}
	clip := link{op: "Clip", others: []*tensor.Tensor{number(-0.5), number(0.25)}, constant: true}
	pads := []graph.Attribute{graph.A("pads", []int64{1, 1, 1, 1})}
	depthwise := append([]graph.Attribute{graph.A("group", int64(6))}, pads...)
	for _, threads := range []int{1, 2} {
		for _, c := range []chain{
			{head: "Conv", inputs: []*tensor.Tensor{x, f(2, 5, 6, 3, 3), f(3, 5)}, attrs: pads, links: []link{relu}, kernel: "conv/direct+Relu"},
			{head: "Conv", inputs: []*tensor.Tensor{x, f(2, 33, 6, 3, 3)}, attrs: pads, links: []link{{op: "HardSwish"}, clip}, kernel: "conv/direct+HardSwish+Clip"},
			{head: "Conv", inputs: []*tensor.Tensor{x, f(2, 33, 6, 1, 1), f(3, 33)}, links: []link{clip, {op: "Add", others: []*tensor.Tensor{f(4, 2, 33, 13, 17)}}, relu}, kernel: "conv/direct+Clip+Add+Relu"},
			{head: "Conv", inputs: []*tensor.Tensor{x, f(2, 4, 3, 3, 3)}, attrs: []graph.Attribute{graph.A("group", int64(2))},
				links: []link{{op: "Sub", others: []*tensor.Tensor{f(4, 4, 1, 1)}, first: true}, {op: "Sigmoid"}, {op: "Mul", others: []*tensor.Tensor{number(3)}}}, kernel: "conv/direct+Sub+Sigmoid+Mul"},
			{head: "Conv", inputs: []*tensor.Tensor{x, f(2, 6, 1, 3, 3), f(3, 6)}, attrs: depthwise, links: []link{clip, {op: "Mul", others: []*tensor.Tensor{f(4, 2, 6, 1, 1)}}}, kernel: "conv/depthwise+Clip+Mul"},
			{head: "Conv", inputs: []*tensor.Tensor{x, f(2, 9, 6, 13, 17)}, links: []link{relu, {op: "Div", others: []*tensor.Tensor{number(3)}, first: false}}, kernel: "conv/direct+Relu+Div"},
			{head: "Conv", inputs: []*tensor.Tensor{f(1, 1, 3, 40), f(2, 4, 3, 5)}, links: []link{{op: "LeakyRelu"}, {op: "Max", others: []*tensor.Tensor{number(-0.01)}}}, kernel: "conv/direct+LeakyRelu+Max"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 40, 30), f(2, 30, 70)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 70)}, first: true}, {op: "Gelu"}}, kernel: "gemm+Add+Gelu"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 2, 3, 21, 30), f(2, 2, 3, 30, 37)}, links: []link{{op: "Mul", others: []*tensor.Tensor{number(0.3)}}, {op: "Add", others: []*tensor.Tensor{f(3, 2, 1, 1, 37)}}}, kernel: "gemm+Mul+Add"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 40, 900), f(2, 900, 20)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 1, 20)}}, relu, {op: "Add", others: []*tensor.Tensor{f(4, 20)}}}, kernel: "gemm+Add+Relu+Add"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 20, 9), f(2, 9)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 20)}}}, kernel: "gemm+Add"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 20, 19), f(2, 19)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 20)}}}, kernel: "gemm+Add"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 38, 21), f(2, 21, 1)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 1)}}, relu}, kernel: "gemm+Add+Relu"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 3, 20, 19), f(2, 3, 19, 1)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 20, 1)}}}, kernel: "gemm+Add"},
			{head: "Gemm", inputs: []*tensor.Tensor{f(1, 40, 30), f(2, 30, 1), f(3, 1)}, links: []link{{op: "Tanh"}, clip}, kernel: "gemm+Tanh+Clip"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 3, 20, 9), f(2, 9, 20)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 3, 1, 20)}}}, kernel: "gemm+Add"},
			{head: "MatMul", inputs: []*tensor.Tensor{f(1, 20, 9), f(2, 9, 20)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 20, 1)}}}, kernel: "gemm+Add"},
			{head: "Gemm", inputs: []*tensor.Tensor{f(1, 40, 30), f(2, 30, 10)}, links: []link{{op: "Add", others: []*tensor.Tensor{f(3, 10)}}, clip}, kernel: "gemm+Add+Clip"},
			{head: "Gemm", inputs: []*tensor.Tensor{f(1, 400, 300), f(2, 300, 100), f(3, 100)}, links: []link{{op: "Tanh"}, {op: "Add", others: []*tensor.Tensor{f(4, 400, 100)}}, relu}, kernel: "gemm+Tanh+Add+Relu"},
			{head: "Gemm", inputs: []*tensor.Tensor{f(1, 1, 30), f(2, 30, 10), f(3, 10)}, links: []link{relu, relu}, kernel: "gemm+Relu+Relu"},
			{head: "Add", inputs: []*tensor.Tensor{f(1, 3, 5000), f(2, 5000)}, links: []link{relu, {op: "Mul", others: []*tensor.Tensor{f(3, 3, 1)}}}, kernel: "elementwise+Relu+Mul"},
			{head: "Clip", inputs: []*tensor.Tensor{f(1, 30000), number(-1), number(1)}, links: []link{{op: "Exp"}, {op: "Min", others: []*tensor.Tensor{number(2)}}}, kernel: "elementwise+Exp+Min"},
			{head: "Sigmoid", inputs: []*tensor.Tensor{f(1, 7, 11)}, links: []link{clip}, kernel: "elementwise+Clip"},
		} {
			c.check(t, threads)
		}
	}
}

// TestNoGroups: what others read, what widens the result, and bounds that are not
// known stay apart.
func TestNoGroups(t *testing.T) {
	d := cpu.New(nil)
	defer func() { require.NoError(t, d.Close()) }()
	x, w := random(1, tensor.Float32, 1, 3, 4, 4), random(2, tensor.Float32, 2, 3, 1, 1)
	conv := chain{head: "Conv", inputs: []*tensor.Tensor{x, w}}

	shared := conv
	shared.links = []link{{op: "Relu"}}
	g, _ := shared.graph(t)
	g.Outputs = append(g.Outputs, g.Nodes[0].Outputs[0])
	assert.Empty(t, d.Groups(g), "the convolution's result is an output")

	unknown := conv
	unknown.links = []link{{op: "Clip", others: []*tensor.Tensor{tensor.Of([]float32{0})}}}
	g, _ = unknown.graph(t)
	assert.Empty(t, d.Groups(g), "the bound is an input")

	wider := conv
	wider.links = []link{{op: "Add", others: []*tensor.Tensor{random(3, tensor.Float32, 5, 2, 4, 4)}}}
	g, _ = wider.graph(t)
	groups := d.Groups(g)
	require.Len(t, groups, 1)
	k, err := d.BuildGroup(groups[0].Nodes)
	assert.NoError(t, err)
	assert.Nil(t, k, "the sum has another shape than the convolution")
}
