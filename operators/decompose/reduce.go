package decompose

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// reduce holds ReduceSum and its kin, ArgMax, ArgMin, CumSum, CumProd.
var reduce = family{
	"ReduceMean":      inReal(reduceMean),
	"ReduceL1":        formula(reduceL1),
	"ReduceL2":        inReal(reduceL2),
	"ReduceLogSum":    inReal(reduceLogSum),
	"ReduceLogSumExp": inReal(reduceLogSumExp),
	"ReduceSumSquare": formula(reduceSumSquare),
}

// inReal returns the rule for an operator whose one output is an expression of
// its inputs, the first of which is computed in float64 if it is of that type or
// of integers, else in float32; integers are truncated at the end.
func inReal(f body) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		e, err := typed(b, n, 0)
		if err != nil {
			return nil, err
		}
		own := e.dtype
		e.dtype = tensor.Float32
		if own == tensor.Float64 || own.IsInteger() {
			e.dtype = tensor.Float64
		}
		in := append([]*graph.Value{e.to(e.dtype, n.Inputs[0])}, n.Inputs[1:]...)
		result := f(e, n, in)
		if own != e.dtype {
			result = e.as(own, result)
		}
		return []*graph.Value{result}, nil
	}
}

// reduceAs reduces x over the axes of a node and with its attributes.
func (e expression) reduceAs(n *graph.Node, op string, x *graph.Value) *graph.Value {
	return e.Op(op, append([]*graph.Value{x}, n.Inputs[1:]...), n.Attributes...)
}

func reduceL1(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	return e.reduceAs(n, "ReduceSum", e.do("Abs", in[0]))
}

func reduceSumSquare(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	return e.reduceAs(n, "ReduceSum", e.do("Mul", in[0], in[0]))
}

func reduceL2(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Sqrt", reduceSumSquare(e, n, in))
}

func reduceLogSum(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	return e.do("Log", e.reduceAs(n, "ReduceSum", in[0]))
}

// reduceLogSumExp is m + log Σ exp(x - m), where m is the greatest element, or 0
// where that is infinite.
func reduceLogSumExp(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	x := in[0]
	greatest := func(keepdims int64) *graph.Value {
		attrs := append(n.Without("keepdims"), graph.A("keepdims", keepdims))
		m := e.Op("ReduceMax", in, attrs...)
		return e.do("Where", e.do("IsInf", m), e.num(0), m)
	}
	exp := e.do("Exp", e.do("Sub", x, greatest(1)))
	return e.do("Add", e.do("Log", e.reduceAs(n, "ReduceSum", exp)), greatest(n.Int("keepdims", 1)))
}

// reduceMean divides the sum by how many elements there are to one of it.
func reduceMean(e expression, n *graph.Node, in []*graph.Value) *graph.Value {
	sum := e.reduceAs(n, "ReduceSum", in[0])
	sums := e.do("Max", e.do("Size", sum), e.Const(tensor.Scalar(int64(1))))
	count := e.do("Div", e.do("Size", in[0]), sums)
	return e.do("Div", sum, e.as(e.dtype, count))
}
