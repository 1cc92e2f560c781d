package opset

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// random holds RandomNormal, RandomNormalLike, RandomUniform,
// RandomUniformLike, Multinomial, Bernoulli, Dropout.
var random = family{
	"Dropout": {{Below: 12, Lift: ratioAsInput}},
}

// ratioAsInput lifts a Dropout whose ratio is an attribute. Below version 7 it
// trains unless is_test is set, since then it never does; below version 10 the
// mask has the type of the data.
func ratioAsInput(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	data := n.Inputs[0]
	inputs := []*graph.Value{data, b.Const(tensor.Scalar(n.Float("ratio", 0.5)))}
	if n.Version < 7 && !n.Bool("is_test", false) {
		inputs = append(inputs, b.Const(tensor.Scalar(true)))
	}
	if n.Output(1) == nil {
		return []*graph.Value{b.Op("Dropout", inputs)}, nil
	}
	out := b.Node("", "Dropout", inputs, 2)
	if n.Version < 10 {
		return []*graph.Value{out[0], b.Op("CastLike", []*graph.Value{out[1], data})}, nil
	}
	return out, nil
}
