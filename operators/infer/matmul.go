package infer

// matmul holds MatMul, Gemm, Einsum, Det.
var matmul = family{}
