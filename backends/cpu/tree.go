package cpu

import (
	"context"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// tree holds TreeEnsembleClassifier and TreeEnsembleRegressor of ai.onnx.ml, as
// libraries export them: float32, branches by <=, votes added up and not
// transformed.
var tree = family{
	{op: "ai.onnx.ml.TreeEnsembleClassifier", kernel: "trees", by: byType{tensor.Float32: classifier}, accept: plainTrees},
	{op: "ai.onnx.ml.TreeEnsembleRegressor", kernel: "trees", by: byType{tensor.Float32: regressor}, accept: plainTrees},
}

func plainTrees(n *graph.Node) operators.Verdict {
	wrong := func(attribute string) operators.Verdict {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: attribute}
	}
	for _, mode := range n.Texts("nodes_modes") {
		if mode != "LEAF" && mode != "BRANCH_LEQ" {
			return wrong("nodes_modes " + mode)
		}
	}
	for _, name := range []string{"nodes_values_as_tensor", "class_weights_as_tensor", "target_weights_as_tensor", "base_values_as_tensor"} {
		if n.Has(name) {
			return wrong(name)
		}
	}
	if n.Text("post_transform", "NONE") != "NONE" || n.Text("aggregate_function", "SUM") != "SUM" {
		return wrong("post_transform, aggregate_function")
	}
	return native
}

// forest is trees, of which every node has one parent at most.
type forest struct {
	nodes    []treeNode
	roots    []int32
	votes    []treeVote
	base     []float64 // of each target
	targets  int
	features int // that the trees look at, counted from the first
}

// treeNode is a branch to yes where the feature is at most the split, else to no;
// or a leaf with votes [yes, no) where feature is negative.
type treeNode struct {
	feature, yes, no int32
	split            float32
	missing          bool // NaN branches to yes
}

type treeVote struct {
	target int32
	weight float64
}

// forestOf reads the attributes; nil: they are not those of trees, and the
// reference says what is wrong with them.
func forestOf(n *graph.Node, voted string, targets int) *forest {
	trees, ids, modes := n.Ints("nodes_treeids"), n.Ints("nodes_nodeids"), n.Texts("nodes_modes")
	features, splits, missing := n.Ints("nodes_featureids"), n.Floats("nodes_values"), n.Ints("nodes_missing_value_tracks_true")
	yes, no := n.Ints("nodes_truenodeids"), n.Ints("nodes_falsenodeids")
	count := len(ids)
	for _, length := range []int{len(trees), len(modes), len(features), len(splits), len(yes), len(no)} {
		if length != count {
			return nil
		}
	}
	if len(missing) != 0 && len(missing) != count || targets < 1 {
		return nil
	}
	type name struct{ tree, node int64 }
	places := make(map[name]int32, count)
	for i, id := range ids {
		places[name{trees[i], id}] = int32(i)
	}
	if len(places) != count {
		return nil
	}
	f := &forest{nodes: make([]treeNode, count), base: make([]float64, targets), targets: targets}
	parents := make([]bool, count)
	for i, mode := range modes {
		if mode == "LEAF" {
			f.nodes[i].feature = -1
			continue
		}
		y, hasYes := places[name{trees[i], yes[i]}]
		o, hasNo := places[name{trees[i], no[i]}]
		if !hasYes || !hasNo || y == o || parents[y] || parents[o] || features[i] < 0 || features[i] >= 1<<31-1 {
			return nil
		}
		parents[y], parents[o] = true, true
		f.nodes[i] = treeNode{int32(features[i]), y, o, splits[i], len(missing) > 0 && missing[i] != 0}
		f.features = max(f.features, int(features[i])+1)
	}
	rooted := make(map[int64]bool)
	for i, id := range trees {
		if !parents[i] && !rooted[id] {
			rooted[id] = true
			f.roots = append(f.roots, int32(i))
		}
	}
	for _, id := range trees {
		if !rooted[id] {
			return nil
		}
	}
	of := func(tree, node int64) (int32, bool) { i, ok := places[name{tree, node}]; return i, ok }
	if base := n.Floats("base_values"); len(base) == targets {
		for i, v := range base {
			f.base[i] = float64(v)
		}
	} else if len(base) > 0 {
		return nil
	}
	if !f.vote(n, voted, of) {
		return nil
	}
	return f
}

// vote gives the leaves their votes, one leaf's next to each other.
func (f *forest) vote(n *graph.Node, voted string, of func(tree, node int64) (int32, bool)) bool {
	trees, nodes, targets, weights := n.Ints(voted+"_treeids"), n.Ints(voted+"_nodeids"), n.Ints(voted+"_ids"), n.Floats(voted+"_weights")
	if len(trees) != len(weights) || len(nodes) != len(weights) || len(targets) != len(weights) {
		return false
	}
	votes := make([][]treeVote, len(f.nodes))
	for i, w := range weights {
		if targets[i] < 0 || targets[i] >= int64(f.targets) {
			return false
		}
		if leaf, ok := of(trees[i], nodes[i]); ok && f.nodes[leaf].feature < 0 {
			votes[leaf] = append(votes[leaf], treeVote{int32(targets[i]), float64(w)})
		}
	}
	for i, v := range votes {
		if f.nodes[i].feature < 0 {
			f.nodes[i].yes, f.nodes[i].no = int32(len(f.votes)), int32(len(f.votes)+len(v))
			f.votes = append(f.votes, v...)
		}
	}
	return true
}

// leaf returns the leaf that an example reaches in the tree of a root.
func (f *forest) leaf(root int32, x []float32) *treeNode {
	at := &f.nodes[root]
	for at.feature >= 0 {
		v := x[at.feature]
		if v <= at.split || at.missing && v != v {
			at = &f.nodes[at.yes]
		} else {
			at = &f.nodes[at.no]
		}
	}
	return at
}

// score sets sums to the votes for every target at the leaves that an example
// reaches.
func (f *forest) score(sums []float64, x []float32) {
	clear(sums)
	for _, root := range f.roots {
		leaf := f.leaf(root, x)
		for _, v := range f.votes[leaf.yes:leaf.no] {
			sums[v.target] += v.weight
		}
	}
	for i, b := range f.base {
		sums[i] += b
	}
}

// voting is the work of an ensemble on examples of one shape.
type voting struct {
	device       *Device
	forest       *forest
	labels       []int64 // of a classifier
	rows, cols   int
	pieces, size int // of rows
	tasks        tasks[votingTask]
}

// classifier takes those that have a score for each class. Where two classes share
// one, the reference knows what it means.
func classifier(d *Device, n *graph.Node) (planner, error) {
	labels := n.Ints("classlabels_int64s")
	f := forestOf(n, "class", len(labels))
	if f != nil && len(labels) == 2 {
		second := false
		for _, v := range f.votes {
			second = second || v.target == 1
		}
		if !second {
			f = nil
		}
	}
	return f.planner(d, labels), nil
}

func regressor(d *Device, n *graph.Node) (planner, error) {
	return forestOf(n, "target", tensor.Extent(n.Int("n_targets", 1))).planner(d, nil), nil
}

func (f *forest) planner(d *Device, labels []int64) planner {
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape
		if f == nil || len(s) != 2 || s[0] == 0 || s[1] < f.features || labels != nil && len(labels) < 2 {
			return nil, nil
		}
		w := &voting{device: d, forest: f, labels: labels, rows: s[0], cols: s[1]}
		const cost = 64 // of a tree, in copies
		w.pieces, w.size = share(w.rows, cost*len(f.roots), d.threads)
		return w, nil
	}
}

func (w *voting) run(ctx context.Context, c *operators.Call) error {
	x, err := input[float32](c, 0)
	if err != nil {
		return err
	}
	var labels []int64
	at := 0
	if w.labels != nil {
		if labels, err = output[int64](c, 0, tensor.Int64, tensor.Shape{w.rows}); err != nil {
			return err
		}
		at = 1
	}
	scores, err := output[float32](c, at, tensor.Float32, tensor.Shape{w.rows, w.forest.targets})
	if err != nil {
		return err
	}
	t := w.tasks.get()
	defer w.tasks.put(t)
	*t = votingTask{w, x, labels, scores}
	return w.device.divide(ctx, w.pieces, t)
}

type votingTask struct {
	w      *voting
	x      []float32
	labels []int64
	scores []float32
}

// Do implements parallel.Task.
func (t *votingTask) Do(_, piece int) {
	w := t.w
	targets := w.forest.targets
	sums := make([]float64, targets)
	for i := piece * w.size; i < min((piece+1)*w.size, w.rows); i++ {
		w.forest.score(sums, t.x[i*w.cols:][:w.cols])
		row, best := t.scores[i*targets:][:targets], 0
		for k, s := range sums {
			row[k] = float32(s)
			if row[k] > row[best] {
				best = k
			}
		}
		if t.labels != nil {
			t.labels[i] = w.labels[best]
		}
	}
}
