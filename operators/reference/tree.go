package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// tree holds TreeEnsemble, TreeEnsembleClassifier, TreeEnsembleRegressor of
// ai.onnx.ml.
var tree = family{
	"ai.onnx.ml.TreeEnsemble":           treeEnsemble,
	"ai.onnx.ml.TreeEnsembleClassifier": treeEnsembleClassifier,
	"ai.onnx.ml.TreeEnsembleRegressor":  treeEnsembleRegressor,
}

var (
	aggregates     = []string{"AVERAGE", "SUM", "MIN", "MAX"}                          // by number in TreeEnsemble
	postTransforms = []string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"} // likewise
	branchModes    = []string{"LEQ", "LT", "GTE", "GT", "EQ", "NEQ", "MEMBER"}         // likewise
)

// numbered returns what an integer attribute stands for.
func numbered(n *graph.Node, attribute string, def int64, names []string) (string, error) {
	i := n.Int(attribute, def)
	if i < 0 || i >= int64(len(names)) {
		return "", fmt.Errorf("%s is %d, but must be in [0, %d): %v", attribute, i, len(names), names)
	}
	return names[i], nil
}

func treeEnsemble(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	x, err := examples(t)
	if err != nil {
		return nil, err
	}
	aggregate, err := numbered(c.Node, "aggregate_function", 1, aggregates)
	if err != nil {
		return nil, err
	}
	post, err := numbered(c.Node, "post_transform", 0, postTransforms)
	if err != nil {
		return nil, err
	}
	transform, err := postTransform(post)
	if err != nil {
		return nil, err
	}
	e, err := indexedEnsemble(c.Node)
	if err != nil {
		return nil, err
	}
	scores, err := e.scores(c, x, tensor.Extent(c.Node.Int("n_targets", 1)), aggregate)
	if err != nil {
		return nil, err
	}
	for i := range scores.rows {
		transform(scores.row(i))
	}
	return one(scores.tensor(t.DType()))
}

func treeEnsembleRegressor(c *Call) ([]tensor.Value, error) {
	x, err := examples(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	e, err := namedEnsemble(c.Node, "target")
	if err != nil {
		return nil, err
	}
	scores, err := e.scores(c, x, tensor.Extent(c.Node.Int("n_targets", 1)), c.Node.Text("aggregate_function", "SUM"))
	if err != nil {
		return nil, err
	}
	if err := addBase(c.Node, scores); err != nil {
		return nil, err
	}
	return regress(scores, c.Node.Text("post_transform", "NONE"))
}

// treeEnsembleClassifier sums votes for classes. Where there are two classes and
// every vote is for the first, the sum is a single score that speaks for the
// second: a probability if no weight is negative and no transform makes it one,
// or else a margin.
func treeEnsembleClassifier(c *Call) ([]tensor.Value, error) {
	labels, err := labelsOf(c.Node, "classlabels_int64s")
	if err != nil {
		return nil, err
	}
	x, err := examples(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	e, err := namedEnsemble(c.Node, "class")
	if err != nil {
		return nil, err
	}
	n, reading := labels.Len(), oneScore{}
	post := c.Node.Text("post_transform", "NONE")
	if n == 2 && e.votesOnlyFor(0) {
		n = 1
		if post == "NONE" && e.lowest() >= 0 {
			reading = oneScore{threshold: 0.5, probability: true}
		}
	}
	scores, err := e.scores(c, x, n, "SUM")
	if err != nil {
		return nil, err
	}
	if err := addBase(c.Node, scores); err != nil {
		return nil, err
	}
	return topClasses(labels, scores, post, reading)
}

// addBase adds base_values, one for each score, to the scores of every example.
// A single score takes the first of several base values, that of its class.
func addBase(n *graph.Node, scores matrix) error {
	base, err := floatsOf(n, "base_values")
	if err != nil || len(base) == 0 {
		return err
	}
	if len(base) != scores.cols && scores.cols != 1 {
		return fmt.Errorf("%d base_values for %d scores", len(base), scores.cols)
	}
	for i := range scores.data {
		scores.data[i] += base[i%scores.cols]
	}
	return nil
}

// floatsOf returns a list of floats, or the tensor that may stand for it under
// the name with _as_tensor.
func floatsOf(n *graph.Node, name string) ([]float64, error) {
	list, t := n.Floats(name), n.Tensor(name+"_as_tensor")
	if t == nil {
		return tensor.Of(list).Float64s(), nil
	}
	if len(list) > 0 {
		return nil, fmt.Errorf("both %s and %s_as_tensor are set: only one may be", name, name)
	}
	if !t.DType().IsFloat() {
		return nil, fmt.Errorf("%s_as_tensor has elements of type %v, but must have floats", name, t.DType())
	}
	return t.Float64s(), nil
}

// scores aggregates, for every example, the votes at the leaf that it reaches in
// each tree. A target that gets no vote has the score 0.
func (e *ensemble) scores(c *Call, x matrix, targets int, aggregate string) (matrix, error) {
	if targets < 1 {
		return matrix{}, fmt.Errorf("%d targets: there must be at least one", targets)
	}
	if err := e.check(x.cols, targets); err != nil {
		return matrix{}, err
	}
	join, ok := joins[aggregate]
	if !ok {
		return matrix{}, fmt.Errorf("aggregate_function %q is none of %v", aggregate, aggregates)
	}
	out, err := newMatrix(x.rows, targets)
	if err != nil {
		return matrix{}, err
	}
	for i := range x.rows {
		row, voted := out.row(i), make([]bool, targets)
		for _, root := range e.roots {
			c.checkpoint()
			leaf, err := e.leaf(root, x.row(i))
			if err != nil {
				return matrix{}, err
			}
			for _, v := range e.nodes[leaf].votes {
				if voted[v.target] {
					row[v.target] = join(row[v.target], v.weight)
				} else {
					row[v.target], voted[v.target] = v.weight, true
				}
			}
		}
		for k := range row {
			if aggregate == "AVERAGE" && len(e.roots) > 0 {
				row[k] /= float64(len(e.roots))
			}
		}
	}
	return out, nil
}

var joins = map[string]func(a, b float64) float64{
	"AVERAGE": func(a, b float64) float64 { return a + b }, // divided in the end
	"SUM":     func(a, b float64) float64 { return a + b },
	"MIN":     func(a, b float64) float64 { return min(a, b) },
	"MAX":     func(a, b float64) float64 { return max(a, b) },
}
