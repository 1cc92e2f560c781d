package partition_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models/partition"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// device has fast kernels, and slow ones of last resort.
func device(name string, fast, slow []string) partition.Device {
	r := &operators.Registry{}
	for i, list := range [][]string{fast, slow} {
		for _, op := range list {
			r.Register(operators.Entry{Key: operators.Key{Op: op}, Accept: func(*graph.Node) operators.Verdict {
				return operators.Verdict{Level: operators.Native, LastResort: i == 1}
			}, Kernel: []string{"fast", "slow"}[i]})
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
		name       string
		fast, slow []string
		want       []string // route and kernel of each node
	}{
		{"own kernel", append(parts, "Softsign"), nil, []string{"kernel fast", "kernel fast"}},
		{"better parts", parts, []string{"Softsign"}, []string{
			"decomposed fast", "decomposed fast", "decomposed fast", "decomposed fast", "decomposed fast", "decomposed fast",
		}},
		{"parts of last resort too", []string{"Add", "Div"}, []string{"Abs", "Softsign"}, []string{"kernel slow", "kernel slow"}},
		{"parts missing", []string{"Add"}, []string{"Softsign"}, []string{"kernel slow", "kernel slow"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := partition.Assign(t.Context(), softsign(), []partition.Device{device("d", c.fast, c.slow)}, partition.Listed)
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
