package reference

// linear holds LinearClassifier, LinearRegressor, SVMClassifier, SVMRegressor
// of ai.onnx.ml.
var linear = family{}
