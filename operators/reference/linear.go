package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// linear holds LinearClassifier and LinearRegressor of ai.onnx.ml, and the
// support vector machines of svm.go.
var linear = family{
	"ai.onnx.ml.LinearClassifier": linearClassifier,
	"ai.onnx.ml.LinearRegressor":  linearRegressor,
	"ai.onnx.ml.SVMClassifier":    svmClassifier,
	"ai.onnx.ml.SVMRegressor":     svmRegressor,
}

func linearClassifier(c *Call) ([]tensor.Value, error) {
	labels, err := labelsOf(c.Node, "classlabels_ints")
	if err != nil {
		return nil, err
	}
	x, err := examples(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	weights, bias := c.Node.Floats("coefficients"), c.Node.Floats("intercepts")
	n := len(bias)
	if n == 0 {
		n = labels.Len()
		if n == 2 && len(weights) == x.cols {
			n = 1
		}
	}
	scores, err := linearScores(x, weights, bias, n)
	if err != nil {
		return nil, err
	}
	return topClasses(labels, scores, c.Node.Text("post_transform", "NONE"), oneScore{probability: true})
}

func linearRegressor(c *Call) ([]tensor.Value, error) {
	x, err := examples(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	targets := c.Node.Int("targets", 1)
	if targets < 1 {
		return nil, fmt.Errorf("targets is %d, but must be at least 1", targets)
	}
	scores, err := linearScores(x, c.Node.Floats("coefficients"), c.Node.Floats("intercepts"), tensor.Extent(targets))
	if err != nil {
		return nil, err
	}
	return regress(scores, c.Node.Text("post_transform", "NONE"))
}

// linearScores returns x·weightsᵀ + bias, where weights has n rows as long as those
// of x and bias, if there is one, n elements.
func linearScores(x matrix, weights, bias []float32, n int) (matrix, error) {
	if want, err := (tensor.Shape{n, x.cols}).Elements(); err != nil || want != len(weights) {
		return matrix{}, fmt.Errorf("%d coefficients, but %d scores of %d features take %d × %d", len(weights), n, x.cols, n, x.cols)
	}
	if len(bias) != 0 && len(bias) != n {
		return matrix{}, fmt.Errorf("%d intercepts for %d scores", len(bias), n)
	}
	out, err := newMatrix(x.rows, n)
	if err != nil {
		return matrix{}, err
	}
	for i := range x.rows {
		for k, row := 0, out.row(i); k < n; k++ {
			row[k] = inner(x.row(i), weights[k*x.cols:])
			if len(bias) > 0 {
				row[k] += float64(bias[k])
			}
		}
	}
	return out, nil
}

// inner returns the inner product of x and as many elements of w.
func inner(x []float64, w []float32) float64 {
	sum := 0.0
	for i, v := range x {
		sum += v * float64(w[i])
	}
	return sum
}
