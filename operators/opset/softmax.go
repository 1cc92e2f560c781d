package opset

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{}
