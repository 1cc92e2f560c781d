package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func numbers(seed uint64, n int) []float32 {
	return tensor.Slice[float32](random(seed, tensor.Float32, n))
}

func labels(n int) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = int64(10 - 3*i)
	}
	return v
}

func TestLinearClassifier(t *testing.T) {
	for _, classes := range []int{1, 2, 3, 8, 9, 40} {
		for _, features := range []int{1, 7, 100} {
			for _, x := range []*tensor.Tensor{random(1, tensor.Float32, 1, features), random(2, tensor.Float32, 70, features), random(3, tensor.Float32, features), random(3, tensor.Float32, 0, features), random(3, tensor.Float32, 2, features+1)} {
				for _, post := range []string{"NONE", "LOGISTIC", "SOFTMAX"} {
					for _, bias := range [][]float32{nil, numbers(4, classes), numbers(4, 1)} {
						for _, weights := range [][]float32{numbers(5, classes*features), numbers(6, features)} {
							agreement{
								op: "ai.onnx.ml.LinearClassifier", kernel: "linear", inputs: []*tensor.Tensor{x}, outputs: 2, tolerance: 1e-5,
								attributes: []graph.Attribute{graph.A("coefficients", weights), graph.A("intercepts", bias), graph.A("classlabels_ints", labels(classes)), graph.A("post_transform", post)},
							}.check(t)
						}
					}
				}
			}
		}
	}
}

func TestLinearRegressor(t *testing.T) {
	for _, targets := range []int{1, 2, 12} {
		for _, shape := range [][]int{{30}, {1, 30}, {300, 30}, {0, 30}, {2, 29}, {1, 1, 30}} {
			for _, post := range []string{"NONE", "LOGISTIC", "SOFTMAX"} {
				for _, bias := range [][]float32{nil, numbers(4, targets), numbers(4, targets+1)} {
					agreement{
						op: "ai.onnx.ml.LinearRegressor", kernel: "linear", inputs: []*tensor.Tensor{random(1, tensor.Float32, shape...)}, tolerance: 1e-5,
						attributes: []graph.Attribute{graph.A("coefficients", numbers(5, targets*30)), graph.A("intercepts", bias), graph.A("targets", int64(targets)), graph.A("post_transform", post)},
					}.check(t)
				}
			}
		}
	}
	agreement{
		op: "ai.onnx.ml.LinearRegressor", kernel: "linear", inputs: []*tensor.Tensor{withSpecials(random(1, tensor.Float32, 40, 30))}, tolerance: 1e-5,
		attributes: []graph.Attribute{graph.A("coefficients", numbers(5, 90)), graph.A("targets", int64(3))},
	}.check(t)
}
