package opset

import (
	"fmt"

	"example.com/midplane/operators/graph"
)

// activation holds Relu, LeakyRelu, PRelu, Elu, Selu, Celu, ThresholdedRelu,
// Sigmoid, HardSigmoid, HardSwish, Softplus, Softsign, Gelu, Mish, Swish,
// SwiGLU, Shrink, Clip.
var activation = family{
	"Relu":        {unconsumed},
	"LeakyRelu":   {unconsumed},
	"PRelu":       {unconsumed, {Below: 7, Lift: slopePerChannel}},
	"Elu":         {unconsumed},
	"Selu":        {unconsumed, {Below: 6, Lift: seluCoefficients}},
	"Sigmoid":     {unconsumed},
	"HardSigmoid": {unconsumed},
	"Clip":        {unconsumed, {Below: 11, Lift: boundsAsInputs}},
}

// slopePerChannel makes the slope of a PRelu, one for each channel, broadcast
// as NumPy does: channels are axis 1 of the input.
func slopePerChannel(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	x, slope := n.Inputs[0], n.Inputs[1]
	dims, to := slope.Type.Dims, x.Type.Dims
	if dims.Ranked() && len(dims) != 1 || dims.Ranked() && dims[0].Size == 1 {
		return n.Outputs, nil
	}
	if !dims.Ranked() || !to.Ranked() {
		return nil, fmt.Errorf("the ranks of input and slope must be known; they are %v and %v", to, dims)
	}
	if len(to) <= 2 {
		return n.Outputs, nil
	}
	slope = unsqueezeEnd(b, slope, len(to)-2)
	return []*graph.Value{b.Op("PRelu", []*graph.Value{x, slope})}, nil
}

// seluCoefficients sets the defaults of version 1, which have fewer digits.
func seluCoefficients(_ *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	n.Set(graph.A("alpha", n.Float("alpha", 1.6732)))
	n.Set(graph.A("gamma", n.Float("gamma", 1.0507)))
	return n.Outputs, nil
}

// boundsAsInputs turns the attributes min and max of a Clip into inputs.
func boundsAsInputs(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	inputs := []*graph.Value{n.Inputs[0], nil, nil}
	for i, name := range []string{1: "min", 2: "max"} {
		if v, ok := graph.Attr[float32](n, name); ok {
			inputs[i] = scalarLike(b, v, n.Inputs[0])
		}
	}
	return []*graph.Value{b.Op("Clip", inputs)}, nil
}
