package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var svmKernels = []string{"LINEAR", "POLY", "RBF", "SIGMOID"}

func TestSVMRegressor(t *testing.T) {
	for _, kind := range svmKernels {
		for _, count := range []int{1, 6, 61} {
			for _, shape := range [][]int{{1, 9}, {50, 9}, {9}, {0, 9}, {2, 8}} {
				for oneClass := range int64(2) {
					for _, params := range [][]float32{{0.1, 0.5, 3}, {0.2, 4, 2}, {0.1, 1, 4}, nil, {1, 2}} {
						agreement{
							op: "ai.onnx.ml.SVMRegressor", kernel: "svm", inputs: []*tensor.Tensor{random(1, tensor.Float32, shape...)}, tolerance: 2e-5,
							attributes: []graph.Attribute{
								graph.A("kernel_type", kind), graph.A("kernel_params", params), graph.A("one_class", oneClass), graph.A("n_supports", int64(count)),
								graph.A("support_vectors", numbers(2, count*9)), graph.A("coefficients", numbers(3, count)), graph.A("rho", []float32{0.25}),
							},
						}.check(t)
					}
				}
			}
		}
	}
	for _, features := range []int{9, 8} { // without support vectors
		agreement{
			op: "ai.onnx.ml.SVMRegressor", kernel: "svm", inputs: []*tensor.Tensor{random(1, tensor.Float32, 40, features)}, tolerance: 1e-5,
			attributes: []graph.Attribute{graph.A("coefficients", numbers(3, 9)), graph.A("rho", []float32{0.25, 7}), graph.A("one_class", int64(9-features))},
		}.check(t)
	}
}

// classifierOf are the attributes of support vectors of some classes.
func classifierOf(kind string, perClass []int64, features int) []graph.Attribute {
	count, classes := int64(0), len(perClass)
	for _, n := range perClass {
		count += n
	}
	return []graph.Attribute{
		graph.A("kernel_type", kind), graph.A("kernel_params", []float32{0.1, 0.5, 3}), graph.A("vectors_per_class", perClass),
		graph.A("support_vectors", numbers(2, int(count)*features)), graph.A("coefficients", numbers(3, int(count)*(classes-1))),
		graph.A("rho", numbers(4, classes*(classes-1)/2)), graph.A("classlabels_ints", labels(classes)),
	}
}

func TestSVMClassifier(t *testing.T) {
	for _, kind := range svmKernels {
		for _, perClass := range [][]int64{{3, 5}, {1, 40}, {4, 0, 9}, {7, 2, 3, 11, 1}} {
			for _, shape := range [][]int{{1, 9}, {50, 9}, {9}, {0, 9}, {2, 8}} {
				for _, post := range []string{"NONE", "LOGISTIC", "SOFTMAX"} {
					for _, probabilities := range []bool{false, true} {
						a := append(classifierOf(kind, perClass, 9), graph.A("post_transform", post))
						if pairs := len(perClass) * (len(perClass) - 1) / 2; probabilities {
							a = append(a, graph.A("prob_a", numbers(5, pairs)), graph.A("prob_b", numbers(6, pairs)))
						}
						agreement{op: "ai.onnx.ml.SVMClassifier", kernel: "svm", inputs: []*tensor.Tensor{random(1, tensor.Float32, shape...)}, attributes: a, outputs: 2, tolerance: 2e-5}.check(t)
					}
				}
			}
		}
	}
}

func TestLinearSVMClassifier(t *testing.T) {
	for _, classes := range []int{1, 2, 5} {
		for _, rho := range [][]float32{{0.5}, {0.5, 2}, nil} {
			agreement{
				op: "ai.onnx.ml.SVMClassifier", kernel: "svm", inputs: []*tensor.Tensor{random(1, tensor.Float32, 40, 9)}, outputs: 2, tolerance: 1e-5,
				attributes: []graph.Attribute{graph.A("coefficients", numbers(3, 9*classes)), graph.A("rho", rho), graph.A("classlabels_ints", labels(classes))},
			}.check(t)
		}
	}
}

// What is wrong with a machine, the reference says.
func TestWrongSVMClassifier(t *testing.T) {
	good := classifierOf("RBF", []int64{3, 5, 2}, 4)
	for _, wrong := range []graph.Attribute{
		graph.A("vectors_per_class", []int64{3, 7}), graph.A("vectors_per_class", []int64{-1, 9, 2}), graph.A("vectors_per_class", []int64{1 << 40, 5, 2}),
		graph.A("rho", []float32{1, 2}), graph.A("coefficients", []float32{1}), graph.A("kernel_type", "RBG"), graph.A("kernel_params", []float32{1}),
		graph.A("prob_a", []float32{1, 2, 3}), graph.A("classlabels_ints", []int64{4, 5}), graph.A("support_vectors", []float32{}),
	} {
		n := &graph.Node{Attributes: append([]graph.Attribute(nil), good...)}
		n.Set(wrong)
		agreement{op: "ai.onnx.ml.SVMClassifier", kernel: "svm", inputs: []*tensor.Tensor{random(1, tensor.Float32, 5, 4)}, attributes: n.Attributes, outputs: 2}.check(t)
	}
}
