package reference

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// branches are the columns of the nodes_* attributes, one row for each node.
type branches struct {
	features, yes, no, missing []int64
	splits                     []float64
}

// branchesOf reads the columns and checks that they have count rows, which is
// how many the attribute counted has. missing may be empty.
func branchesOf(n *graph.Node, splits []float64, count int, counted string) (*branches, error) {
	b := &branches{
		features: n.Ints("nodes_featureids"), yes: n.Ints("nodes_truenodeids"), no: n.Ints("nodes_falsenodeids"),
		missing: n.Ints("nodes_missing_value_tracks_true"), splits: splits,
	}
	if len(b.missing) == 0 {
		b.missing = make([]int64, count)
	}
	for _, column := range []struct {
		name string
		rows int
	}{
		{"nodes_featureids", len(b.features)}, {"nodes_truenodeids", len(b.yes)}, {"nodes_falsenodeids", len(b.no)},
		{"nodes_missing_value_tracks_true", len(b.missing)}, {"the list of thresholds", len(b.splits)},
	} {
		if column.rows != count {
			return nil, fmt.Errorf("%s has %d elements, but %s has %d", column.name, column.rows, counted, count)
		}
	}
	return b, nil
}

// node returns row i as a branch to the nodes yes and no.
func (b *branches) node(i int, mode string, yes, no int) treeNode {
	return treeNode{mode: mode, feature: int(b.features[i]), split: b.splits[i], missingTrue: b.missing[i] != 0, yes: yes, no: no}
}

// indexedEnsemble reads the attributes of TreeEnsemble, in which branches
// (nodes_*) and leaves (leaf_*) refer to each other by their place in the lists.
// Leaves come behind the branches in the ensemble's nodes.
func indexedEnsemble(n *graph.Node) (*ensemble, error) {
	modes, splits, weights := n.Tensor("nodes_modes"), n.Tensor("nodes_splits"), n.Tensor("leaf_weights")
	if modes == nil || splits == nil || weights == nil {
		return nil, fmt.Errorf("nodes_modes, nodes_splits and leaf_weights must all be set")
	}
	for _, t := range []*tensor.Tensor{splits, weights, n.Tensor("membership_values")} {
		if t != nil && !t.DType().IsFloat() {
			return nil, fmt.Errorf("nodes_splits, leaf_weights and membership_values must be floating-point numbers, one is %v", t.DType())
		}
	}
	if !modes.DType().IsInteger() {
		return nil, fmt.Errorf("nodes_modes is %v, must be uint8", modes.DType())
	}
	count := modes.Len()
	b, err := branchesOf(n, splits.Float64s(), count, "nodes_modes")
	if err != nil {
		return nil, err
	}
	sets, err := memberships(n, modes.Int64s())
	if err != nil {
		return nil, err
	}
	e := &ensemble{}
	for i, mode := range modes.Int64s() {
		if mode < 0 || mode >= int64(len(branchModes)) {
			return nil, fmt.Errorf("nodes_modes[%d] is %d, but must be in [0, %d)", i, mode, len(branchModes))
		}
		yes, err := branchTarget(n, "true", i, b.yes[i], count, weights.Len())
		if err != nil {
			return nil, err
		}
		no, err := branchTarget(n, "false", i, b.no[i], count, weights.Len())
		if err != nil {
			return nil, err
		}
		e.nodes = append(e.nodes, b.node(i, branchModes[mode], yes, no))
		e.nodes[i].members = sets[i]
	}
	targets := n.Ints("leaf_targetids")
	if len(targets) != weights.Len() {
		return nil, fmt.Errorf("leaf_targetids has %d elements, but leaf_weights has %d", len(targets), weights.Len())
	}
	for i, weight := range weights.Float64s() {
		e.nodes = append(e.nodes, treeNode{leaf: true, votes: []vote{{int(targets[i]), weight}}})
	}
	for i, root := range n.Ints("tree_roots") {
		if root < 0 || root >= int64(count) {
			return nil, fmt.Errorf("tree_roots[%d] is %d, but must be in [0, %d)", i, root, count)
		}
		e.roots = append(e.roots, int(root))
	}
	return e, nil
}

// branchTarget returns where branch i leads if its comparison turns out as side
// says: the place of a branch, or of a leaf behind all branches.
func branchTarget(n *graph.Node, side string, i int, to int64, branches, leaves int) (int, error) {
	leafs := n.Ints("nodes_" + side + "leafs")
	if len(leafs) != branches {
		return 0, fmt.Errorf("nodes_%sleafs has %d elements, but nodes_modes has %d", side, len(leafs), branches)
	}
	first, count := 0, branches
	if leafs[i] != 0 {
		first, count = branches, leaves
	}
	if to < 0 || to >= int64(count) {
		return 0, fmt.Errorf("nodes_%snodeids[%d] is %d, but must be in [0, %d)", side, i, to, count)
	}
	return first + int(to), nil
}

// memberships returns the set of each branch of mode MEMBER by its place:
// membership_values holds them one after the other, each ended by a NaN.
func memberships(n *graph.Node, modes []int64) (map[int]map[float64]bool, error) {
	var values []float64
	if t := n.Tensor("membership_values"); t != nil {
		values = t.Float64s()
	}
	sets := map[int]map[float64]bool{}
	for i, mode := range modes {
		if mode != int64(slices.Index(branchModes, "MEMBER")) {
			continue
		}
		end := slices.IndexFunc(values, math.IsNaN)
		if end < 0 {
			return nil, fmt.Errorf("membership_values holds %d sets, each ended by a NaN, but more nodes have the mode BRANCH_MEMBER", len(sets))
		}
		sets[i] = map[float64]bool{}
		for _, v := range values[:end] {
			sets[i][v] = true
		}
		values = values[end+1:]
	}
	return sets, nil
}

// nodeName names a node of TreeEnsembleClassifier and TreeEnsembleRegressor.
type nodeName struct{ tree, node int64 }

// namedEnsemble reads the attributes of TreeEnsembleClassifier ("class") or
// TreeEnsembleRegressor ("target"), in which nodes are named by tree and node
// id and a leaf may have several votes.
func namedEnsemble(n *graph.Node, voted string) (*ensemble, error) {
	trees, ids, modes := n.Ints("nodes_treeids"), n.Ints("nodes_nodeids"), n.Texts("nodes_modes")
	if len(trees) != len(ids) || len(modes) != len(ids) {
		return nil, fmt.Errorf("nodes_treeids and nodes_modes have %d and %d elements, but nodes_nodeids has %d", len(trees), len(modes), len(ids))
	}
	splits, err := floatsOf(n, "nodes_values")
	if err != nil {
		return nil, err
	}
	b, err := branchesOf(n, splits, len(ids), "nodes_nodeids")
	if err != nil {
		return nil, err
	}
	places := make(map[nodeName]int, len(ids))
	for i, id := range ids {
		name := nodeName{trees[i], id}
		if first, twice := places[name]; twice {
			return nil, fmt.Errorf("nodes %d and %d both have the id %d in tree %d", first, i, id, trees[i])
		}
		places[name] = i
	}
	e := &ensemble{}
	for i, mode := range modes {
		if mode == "LEAF" {
			e.nodes = append(e.nodes, treeNode{leaf: true})
			continue
		}
		mode, found := strings.CutPrefix(mode, "BRANCH_")
		if !found || mode == "MEMBER" || !slices.Contains(branchModes, mode) {
			return nil, fmt.Errorf("nodes_modes[%d] is %q, but must be LEAF or BRANCH_ with one of %v", i, modes[i], branchModes[:6])
		}
		yes, hasYes := places[nodeName{trees[i], b.yes[i]}]
		no, hasNo := places[nodeName{trees[i], b.no[i]}]
		if !hasYes || !hasNo {
			return nil, fmt.Errorf("node %d of tree %d branches to nodes %d and %d, which do not both exist", ids[i], trees[i], b.yes[i], b.no[i])
		}
		e.nodes = append(e.nodes, b.node(i, mode, yes, no))
	}
	if err := e.findRoots(trees); err != nil {
		return nil, err
	}
	return e, e.readVotes(n, voted, places)
}

// findRoots takes as the root of each tree its first node to which no branch
// leads. trees has the tree of each node.
func (e *ensemble) findRoots(trees []int64) error {
	isChild := make([]bool, len(trees))
	for _, n := range e.nodes {
		if !n.leaf {
			isChild[n.yes], isChild[n.no] = true, true
		}
	}
	rooted := map[int64]bool{}
	for i, id := range trees {
		if !isChild[i] && !rooted[id] {
			rooted[id] = true
			e.roots = append(e.roots, i)
		}
	}
	for _, id := range trees {
		if !rooted[id] {
			return fmt.Errorf("tree %d has no root: branches lead to all of its nodes", id)
		}
	}
	return nil
}

// readVotes gives the leaves their votes. Votes at branches do not count.
func (e *ensemble) readVotes(n *graph.Node, voted string, places map[nodeName]int) error {
	trees, nodes, targets := n.Ints(voted+"_treeids"), n.Ints(voted+"_nodeids"), n.Ints(voted+"_ids")
	weights, err := floatsOf(n, voted+"_weights")
	if err != nil {
		return err
	}
	if len(trees) != len(weights) || len(nodes) != len(weights) || len(targets) != len(weights) {
		return fmt.Errorf("%s_treeids, _nodeids, _ids and _weights have %d, %d, %d and %d elements, but must have equally many", voted, len(trees), len(nodes), len(targets), len(weights))
	}
	for i, weight := range weights {
		place, ok := places[nodeName{trees[i], nodes[i]}]
		if ok && e.nodes[place].leaf {
			e.nodes[place].votes = append(e.nodes[place].votes, vote{int(targets[i]), weight})
		}
	}
	return nil
}
