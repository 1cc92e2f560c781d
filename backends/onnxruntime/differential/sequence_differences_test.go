package differential_test

import "slices"

func init() { differences = append(differences, sequenceDifferences...) }

// sequenceDifferences are of sequences, of bodies and of text.
var sequenceDifferences = []*difference{
	{"Loop", func(n *sample, err error) bool { return n.inputs[0] != nil && n.inputs[1] == nil },
		theirs, "the body's condition counts where the node has a trip count only, though it is to be ignored then"},
	{"SplitToSequence", func(n *sample, err error) bool {
		return n.is("keepdims", int64(0)) && len(n.inputs) > 1 && n.tensorAt(1).Rank() == 0
	}, theirs, "keepdims counts where split is a scalar, though it is to be ignored then"},
	{"StringNormalizer", func(n *sample, err error) bool { return says(err, "must have either [C] or [1,C] dimensions") },
		theirs, "a first extent that is not known is refused"},
	{"StringSplit", func(n *sample, err error) bool {
		return n.has("delimiter") && slices.Contains(n.tensorAt(0).Strings(), "")
	}, silent, "of how many parts the empty string is: one in the reference, as in Python, none in ONNX Runtime"},
}
