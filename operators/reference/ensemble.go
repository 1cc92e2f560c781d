package reference

import (
	"fmt"
	"math"
)

// ensemble is a number of decision trees whose nodes lie in one list.
type ensemble struct {
	nodes []treeNode
	roots []int
}

// treeNode is a leaf, with its votes, or a branch to one of two other nodes.
type treeNode struct {
	leaf  bool
	votes []vote

	mode        string // of branchModes
	feature     int
	split       float64
	members     map[float64]bool // of the mode MEMBER
	missingTrue bool             // NaN takes the branch for true
	yes, no     int
}

type vote struct {
	target int
	weight float64
}

// leaf walks from a root to the leaf where example x belongs.
func (e *ensemble) leaf(root int, x []float64) (int, error) {
	at := root
	for range e.nodes {
		n := &e.nodes[at]
		if n.leaf {
			return at, nil
		}
		if at = n.no; n.holds(x[n.feature]) {
			at = n.yes
		}
	}
	return 0, fmt.Errorf("the tree with root %d has a cycle: no leaf after %d nodes", root, len(e.nodes))
}

// holds reports whether value v takes the branch for true.
func (n *treeNode) holds(v float64) bool {
	if math.IsNaN(v) {
		return n.missingTrue
	}
	switch n.mode {
	case "LEQ":
		return v <= n.split
	case "LT":
		return v < n.split
	case "GTE":
		return v >= n.split
	case "GT":
		return v > n.split
	case "EQ":
		return v == n.split
	case "NEQ":
		return v != n.split
	}
	return n.members[v]
}

// check reports a branch on a feature that examples do not have and a vote for a
// target that does not exist.
func (e *ensemble) check(features, targets int) error {
	for i, n := range e.nodes {
		if !n.leaf && (n.feature < 0 || n.feature >= features) {
			return fmt.Errorf("tree node %d looks at feature %d of examples that have %d", i, n.feature, features)
		}
		for _, v := range n.votes {
			if v.target < 0 || v.target >= targets {
				return fmt.Errorf("tree node %d votes for target %d, but must for one in [0, %d)", i, v.target, targets)
			}
		}
	}
	return nil
}

func (e *ensemble) votesOnlyFor(target int) bool {
	for _, n := range e.nodes {
		for _, v := range n.votes {
			if v.target != target {
				return false
			}
		}
	}
	return true
}

// lowest returns the lowest weight of any vote.
func (e *ensemble) lowest() float64 {
	low := math.Inf(1)
	for _, n := range e.nodes {
		for _, v := range n.votes {
			low = min(low, v.weight)
		}
	}
	return low
}
