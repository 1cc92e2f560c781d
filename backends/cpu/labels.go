package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// labelled are the classifiers of ai.onnx.ml, with the attribute that lists their
// labels where these are integers.
var labelled = map[string]string{
	"ai.onnx.ml.LinearClassifier":       "classlabels_ints",
	"ai.onnx.ml.SVMClassifier":          "classlabels_ints",
	"ai.onnx.ml.TreeEnsembleClassifier": "classlabels_int64s",
}

// indexLabels lets a classifier whose labels are strings, which live on the host,
// give their indexes, by which they are taken there.
func indexLabels(r *rewriting, i int) int {
	n := r.graph.Nodes[i]
	integers, ok := labelled[n.Operator()]
	labels := n.Texts("classlabels_strings")
	if !ok || len(labels) < 2 || len(n.Ints(integers)) > 0 || n.Output(0) == nil || n.Output(1) == nil {
		return 0
	}
	indexes := make([]int64, len(labels))
	for k := range indexes {
		indexes[k] = int64(k)
	}
	indexed := &graph.Node{Attributes: n.Without("classlabels_strings")}
	indexed.Set(graph.A(integers, indexes))
	b := graph.NewBuilder(n)
	out := b.Node(n.Domain, n.Op, n.Inputs, 2, indexed.Attributes...)
	chosen := b.Op("Gather", []*graph.Value{b.Const(tensor.Of(labels)), out[0]})
	return r.graph.Replace(i, b, []*graph.Value{chosen, out[1]})
}
