package cpu_test

import (
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// grown are the attributes of random trees, with votes for some of the targets.
func grown(r *rand.Rand, voted string, trees, depth, features, targets int) []graph.Attribute {
	var (
		modes                                 []string
		treeIDs, ids, looked, yes, no, tracks []int64
		splits, weights                       []float32
		voteTrees, voteNodes, voteTargets     []int64
	)
	for tree := range int64(trees) {
		next := int64(0)
		var grow func(depth int) int64
		grow = func(left int) int64 {
			id := next
			next++
			at := len(ids)
			treeIDs, ids, looked = append(treeIDs, tree), append(ids, id), append(looked, int64(r.IntN(features)))
			splits, modes = append(splits, float32(r.IntN(5))-2), append(modes, "LEAF")
			yes, no, tracks = append(yes, 0), append(no, 0), append(tracks, int64(r.IntN(2)))
			if left == 0 || r.IntN(5) == 0 {
				for range r.IntN(3) {
					voteTrees, voteNodes = append(voteTrees, tree), append(voteNodes, id)
					voteTargets, weights = append(voteTargets, int64(r.IntN(targets))), append(weights, float32(r.NormFloat64()))
				}
				return id
			}
			modes[at] = "BRANCH_LEQ"
			yes[at] = grow(left - 1)
			no[at] = grow(left - 1)
			return id
		}
		grow(depth)
	}
	return []graph.Attribute{
		graph.A("nodes_treeids", treeIDs), graph.A("nodes_nodeids", ids), graph.A("nodes_featureids", looked), graph.A("nodes_values", splits),
		graph.A("nodes_modes", modes), graph.A("nodes_truenodeids", yes), graph.A("nodes_falsenodeids", no), graph.A("nodes_missing_value_tracks_true", tracks),
		graph.A(voted+"_treeids", voteTrees), graph.A(voted+"_nodeids", voteNodes), graph.A(voted+"_ids", voteTargets), graph.A(voted+"_weights", weights),
	}
}

func TestTrees(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, targets := range []int{1, 2, 3} {
		for _, rows := range []int{0, 1, 7, 500} {
			x := withSpecials(random(uint64(rows), tensor.Float32, rows, 4))
			labels, base := []int64{30, -7, 9}[:targets], []float32{0.5, -0.25, 1}[:targets]
			for _, more := range [][]graph.Attribute{nil, {graph.A("base_values", base)}} {
				a := append(grown(r, "target", 9, 5, 4, targets), more...)
				agreement{op: "ai.onnx.ml.TreeEnsembleRegressor", attributes: append(a, graph.A("n_targets", int64(targets))), inputs: []*tensor.Tensor{x}, kernel: "trees", tolerance: 1e-6}.check(t)
				a = append(grown(r, "class", 9, 5, 4, targets), more...)
				agreement{op: "ai.onnx.ml.TreeEnsembleClassifier", attributes: append(a, graph.A("classlabels_int64s", labels)), inputs: []*tensor.Tensor{x}, outputs: 2, kernel: "trees", tolerance: 1e-6}.check(t)
			}
		}
	}
	// What is wrong with trees, the reference says.
	wrong := grown(r, "target", 2, 3, 4, 1)
	for i := range wrong {
		if wrong[i].Name == "nodes_truenodeids" {
			wrong[i] = graph.A("nodes_truenodeids", make([]int64, len(wrong[i].Value.([]int64))))
		}
	}
	agreement{op: "ai.onnx.ml.TreeEnsembleRegressor", attributes: wrong, inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 4)}, kernel: "trees"}.check(t)
	agreement{op: "ai.onnx.ml.TreeEnsembleRegressor", attributes: grown(r, "target", 9, 5, 4, 1), inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 1)}, kernel: "trees"}.check(t)
}

func TestLRN(t *testing.T) {
	for _, shape := range [][]int{{1, 5, 3, 3}, {2, 70, 33, 41}, {2, 3}, {1, 4, 0}, {3, 1, 2000}, {1, 100, 2, 2, 2}} {
		for _, size := range []int64{1, 2, 5, 64, 65} {
			for _, beta := range []float32{0.75, 0.5, -1} {
				a := []graph.Attribute{graph.A("size", size), graph.A("beta", beta), graph.A("alpha", float32(0.3)), graph.A("bias", float32(2))}
				agreement{op: "LRN", attributes: a, inputs: []*tensor.Tensor{random(1, tensor.Float32, shape...)}, kernel: "lrn", tolerance: 1e-5}.check(t)
			}
		}
	}
	agreement{op: "LRN", attributes: []graph.Attribute{graph.A("size", int64(3))}, inputs: []*tensor.Tensor{withSpecials(random(1, tensor.Float32, 2, 9, 7))}, kernel: "lrn", tolerance: 1e-5}.check(t)
	agreement{op: "LRN", attributes: []graph.Attribute{graph.A("size", int64(0))}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 2, 9, 7)}, kernel: "lrn"}.check(t)
}
