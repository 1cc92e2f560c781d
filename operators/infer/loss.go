package infer

// loss holds NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
var loss = family{}
