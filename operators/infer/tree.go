package infer

import "example.com/midplane/adapter/tensor"

// tree holds TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor of
// ai.onnx.ml.
var tree = family{
	"ai.onnx.ml.TreeEnsemble":           func(c *Call) error { return scores(c, 0, c.DType(0), c.Node.Int("n_targets", 1)) },
	"ai.onnx.ml.TreeEnsembleClassifier": treeEnsembleClassifier,
	"ai.onnx.ml.TreeEnsembleRegressor":  func(c *Call) error { return scores(c, 0, tensor.Float32, c.Node.Int("n_targets", 1)) },
}

func treeEnsembleClassifier(c *Call) error {
	classes, err := topClass(c, "classlabels_int64s")
	if err != nil {
		return err
	}
	return scores(c, 1, tensor.Float32, int64(classes))
}
