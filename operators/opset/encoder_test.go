package opset

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

func TestLabelEncoderByIndex(t *testing.T) {
	classes := graph.A("classes_strings", []string{"a", "b", "a"})
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		x     *tensor.Tensor
		want  string
	}{
		{"strings to indexes", []graph.Attribute{classes}, tensor.Of([]string{"x", "a", "b"}), "int64[3][-1 2 1]"},
		{"strings to indexes, both defaults", []graph.Attribute{classes, graph.A("default_int64", int64(9)), graph.A("default_string", "none")}, tensor.Of([]string{"x", "b"}), "int64[2][9 1]"},
		{"indexes to strings", []graph.Attribute{classes, graph.A("default_string", "none")}, tensor.Of([]int64{0, 1, 3, -1}), `string[4]["a" "b" "none" "none"]`},
	} {
		in := []*graph.Value{{Name: "x", Type: c.x.Type()}}
		n := node("LabelEncoder", in, []string{"y"}, c.attrs...)
		n.Domain = "ai.onnx.ml"
		m := model(1, in, n)
		m.Opsets["ai.onnx.ml"] = 1
		g, err := Lift(context.Background(), m)
		require.NoError(t, err, c.name)
		require.Equal(t, 4, g.Nodes[0].Version)
		out, err := reference.Evaluate(context.Background(), g, []tensor.Value{c.x})
		require.NoError(t, err, c.name)
		assert.Equal(t, c.want, out[0].(*tensor.Tensor).String(), c.name)
	}
}
