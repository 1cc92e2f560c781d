package differential_test

import "example.com/midplane/adapter/tensor"

func init() { differences = append(differences, normalizationDifferences...) }

var normalizationDifferences = []*difference{
	{"BatchNormalization", func(n *sample, err error) bool { return n.outputs == 5 && says(err, "output 4") },
		silent, "saved_var: the variance in the reference, the inverse of its root in ONNX Runtime"},
	{"Dropout", func(n *sample, err error) bool { return n.schema.Since < 12 && n.outputs == 2 && says(err, "output 1") },
		silent, "the mask where nothing is dropped: ones in the reference, as version 12 says, zeros in ONNX Runtime"},
	{"GroupNormalization LayerNormalization RMSNormalization", func(n *sample, err error) bool { return n.dtype(0) == tensor.Float64 },
		silent, "stash_type lets float64 be computed in float32"},
	{"MeanVarianceNormalization", func(n *sample, err error) bool { return says(err, "NaN in ONNX Runtime") },
		theirs, "the function's body adds 1e-9 to the deviation, ONNX Runtime does not"},
}
