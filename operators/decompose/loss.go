package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// loss holds NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
var loss = family{
	"NegativeLogLikelihoodLoss": negativeLogLikelihoodLoss,
	"SoftmaxCrossEntropyLoss":   softmaxCrossEntropyLoss,
}

func negativeLogLikelihoodLoss(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	l, err := e.classLoss(n, e.to(e.dtype, n.Input(0)))
	return []*graph.Value{l}, err
}

func softmaxCrossEntropyLoss(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	logs := b.Op("LogSoftmax", []*graph.Value{e.to(e.dtype, n.Input(0))}, graph.A("axis", int64(1)))
	l, err := e.classLoss(n, logs)
	out := []*graph.Value{l, nil}
	if n.Output(1) != nil {
		out[1] = e.to(n.Input(0).Type.DType, logs)
	}
	return out, err
}

// classLoss picks the logarithms of the targets, which lie along axis 1, and
// reduces them. Targets that are ignored pick class 0 and count for nothing.
func (e expression) classLoss(n *graph.Node, logs *graph.Value) (*graph.Value, error) {
	target, weight := n.Input(1), n.Input(2)
	var ignored *graph.Value
	if ignores, ok := graph.Attr[int64](n, "ignore_index"); ok {
		if !target.Type.IsTensor() || target.Type.DType == tensor.Undefined {
			return nil, fmt.Errorf("the element type of the targets must be known")
		}
		like := expression{e.Builder, target.Type.DType}
		ignored = e.do("Equal", target, like.Const(tensor.FromInt64s(like.dtype, tensor.Shape{}, []int64{ignores})))
		target = e.do("Where", ignored, like.num(0), target)
	}
	axis := e.Ints(1)
	picked := e.Op("GatherElements", []*graph.Value{logs, e.do("Unsqueeze", target, axis)}, graph.A("axis", int64(1)))
	losses := e.do("Neg", e.do("Squeeze", picked, axis))
	weights := e.num(1)
	if weight != nil {
		weights = e.do("Gather", e.to(e.dtype, weight), target)
		losses = e.do("Mul", losses, weights)
	}
	if ignored != nil {
		losses = e.do("Where", ignored, e.num(0), losses)
		weights = e.do("Where", ignored, e.num(0), weights)
	}
	all := func(reduce string, v *graph.Value) *graph.Value {
		return e.Op(reduce, []*graph.Value{v}, graph.A("keepdims", int64(0)))
	}
	switch r := n.Text("reduction", "mean"); {
	case r == "none":
	case r == "sum":
		losses = all("ReduceSum", losses)
	case r == "mean" && weight == nil && ignored == nil:
		losses = all("ReduceMean", losses)
	case r == "mean":
		losses = e.do("Div", all("ReduceSum", losses), all("ReduceSum", weights))
	default:
		return nil, fmt.Errorf("reduction %q is none of none, sum, mean", r)
	}
	return e.to(n.Input(0).Type.DType, losses), nil
}
