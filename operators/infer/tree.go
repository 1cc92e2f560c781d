package infer

// tree holds TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor of
// ai.onnx.ml.
var tree = family{}
