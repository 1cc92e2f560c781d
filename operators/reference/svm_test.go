package reference_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Expected values that are no round numbers were computed by ONNX Runtime 1.30.

var (
	svmExamples = tensor.Of([]float32{-1, 0.5, 0.3, 0.2, 2, 1}, 3, 2)
	twoClasses  = attrs(graph.A("coefficients", []float32{-0.5, 0.7, -0.2}), graph.A("support_vectors", []float32{1, 2, -1, 0.5, 0.3, 0.9}),
		graph.A("vectors_per_class", []int64{2, 1}), graph.A("rho", []float32{0.1}), graph.A("kernel_params", []float32{0.5, 0.2, 3}),
		graph.A("classlabels_ints", []int64{3, 7}))
	threeClasses = attrs(graph.A("coefficients", []float32{-0.5, 0.7, -0.2, 0.4, 0.1, 0.9, -0.3, 0.6}), graph.A("support_vectors", []float32{1, 2, -1, 0.5, 0.3, 0.9, 0.6, -0.4}),
		graph.A("vectors_per_class", []int64{2, 1, 1}), graph.A("rho", []float32{0.1, -0.2, 0.3}), graph.A("kernel_params", []float32{0.5, 0.2, 3}),
		graph.A("classlabels_ints", []int64{3, 7, 9}))
)

func TestSVMClassifierOfTwoClasses(t *testing.T) {
	proba := with(twoClasses, graph.A("prob_a", []float32{-1.3}), graph.A("prob_b", []float32{0.2}))
	for _, c := range []struct {
		name   string
		attrs  []graph.Attribute
		labels []int64
		scores []float32
	}{
		{"linear", twoClasses, []int64{3, 7, 7}, []float32{-0.945, 0.945, 0.444, -0.444, 3.25, -3.25}},
		{"poly", with(twoClasses, graph.A("kernel_type", "POLY")), []int64{3, 3, 7}, []float32{-0.48490152, 0.48490152, -0.00999342, 0.00999342, 5.511938, -5.511938}},
		{"rbf", with(twoClasses, graph.A("kernel_type", "RBF")), []int64{3, 3, 7}, []float32{-0.69872522, 0.69872522, -0.15347001, 0.15347001, 0.12399122, -0.12399122}},
		{"sigmoid", with(twoClasses, graph.A("kernel_type", "SIGMOID")), []int64{3, 7, 7}, []float32{-0.42210561, 0.42210561, 0.1450938, -0.1450938, 0.88619238, -0.88619238}},
		{"logistic", with(twoClasses, graph.A("post_transform", "LOGISTIC")), []int64{3, 7, 7}, []float32{0.27989143, 0.72010857, 0.60921174, 0.39078826, 0.96267307, 0.03732693}},
		{"probabilities", proba, []int64{3, 7, 7}, []float32{0.7366249, 0.26337519, 0.31492355, 0.68507636, 0.01183112, 0.98816885}},
		{"probabilities, softmax", with(proba, graph.A("post_transform", "SOFTMAX")), []int64{3, 7, 7}, []float32{0.61615264, 0.38384739, 0.4085041, 0.59149593, 0.27361906, 0.726381}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := ml("SVMClassifier", 2, c.attrs, svmExamples)
			require.NoError(t, err)
			sameTensor(t, tensor.Of(c.labels), out[0])
			sameTensor(t, tensor.Of(c.scores, 3, 2), out[1])
		})
	}
}

func TestSVMClassifierOfThreeClasses(t *testing.T) {
	proba := with(threeClasses, graph.A("prob_a", []float32{-1.3, -0.5, -0.7}), graph.A("prob_b", []float32{0.2, 0.1, -0.1}))
	for _, c := range []struct {
		name   string
		attrs  []graph.Attribute
		scores []float32
	}{
		{"pairs", threeClasses, []float32{0.945, 0.605, -0.225, -0.444, -0.27, 0.279, -3.25, -0.83, 0.33}},
		{"probabilities", proba, []float32{0.46323073, 0.21585345, 0.32091591, 0.2281066, 0.45226169, 0.31963176, 0.07487514, 0.57119977, 0.35392514}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := ml("SVMClassifier", 2, c.attrs, svmExamples)
			require.NoError(t, err)
			sameTensor(t, tensor.Of([]int64{3, 7, 7}), out[0])
			sameTensor(t, tensor.Of(c.scores, 3, 3), out[1])
		})
	}
}

func TestSVMClassifierWithoutSupportVectors(t *testing.T) {
	linear := attrs(graph.A("coefficients", []float32{-0.5, 0.7, 0.4, 0.2, 0.9, -0.4}), graph.A("rho", []float32{0.1}),
		graph.A("kernel_type", "RBF"), graph.A("classlabels_strings", []string{"a", "b", "c"}))
	out, err := ml("SVMClassifier", 2, linear, tensor.Of([]int64{-2, 1}))
	require.NoError(t, err)
	sameTensor(t, tensor.Of([]string{"a"}), out[0])
	sameTensor(t, tensor.Of([]float32{1.8, -0.5, -2.1}, 1, 3), out[1])
}

func TestSVMRegressor(t *testing.T) {
	supports := attrs(graph.A("coefficients", []float32{-0.5, 0.7, -0.2}), graph.A("support_vectors", []float32{1, 2, -1, 0.5, 0.3, 0.9}),
		graph.A("n_supports", int64(3)), graph.A("rho", []float32{0.1}), graph.A("kernel_params", []float32{0.5, 0.2, 3}))
	linear := attrs(graph.A("coefficients", []float32{-0.5, 0.7}), graph.A("rho", []float32{0.1}))
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		want  []float32
	}{
		{"linear", supports, []float32{0.945, -0.444, -3.25}},
		{"rbf", with(supports, graph.A("kernel_type", "RBF")), []float32{0.69872522, 0.15347001, -0.12399122}},
		{"one class", with(supports, graph.A("one_class", int64(1))), []float32{1, -1, -1}},
		{"no support vectors", linear, []float32{0.95, 0.09, -0.2}},
		{"logistic", with(linear, graph.A("post_transform", "LOGISTIC")), []float32{sigmoid(0.95), sigmoid(0.09), sigmoid(-0.2)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := ml("SVMRegressor", 1, c.attrs, svmExamples)
			require.NoError(t, err)
			sameTensor(t, tensor.Of(c.want, 3, 1), out[0])
		})
	}
}

func TestSVMRejects(t *testing.T) {
	for _, c := range []struct {
		op    string
		attrs []graph.Attribute
		want  string
	}{
		{"SVMClassifier", with(twoClasses, graph.A("kernel_type", "COSINE")), `kernel_type "COSINE" is none of`},
		{"SVMClassifier", with(twoClasses, graph.A("kernel_params", []float32{1})), "kernel_params has 1 elements"},
		{"SVMClassifier", with(twoClasses, graph.A("support_vectors", []float32{1, 2, 3})), "support_vectors has 3 elements, but 3 vectors of 2 features take 3 × 2"},
		{"SVMClassifier", with(twoClasses, graph.A("vectors_per_class", []int64{-1, 4})), "vectors_per_class is [-1 4]"},
		{"SVMClassifier", with(twoClasses, graph.A("rho", []float32{})), "0 rho for 1 pairs of classes"},
		{"SVMClassifier", with(twoClasses, graph.A("prob_a", []float32{1})), "1 prob_a and 0 prob_b"},
		{"SVMClassifier", with(threeClasses, graph.A("coefficients", []float32{1})), "1 coefficients, but 3 classes and 4 support vectors take 8"},
		{"SVMRegressor", attrs(graph.A("coefficients", []float32{1})), "1 coefficients and 0 rho"},
	} {
		_, err := ml(c.op, 2, c.attrs, svmExamples)
		assert.ErrorContains(t, err, c.want)
	}
}
