package reference

import (
	"context"
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Evaluate computes a whole graph of nodes in their newest form, one after the
// other, keeping every value: the oracle for graphs. Inputs are given in the
// order of g.Inputs; nil stands for an input that has a default. It returns the
// graph's outputs in order.
func Evaluate(ctx context.Context, g *graph.Graph, inputs []tensor.Value) ([]tensor.Value, error) {
	return evaluate(ctx, g, inputs, nil)
}

func evaluate(ctx context.Context, g *graph.Graph, inputs []tensor.Value, captured func(*graph.Value) tensor.Value) ([]tensor.Value, error) {
	values := make(map[*graph.Value]tensor.Value)
	for _, v := range g.Initializers {
		values[v] = v.Const
	}
	if len(inputs) != len(g.Inputs) {
		return nil, fmt.Errorf("graph %q takes %d inputs, got %d", g.Name, len(g.Inputs), len(inputs))
	}
	for i, v := range g.Inputs {
		if inputs[i] != nil {
			values[v] = inputs[i]
		}
	}
	get := func(v *graph.Value) tensor.Value {
		if v == nil {
			return nil
		}
		if x, ok := values[v]; ok {
			return x
		}
		if captured != nil {
			if x := captured(v); x != nil {
				return x
			}
		}
		if v.Const != nil {
			return v.Const
		}
		return nil
	}
	for _, n := range g.Nodes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		in := make([]tensor.Value, len(n.Inputs))
		for i, v := range n.Inputs {
			if in[i] = get(v); v != nil && in[i] == nil {
				return nil, fmt.Errorf("node %s: input %q has no value", n.Label(), v.Name)
			}
		}
		out, err := Run(ctx, n, in, get)
		if err != nil {
			return nil, err
		}
		for i, v := range n.Outputs {
			if v != nil {
				values[v] = out[i]
			}
		}
	}
	outputs := make([]tensor.Value, len(g.Outputs))
	for i, v := range g.Outputs {
		outputs[i] = get(v)
	}
	return outputs, nil
}
