package differential_test

import "example.com/midplane/adapter/tensor"

func init() { differences = append(differences, signalDifferences...) }

var signalDifferences = []*difference{
	{"BlackmanWindow HammingWindow HannWindow", func(n *sample, err error) bool { return n.is("output_datatype", int64(tensor.Float64)) },
		silent, "the function's body computes in float32"},
	{"BlackmanWindow HammingWindow HannWindow", func(n *sample, err error) bool { return tensor.DType(n.int("output_datatype", 1)).IsInteger() },
		silent, "what is next to an integer before it is cut"},
	{"DFT STFT", func(n *sample, err error) bool { return n.dtype(0) == tensor.Float64 },
		theirs, "lengths that are no powers of two are transformed with the precision of float32"},
	{"STFT", func(n *sample, err error) bool { s := n.tensorAt(0).Shape(); return s[2] == 2 && n.tensorAt(2) != nil },
		crash, "ONNX Runtime reads a window beyond its end where the signal is complex"},
}
