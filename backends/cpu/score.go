package cpu

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// posts are the transforms of scores that have a kernel: post_transform.
var posts = []string{"NONE", "LOGISTIC", "SOFTMAX"}

// commonPost takes the transforms of posts.
func commonPost(n *graph.Node) operators.Verdict {
	if post := n.Text("post_transform", "NONE"); !slices.Contains(posts, post) {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "post_transform " + post}
	}
	return native
}

// transformScores transforms rows of n scores each.
func transformScores(post string, scores []float32, n int) {
	switch {
	case post == "LOGISTIC":
		vector.Sigmoid(scores, scores, 0, 0)
	case post == "SOFTMAX" && n <= 16:
		softmaxShort(scores, scores, n)
	case post == "SOFTMAX":
		softmaxLines(scores, scores, n)
	}
}

// labelTop writes, for each row of scores of the labels, that of the first highest
// score.
func labelTop(dst, labels []int64, scores []float32) {
	n := len(labels)
	for i := range dst {
		row, best := scores[i*n:][:n], 0
		for k, s := range row {
			if s > row[best] {
				best = k
			}
		}
		dst[i] = labels[best]
	}
}

// examples returns the extents of [N,C], or of [C], which is one example.
func examples(s tensor.Shape) (rows, features int, ok bool) {
	switch len(s) {
	case 1:
		return 1, s[0], true
	case 2:
		return s[0], s[1], true
	}
	return 0, 0, false
}

// logistic is 1 / (1 + exp(-x)).
func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
