package infer

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{}
