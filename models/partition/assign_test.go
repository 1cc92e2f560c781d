package partition_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// device has fast kernels, slow ones of last resort, and narrow ones.
func device(name string, fast, slow []string, narrow ...string) partition.Device {
	r := &operators.Registry{}
	for i, list := range [][]string{fast, slow, narrow} {
		for _, op := range list {
			r.Register(operators.Entry{Key: operators.Key{Op: op}, Accept: func(*graph.Node) operators.Verdict {
				return operators.Verdict{Level: operators.Native, LastResort: i == 1, Narrow: i == 2}
			}, Kernel: []string{"fast", "slow", "narrow"}[i]})
		}
	}
	return partition.Device{Name: name, Backend: r}
}

// softsign is x / (1 + |x|).
func softsign() *graph.Graph {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)})}
	g := &graph.Graph{Inputs: []*graph.Value{x}}
	for range 2 {
		y := &graph.Value{Name: "y", Type: x.Type}
		y.Producer = &graph.Node{Name: "n", Op: "Softsign", Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}}
		g.Nodes, g.Outputs = append(g.Nodes, y.Producer), append(g.Outputs, y)
	}
	return g
}

func TestKernelsOfLastResort(t *testing.T) {
	parts := []string{"Abs", "Add", "Div"}
	for _, c := range []struct {
		name               string
		fast, slow, narrow []string
		want               []string // route and kernel of each node
	}{
		{"own kernel", append(parts, "Softsign"), nil, nil, []string{"kernel fast", "kernel fast"}},
		{"better parts", parts, []string{"Softsign"}, nil, []string{
			"decomposed fast", "decomposed fast", "decomposed fast", "decomposed fast", "decomposed fast", "decomposed fast",
		}},
		{"parts of last resort too", []string{"Add", "Div"}, []string{"Abs", "Softsign"}, nil, []string{"kernel slow", "kernel slow"}},
		{"parts missing", []string{"Add"}, []string{"Softsign"}, nil, []string{"kernel slow", "kernel slow"}},
		{"narrow parts", []string{"Add", "Div"}, []string{"Softsign"}, []string{"Abs"}, []string{"kernel slow", "kernel slow"}},
		{"narrow itself", parts, nil, []string{"Softsign"}, []string{"kernel narrow", "kernel narrow"}},
		{"narrow parts and nothing else", []string{"Add", "Div"}, nil, []string{"Abs"}, []string{
			"decomposed narrow", "decomposed fast", "decomposed fast", "decomposed narrow", "decomposed fast", "decomposed fast",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := partition.Assign(t.Context(), softsign(), []partition.Device{device("d", c.fast, c.slow, c.narrow...)}, partition.Listed)
			require.NoError(t, err)
			var got []string
			for _, a := range p.Nodes {
				got = append(got, a.Route.String()+" "+a.Kernel)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// A product with a matrix is no better than any kernel for a transform.
// Shapes and positions that a kernel of last resort finds keep nothing else on one.
func TestShapesOfLastResort(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Symbol("a"), tensor.Symbol("b"), tensor.Symbol("a")})}
	y := &graph.Value{Name: "y", Type: x.Type}
	y.Producer = &graph.Node{Name: "n", Op: "Einsum", Inputs: []*graph.Value{x, x}, Outputs: []*graph.Value{y}, Attributes: []graph.Attribute{graph.A("equation", "abc,ade->bcde")}}
	for _, slow := range []string{"ReduceProd", "MatMul"} {
		g := &graph.Graph{Inputs: []*graph.Value{x}, Nodes: []*graph.Node{y.Producer}, Outputs: []*graph.Value{y}}
		fast := slices.DeleteFunc([]string{"Transpose", "Mul", "ReduceSum", "Shape", "Reshape", "Concat", "ReduceProd", "Unsqueeze", "MatMul"}, func(op string) bool { return op == slow })
		p, err := partition.Assign(t.Context(), g.Clone(nil), []partition.Device{device("d", fast, []string{"Einsum", slow})}, partition.Listed)
		require.NoError(t, err)
		want := partition.Decomposed
		if slow == "MatMul" {
			want = partition.Kernel
		}
		assert.Equal(t, want, p.Nodes[0].Route, slow)
	}
}

func TestCostlyParts(t *testing.T) {
	x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Float32, tensor.KnownDims(tensor.Shape{1, 8, 2}))}
	y := &graph.Value{Name: "y", Type: x.Type}
	y.Producer = &graph.Node{Name: "n", Op: "DFT", Version: 20, Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}}
	parts := []string{"Transpose", "Shape", "Concat", "Reshape", "MatMul"}
	for _, c := range []struct {
		slow []string
		want string
	}{{[]string{"DFT"}, "kernel"}, {nil, "decomposed"}} {
		g := &graph.Graph{Inputs: []*graph.Value{x}, Nodes: []*graph.Node{y.Producer}, Outputs: []*graph.Value{y}}
		p, err := partition.Assign(t.Context(), g, []partition.Device{device("d", parts, c.slow)}, partition.Listed)
		require.NoError(t, err)
		for _, a := range p.Nodes {
			assert.Equal(t, c.want, a.Route.String())
		}
	}
}

// The reasons are those of the device before, down to the part that it lacks.
func TestReasons(t *testing.T) {
	p, err := partition.Assign(t.Context(), softsign(), []partition.Device{device("a", []string{"Div"}, nil), device("b", []string{"Softsign"}, nil)}, partition.Listed)
	require.NoError(t, err)
	for _, a := range p.Nodes {
		assert.Equal(t, 1, a.Device)
		assert.Contains(t, a.Reason, "a: no kernel, and not decomposed: Abs: no kernel")
	}
	_, err = partition.Assign(t.Context(), softsign(), []partition.Device{{Name: "c"}}, partition.Listed)
	assert.ErrorContains(t, err, "c: runs no operators (")
}

// A rule may pass an input on: the device then has to copy it.
func TestPassedOnInputs(t *testing.T) {
	abs := func() *graph.Graph { // of unsigned numbers, nothing to do
		x := &graph.Value{Name: "x", Type: tensor.TensorType(tensor.Uint8, tensor.Dims{tensor.Known(2)})}
		y := &graph.Value{Name: "y", Type: x.Type}
		y.Producer = &graph.Node{Name: "n", Op: "Abs", Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}}
		return &graph.Graph{Inputs: []*graph.Value{x}, Outputs: []*graph.Value{y}, Nodes: []*graph.Node{y.Producer}}
	}
	p, err := partition.Assign(t.Context(), abs(), []partition.Device{device("d", []string{"Identity"}, nil)}, partition.Listed)
	require.NoError(t, err)
	require.Len(t, p.Nodes, 1)
	assert.Equal(t, "Identity", p.Nodes[0].Node.Op)
	assert.Equal(t, "fast", p.Nodes[0].Kernel)
	assert.Same(t, p.Graph.Outputs[0], p.Nodes[0].Node.Outputs[0])
	_, err = partition.Assign(t.Context(), abs(), []partition.Device{device("d", []string{"Relu"}, nil)}, partition.Listed)
	assert.ErrorContains(t, err, "Identity: no kernel")
}

// Which devices may take what the first one lacks is the user's choice.
func TestPolicies(t *testing.T) {
	first, second, spare := device("first", []string{"Div"}, nil), device("second", []string{"Abs"}, nil), device("spare", []string{"Softsign"}, nil)
	spare.Spare = true
	for _, c := range []struct {
		policy  partition.Policy
		devices []partition.Device
		on      string // the device of both nodes, "" where there is none
	}{
		{partition.Never, []partition.Device{first, device("second", []string{"Softsign"}, nil)}, ""},
		{partition.Listed, []partition.Device{first, device("second", []string{"Softsign"}, nil)}, "second"},
		{partition.Listed, []partition.Device{first, second, spare}, ""},
		{partition.Any, []partition.Device{first, second, spare}, "spare"},
		{partition.Never, []partition.Device{device("first", []string{"Softsign"}, nil), spare}, "first"},
		{partition.Any, []partition.Device{device("first", []string{"Softsign"}, nil), spare}, "first"},
	} {
		p, err := partition.Assign(t.Context(), softsign(), c.devices, c.policy)
		if c.on == "" {
			var missing *partition.UnsupportedError
			require.ErrorAs(t, err, &missing, "%v", c.policy)
			assert.Len(t, missing.Nodes, 2)
			continue
		}
		require.NoError(t, err, "%v", c.policy)
		for _, a := range p.Nodes {
			assert.Equal(t, c.on, p.DeviceName(a.Device))
			assert.Equal(t, c.on != "first", a.Reason != "")
		}
	}
}

func TestPolicyNames(t *testing.T) {
	for name, p := range map[string]partition.Policy{"never": partition.Never, "listed": partition.Listed, "any": partition.Any} {
		got, err := partition.ParsePolicy(name)
		require.NoError(t, err)
		assert.Equal(t, p, got)
		assert.Equal(t, name, p.String())
	}
	_, err := partition.ParsePolicy("sometimes")
	assert.EqualError(t, err, `no fallback policy is called "sometimes": never, listed or any`)
}

// op makes a node with one output of a type.
func op(operator string, typ tensor.Type, inputs ...*graph.Value) *graph.Node {
	n := &graph.Node{Op: operator, Name: operator, Inputs: inputs}
	n.Outputs = []*graph.Value{{Name: operator, Type: typ, Producer: n}}
	return n
}

// Strings stay on the host, control flow is the plan's, and bodies are placed
// node by node.
func TestHostAndControl(t *testing.T) {
	numbers, text := tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)}), tensor.TensorType(tensor.String, tensor.Dims{tensor.Known(2)})
	cond := &graph.Value{Name: "cond", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	x, words := &graph.Value{Name: "x", Type: numbers}, &graph.Value{Name: "words", Type: text}
	branch := op("If", numbers, cond)
	for _, name := range []string{"then_branch", "else_branch"} {
		relu := op("Relu", numbers, x)
		branch.Set(graph.A(name, &graph.Graph{Nodes: []*graph.Node{relu}, Outputs: relu.Outputs}))
	}
	twice := op("StringConcat", text, words, words)
	g := &graph.Graph{Inputs: []*graph.Value{cond, x, words}, Nodes: []*graph.Node{branch, twice}, Outputs: []*graph.Value{branch.Outputs[0], twice.Outputs[0]}}
	p, err := partition.Assign(t.Context(), g, []partition.Device{device("d", []string{"Relu", "StringConcat"}, nil)}, partition.Listed)
	require.NoError(t, err)
	assert.Equal(t, []partition.Count{{Device: "d", Route: partition.Kernel, Nodes: 2}, {Device: "host", Route: partition.Control, Nodes: 1}, {Device: "host", Route: partition.OnHost, Nodes: 1}}, p.Counts())
	assert.Equal(t, "strings and containers live on the host", p.Of(twice).Reason)
	assert.Equal(t, partition.Control, p.Of(branch).Route)
	assert.Equal(t, 0, p.Of(branch.Body("then_branch").Nodes[0]).Device)
	stranger := &graph.Node{Op: "Relu"}
	assert.Equal(t, partition.Assignment{Node: stranger, Device: partition.Host}, p.Of(stranger), "a node of another graph")

	nope := op("Nope", text, words)
	g = &graph.Graph{Inputs: []*graph.Value{words}, Nodes: []*graph.Node{nope}, Outputs: nope.Outputs}
	_, err = partition.Assign(t.Context(), g, []partition.Device{device("d", []string{"Nope"}, nil)}, partition.Listed)
	assert.ErrorContains(t, err, "Nope-0(string): host: no kernel")
}

// What is missing is gathered by operator and reason, with some of the nodes.
func TestUnsupportedInWords(t *testing.T) {
	numbers := tensor.TensorType(tensor.Float32, nil)
	x := &graph.Value{Name: "x", Type: numbers}
	g := &graph.Graph{Inputs: []*graph.Value{x}}
	for i := range 5 {
		n := op("Grind", numbers, x, nil)
		n.Name, n.Version = fmt.Sprint("n", i), 3
		if i == 4 {
			n.Op = "Mill"
		}
		g.Nodes = append(g.Nodes, n)
	}
	_, err := partition.Assign(t.Context(), g, []partition.Device{device("a", nil, nil), {Name: "b"}}, partition.Listed)
	require.ErrorIs(t, err, driver.Unsupported)
	assert.EqualError(t, err, `5 nodes have no device that can run them:
  Grind-3(float32, -): a: no kernel; b: runs no operators (Grind "n0", Grind "n1", Grind "n2" and 1 more)
  Mill-3(float32, -): a: no kernel; b: runs no operators (Mill "n4")`)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = partition.Assign(over, g, nil, partition.Listed)
	assert.ErrorIs(t, err, context.Canceled)
}

// Scan becomes a Loop, in bodies too; other nodes stay.
func TestLoops(t *testing.T) {
	row := tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(2)})
	rows := tensor.TensorType(tensor.Float32, tensor.Dims{tensor.Known(3), tensor.Known(2)})
	scan := func(x *graph.Value) *graph.Node {
		in := &graph.Value{Name: "row", Type: row}
		neg := op("Neg", row, in)
		n := op("Scan", rows, x)
		n.Set(graph.A("body", &graph.Graph{Inputs: []*graph.Value{in}, Nodes: []*graph.Node{neg}, Outputs: neg.Outputs}))
		n.Set(graph.A("num_scan_inputs", int64(1)))
		return n
	}
	x, cond := &graph.Value{Name: "x", Type: rows}, &graph.Value{Name: "cond", Type: tensor.TensorType(tensor.Bool, tensor.Dims{})}
	outer, branch := scan(x), op("If", rows, cond)
	inner := scan(x)
	branch.Set(graph.A("then_branch", &graph.Graph{Nodes: []*graph.Node{inner}, Outputs: inner.Outputs}))
	relu := op("Relu", rows, x)
	branch.Set(graph.A("else_branch", &graph.Graph{Nodes: []*graph.Node{relu}, Outputs: relu.Outputs}))
	g := &graph.Graph{Inputs: []*graph.Value{x, cond}, Nodes: []*graph.Node{outer, branch}, Outputs: []*graph.Value{outer.Outputs[0], branch.Outputs[0]}}
	require.NoError(t, partition.Loops(t.Context(), g))
	ops := make(map[string]int)
	for n := range g.All {
		ops[n.Op]++
	}
	assert.Zero(t, ops["Scan"])
	assert.Equal(t, 2, ops["Loop"])
	assert.Equal(t, 2, ops["Neg"])
	assert.Equal(t, rows.String(), g.Outputs[0].Type.String())
	x1 := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	out, err := reference.Evaluate(t.Context(), g, []tensor.Value{x1, tensor.Scalar(true)})
	require.NoError(t, err)
	for _, v := range out {
		assert.Equal(t, tensor.Of([]float32{-1, -2, -3, -4, -5, -6}, 3, 2), v)
	}
}

func TestWhole(t *testing.T) {
	g := softsign()
	p := partition.Whole(g, []partition.Device{{Name: "d"}}, func(n *graph.Node) string { return "by " + n.Op })
	require.Len(t, p.Nodes, 2)
	assert.Equal(t, partition.Assignment{Node: g.Nodes[1], Route: partition.Graph, Kernel: "by Softsign"}, p.Of(g.Nodes[1]))
	assert.Equal(t, []partition.Count{{Device: "d", Route: partition.Graph, Nodes: 2}}, p.Counts())
	assert.Equal(t, "graph", p.Nodes[0].Route.String())
	assert.Empty(t, partition.Whole(g, nil, nil).Nodes[0].Kernel)
}
