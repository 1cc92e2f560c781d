package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// reduce holds ReduceSum and its kin, ArgMax, ArgMin, CumSum, CumProd.
var reduce = family{
	"ReduceMean":      reduceMean,
	"ReduceL1":        reduceL1,
	"ReduceL2":        reduceL2,
	"ReduceLogSum":    reduceLogSum,
	"ReduceLogSumExp": reduceLogSumExp,
	"ReduceSumSquare": reduceSumSquare,
}

// reduceAs reduces v over the axes of n and with its attributes.
func reduceAs(b *graph.Builder, n *graph.Node, op string, v *graph.Value) *graph.Value {
	return b.Op(op, append([]*graph.Value{v}, n.Inputs[1:]...), n.Attributes...)
}

// inFloat computes f of the node's input in a floating-point type: its own, or
// float32 for narrower ones and float64 for integers, and casts the result back.
func inFloat(b *graph.Builder, n *graph.Node, f func(x *graph.Value) *graph.Value) ([]*graph.Value, error) {
	x := n.Inputs[0]
	own := x.Type.DType
	with := own
	switch {
	case !x.Type.IsTensor() || own == tensor.Undefined:
		return nil, fmt.Errorf("the element type of the input is not known")
	case own.IsInteger():
		with = tensor.Float64
	case own != tensor.Float64:
		with = tensor.Float32
	}
	if with == own {
		return []*graph.Value{f(x)}, nil
	}
	result := f(b.Op("Cast", []*graph.Value{x}, graph.A("to", int64(with))))
	return []*graph.Value{b.Op("Cast", []*graph.Value{result}, graph.A("to", int64(own)))}, nil
}

func reduceL1(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return []*graph.Value{reduceAs(b, n, "ReduceSum", b.Op("Abs", n.Inputs[:1]))}, nil
}

func square(b *graph.Builder, x *graph.Value) *graph.Value {
	return b.Op("Mul", []*graph.Value{x, x})
}

func reduceSumSquare(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return []*graph.Value{reduceAs(b, n, "ReduceSum", square(b, n.Inputs[0]))}, nil
}

func reduceL2(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return inFloat(b, n, func(x *graph.Value) *graph.Value {
		return b.Op("Sqrt", []*graph.Value{reduceAs(b, n, "ReduceSum", square(b, x))})
	})
}

func reduceLogSum(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return inFloat(b, n, func(x *graph.Value) *graph.Value {
		return b.Op("Log", []*graph.Value{reduceAs(b, n, "ReduceSum", x)})
	})
}

// reduceLogSumExp is m + log Σ exp(x - m), where m is the greatest element, or 0
// where that is infinite.
func reduceLogSumExp(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return inFloat(b, n, func(x *graph.Value) *graph.Value {
		zero := b.Op("CastLike", []*graph.Value{b.Const(tensor.Scalar(float32(0))), x})
		greatest := func(keepdims int64) *graph.Value {
			attrs := append(n.Without("keepdims"), graph.A("keepdims", keepdims))
			m := b.Op("ReduceMax", append([]*graph.Value{x}, n.Inputs[1:]...), attrs...)
			return b.Op("Where", []*graph.Value{b.Op("IsInf", []*graph.Value{m}), zero, m})
		}
		exp := b.Op("Exp", []*graph.Value{b.Op("Sub", []*graph.Value{x, greatest(1)})})
		log := b.Op("Log", []*graph.Value{reduceAs(b, n, "ReduceSum", exp)})
		return b.Op("Add", []*graph.Value{log, greatest(n.Int("keepdims", 1))})
	})
}

// reduceMean divides the sum by how many elements there are to one of it.
func reduceMean(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	return inFloat(b, n, func(x *graph.Value) *graph.Value {
		sum := reduceAs(b, n, "ReduceSum", x)
		sums := b.Op("Max", []*graph.Value{b.Op("Size", []*graph.Value{sum}), b.Const(tensor.Scalar(int64(1)))})
		count := b.Op("Div", []*graph.Value{b.Op("Size", []*graph.Value{x}), sums})
		return b.Op("Div", []*graph.Value{sum, b.Op("CastLike", []*graph.Value{count, x})})
	})
}
