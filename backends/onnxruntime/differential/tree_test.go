package differential_test

import (
	"maps"
	"slices"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, treeDraws) }

var treeDraws = map[string]func(d *dice) *sample{
	"ai.onnx.ml.TreeEnsemble":           treeEnsemble,
	"ai.onnx.ml.TreeEnsembleClassifier": treeClassifier,
	"ai.onnx.ml.TreeEnsembleRegressor":  treeRegressor,
}

// trees are drawn ones in the lists of the operators of versions 1 and 3.
type trees struct {
	tree, node, feature, yes, no, missing []int64
	modes                                 []string
	values                                []float32
	leafTree, leafNode                    []int64
}

var comparisons = []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"}

// trees draws one to three trees of a few nodes over features of so many columns.
func (d *dice) trees(columns int) *trees {
	t := &trees{}
	mode := pick(d, comparisons...)
	mixed := d.one(3)
	for tree := range d.between(1, 3) {
		count := int64(0)
		var grow func(depth int) int64
		grow = func(depth int) int64 {
			id := count
			count++
			at := len(t.node)
			t.tree, t.node = append(t.tree, int64(tree)), append(t.node, id)
			t.feature, t.yes, t.no = append(t.feature, int64(d.IntN(columns))), append(t.yes, 0), append(t.no, 0)
			t.values, t.missing = append(t.values, float32(d.between(-2, 3))), append(t.missing, int64(d.IntN(2)))
			if depth == 0 || d.one(4) {
				t.modes = append(t.modes, "LEAF")
				t.leafTree, t.leafNode = append(t.leafTree, int64(tree)), append(t.leafNode, id)
				return id
			}
			if mixed {
				mode = pick(d, comparisons...)
			}
			t.modes = append(t.modes, mode)
			t.yes[at] = grow(depth - 1)
			t.no[at] = grow(depth - 1)
			return id
		}
		grow(2)
	}
	return t
}

func (t *trees) set(n *sample) {
	attribute(n, "nodes_treeids", t.tree)
	attribute(n, "nodes_nodeids", t.node)
	attribute(n, "nodes_featureids", t.feature)
	attribute(n, "nodes_truenodeids", t.yes)
	attribute(n, "nodes_falsenodeids", t.no)
	attribute(n, "nodes_modes", t.modes)
	attribute(n, "nodes_values", t.values)
}

// inputs draws rows of features, some of which lie on a threshold or are absent.
func (t *trees) inputs(d *dice, n *sample, columns int) {
	x := d.tensor(d.input(0), tensor.Shape{d.between(1, 5), columns}, -3, 4)
	v := x.Float64s()
	for i := range v {
		if d.one(2) {
			v[i] = float64(d.between(-2, 2))
		}
		if x.DType().IsFloat() && d.one(6) {
			v[i] = special[0]
		}
	}
	n.inputs = []tensor.Value{tensor.FromFloat64s(x.DType(), x.Shape(), v)}
	if d.one(2) {
		attribute(n, "nodes_missing_value_tracks_true", t.missing)
	}
}

// votes are what leaves say, in the lists of the operators of versions 1 and 3.
type votes struct{ tree, node, id []int64 }

// votes draws what the leaves say about count targets: each about all, those of
// a tree about one in turn, or each about any.
func (t *trees) votes(d *dice, count int) votes {
	var v votes
	style := d.IntN(5)
	for i, node := range t.leafNode {
		about := []int64{int64(d.IntN(count))}
		switch style {
		case 0, 1:
			about = wide(tensor.Shape(d.Perm(count)))
		case 2, 3:
			about[0] = t.leafTree[i] % int64(count)
		}
		for _, id := range about {
			v.tree, v.node, v.id = append(v.tree, t.leafTree[i]), append(v.node, node), append(v.id, id)
		}
	}
	return v
}

func treeRegressor(d *dice) *sample {
	n := d.node()
	columns, targets := d.between(1, 3), d.between(1, 3)
	t := d.trees(columns)
	t.set(n)
	t.inputs(d, n, columns)
	v := t.votes(d, targets)
	attribute(n, "n_targets", int64(targets))
	attribute(n, "target_treeids", v.tree)
	attribute(n, "target_nodeids", v.node)
	attribute(n, "target_ids", v.id)
	attribute(n, "target_weights", d.floats(len(v.id), -1, 1))
	attribute(n, "aggregate_function", pick(d, "SUM", "AVERAGE", "MIN", "MAX"))
	if d.one(2) {
		attribute(n, "base_values", d.floats(targets, -1, 1))
	}
	attribute(n, "post_transform", pick(d, transforms[:4]...))
	return n.accumulates(4)
}

func treeClassifier(d *dice) *sample {
	n := d.node()
	n.outputs = 2
	columns, classes := d.between(1, 3), d.between(2, 4)
	t := d.trees(columns)
	t.set(n)
	t.inputs(d, n, columns)
	v := t.votes(d, classes)
	if classes == 2 && d.one(2) {
		only := int64(d.IntN(2))
		v = votes{t.leafTree, t.leafNode, slices.Repeat([]int64{only}, len(t.leafNode))}
	}
	d.classes(n, "classlabels_int64s", classes)
	attribute(n, "class_treeids", v.tree)
	attribute(n, "class_nodeids", v.node)
	attribute(n, "class_ids", v.id)
	attribute(n, "class_weights", d.floats(len(v.id), pick(d, -1.0, 0), 1))
	if d.one(2) {
		count := classes
		if classes == 2 && slices.Max(v.id) == 0 && d.one(2) {
			count = 1
		}
		attribute(n, "base_values", d.floats(count, -1, 1))
	}
	attribute(n, "post_transform", pick(d, transforms[:4]...))
	return n.accumulates(4)
}

// treeEnsemble draws full trees of depth one or two.
func treeEnsemble(d *dice) *sample {
	n := d.node()
	columns, targets, t := d.between(1, 3), d.between(1, 2), d.input(0)
	var roots, feature, yes, yesLeaf, no, noLeaf, missing, ids []int64
	var modes []int64
	var splits []float64
	add := func(y, yl, f, fl int64) int64 {
		feature, modes = append(feature, int64(d.IntN(columns))), append(modes, int64(d.IntN(6)))
		splits, missing = append(splits, float64(d.between(-2, 3))), append(missing, int64(d.IntN(2)))
		yes, yesLeaf, no, noLeaf = append(yes, y), append(yesLeaf, yl), append(no, f), append(noLeaf, fl)
		return int64(len(feature) - 1)
	}
	leaf := func() int64 {
		ids = append(ids, int64(d.IntN(targets)))
		return int64(len(ids) - 1)
	}
	for range d.between(1, 3) {
		root := add(0, 1, 0, 1)
		roots = append(roots, root)
		no[root] = leaf()
		if yes[root] = leaf(); d.one(2) {
			yes[root], yesLeaf[root] = add(leaf(), 1, leaf(), 1), 0
		}
	}
	attribute(n, "tree_roots", roots)
	attribute(n, "nodes_featureids", feature)
	attribute(n, "nodes_modes", tensor.FromInt64s(tensor.Uint8, tensor.Shape{len(modes)}, modes))
	attribute(n, "nodes_splits", tensor.FromFloat64s(t, tensor.Shape{len(splits)}, splits))
	attribute(n, "nodes_truenodeids", yes)
	attribute(n, "nodes_trueleafs", yesLeaf)
	attribute(n, "nodes_falsenodeids", no)
	attribute(n, "nodes_falseleafs", noLeaf)
	if d.one(2) {
		for i := range ids {
			ids[i] = 0
		}
		targets = 1
	}
	attribute(n, "leaf_targetids", ids)
	attribute(n, "leaf_weights", d.tensor(t, tensor.Shape{len(ids)}, -1, 1))
	attribute(n, "n_targets", int64(targets))
	attribute(n, "aggregate_function", int64(d.IntN(4)))
	attribute(n, "post_transform", int64(d.IntN(4)))
	(&trees{missing: missing}).inputs(d, n, columns)
	return n.accumulates(4)
}
