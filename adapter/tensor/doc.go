// Package tensor holds the values that flow through a graph: element types,
// shapes, host tensors, and the sequences, optionals and maps made of them.
//
// It is a leaf: it knows nothing of devices, operators or models.
//
// # Memory
//
// A [Tensor] is dense and row-major. Its elements lie in one byte slice in the
// machine's own byte order; types narrower than a byte are packed as ONNX packs
// them, the first element in the low bits. [Slice] views those bytes as a Go
// slice without copying, [FromSlice] wraps a Go slice without copying: the
// tensor and the slice then share memory.
//
// # Concurrency
//
// Reading is safe from any number of goroutines; writing to a tensor's elements
// needs the caller's own ordering.
package tensor
