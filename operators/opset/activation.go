package opset

// activation holds Relu, LeakyRelu, PRelu, Elu, Selu, Celu, ThresholdedRelu,
// Sigmoid, HardSigmoid, HardSwish, Softplus, Softsign, Gelu, Mish, Swish,
// SwiGLU, Shrink, Clip.
var activation = family{}
