package reference_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestNegativeLogLikelihoodLoss(t *testing.T) {
	x := shaped(f64(1, 2, 2, 2, 3, 2, 0, 1, 2, 2, 1, 2), 2, 3, 2) // [N, C, d]
	target := shaped(tensor.Of([]int64{2, 1, 0, 2}), 2, 2)
	weight := f64(0.25, 0.5, 2)
	reduction := func(r string) graph.Attribute { return graph.A("reduction", r) }
	ignore := func(i int64) graph.Attribute { return graph.A("ignore_index", i) }
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		in    []tensor.Value
		shape tensor.Shape
		want  []float64
	}{
		{"none", attrs(reduction("none")), []tensor.Value{x, target}, tensor.Shape{2, 2}, []float64{-3, -2, 0, -2}},
		{"weighted", attrs(reduction("none")), []tensor.Value{x, target, weight}, tensor.Shape{2, 2}, []float64{-6, -1, 0, -4}},
		{"sum", attrs(reduction("sum")), []tensor.Value{x, target, weight}, tensor.Shape{}, []float64{-11}},
		{"mean", nil, []tensor.Value{x, target}, tensor.Shape{}, []float64{-7.0 / 4}},
		{"weighted mean", nil, []tensor.Value{x, target, weight}, tensor.Shape{}, []float64{-11 / 4.75}},
		{"ignored", attrs(reduction("none"), ignore(2)), []tensor.Value{x, target}, tensor.Shape{2, 2}, []float64{0, -2, 0, 0}},
		{"ignored in the mean", attrs(ignore(2)), []tensor.Value{x, target}, tensor.Shape{}, []float64{-1}},
		{"ignored in the weighted mean", attrs(ignore(2)), []tensor.Value{x, target, weight}, tensor.Shape{}, []float64{-1 / 0.75}},
		{"ignored outside the classes", attrs(ignore(-1)), []tensor.Value{x, shaped(tensor.Of([]int32{-1, 1, 0, -1}), 2, 2)}, tensor.Shape{}, []float64{-1}},
		{"all ignored", attrs(ignore(7)), []tensor.Value{shaped(f64(1, 2), 1, 2), tensor.Of([]int64{7})}, tensor.Shape{}, []float64{math.NaN()}},
		{"no samples", attrs(reduction("sum")), []tensor.Value{shaped(f64(), 0, 2), tensor.Of([]int64{})}, tensor.Shape{}, []float64{0}},
		{"no axes", attrs(reduction("none")), []tensor.Value{shaped(f64(1, 2), 1, 2), tensor.Of([]int64{1})}, tensor.Shape{1}, []float64{-2}},
	} {
		out, err := operate("NegativeLogLikelihoodLoss", 1, c.attrs, c.in...)
		require.NoError(t, err, c.name)
		assert.Equal(t, c.shape, out[0].(*tensor.Tensor).Shape(), c.name)
		near(t, c.want, out[0], c.name)
	}
	for _, c := range []struct {
		attrs []graph.Attribute
		in    []tensor.Value
		want  string
	}{
		{nil, []tensor.Value{x, shaped(tensor.Of([]int64{3, 0, 0, 0}), 2, 2)}, "target 3 at 0 is outside [0, 3)"},
		{attrs(ignore(9)), []tensor.Value{x, shaped(tensor.Of([]int64{0, -1, 0, 0}), 2, 2)}, "target -1 at 1 is outside [0, 3)"},
		{nil, []tensor.Value{x, tensor.Of([]int64{0, 0})}, "for input [2,3,2] it must be [2,2]"},
		{nil, []tensor.Value{x, target, f64(1)}, "for 3 classes it must be [3]"},
		{attrs(reduction("max")), []tensor.Value{x, target}, `reduction "max"`},
		{nil, []tensor.Value{f64(1), tensor.Of([]int64{0})}, "rank must be 2 or more"},
	} {
		_, err := operate("NegativeLogLikelihoodLoss", 1, c.attrs, c.in...)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestSoftmaxCrossEntropyLoss(t *testing.T) {
	// exp gives the odds 1:3 and 1:1, for large scores too.
	x := shaped(f64(0, math.Log(3), 1000, 1000), 2, 2)
	labels := tensor.Of([]int64{1, 0})
	out, err := operate("SoftmaxCrossEntropyLoss", 2, attrs(graph.A("reduction", "none")), x, labels)
	require.NoError(t, err)
	near(t, []float64{-math.Log(0.75), math.Ln2}, out[0])
	near(t, []float64{math.Log(0.25), math.Log(0.75), -math.Ln2, -math.Ln2}, out[1])
	assert.Equal(t, x.Shape(), out[1].(*tensor.Tensor).Shape())
	out, err = operate("SoftmaxCrossEntropyLoss", 1, nil, x, labels, f64(3, 1))
	require.NoError(t, err)
	near(t, []float64{(3*math.Ln2 - math.Log(0.75)) / 4}, out[0])
	_, err = operate("SoftmaxCrossEntropyLoss", 1, nil, f64(1), labels)
	assert.ErrorContains(t, err, "rank must be 2 or more")
}
