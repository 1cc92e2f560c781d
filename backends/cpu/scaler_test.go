package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestNormalizer(t *testing.T) {
	for _, norm := range []string{"MAX", "L1", "L2", "L3"} {
		a := []graph.Attribute{graph.A("norm", norm)}
		for _, shape := range [][]int{{5}, {1, 1}, {40, 9}, {3, 100}, {0, 3}, {3, 0}, {2, 3, 4}} {
			agreement{op: "ai.onnx.ml.Normalizer", kernel: "normalizer", inputs: []*tensor.Tensor{random(1, tensor.Float32, shape...)}, attributes: a, tolerance: 1e-6}.check(t)
		}
		agreement{op: "ai.onnx.ml.Normalizer", kernel: "normalizer", inputs: []*tensor.Tensor{tensor.Of([]float32{0, 0, 0, 3e38, -3e38, 3e38, 1e-42, -1e-42, 1e-42, 1e-20, 2e-20, -1e-20}, 4, 3)}, attributes: a, tolerance: 1e-6}.check(t)
		agreement{op: "ai.onnx.ml.Normalizer", kernel: "normalizer", inputs: []*tensor.Tensor{tensor.Of([]float32{1, float32(nan), 2, float32(inf), 1, 2, 1, float32(-inf), 0}, 3, 3)}, attributes: a, tolerance: 1e-6}.check(t)
	}
}

func TestImputer(t *testing.T) {
	for _, d := range featureTypes {
		for _, shape := range [][]int{{}, {4}, {40, 4}, {2, 3, 4}, {0, 4}, {40, 3}} {
			x := fewWholes(d, shape...)
			for _, n := range []int{1, 4} {
				a := []graph.Attribute{graph.A("replaced_value_int64", int64(3)), graph.A("imputed_value_int64s", labels(n))}
				if d.IsFloat() {
					a = []graph.Attribute{graph.A("replaced_value_float", float32(3)), graph.A("imputed_value_floats", numbers(1, n))}
				}
				agreement{op: "ai.onnx.ml.Imputer", kernel: "imputer", inputs: []*tensor.Tensor{x}, attributes: a}.check(t)
				if d.IsFloat() && len(shape) > 0 {
					a[0] = graph.A("replaced_value_float", float32(nan))
					agreement{op: "ai.onnx.ml.Imputer", kernel: "imputer", inputs: []*tensor.Tensor{withSpecials(x)}, attributes: a}.check(t)
				}
			}
		}
	}
	for _, a := range [][]graph.Attribute{
		{graph.A("imputed_value_int64s", []int64{1 << 40})},
		{graph.A("imputed_value_int64s", []int64{1}), graph.A("replaced_value_int64", int64(1<<40))},
		nil,
	} {
		agreement{op: "ai.onnx.ml.Imputer", kernel: "imputer", inputs: []*tensor.Tensor{fewWholes(tensor.Int32, 5)}, attributes: a}.check(t)
	}
}

func TestBinarizer(t *testing.T) {
	for _, threshold := range []float64{0, 0.5, -1, nan, inf, -inf} {
		for _, shape := range [][]int{{}, {5}, {40, 9}, {0, 3}} {
			x := random(1, tensor.Float32, shape...)
			if len(shape) > 0 {
				x = withSpecials(x)
			}
			agreement{op: "ai.onnx.ml.Binarizer", kernel: "binarizer", inputs: []*tensor.Tensor{x}, attributes: []graph.Attribute{graph.A("threshold", float32(threshold))}}.check(t)
		}
	}
}
