package graph_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/operators/graph"
)

// op makes a node that writes one value, of the node's name.
func op(operator, name string, inputs ...*graph.Value) *graph.Node {
	n := &graph.Node{Op: operator, Name: name, Inputs: inputs}
	n.Outputs = []*graph.Value{{Name: name, Producer: n}}
	return n
}

func names(nodes []*graph.Node) string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.Name)
	}
	return strings.Join(list, " ")
}

func TestOperands(t *testing.T) {
	x := &graph.Value{Name: "x"}
	n := op("Clip", "c", x, nil)
	assert.Same(t, x, n.Input(0))
	assert.Nil(t, n.Input(1), "absent")
	assert.Nil(t, n.Input(2), "left out")
	assert.Same(t, n.Outputs[0], n.Output(0))
	assert.Nil(t, n.Output(1))
}

func TestLabels(t *testing.T) {
	long := strings.Repeat("n", 1000)
	for want, n := range map[string]*graph.Node{
		`Conv "conv1"`:             op("Conv", "conv1"),
		`com.microsoft.Gelu "y"`:   {Domain: "com.microsoft", Op: "Gelu", Outputs: []*graph.Value{nil, {Name: "y"}}},
		`Relu ""`:                  {Op: "Relu"},
		`Relu "` + long[:80] + "…": op("Relu", long),
	} {
		assert.True(t, strings.HasPrefix(n.Label(), want), n.Label())
		assert.Less(t, len(n.Label()), 200)
	}
}

func TestOperatorNames(t *testing.T) {
	for operator, parts := range map[string][2]string{
		"Conv": {"", "Conv"}, "ai.onnx.ml.Scaler": {"ai.onnx.ml", "Scaler"}, "com.microsoft.Gelu": {"com.microsoft", "Gelu"},
	} {
		domain, name := graph.SplitOperator(operator)
		assert.Equal(t, parts, [2]string{domain, name})
		assert.Equal(t, operator, (&graph.Node{Domain: domain, Op: name}).Operator())
	}
	assert.Equal(t, "", graph.NormalDomain("ai.onnx"))
	assert.Equal(t, "", graph.NormalDomain(""))
	assert.Equal(t, "ai.onnx.ml", graph.NormalDomain("ai.onnx.ml"))
}

func TestBodies(t *testing.T) {
	a, b, c := &graph.Graph{Name: "a"}, &graph.Graph{Name: "b"}, &graph.Graph{Name: "c"}
	n := &graph.Node{Attributes: []graph.Attribute{graph.A("axis", int64(1)), graph.A("then_branch", a), graph.A("others", []*graph.Graph{b, c})}}
	assert.Equal(t, []*graph.Graph{a, b, c}, n.Bodies())
	assert.Empty(t, op("Relu", "y").Bodies())
}
