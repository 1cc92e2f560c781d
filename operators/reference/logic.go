package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// logic holds And, Or, Xor, Not, BitwiseAnd, BitwiseOr, BitwiseXor,
// BitwiseNot, Equal, Greater, Less, GreaterOrEqual, LessOrEqual, Where, IsNaN,
// IsInf.
var logic = family{
	"And":            binary{boolean: func(a, b bool) bool { return a && b }}.run,
	"Or":             binary{boolean: func(a, b bool) bool { return a || b }}.run,
	"Xor":            binary{boolean: func(a, b bool) bool { return a != b }}.run,
	"Not":            not,
	"BitwiseAnd":     binary{signed: bitAnd[int64], unsigned: bitAnd[uint64]}.run,
	"BitwiseOr":      binary{signed: bitOr[int64], unsigned: bitOr[uint64]}.run,
	"BitwiseXor":     binary{signed: bitXor[int64], unsigned: bitXor[uint64]}.run,
	"BitwiseNot":     unary{signed: bitNot[int64], unsigned: bitNot[uint64]}.run,
	"Equal":          comparison{equal[float64], equal[int64], equal[uint64], equal[bool], equal[string]}.run,
	"Greater":        comparison{greater[float64], greater[int64], greater[uint64], nil, nil}.run,
	"Less":           comparison{less[float64], less[int64], less[uint64], nil, nil}.run,
	"GreaterOrEqual": comparison{notBelow[float64], notBelow[int64], notBelow[uint64], nil, nil}.run,
	"LessOrEqual":    comparison{notAbove[float64], notAbove[int64], notAbove[uint64], nil, nil}.run,
	"Where":          where,
	"IsNaN":          func(c *Call) ([]tensor.Value, error) { return classify(c, math.IsNaN) },
	"IsInf":          isInf,
}

func bitAnd[T int64 | uint64](a, b T) T { return a & b }
func bitOr[T int64 | uint64](a, b T) T  { return a | b }
func bitXor[T int64 | uint64](a, b T) T { return a ^ b }
func bitNot[T int64 | uint64](v T) T    { return ^v }

func equal[T comparable](a, b T) bool { return a == b }
func greater[T wide](a, b T) bool     { return a > b }
func less[T wide](a, b T) bool        { return a < b }
func notBelow[T wide](a, b T) bool    { return a >= b }
func notAbove[T wide](a, b T) bool    { return a <= b }

func not(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	return truths(t.Shape(), mapped(tensor.Slice[bool](t), func(v bool) bool { return !v }))
}

// where picks each element from one of two tensors of any type.
func where(c *Call) ([]tensor.Value, error) {
	condition, x, y := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	if x.DType() != y.DType() {
		return nil, fmt.Errorf("X and Y are of different types, %v and %v", x.DType(), y.DType())
	}
	shape, err := broadcastTensors(condition, x, y)
	if err != nil {
		return nil, err
	}
	out, err := tensor.New(x.DType(), shape)
	if err != nil {
		return nil, err
	}
	chosen := spread(tensor.Slice[bool](condition), condition.Shape(), shape)
	fromX := strided(shape, 0, broadcastStrides(x.Shape(), shape))
	fromY := strided(shape, 0, broadcastStrides(y.Shape(), shape))
	moveX, moveY := mover(out, x), mover(out, y)
	for i, yes := range chosen {
		if yes {
			moveX(i, fromX[i])
		} else {
			moveY(i, fromY[i])
		}
	}
	return one(out)
}

// classify answers a question about each element of a floating-point tensor.
func classify(c *Call, is func(float64) bool) ([]tensor.Value, error) {
	t := c.Tensor(0)
	if !t.DType().IsFloat() {
		return nil, fmt.Errorf("the input is of type %v, want a floating-point type", t.DType())
	}
	return truths(t.Shape(), mapped(t.Float64s(), is))
}

func isInf(c *Call) ([]tensor.Value, error) {
	negative, positive := c.Node.Bool("detect_negative", true), c.Node.Bool("detect_positive", true)
	return classify(c, func(v float64) bool {
		return negative && math.IsInf(v, -1) || positive && math.IsInf(v, 1)
	})
}
