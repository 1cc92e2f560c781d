package differential_test

func init() { differences = append(differences, linearDifferences...) }

var linearDifferences = []*difference{
	{"Gemm", func(n *sample, err error) bool { return n.empty(0) && n.empty(1) },
		theirs, "where there is nothing to sum, C is not multiplied by beta"},
	{"MatMul MatMulInteger", func(n *sample, err error) bool { return n.empty(0) && n.empty(1) },
		theirs, "where there is nothing to sum, results of some types are left unset"},
	{"QLinearMatMul", func(n *sample, err error) bool { return n.empty(0) && n.empty(3) },
		theirs, "where there is nothing to sum, results are left unset"},
	{"MatMul MatMulInteger QLinearMatMul", func(n *sample, err error) bool { return n.empty(0) && says(err, "cannot broadcast") },
		theirs, "a matrix without rows before a vector, and an extent of 0 beside one of 1, are refused"},
}
