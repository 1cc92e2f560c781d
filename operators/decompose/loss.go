package decompose

// loss holds NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
var loss = family{}
