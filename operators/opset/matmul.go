package opset

// matmul holds MatMul, Gemm, Einsum, Det.
var matmul = family{}
