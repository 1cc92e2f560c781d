package decompose_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestRulesOfML(t *testing.T) {
	on := func(x ...*tensor.Tensor) []*tensor.Tensor { return x }
	floats := func(name string, v ...float32) graph.Attribute { return graph.A(name, v) }
	f, d := tensor.Float32, tensor.Float64
	nan := float32(math.NaN())
	ints := tensor.Of([]int64{-3, 0, 2, 1 << 60, 1<<60 + 1, 7}, 2, 3)
	regressor := attrs(floats("coefficients", 1, -2, 3, 0.5, 0.25, -1), floats("intercepts", 0.5, -1), integer("targets", 2))
	post := func(name string) graph.Attribute { return graph.A("post_transform", name) }
	var claims []claim
	for _, c := range []claim{
		{name: "per feature", op: "Scaler", in: on(wave(f, 2, 3)), attrs: attrs(floats("offset", 1, 2, 3), floats("scale", 0.5, 2, 3))},
		{name: "for all, doubles", op: "Scaler", in: on(wave(d, 2, 3)), attrs: attrs(floats("offset", 1), floats("scale", 0.1))},
		{name: "integers", op: "Scaler", in: on(tensor.Of([]int32{1, 2, 3})), attrs: attrs(floats("scale", 0.5))},
		{name: "max", op: "Normalizer", in: on(wave(f, 3, 4))},
		{name: "l1", op: "Normalizer", in: on(wave(d, 4)), attrs: attrs(graph.A("norm", "L1"))},
		{name: "l2 with a row of zeros", op: "Normalizer", in: on(tensor.Of([]int64{0, 0, 3, -4}, 2, 2)), attrs: attrs(graph.A("norm", "L2"))},
		{name: "a float", op: "Imputer", in: on(tensor.Of([]float32{1, nan, 2, 1}, 2, 2)), attrs: attrs(floats("imputed_value_floats", 7, 8), graph.A("replaced_value_float", float32(1)))},
		{name: "NaN", op: "Imputer", in: on(tensor.Of([]float64{1, math.NaN()})), attrs: attrs(floats("imputed_value_floats", 7), graph.A("replaced_value_float", nan))},
		{name: "integers", op: "Imputer", in: on(ints), attrs: attrs(graph.A("imputed_value_int64s", []int64{7, 8, 9}), integer("replaced_value_int64", 1<<60))},
		{name: "floats", op: "Binarizer", in: on(wave(d, 2, 5)), attrs: attrs(graph.A("threshold", float32(0.1)))},
		{name: "integers, a fraction", op: "Binarizer", in: on(ints), attrs: attrs(graph.A("threshold", float32(-0.5)))},
		{name: "large integers", op: "Binarizer", in: on(ints), attrs: attrs(graph.A("threshold", float32(1<<60)))},
		{name: "examples", op: "LinearRegressor", in: on(wave(f, 4, 3)), attrs: regressor, rtol: 1e-5},
		{name: "one example", op: "LinearRegressor", in: on(wave(d, 3)), attrs: append(attrs(post("LOGISTIC")), regressor...)},
		{name: "no examples", op: "LinearRegressor", in: on(wave(f, 0, 3)), attrs: append(attrs(post("SOFTMAX")), regressor...)},
		{name: "softmax", op: "LinearRegressor", in: on(tensor.Of([]int64{1, 2, 3}, 1, 3)), attrs: append(attrs(post("SOFTMAX")), regressor...)},
		{name: "examples", op: "ArrayFeatureExtractor", in: on(ints, tensor.Of([]int64{2, 0, 0, 1}, 2, 2))},
		{name: "one example", op: "ArrayFeatureExtractor", in: on(tensor.Of([]string{"a", "b"}), tensor.Of([]int64{1}))},
	} {
		c.domain = "ai.onnx.ml"
		claims = append(claims, c)
	}
	prove(t, claims)
}

func TestRulesOfMLDecline(t *testing.T) {
	for _, c := range []struct {
		claim
		want string
	}{
		{claim{op: "Binarizer", in: []*tensor.Tensor{tensor.Of([]int32{1})}, attrs: attrs(graph.A("threshold", float32(1e10)))}, "out of the range of int32"},
		{claim{op: "LinearRegressor", in: []*tensor.Tensor{wave(tensor.Float32, 2)}, attrs: attrs(graph.A("coefficients", []float32{1, 2}), graph.A("post_transform", "PROBIT"))}, "PROBIT is not expressed"},
	} {
		c.domain = "ai.onnx.ml"
		n, _ := c.node()
		_, err := decomposed(n)
		assert.ErrorContains(t, err, c.want)
	}
}
