package differential_test

func init() { differences = append(differences, recurrentDifferences...) }

var recurrentDifferences = []*difference{
	{"LSTM", func(n *sample, err error) bool { return n.has("clip") },
		theirs, "clip is not applied to the cell state where it goes into the activation h"},
}
