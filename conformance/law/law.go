// Package law knows laws that operators obey whatever their results are, so that
// they can be held against a device without an expected value: doubled operands
// double the result, the order of a batch's examples does not matter, a batch is
// its parts, operands commute, an operator is what it consists of.
package law

import (
	"bytes"
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/cell"
)

// Law is a relation between the outputs for several sets of inputs of one model.
type Law struct {
	Name      string
	Operators []string
	Shape     cell.Shape // of the cells that it is tried in; "" for the usual one
	Exact     bool       // the related outputs have the same bits

	// Sets derives sets of inputs from one; Related says what the last set's
	// outputs are to be, from those of all sets before; nil where they are not
	// related at all.
	Sets    func(in []tensor.Value) [][]tensor.Value
	Related func(out [][]tensor.Value) []tensor.Value
}

// linear are operators whose first operand's scale is the result's.
var linear = []string{
	"MatMul", "Conv", "ConvTranspose", "AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool", "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1",
	"CumSum", "Relu", "LeakyRelu", "PRelu", "Neg", "Abs", "Transpose", "Reshape", "Identity", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Slice", "Gather", "Resize",
	"DepthToSpace", "SpaceToDepth", "DFT", "STFT", "GridSample", "RoiAlign", "MaxRoiPool", "Trilu", "Col2Im", "Einsum", "Dropout", "Compress", "GatherElements", "ReverseSequence",
}

// elementwise are operators on one tensor that treat every element alike.
var elementwise = []string{
	"Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Reciprocal", "Sqrt", "Exp", "Log", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh",
	"Asinh", "Acosh", "Atanh", "Sigmoid", "Relu", "Softplus", "Softsign", "HardSwish", "Mish", "Gelu", "Swish", "LeakyRelu", "Elu", "Celu", "Selu", "HardSigmoid",
	"Shrink", "ThresholdedRelu", "Clip", "IsNaN", "IsInf", "Identity", "Not", "BitwiseNot", "Cast",
	"Add", "Sub", "Mul", "Div", "Mod", "Pow", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitShift", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual",
	"Max", "Min", "Sum", "Mean", "Where", "SwiGLU",
}

// batched are operators that treat every example, along the first axis of their
// first operand and result, alike.
var batched = []string{
	"Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "InstanceNormalization", "GroupNormalization",
	"LayerNormalization", "RMSNormalization", "LRN", "BatchNormalization", "Softmax", "LogSoftmax", "Hardmax", "LpNormalization", "DepthToSpace", "SpaceToDepth",
	"MatMul", "STFT", "DFT", "ai.onnx.ml.Scaler", "ai.onnx.ml.Normalizer", "ai.onnx.ml.TreeEnsemble", "ai.onnx.ml.LinearRegressor", "ai.onnx.ml.SVMRegressor",
}

var commutative = []string{"Add", "Mul", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Max", "Min", "Sum", "Mean"}

// All are the laws between outputs.
var All = []Law{
	{Name: "homogeneous", Operators: linear, Exact: true, Sets: doubled, Related: func(out [][]tensor.Value) []tensor.Value { return mapped(out[0], double) }},
	{Name: "pointwise", Operators: elementwise, Sets: backwards, Related: func(out [][]tensor.Value) []tensor.Value { return mapped(out[0], reverse) }},
	{Name: "batch-order", Operators: batched, Sets: flipped, Related: func(out [][]tensor.Value) []tensor.Value { return mapped(out[0], flip) }},
	{Name: "batch-split", Operators: batched, Shape: cell.Dynamic, Sets: split, Related: func(out [][]tensor.Value) []tensor.Value { return joined(out[0], out[1]) }},
	{Name: "commutative", Operators: commutative, Exact: true, Sets: swapped, Related: func(out [][]tensor.Value) []tensor.Value { return out[0] }},
}

// Cell returns the cell in which the law is tried for an operator and a type.
func (l Law) Cell(operator string, d tensor.DType) (cell.Cell, bool) {
	for _, c := range cell.All() {
		if c.Operator == operator && c.DType == d && c.Newest() && c.First() && c.Layout == cell.Dense &&
			(l.Shape == "" && c.Usual() || c.Shape == l.Shape) {
			return c, true
		}
	}
	return cell.Cell{}, false
}

// first returns the first operand as a tensor.
func first(in []tensor.Value) (*tensor.Tensor, bool) {
	if len(in) == 0 {
		return nil, false
	}
	t, ok := in[0].(*tensor.Tensor)
	return t, ok
}

// with returns inputs of which the first is replaced.
func with(in []tensor.Value, t tensor.Value) []tensor.Value {
	out := slices.Clone(in)
	out[0] = t
	return out
}

func mapped(values []tensor.Value, f func(*tensor.Tensor) *tensor.Tensor) []tensor.Value {
	out := make([]tensor.Value, len(values))
	for i, v := range values {
		out[i] = v
		if t, ok := v.(*tensor.Tensor); ok {
			out[i] = f(t)
		}
	}
	return out
}

// double doubles numbers; it is exact but for overflow. Indexes stay.
func double(t *tensor.Tensor) *tensor.Tensor {
	if !t.DType().IsFloat() {
		return t
	}
	v := t.Float64s()
	for i := range v {
		v[i] *= 2
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

func doubled(in []tensor.Value) [][]tensor.Value {
	t, ok := first(in)
	if !ok || !t.DType().IsFloat() {
		return nil
	}
	return [][]tensor.Value{in, with(in, double(t))}
}

// reverse turns the order of all elements around.
func reverse(t *tensor.Tensor) *tensor.Tensor {
	return rearranged(t, t.Len(), func(i int) int { return t.Len() - 1 - i })
}

// flip turns the order of the examples around.
func flip(t *tensor.Tensor) *tensor.Tensor {
	if t.Rank() == 0 {
		return t
	}
	n := t.Shape()[0]
	return rearranged(t, n, func(i int) int { return n - 1 - i })
}

// rearranged returns a tensor whose i-th of n equal parts is part from(i) of t.
// Packed types stay as they are.
func rearranged(t *tensor.Tensor, n int, from func(i int) int) *tensor.Tensor {
	if t.DType().Bits() < 8 || n == 0 {
		return t
	}
	out := tensor.Zeros(t.DType(), t.Shape())
	size := len(t.Bytes()) / n
	for i := range n {
		copy(out.Bytes()[i*size:(i+1)*size], t.Bytes()[from(i)*size:])
	}
	return out
}

// backwards turns all operands around, which have to be alike.
func backwards(in []tensor.Value) [][]tensor.Value {
	t, ok := first(in)
	if !ok || t.DType().Bits() < 8 {
		return nil
	}
	for _, v := range in {
		if other, ok := v.(*tensor.Tensor); !ok || !other.Shape().Equal(t.Shape()) || other.DType().Bits() < 8 {
			return nil
		}
	}
	return [][]tensor.Value{in, mapped(in, reverse)}
}

func flipped(in []tensor.Value) [][]tensor.Value {
	t, ok := first(in)
	if !ok || len(in) != 1 || t.Rank() == 0 {
		return nil
	}
	return [][]tensor.Value{in, with(in, flip(t))}
}

func swapped(in []tensor.Value) [][]tensor.Value {
	if len(in) != 2 || in[0].Type().String() != in[1].Type().String() {
		return nil
	}
	return [][]tensor.Value{in, {in[1], in[0]}}
}

// split gives the examples in two parts, then all.
func split(in []tensor.Value) [][]tensor.Value {
	t, ok := first(in)
	if !ok || t.Rank() == 0 || t.Shape()[0] < 2 || t.DType().Bits() < 8 {
		return nil
	}
	return [][]tensor.Value{with(in, rows(t, 0, 1)), with(in, rows(t, 1, t.Shape()[0])), in}
}

// rows returns examples of a tensor.
func rows(t *tensor.Tensor, from, to int) *tensor.Tensor {
	s := t.Shape().Clone()
	size := len(t.Bytes()) / s[0]
	s[0] = to - from
	part, err := tensor.FromBytes(t.DType(), s, bytes.Clone(t.Bytes()[from*size:to*size]))
	if err != nil {
		panic(fmt.Sprintf("law: %v", err)) // the sizes follow from the shape
	}
	return part
}

// joined puts the examples of two results behind each other.
func joined(a, b []tensor.Value) []tensor.Value {
	out := make([]tensor.Value, len(a))
	for i := range a {
		x, ok := a[i].(*tensor.Tensor)
		y, same := b[i].(*tensor.Tensor)
		if !ok || !same || x.Rank() == 0 || y.Rank() == 0 {
			return nil
		}
		s := x.Shape().Clone()
		s[0] += y.Shape()[0]
		t, err := tensor.FromBytes(x.DType(), s, slices.Concat(x.Bytes(), y.Bytes()))
		if err != nil {
			return nil // the parts do not go together
		}
		out[i] = t
	}
	return out
}
