package differential_test

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, learningDifferences...) }

var learningDifferences = []*difference{
	{"ai.onnx.ml.CastMap", func(n *sample, err error) bool { return n.is("cast_to", "TO_STRING") },
		silent, "how a float is spelt, and what stands where the map has no key: nothing in the reference, 0.f in ONNX Runtime"},
	{"ai.onnx.ml.LinearClassifier", func(n *sample, err error) bool { return !n.has("intercepts") && says(err, "class_count_ > 0") },
		theirs, "intercepts are required, though optional"},
	{"ai.onnx.ml.LinearRegressor ai.onnx.ml.TreeEnsembleRegressor ai.onnx.ml.TreeEnsemble", func(n *sample, err error) bool {
		return n.int("targets", 1) == 1 && n.int("n_targets", 1) == 1 && !n.is("post_transform", "NONE") && !n.is("post_transform", int64(0))
	}, theirs, "a single score is not transformed"},
	{"ai.onnx.ml.TreeEnsemble ai.onnx.ml.TreeEnsembleRegressor", func(n *sample, err error) bool { return n.unvoted() },
		silent, "the score of a target without a vote: its base value in the reference, 0 that no transform counts in ONNX Runtime"},
	{"ai.onnx.ml.TreeEnsembleClassifier", func(n *sample, err error) bool { return n.classes() > 2 && n.unvoted() },
		silent, "whether a class without a vote can win: with its base value in the reference, never in ONNX Runtime"},
	{"ai.onnx.ml.TreeEnsembleRegressor ai.onnx.ml.TreeEnsembleClassifier ai.onnx.ml.TreeEnsemble", func(n *sample, err error) bool {
		return n.any(0, math.IsNaN) && n.unequal()
	}, theirs, "a missing value goes to the true branch of BRANCH_NEQ whatever nodes_missing_value_tracks_true says"},
	{"ai.onnx.ml.TreeEnsembleClassifier", func(n *sample, err error) bool { return n.classes() == 2 && !n.usual() },
		silent, "two classes whose scores are not one class's alone, or whose base values or transform are unusual: ONNX Runtime does not take the greater score"},
	{"ai.onnx.ml.SVMClassifier", func(n *sample, err error) bool {
		return n.classes() == 2 && !n.has("prob_a") && (n.is("post_transform", "SOFTMAX") || n.is("post_transform", "SOFTMAX_ZERO"))
	}, silent, "which two scores are made of one: s and -s, transformed, in the reference, s and 1-s as they are in ONNX Runtime"},
}

// classes returns how many classes a classifier has.
func (n *sample) classes() int {
	for _, a := range n.attrs {
		if v, ok := a.Value.([]string); ok && a.Name == "classlabels_strings" {
			return len(v)
		}
	}
	return max(len(n.ints("classlabels_ints", -1)), len(n.ints("classlabels_int64s", -1)))
}

// unequal reports whether a node of a tree branches on inequality.
func (n *sample) unequal() bool {
	for _, a := range n.attrs {
		if t, ok := a.Value.(*tensor.Tensor); ok && a.Name == "nodes_modes" {
			return slices.Contains(t.Int64s(), 5)
		}
	}
	return slices.Contains(n.texts("nodes_modes"), "BRANCH_NEQ")
}

// usual reports whether a classifier of two classes is one as tools write it:
// all votes are for the first class, and their sum is a probability or the logarithm
// of odds.
func (n *sample) usual() bool {
	ids := slices.Compact(slices.Sorted(slices.Values(n.ints("class_ids", -1))))
	weights := n.floats("class_weights")
	odds := n.is("post_transform", "LOGISTIC") && slices.Min(weights) < 0
	return len(ids) == 1 && ids[0] == 0 && len(n.floats("base_values")) < 2 && (odds || n.is("post_transform", "NONE"))
}

func (n *sample) floats(name string) []float32 {
	for _, a := range n.attrs {
		if v, ok := a.Value.([]float32); ok && a.Name == name {
			return v
		}
	}
	return nil
}

// unvoted reports whether an example may reach leaves that leave a target, or a
// class, without a vote: whether there is no tree all of whose leaves vote for it.
func (n *sample) unvoted() bool {
	ids, in := n.ints("target_ids", -1), n.ints("target_treeids", -1)
	count := int(n.int("n_targets", 1))
	if n.classes() > 0 {
		ids, in, count = n.ints("class_ids", -1), n.ints("class_treeids", -1), n.classes()
	}
	if n.has("leaf_targetids") {
		return count > 1
	}
	leaves := make(map[int64]int)
	for i, mode := range n.texts("nodes_modes") {
		if mode == "LEAF" {
			leaves[n.ints("nodes_treeids", -1)[i]]++
		}
	}
	votes := make(map[[2]int64]int)
	voted := make(map[int64]bool)
	for i, id := range ids {
		key := [2]int64{in[i], id}
		if votes[key]++; votes[key] == leaves[in[i]] {
			voted[id] = true
		}
	}
	return len(voted) < count
}

func (n *sample) texts(name string) []string {
	for _, a := range n.attrs {
		if v, ok := a.Value.([]string); ok && a.Name == name {
			return v
		}
	}
	return nil
}
