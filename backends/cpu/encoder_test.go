package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var featureTypes = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int64, tensor.Int32}

// fewWholes returns whole numbers of which many are equal.
func fewWholes(d tensor.DType, shape ...int) *tensor.Tensor {
	v := make([]int64, tensor.Shape(shape).Size())
	real := make([]float64, len(v))
	for i := range v {
		v[i] = int64(i*i%23 - 6)
		real[i] = float64(v[i])
	}
	if d.IsFloat() {
		return tensor.FromFloat64s(d, shape, real)
	}
	return tensor.FromInt64s(d, shape, v)
}

func TestLabelEncoder(t *testing.T) {
	for _, d := range featureTypes {
		for _, values := range featureTypes {
			for _, shape := range [][]int{{}, {3}, {40, 1}, {0, 3}} {
				a := []graph.Attribute{
					graph.A("keys_tensor", fewWholes(d, 9)), graph.A("values_tensor", random(1, values, 9)),
				}
				agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{fewWholes(d, shape...)}, attributes: append(a, graph.A("default_tensor", random(2, values, 1)))}.check(t)
				if values == tensor.Float32 || values == tensor.Int64 {
					agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{fewWholes(d, shape...)}, attributes: a}.check(t)
				}
			}
		}
	}
	labels := []graph.Attribute{graph.A("keys_int64s", []int64{5, -4, 5, 1 << 40}), graph.A("values_floats", []float32{1, 2, 3, 4}), graph.A("default_float", float32(9))}
	agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{ints(5, -4, 1<<40, 0, 6)}, attributes: labels}.check(t)
	agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{random(1, tensor.Float32, 4)}, attributes: labels}.check(t) // keys of another type
	agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{ints(5)}, attributes: append(labels, graph.A("values_int64s", []int64{1}))}.check(t)
	agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{ints(5)}, attributes: labels[1:]}.check(t)
	agreement{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{ints(5)}, attributes: append(labels[1:], graph.A("keys_int64s", []int64{1}))}.check(t)
}

// NaN is a key like any other, and -0 is 0.
func TestLabelsOfSpecials(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		keys := tensor.FromFloat64s(d, tensor.Shape{4}, []float64{nan, 0, inf, 2.5})
		agreement{
			op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", inputs: []*tensor.Tensor{withSpecials(random(1, d, 40))},
			attributes: []graph.Attribute{graph.A("keys_tensor", keys), graph.A("values_int64s", []int64{7, 8, 9, 10})},
		}.check(t)
	}
}

func TestOneHotEncoder(t *testing.T) {
	for _, d := range featureTypes {
		for _, shape := range [][]int{{}, {3}, {40, 2}, {0, 3}} {
			for zeros := range int64(2) {
				for _, cats := range [][]int64{{0, 3, -2, -2, 100}, {-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {}} {
					a := []graph.Attribute{graph.A("cats_int64s", cats), graph.A("zeros", zeros)}
					agreement{op: "ai.onnx.ml.OneHotEncoder", kernel: "encoder", inputs: []*tensor.Tensor{fewWholes(d, shape...)}, attributes: a}.check(t)
				}
			}
		}
	}
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		agreement{op: "ai.onnx.ml.OneHotEncoder", kernel: "encoder", inputs: []*tensor.Tensor{withSpecials(random(1, d, 40))}, attributes: []graph.Attribute{graph.A("cats_int64s", []int64{-1, 0, 1})}}.check(t)
	}
}

func TestArrayFeatureExtractor(t *testing.T) {
	for _, d := range featureTypes {
		for _, shape := range [][]int{{7}, {1, 7}, {40, 7}, {2, 3, 7}, {0, 7}, {2, 0}, {}} {
			for _, wanted := range [][]int64{{0}, {6, 2, 2}, {2, 3, 4}, {7}, {-1}, {}} {
				agreement{op: "ai.onnx.ml.ArrayFeatureExtractor", kernel: "encoder", inputs: []*tensor.Tensor{random(1, d, shape...), ints(wanted...)}}.check(t)
			}
		}
	}
}

func TestFeatureVectorizer(t *testing.T) {
	for _, d := range featureTypes {
		x := []*tensor.Tensor{random(1, d, 30, 4), random(2, d, 30, 1), random(3, d, 30, 7)}
		for _, sizes := range [][]int64{nil, {4, 1, 7}, {2, 3, 0}, {4, 1}, {4, 1, -1}, {4, 1, 1 << 62}} {
			a := []graph.Attribute{graph.A("inputdimensions", sizes)}
			agreement{op: "ai.onnx.ml.FeatureVectorizer", kernel: "encoder", inputs: x, attributes: a}.check(t)
		}
		agreement{op: "ai.onnx.ml.FeatureVectorizer", kernel: "encoder", inputs: []*tensor.Tensor{random(1, d, 4), random(2, d, 1, 3)}}.check(t)
		agreement{op: "ai.onnx.ml.FeatureVectorizer", kernel: "encoder", inputs: []*tensor.Tensor{random(1, d, 2, 4), random(2, d, 1, 3)}}.check(t)
		agreement{op: "ai.onnx.ml.FeatureVectorizer", kernel: "encoder", inputs: []*tensor.Tensor{random(1, d, 0, 4)}}.check(t)
	}
}
