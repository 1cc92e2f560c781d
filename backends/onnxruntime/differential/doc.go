// Package differential holds the reference implementation and the lifts against
// ONNX Runtime: its tests draw single nodes of every operator in the form of
// every version, run each model in ONNX Runtime as it is, and compare with what
// the reference computes of the lifted model. The results are in
// docs/differences.md.
package differential
