package decompose

// softmax holds Softmax, LogSoftmax, Hardmax.
var softmax = family{}
