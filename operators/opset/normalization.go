package opset

import (
	"fmt"

	"example.com/midplane/operators/graph"
)

// normalization holds BatchNormalization, InstanceNormalization,
// GroupNormalization, LayerNormalization, RMSNormalization, LpNormalization,
// MeanVarianceNormalization, LRN.
var normalization = family{
	"BatchNormalization":    {{14, trainingOfBatchNormalization}},
	"InstanceNormalization": {{6, without("consumed_inputs")}},
	"GroupNormalization":    {{21, scalePerGroup}},
}

// trainingOfBatchNormalization: a node trained if it named more outputs than Y
// (before version 7 also only if is_test was 0), could normalize every feature
// by itself (spatial = 0, before version 9), and returned the moments of the
// batch as outputs 3 and 4.
func trainingOfBatchNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	training, saved := false, n.Output(3) != nil || n.Output(4) != nil
	for i := 1; i < 5; i++ {
		training = training || n.Output(i) != nil
	}
	if training && n.Bool("is_test", false) {
		return nil, fmt.Errorf("outputs beyond Y are named in test mode; only Y exists then")
	}
	spatial := n.Bool("spatial", true)
	n.Attributes = n.Without("is_test", "spatial", "consumed_inputs")
	if training {
		n.Set(graph.A("training_mode", int64(1)))
	}
	if spatial && !saved {
		n.Outputs = n.Outputs[:min(len(n.Outputs), 3)]
		return n.Outputs, nil
	}
	if len(n.Inputs) != 5 {
		return nil, fmt.Errorf("%d inputs; X, scale, B, mean and var are needed", len(n.Inputs))
	}
	in := append([]*graph.Value{}, n.Inputs...)
	if !spatial {
		in[0] = b.Op("Flatten", in[:1], graph.A("axis", int64(1)))
		for i := 1; i < 5; i++ {
			in[i] = b.Op("Reshape", []*graph.Value{in[i], b.Ints(-1)})
		}
	}
	outputs := 1
	if training {
		outputs = 3
	}
	out := b.Node("", n.Op, in, outputs, n.Attributes...)
	if saved {
		out = append(out, batchMoments(b, in[0])...)
	}
	if !spatial {
		for i, like := range []*graph.Value{n.Inputs[0], n.Inputs[3], n.Inputs[4], n.Inputs[3], n.Inputs[4]}[:len(out)] {
			out[i] = b.Op("Reshape", []*graph.Value{out[i], b.Op("Shape", []*graph.Value{like})}, graph.A("allowzero", int64(1)))
		}
	}
	return out, nil
}

// batchMoments returns the mean and the variance of each channel of x over the
// batch and the spatial axes, however many.
func batchMoments(b *graph.Builder, x *graph.Value) []*graph.Value {
	perChannel := func(v *graph.Value) *graph.Value {
		return b.Op("ReduceMean", []*graph.Value{b.Op("GlobalAveragePool", []*graph.Value{v}), b.Ints(0)})
	}
	mean := perChannel(x)
	d := b.Op("Sub", []*graph.Value{x, mean})
	variance := perChannel(b.Op("Mul", []*graph.Value{d, d}))
	return []*graph.Value{
		b.Op("Reshape", []*graph.Value{mean, b.Ints(-1)}),
		b.Op("Reshape", []*graph.Value{variance, b.Ints(-1)}),
	}
}

// scalePerGroup: scale and bias had one element per group, not per channel.
func scalePerGroup(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	if len(n.Inputs) != 3 {
		return nil, fmt.Errorf("%d inputs; X, scale and bias are needed", len(n.Inputs))
	}
	groups := n.Int("num_groups", 0)
	channels := b.Op("Shape", n.Inputs[:1], graph.A("start", int64(1)), graph.A("end", int64(2)))
	shape := b.Op("Concat", []*graph.Value{b.Ints(groups), b.Op("Div", []*graph.Value{channels, b.Ints(groups)})}, graph.A("axis", int64(0)))
	in := append([]*graph.Value{}, n.Inputs...)
	for i := 1; i < 3; i++ {
		column := b.Op("Unsqueeze", []*graph.Value{in[i], b.Ints(1)})
		in[i] = b.Op("Reshape", []*graph.Value{b.Op("Expand", []*graph.Value{column, shape}), b.Ints(-1)})
	}
	return b.Node("", n.Op, in, 1, n.Attributes...), nil
}
