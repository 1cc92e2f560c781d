package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func with(a []graph.Attribute, more ...graph.Attribute) []graph.Attribute {
	n := graph.Node{Attributes: append([]graph.Attribute{}, a...)}
	for _, m := range more {
		n.Set(m)
	}
	return n.Attributes
}

func sigmoid(x float64) float32 { return float32(1 / (1 + math.Exp(-x))) }

func TestLinearClassifier(t *testing.T) {
	x := tensor.Of([]float32{-1, 0.3, 2}, 3, 1)
	one := attrs(graph.A("coefficients", []float32{0.5}), graph.A("intercepts", []float32{0.1}), graph.A("classlabels_ints", []int64{3, 7}))
	two := attrs(graph.A("coefficients", []float32{0.5, 0.2}), graph.A("intercepts", []float32{0.1, 0}), graph.A("classlabels_strings", []string{"a", "b"}))
	post := func(name string) graph.Attribute { return graph.A("post_transform", name) }
	for _, c := range []struct {
		name   string
		attrs  []graph.Attribute
		x      *tensor.Tensor
		labels *tensor.Tensor
		scores []float32
	}{
		// One score s = 0.5x + 0.1 is -0.4, 0.25, 1.1; two are that and 0.2x.
		{"one score", one, x, tensor.Of([]int64{3, 7, 7}), []float32{1.4, -0.4, 0.75, 0.25, -0.1, 1.1}},
		{"one score, logistic", with(one, post("LOGISTIC")), x, tensor.Of([]int64{3, 7, 7}),
			[]float32{sigmoid(0.4), sigmoid(-0.4), sigmoid(-0.25), sigmoid(0.25), sigmoid(-1.1), sigmoid(1.1)}},
		{"one score, softmax of -s and s", with(one, post("SOFTMAX")), x, tensor.Of([]int64{3, 7, 7}),
			[]float32{sigmoid(0.8), sigmoid(-0.8), sigmoid(-0.5), sigmoid(0.5), sigmoid(-2.2), sigmoid(2.2)}},
		{"two scores", two, x, tensor.Of([]string{"b", "a", "a"}), []float32{-0.4, -0.2, 0.25, 0.06, 1.1, 0.4}},
		{"two scores, softmax", with(two, post("SOFTMAX")), x, tensor.Of([]string{"b", "a", "a"}),
			[]float32{sigmoid(-0.2), sigmoid(0.2), sigmoid(0.19), sigmoid(-0.19), sigmoid(0.7), sigmoid(-0.7)}},
		{"a list is one example", attrs(graph.A("coefficients", []float32{0.5, 1, 2, 3}), graph.A("intercepts", []float32{0, 0}), graph.A("classlabels_ints", []int64{3, 7})),
			tensor.Of([]int32{1, 2}), tensor.Of([]int64{7}), []float32{2.5, 8}},
		{"no intercepts", attrs(graph.A("coefficients", []float32{1, 2, 3}), graph.A("classlabels_ints", []int64{4, 5, 6})),
			tensor.Of([]float64{-1}, 1, 1), tensor.Of([]int64{4}), []float32{-1, -2, -3}},
		{"no examples", two, tensor.Of([]float32{}, 0, 1), tensor.Of([]string{}), []float32{}},
		{"one class", attrs(graph.A("coefficients", []float32{1}), graph.A("classlabels_ints", []int64{5})),
			tensor.Of([]float32{-1, 1}, 2, 1), tensor.Of([]int64{0, 5}), []float32{-1, 1}},
		{"ties go to the first class", attrs(graph.A("coefficients", []float32{0, 0}), graph.A("classlabels_ints", []int64{4, 5})),
			tensor.Of([]float32{9}, 1, 1), tensor.Of([]int64{4}), []float32{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := ml("LinearClassifier", 2, c.attrs, c.x)
			require.NoError(t, err)
			sameTensor(t, c.labels, out[0])
			shape := tensor.Shape{c.labels.Len(), 0}
			if shape[1] = len(c.scores) / max(1, shape[0]); shape[0] == 0 {
				shape[1] = 2
			}
			sameTensor(t, tensor.Of(c.scores, shape...), out[1])
		})
	}
}

func TestPostTransforms(t *testing.T) {
	base := attrs(graph.A("coefficients", []float32{1, 0, 0, 0, 1, 0, 0, 0, 1}), graph.A("targets", int64(3)))
	x := []float32{2, 0, -1}
	e := math.Exp
	sum, rest := e(2)+1+e(-1), e(2)+e(-1)
	for name, want := range map[string][]float32{
		"NONE":         x,
		"LOGISTIC":     {sigmoid(2), 0.5, sigmoid(-1)},
		"SOFTMAX":      {float32(e(2) / sum), float32(1 / sum), float32(e(-1) / sum)},
		"SOFTMAX_ZERO": {float32(e(2) / rest), 0, float32(e(-1) / rest)},
	} {
		out, err := ml("LinearRegressor", 1, with(base, graph.A("post_transform", name)), tensor.Of(x, 1, 3))
		require.NoError(t, err, name)
		sameTensor(t, tensor.Of(want, 1, 3), out[0])
	}
	out, err := ml("LinearRegressor", 1, with(base, graph.A("post_transform", "SOFTMAX_ZERO")), tensor.Of([]float32{0, 0, 0}, 1, 3))
	require.NoError(t, err)
	sameTensor(t, tensor.Of([]float32{0, 0, 0}, 1, 3), out[0])

	// The quantiles of the normal distribution, to the approximation's error.
	out, err = ml("LinearRegressor", 1, with(base, graph.A("post_transform", "PROBIT")), tensor.Of([]float64{0.5, 0.975, 0.1, 1, 0, 2}, 2, 3))
	require.NoError(t, err)
	got := out[0].(*tensor.Tensor).Float64s()
	for i, want := range []float64{0, 1.959964, -1.281552} {
		assert.InDelta(t, want, got[i], 4e-3)
	}
	assert.Equal(t, []float64{math.Inf(1), math.Inf(-1)}, got[3:5])
	assert.True(t, math.IsNaN(got[5]))
}

func TestLinearRegressor(t *testing.T) {
	two := attrs(graph.A("coefficients", []float32{1, 2, 3, 4}), graph.A("intercepts", []float32{0.5, -0.5}), graph.A("targets", int64(2)))
	out, err := ml("LinearRegressor", 1, two, tensor.Of([]int64{1, 1, 2, 0}, 2, 2))
	require.NoError(t, err)
	sameTensor(t, tensor.Of([]float32{3.5, 6.5, 2.5, 5.5}, 2, 2), out[0])

	for _, c := range []struct {
		attrs []graph.Attribute
		want  string
	}{
		{attrs(graph.A("coefficients", []float32{1, 2, 3})), "3 coefficients, but 1 scores of 2 features take 1 × 2"},
		{with(two, graph.A("intercepts", []float32{1})), "1 intercepts for 2 scores"},
		{with(two, graph.A("targets", int64(0))), "targets is 0"},
		{with(two, graph.A("post_transform", "SIGN")), `post_transform "SIGN" is none of`},
	} {
		_, err := ml("LinearRegressor", 1, c.attrs, tensor.Of([]float32{1, 2}, 1, 2))
		assert.ErrorContains(t, err, c.want)
	}
	_, err = ml("LinearClassifier", 2, attrs(graph.A("coefficients", []float32{1})), tensor.Of([]float32{1}))
	assert.ErrorContains(t, err, "exactly one of the two lists the classes")
}
