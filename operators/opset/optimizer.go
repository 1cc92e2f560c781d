package opset

// optimizer holds Adam, Adagrad, Momentum of ai.onnx.preview.training.
var optimizer = family{}
