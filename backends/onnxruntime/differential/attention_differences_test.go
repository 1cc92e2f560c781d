package differential_test

import "example.com/midplane/adapter/tensor"

func init() { differences = append(differences, attentionDifferences...) }

var attentionDifferences = []*difference{
	{"Attention", func(n *sample, err error) bool { return n.dtype(0) == tensor.Float64 },
		silent, "the default scale is an attribute, and so of float32, in the function's body"},
}
