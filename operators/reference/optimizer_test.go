package reference_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

func train(op string, outputs int, attrs []graph.Attribute, in ...tensor.Value) ([]tensor.Value, error) {
	n := &graph.Node{Name: "test", Domain: "ai.onnx.preview.training", Op: op, Attributes: attrs}
	for range outputs {
		n.Outputs = append(n.Outputs, &graph.Value{})
	}
	return reference.Run(context.Background(), n, in, nil)
}

func TestOptimizers(t *testing.T) {
	f := func(name string, v float32) graph.Attribute { return graph.A(name, v) }
	r, first, third := tensor.Scalar(0.5), tensor.Scalar(int64(0)), tensor.Scalar(int64(3))
	standard, nesterov := graph.A("mode", "standard"), graph.A("mode", "nesterov")
	for _, c := range []struct {
		name  string
		op    string
		attrs []graph.Attribute
		in    []tensor.Value
		want  [][]float64
	}{
		// g = 2 + 0.5·4 = 4, h = 9 + 16 = 25, r = 0.5/(1 + 3·1) = 0.125
		{"Adagrad", "Adagrad", attrs(f("norm_coefficient", 0.5), f("decay_factor", 1), f("epsilon", 3)),
			[]tensor.Value{r, third, f64(4), f64(2), f64(9)}, [][]float64{{4 - 0.125*4/8.0}, {25}}},
		// g = 4, v = 0.5·2 + 0.5·4 = 3, h = 0.75·4 + 0.25·16 = 7, r·sqrt(1 - 0.75³)/(1 - 0.5³)
		{"Adam", "Adam", attrs(f("alpha", 0.5), f("beta", 0.75), f("epsilon", 1), f("norm_coefficient", 0.5), f("norm_coefficient_post", 0.25)),
			[]tensor.Value{r, third, f64(4), f64(2), f64(2), f64(4)},
			[][]float64{{0.75 * (4 - 0.5*math.Sqrt(1-0.421875)/0.875*3/(math.Sqrt(7)+1))}, {3}, {7}}},
		{"Adam at first", "Adam", attrs(f("alpha", 0.5), f("beta", 0.75)), []tensor.Value{r, first, f64(4), f64(2), f64(0), f64(0)},
			[][]float64{{4 - 0.5*1/1}, {1}, {1}}},
		// g = 4, v = 0.5·6 + 0.25·4 = 4
		{"Momentum", "Momentum", attrs(standard, f("alpha", 0.5), f("beta", 0.25), f("norm_coefficient", 0.5)),
			[]tensor.Value{r, third, f64(4), f64(2), f64(6)}, [][]float64{{4 - 0.5*4}, {4}}},
		{"Momentum at first", "Momentum", attrs(standard, f("alpha", 0.5), f("beta", 0.25), f("norm_coefficient", 0.5)),
			[]tensor.Value{r, first, f64(4), f64(2), f64(6)}, [][]float64{{4 - 0.5*7}, {7}}},
		{"Momentum of Nesterov", "Momentum", attrs(nesterov, f("alpha", 0.5), f("beta", 0.25), f("norm_coefficient", 0.5)),
			[]tensor.Value{r, third, f64(4), f64(2), f64(6)}, [][]float64{{4 - 0.5*(4+2)}, {4}}},
		// Two tensors: x1, x2, g1, g2, v1, v2 -> x1, x2, v1, v2.
		{"two tensors", "Momentum", attrs(standard, f("alpha", 0), f("beta", 1), f("norm_coefficient", 0)),
			[]tensor.Value{r, third, f64(1, 2), f64(3), f64(2, 4), f64(6), f64(0, 0), f64(0)}, [][]float64{{0, 0}, {0}, {2, 4}, {6}}},
	} {
		out, err := train(c.op, len(c.want), c.attrs, c.in...)
		require.NoError(t, err, c.name)
		for i, want := range c.want {
			near(t, want, out[i], c.name)
		}
	}
	for _, c := range []struct {
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{attrs(standard), []tensor.Value{r, first, f64(1), f64(1)}, "2 inputs behind the update count are not 3 for each tensor"},
		{attrs(standard), []tensor.Value{r, first, f64(1), f64(1, 2), f64(1)}, "input 3 is float64[2]"},
		{attrs(standard), []tensor.Value{f64(1, 2), first, f64(1), f64(1), f64(1)}, "learning rate must be a scalar"},
		{attrs(graph.A("mode", "fast")), []tensor.Value{r, first, f64(1), f64(1), f64(1)}, `mode "fast"`},
	} {
		_, err := train("Momentum", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}
