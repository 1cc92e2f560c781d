package opset

// scaler holds Scaler, Normalizer, Imputer, Binarizer of ai.onnx.ml.
var scaler = family{}
