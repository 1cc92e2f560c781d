package reference_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// stump is a tree of one branch, x <= 0.5, with a vote at each leaf: the first
// where the comparison holds.
func stump(voted string, votes []int64, weights []float32, more ...graph.Attribute) []graph.Attribute {
	return append(attrs(graph.A("nodes_treeids", []int64{0, 0, 0}), graph.A("nodes_nodeids", []int64{0, 1, 2}), graph.A("nodes_featureids", []int64{0, 0, 0}),
		graph.A("nodes_modes", []string{"BRANCH_LEQ", "LEAF", "LEAF"}), graph.A("nodes_values", []float32{0.5, 0, 0}),
		graph.A("nodes_truenodeids", []int64{1, 0, 0}), graph.A("nodes_falsenodeids", []int64{2, 0, 0}),
		graph.A(voted+"_treeids", []int64{0, 0}), graph.A(voted+"_nodeids", []int64{1, 2}), graph.A(voted+"_ids", votes), graph.A(voted+"_weights", weights)), more...)
}

func TestTreeEnsembleClassifier(t *testing.T) {
	two, three := graph.A("classlabels_int64s", []int64{3, 7}), graph.A("classlabels_strings", []string{"a", "b", "c"})
	post := func(name string) graph.Attribute { return graph.A("post_transform", name) }
	base := func(v ...float32) graph.Attribute { return graph.A("base_values", v) }
	for _, c := range []struct {
		name   string
		attrs  []graph.Attribute
		labels *tensor.Tensor
		scores []float32 // of x = -1 and x = 2
	}{
		{"one score, a probability", stump("class", []int64{0, 0}, []float32{0.3, 0.8}, two), tensor.Of([]int64{3, 7}), []float32{0.7, 0.3, 0.2, 0.8}},
		{"one score of a half", stump("class", []int64{0, 0}, []float32{0.5, 0.50001}, two), tensor.Of([]int64{3, 7}), []float32{0.5, 0.5, 0.49999, 0.50001}},
		{"one score, a margin", stump("class", []int64{0, 0}, []float32{-0.3, 0.8}, two), tensor.Of([]int64{3, 7}), []float32{0.3, -0.3, -0.8, 0.8}},
		{"one score and its base", stump("class", []int64{0, 0}, []float32{0.3, 0.8}, two, base(0.25)), tensor.Of([]int64{7, 7}), []float32{0.45, 0.55, -0.05, 1.05}},
		{"one score, logistic", stump("class", []int64{0, 0}, []float32{-0.3, 0.8}, two, base(0.25), post("LOGISTIC")),
			tensor.Of([]int64{3, 7}), []float32{sigmoid(0.05), sigmoid(-0.05), sigmoid(-1.05), sigmoid(1.05)}},
		{"votes for the second class only", stump("class", []int64{1, 1}, []float32{-0.3, 0.8}, two), tensor.Of([]int64{3, 7}), []float32{0, -0.3, 0, 0.8}},
		{"two classes", stump("class", []int64{0, 1}, []float32{0.7, 0.8}, two, base(0, 0.75)), tensor.Of([]int64{7, 7}), []float32{0.7, 0.75, 0, 1.55}},
		{"three classes", stump("class", []int64{0, 1}, []float32{-0.7, 0.8}, three, base(0.1, 0.2, 0.3)), tensor.Of([]string{"c", "b"}), []float32{-0.6, 0.2, 0.3, 0.1, 1, 0.3}},
		{"doubles", stump("class", []int64{0, 1}, nil, three, graph.A("class_weights_as_tensor", tensor.Of([]float64{1, 2}))), tensor.Of([]string{"a", "b"}), []float32{1, 0, 0, 0, 2, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, x := range []*tensor.Tensor{tensor.Of([]float32{-1, 2}, 2, 1), tensor.Of([]float64{-1, 2}, 2, 1), tensor.Of([]int64{-1, 2}, 2, 1), tensor.Of([]int32{-1, 2}, 2, 1)} {
				out, err := ml("TreeEnsembleClassifier", 2, c.attrs, x)
				require.NoError(t, err)
				sameTensor(t, c.labels, out[0])
				sameTensor(t, tensor.Of(c.scores, 2, len(c.scores)/2), out[1])
			}
		})
	}
}

// Ten votes of float32(0.1), a bit above 0.1, must tie with a half as their
// float32 sum does.
func TestTreeEnsembleClassifierTies(t *testing.T) {
	a := attrs(graph.A("nodes_treeids", []int64{0, 1, 2, 3, 4}), graph.A("nodes_nodeids", make([]int64, 5)), graph.A("nodes_featureids", make([]int64, 5)),
		graph.A("nodes_modes", []string{"LEAF", "LEAF", "LEAF", "LEAF", "LEAF"}), graph.A("nodes_values", make([]float32, 5)),
		graph.A("nodes_truenodeids", make([]int64, 5)), graph.A("nodes_falsenodeids", make([]int64, 5)),
		graph.A("class_treeids", []int64{0, 1, 2, 3, 4}), graph.A("class_nodeids", make([]int64, 5)), graph.A("class_ids", make([]int64, 5)),
		graph.A("class_weights", []float32{0.1, 0.1, 0.1, 0.1, 0.1}), graph.A("classlabels_int64s", []int64{0, 1}))
	out, err := ml("TreeEnsembleClassifier", 2, a, tensor.Of([]float32{0}, 1, 1))
	require.NoError(t, err)
	sameTensor(t, tensor.Of([]int64{0}), out[0])
}

func TestTreeEnsembleRegressor(t *testing.T) {
	two := []graph.Attribute{graph.A("n_targets", int64(2))}
	for _, c := range []struct {
		name  string
		attrs []graph.Attribute
		want  []float32
	}{
		{"one target", stump("target", []int64{0, 0}, []float32{0.3, 0.8}), []float32{0.3, 0.8}},
		{"two targets", stump("target", []int64{0, 1}, []float32{0.3, 0.8}, append(two, graph.A("base_values", []float32{1, 2}))...), []float32{1.3, 2, 1, 2.8}},
		{"least, no vote is 0", stump("target", []int64{0, 1}, []float32{0.3, 0.8}, append(two, graph.A("aggregate_function", "MIN"))...), []float32{0.3, 0, 0, 0.8}},
		{"logistic", stump("target", []int64{0, 0}, []float32{0.3, 0.8}, graph.A("post_transform", "LOGISTIC")), []float32{sigmoid(0.3), sigmoid(0.8)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := ml("TreeEnsembleRegressor", 1, c.attrs, tensor.Of([]float32{0.5, 0.75}, 2, 1))
			require.NoError(t, err)
			sameTensor(t, tensor.Of(c.want, 2, len(c.want)/2), out[0])
		})
	}
}

// Two trees, the second a mere leaf and listed leaf first, and two votes at a
// leaf of the first.
func TestTreeEnsembleRegressorAggregates(t *testing.T) {
	trees := attrs(graph.A("nodes_treeids", []int64{4, 4, 4, 9}), graph.A("nodes_nodeids", []int64{1, 2, 0, 5}), graph.A("nodes_featureids", []int64{0, 0, 1, 0}),
		graph.A("nodes_modes", []string{"LEAF", "LEAF", "BRANCH_GT", "LEAF"}), graph.A("nodes_values", []float32{0, 0, 3, 0}),
		graph.A("nodes_truenodeids", []int64{0, 0, 1, 0}), graph.A("nodes_falsenodeids", []int64{0, 0, 2, 0}),
		graph.A("target_treeids", []int64{4, 4, 4, 9}), graph.A("target_nodeids", []int64{1, 1, 2, 5}), graph.A("target_ids", []int64{0, 0, 0, 0}),
		graph.A("target_weights", []float32{1, 2, -3, 5}))
	x := tensor.Of([]float32{0, 4, 0, 2}, 2, 2) // true, false
	for aggregate, want := range map[string][]float32{"SUM": {8, 2}, "AVERAGE": {4, 1}, "MIN": {1, -3}, "MAX": {5, 5}} {
		out, err := ml("TreeEnsembleRegressor", 1, with(trees, graph.A("aggregate_function", aggregate), graph.A("base_values", []float32{10})), x)
		require.NoError(t, err, aggregate)
		sameTensor(t, tensor.Of([]float32{want[0] + 10, want[1] + 10}, 2, 1), out[0])
	}
}

func TestTreeEnsembleClassicRejects(t *testing.T) {
	label := graph.A("classlabels_int64s", []int64{3, 7})
	a := stump("class", []int64{0, 1}, []float32{1, 2}, label)
	for _, c := range []struct {
		attrs []graph.Attribute
		want  string
	}{
		{with(a, graph.A("nodes_truenodeids", []int64{9, 0, 0})), "node 0 of tree 0 branches to nodes 9 and 2, which do not both exist"},
		{with(a, graph.A("nodes_modes", []string{"BRANCH_LEQ", "BRANCH_LEQ", "LEAF"}), graph.A("nodes_truenodeids", []int64{2, 2, 0}), graph.A("nodes_falsenodeids", []int64{1, 1, 0})), "a cycle"},
		{with(a, graph.A("nodes_modes", []string{"BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LEQ"})), "tree 0 has no root"},
		{with(a, graph.A("nodes_modes", []string{"LESS", "LEAF", "LEAF"})), `nodes_modes[0] is "LESS"`},
		{with(a, graph.A("nodes_featureids", []int64{1, 0, 0})), "tree node 0 looks at feature 1 of examples that have 1"},
		{with(a, graph.A("nodes_nodeids", []int64{0, 1, 1})), "both have the id 1 in tree 0"},
		{with(a, graph.A("class_ids", []int64{0, 2})), "votes for target 2, but must for one in [0, 2)"},
		{with(a, graph.A("class_ids", []int64{0})), "have 2, 2, 1 and 2 elements"},
		{with(a, graph.A("nodes_values", []float32{0})), "the list of thresholds has 1 elements, but nodes_nodeids has 3"},
		{with(a, graph.A("base_values", []float32{1, 2, 3})), "3 base_values for 2 scores"},
		{with(a, graph.A("nodes_values_as_tensor", tensor.Of([]float64{1, 2, 3}))), "both nodes_values and nodes_values_as_tensor are set"},
	} {
		_, err := ml("TreeEnsembleClassifier", 2, c.attrs, tensor.Of([]float32{1}, 1, 1))
		assert.ErrorContains(t, err, c.want)
	}
}

// branch is a TreeEnsemble of one branch of the given mode on x and 2, whose
// leaves give 1 where the comparison holds and 0 elsewhere.
func branch(mode uint8, more ...graph.Attribute) []graph.Attribute {
	return append(attrs(graph.A("nodes_modes", tensor.Of([]uint8{mode})), graph.A("nodes_featureids", []int64{0}), graph.A("nodes_splits", tensor.Of([]float32{2})),
		graph.A("nodes_truenodeids", []int64{1}), graph.A("nodes_trueleafs", []int64{1}), graph.A("nodes_falsenodeids", []int64{0}), graph.A("nodes_falseleafs", []int64{1}),
		graph.A("leaf_targetids", []int64{0, 0}), graph.A("leaf_weights", tensor.Of([]float32{0, 1})), graph.A("tree_roots", []int64{0})), more...)
}

func TestTreeEnsembleModes(t *testing.T) {
	x := tensor.Of([]float32{1, 2, 3, nan32}, 4, 1)
	members := graph.A("membership_values", tensor.Of([]float32{3, 1, nan32}))
	for mode, want := range [][]float32{{1, 1, 0, 0}, {1, 0, 0, 0}, {0, 1, 1, 0}, {0, 0, 1, 0}, {0, 1, 0, 0}, {1, 0, 1, 0}, {1, 0, 1, 0}} {
		out, err := ml("TreeEnsemble", 1, branch(uint8(mode), members), x)
		require.NoError(t, err)
		sameTensor(t, tensor.Of(want, 4, 1), out[0])

		out, err = ml("TreeEnsemble", 1, branch(uint8(mode), members, graph.A("nodes_missing_value_tracks_true", []int64{1})), x)
		require.NoError(t, err)
		sameTensor(t, tensor.Of(append(want[:3:3], 1), 4, 1), out[0])
	}
}

// The forest has a tree that is a leaf, written as a branch with one leaf on
// both sides, and one with two levels.
func TestTreeEnsembleAggregatesTransformsAndTypes(t *testing.T) {
	forest := func(d tensor.DType) []graph.Attribute {
		f := func(v ...float64) *tensor.Tensor { return tensor.FromFloat64s(d, tensor.Shape{len(v)}, v) }
		return attrs(graph.A("nodes_modes", tensor.Of([]uint8{0, 0, 3})), graph.A("nodes_featureids", []int64{0, 0, 1}), graph.A("nodes_splits", f(0, 1, 2)),
			graph.A("nodes_truenodeids", []int64{0, 2, 2}), graph.A("nodes_trueleafs", []int64{1, 0, 1}), graph.A("nodes_falsenodeids", []int64{0, 1, 3}), graph.A("nodes_falseleafs", []int64{1, 1, 1}),
			graph.A("leaf_targetids", []int64{0, 1, 0, 1}), graph.A("leaf_weights", f(1, 2, 4, -8)), graph.A("tree_roots", []int64{0, 1}), graph.A("n_targets", int64(2)))
	}
	// Examples: x0 > 1; x0 <= 1 and x1 > 2; x0 <= 1 and x1 <= 2.
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16} {
		x := tensor.FromFloat64s(d, tensor.Shape{3, 2}, []float64{2, 0, 1, 3, 1, 2})
		for aggregate, want := range [][]float64{{0.5, 1, 2.5, 0, 0.5, -4}, {1, 2, 5, 0, 1, -8}, {1, 2, 1, 0, 1, -8}, {1, 2, 4, 0, 1, -8}} {
			out, err := ml("TreeEnsemble", 1, with(forest(d), graph.A("aggregate_function", int64(aggregate))), x)
			require.NoError(t, err)
			sameTensor(t, tensor.FromFloat64s(d, tensor.Shape{3, 2}, want), out[0])
		}
	}
	x := tensor.Of([]float32{2, 0}, 1, 2)
	for post, want := range map[int64][]float32{1: {sigmoid(-1), sigmoid(1)}, 2: {sigmoid(1), sigmoid(2)}, 3: {sigmoid(-1), sigmoid(1)}} {
		out, err := ml("TreeEnsemble", 1, with(forest(tensor.Float32), graph.A("post_transform", post)), x)
		require.NoError(t, err)
		sameTensor(t, tensor.Of(want, 1, 2), out[0])
	}
}

func TestTreeEnsembleRejects(t *testing.T) {
	for _, c := range []struct {
		attrs []graph.Attribute
		want  string
	}{
		{with(branch(7)), "nodes_modes[0] is 7, but must be in [0, 7)"},
		{branch(6), "membership_values holds 0 sets"},
		{with(branch(0), graph.A("nodes_truenodeids", []int64{2})), "nodes_truenodeids[0] is 2, but must be in [0, 2)"},
		{with(branch(0), graph.A("nodes_falseleafs", []int64{0})), "a cycle"},
		{with(branch(0), graph.A("tree_roots", []int64{1})), "tree_roots[0] is 1, but must be in [0, 1)"},
		{with(branch(0), graph.A("leaf_targetids", []int64{0})), "leaf_targetids has 1 elements, but leaf_weights has 2"},
		{with(branch(0), graph.A("leaf_targetids", []int64{0, 5})), "votes for target 5"},
		{with(branch(0), graph.A("aggregate_function", int64(4))), "aggregate_function is 4, but must be in [0, 4)"},
		{with(branch(0), graph.A("n_targets", int64(0))), "0 targets"},
		{attrs(), "must all be set"},
	} {
		_, err := ml("TreeEnsemble", 1, c.attrs, tensor.Of([]float32{3}, 1, 1))
		assert.ErrorContains(t, err, c.want)
	}
}
