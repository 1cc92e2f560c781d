package reference

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{}
