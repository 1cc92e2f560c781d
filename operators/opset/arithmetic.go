package opset

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// arithmetic holds Add, Sub, Mul, Div, Mod, Pow, Neg, Abs, Sign, Reciprocal,
// Sqrt, Exp, Log, Floor, Ceil, Round, Min, Max, Sum, Mean, BitShift, Erf.
var arithmetic = family{
	"Add":        {unconsumed, unaligned},
	"Sub":        {unconsumed, unaligned},
	"Mul":        {unconsumed, unaligned},
	"Div":        {unconsumed, unaligned},
	"Pow":        {unaligned},
	"Neg":        {unconsumed},
	"Abs":        {unconsumed},
	"Reciprocal": {unconsumed},
	"Sqrt":       {unconsumed},
	"Exp":        {unconsumed},
	"Log":        {unconsumed},
	"Floor":      {unconsumed},
	"Ceil":       {unconsumed},
	"Min":        {unconsumed},
	"Max":        {unconsumed},
	"Sum":        {unconsumed},
	"Mean":       {unconsumed},
	"Erf":        {{Below: 13, Lift: erfOfIntegers}},
}

// erfOfIntegers computes the error function of integers, which newer versions
// do not take, on real numbers, and truncates.
func erfOfIntegers(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	d := n.Inputs[0].Type.DType
	if !d.IsInteger() {
		return n.Outputs, nil
	}
	x := b.Op("Cast", n.Inputs, graph.A("to", int64(tensor.Float64)))
	y := b.Op("Erf", []*graph.Value{x})
	return []*graph.Value{b.Op("Cast", []*graph.Value{y}, graph.A("to", int64(d)))}, nil
}
