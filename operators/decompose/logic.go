package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// logic holds And, Or, Xor, Not, BitwiseAnd, BitwiseOr, BitwiseXor,
// BitwiseNot, Equal, Greater, Less, GreaterOrEqual, LessOrEqual, Where, IsNaN,
// IsInf.
var logic = family{
	"Or":             formula(either("Not", "And")),
	"Xor":            formula(xor),
	"BitwiseOr":      formula(either("BitwiseNot", "BitwiseAnd")),
	"BitwiseXor":     formula(bitwiseXor),
	"Greater":        formula(greater),
	"GreaterOrEqual": formula(orEqual("Greater")),
	"LessOrEqual":    formula(orEqual("Less")),
	"Where":          where,
	"IsNaN":          isNaN,
	"IsInf":          isInf,
}

// either is De Morgan's law: a or b is not (not a and not b).
func either(not, and string) body {
	return func(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
		return e.do(not, e.do(and, e.do(not, in[0]), e.do(not, in[1])))
	}
}

func xor(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Not", e.do("Equal", in...))
}

func greater(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Less", in[1], in[0])
}

func bitwiseXor(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
	both := e.do("BitwiseAnd", in...)
	return e.do("BitwiseAnd", e.do("BitwiseOr", in...), e.do("BitwiseNot", both))
}

func orEqual(compare string) body {
	return func(e expression, _ *graph.Node, in []*graph.Value) *graph.Value {
		return e.do("Or", e.do(compare, in...), e.do("Equal", in...))
	}
}

// where expresses the choice between truth values.
func where(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 1)
	if err != nil {
		return nil, err
	}
	if e.dtype != tensor.Bool {
		return nil, fmt.Errorf("a choice between elements of type %v is not expressed by other operators", e.dtype)
	}
	condition, x, y := n.Inputs[0], n.Inputs[1], n.Inputs[2]
	return []*graph.Value{e.do("Or", e.do("And", condition, x), e.do("And", e.do("Not", condition), y))}, nil
}

// comparableInput returns an expression in the type of the input, which Equal takes.
func comparableInput(b *graph.Builder, n *graph.Node) (expression, error) {
	e, err := typed(b, n, 0)
	if err == nil && e.dtype.Bits() <= 8 {
		err = fmt.Errorf("elements of type %v cannot be compared", e.dtype)
	}
	return e, err
}

// isNaN asks which elements differ from themselves.
func isNaN(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := comparableInput(b, n)
	if err != nil {
		return nil, err
	}
	return []*graph.Value{e.do("Not", e.do("Equal", n.Inputs[0], n.Inputs[0]))}, nil
}

func isInf(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := comparableInput(b, n)
	if err != nil {
		return nil, err
	}
	x := n.Inputs[0]
	negative, positive := n.Bool("detect_negative", true), n.Bool("detect_positive", true)
	switch {
	case negative && positive:
		return []*graph.Value{e.do("Equal", e.do("Abs", x), e.num(math.Inf(1)))}, nil
	case negative:
		return []*graph.Value{e.do("Equal", x, e.num(math.Inf(-1)))}, nil
	case positive:
		return []*graph.Value{e.do("Equal", x, e.num(math.Inf(1)))}, nil
	}
	return []*graph.Value{e.do("Less", x, x)}, nil
}
