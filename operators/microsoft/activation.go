package microsoft

import (
	"fmt"

	"example.com/midplane/operators/graph"
)

// activations holds FastGelu, Gelu, QuickGelu, BiasGelu.
var activations = []operator{
	{
		schema: define("FastGelu", "X T, bias T?", "Y T", reals),
		rule: rule(func(e emitter) []*graph.Value {
			x := e.plus(e.in(0), e.in(1))
			return []*graph.Value{e.Op("Gelu", []*graph.Value{x}, graph.A("approximate", "tanh"))}
		}),
	},
	{
		schema: define("Gelu", "X T", "Y T", reals),
		rule:   rule(func(e emitter) []*graph.Value { return []*graph.Value{e.do("Gelu", e.in(0))} }),
	},
	{
		schema: define("BiasGelu", "A T, B T", "C T", reals),
		rule: rule(func(e emitter) []*graph.Value {
			return []*graph.Value{e.do("Gelu", e.plus(e.in(0), e.in(1)))}
		}),
	},
	{
		schema: define("QuickGelu", "X T", "Y T", reals, set("alpha", float32(1.702))),
		rule: rule(func(e emitter) []*graph.Value {
			return []*graph.Value{e.Op("Swish", e.node.Inputs, graph.A("alpha", e.node.Float("alpha", 1.702)))}
		}),
	},
}

// activate applies the activation that a fused operator names to y. Parameters
// that are not given have the defaults of ONNX's operator.
func (e emitter) activate(y *graph.Value, name string, parameters []float32) (*graph.Value, error) {
	if name == "" {
		return y, nil
	}
	names, known := activationParameters[name]
	if !known {
		return nil, fmt.Errorf("activation %q is not one that is fused", name)
	}
	if len(parameters) > len(names) {
		return nil, fmt.Errorf("activation %s has %d parameters, %d are given", name, len(names), len(parameters))
	}
	if name == "Clip" {
		bounds := []*graph.Value{y, nil, nil}
		for i, p := range parameters {
			bounds[1+i] = e.num(float64(p))
		}
		return e.Op("Clip", bounds), nil
	}
	var attributes []graph.Attribute
	for i, p := range parameters {
		attributes = append(attributes, graph.A(names[i], p))
	}
	return e.Op(name, []*graph.Value{y}, attributes...), nil
}

// activationParameters names the parameters of each activation that is fused.
var activationParameters = map[string][]string{
	"Relu": nil, "Tanh": nil, "Sigmoid": nil, "Softplus": nil, "Softsign": nil, "HardSwish": nil,
	"LeakyRelu": {"alpha"}, "Elu": {"alpha"}, "ThresholdedRelu": {"alpha"},
	"HardSigmoid": {"alpha", "beta"}, "Selu": {"alpha", "gamma"}, "Clip": {"min", "max"},
}
