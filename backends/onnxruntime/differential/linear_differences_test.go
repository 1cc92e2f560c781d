package differential_test

func init() { differences = append(differences, linearDifferences...) }

var linearDifferences = []*difference{
	{"Gemm", func(n *sample, err error) bool { return n.empty(0) && n.empty(1) },
		theirs, "where there is nothing to sum, C is not multiplied by beta"},
	{"MatMul MatMulInteger", func(n *sample, err error) bool { return n.empty(0) && n.empty(1) },
		theirs, "where there is nothing to sum, results of some types are left unset"},
	{"MatMul", func(n *sample, err error) bool {
		return n.empty(0) && n.tensorAt(1).Rank() == 1 && says(err, "ONNX Runtime fails")
	},
		theirs, "a matrix without rows is refused before a vector"},
}
