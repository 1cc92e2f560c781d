package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// linear holds LinearClassifier, LinearRegressor, SVMClassifier, SVMRegressor
// of ai.onnx.ml.
var linear = family{
	"ai.onnx.ml.LinearClassifier": linearClassifier,
	"ai.onnx.ml.LinearRegressor":  func(c *Call) error { return scores(c, 0, tensor.Float32, c.Node.Int("targets", 1)) },
	"ai.onnx.ml.SVMClassifier":    svmClassifier,
	"ai.onnx.ml.SVMRegressor":     func(c *Call) error { return scores(c, 0, tensor.Float32, 1) },
}

// exampleDim returns how many examples input 0 holds, of shape [N,C] or, for one
// example, [C].
func exampleDim(c *Call) (tensor.Dim, error) {
	switch d := c.Dims(0); {
	case !d.Ranked():
		return tensor.Symbol(""), nil
	case len(d) == 2:
		return d[0], nil
	case len(d) == 1:
		return tensor.Known(1), nil
	default:
		return tensor.Dim{}, fmt.Errorf("input of shape %v: examples have the shape [N,C] or [C]", d)
	}
}

// scores gives output i the shape of count scores of type d for each example.
func scores(c *Call, i int, d tensor.DType, count int64) error {
	if count < 1 {
		return fmt.Errorf("%d scores for each example: there must be at least one", count)
	}
	examples, err := exampleDim(c)
	if err != nil {
		return err
	}
	c.Set(i, d, tensor.Dims{examples, tensor.Known(tensor.Extent(count))})
	return nil
}

// topClass gives output 0 the shape of one class label for each example, and
// returns the number of classes. Labels are strings or the integers of an
// attribute.
func topClass(c *Call, ints string) (classes int, err error) {
	examples, err := exampleDim(c)
	if err != nil {
		return 0, err
	}
	d, classes := tensor.Int64, len(c.Node.Ints(ints))
	if n := len(c.Node.Texts("classlabels_strings")); n > 0 {
		d, classes = tensor.String, n
	}
	if classes == 0 {
		return 0, fmt.Errorf("neither %s nor classlabels_strings lists the classes", ints)
	}
	c.Set(0, d, tensor.Dims{examples})
	return classes, nil
}

func linearClassifier(c *Call) error {
	classes, err := topClass(c, "classlabels_ints")
	if err != nil {
		return err
	}
	return scores(c, 1, tensor.Float32, int64(classes))
}

// svmClassifier gives a score for each class if it gives probabilities, has no
// support vectors or decides between two classes, or else for each pair.
func svmClassifier(c *Call) error {
	n, err := topClass(c, "classlabels_ints")
	if err != nil {
		return err
	}
	supports := int64(0)
	for _, k := range c.Node.Ints("vectors_per_class") {
		supports += k
	}
	if supports > 0 && n != 2 && len(c.Node.Floats("prob_a")) == 0 {
		n = n * (n - 1) / 2
	}
	return scores(c, 1, tensor.Float32, int64(n))
}
