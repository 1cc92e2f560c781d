package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// unary is an operator on single elements, given for each class of types that
// it takes. Integers come widened to 64 bits, and results wrap to the width of
// their type.
type unary struct {
	real     func(float64) float64
	signed   func(int64) int64
	unsigned func(uint64) uint64
}

// run implements [Func].
func (op unary) run(c *Call) ([]tensor.Value, error) {
	out, err := op.apply(c.Tensor(0))
	if err != nil {
		return nil, err
	}
	return one(out)
}

// apply computes the operator for every element of t.
func (op unary) apply(t *tensor.Tensor) (*tensor.Tensor, error) {
	switch d := t.DType(); {
	case d.IsFloat() && op.real != nil:
		return tensor.FromFloat64s(d, t.Shape(), mapped(t.Float64s(), op.real)), nil
	case d.IsSigned() && op.signed != nil:
		return tensor.FromInt64s(d, t.Shape(), mapped(t.Int64s(), op.signed)), nil
	case d.IsUnsigned() && op.unsigned != nil:
		return fromUint64s(d, t.Shape(), mapped(uint64s(t), op.unsigned)), nil
	}
	return nil, fmt.Errorf("elements of type %v are not defined for this operator", t.DType())
}

// realFunc returns the implementation of an operator that maps each element of
// a floating-point tensor: computed in float64, rounded once.
func realFunc(f func(float64) float64) Func { return unary{real: f}.run }

// binary is an operator on two elements of one type, which are broadcast
// against each other, given for each class of types that it takes. Integers
// come widened to 64 bits, and results wrap to the width of their type.
type binary struct {
	real     func(a, b float64) float64
	signed   func(a, b int64) int64
	unsigned func(a, b uint64) uint64
	boolean  func(a, b bool) bool
}

// run implements [Func].
func (op binary) run(c *Call) ([]tensor.Value, error) {
	out, err := op.apply(c.Tensor(0), c.Tensor(1))
	if err != nil {
		return nil, err
	}
	return one(out)
}

// apply computes the operator for every pair of elements of x and y.
func (op binary) apply(x, y *tensor.Tensor) (*tensor.Tensor, error) {
	p, err := pair(x, y)
	if err != nil {
		return nil, err
	}
	switch d := x.DType(); {
	case d.IsFloat() && op.real != nil:
		return tensor.FromFloat64s(d, p.shape, zip(p, x.Float64s(), y.Float64s(), op.real)), nil
	case d.IsSigned() && op.signed != nil:
		return tensor.FromInt64s(d, p.shape, zip(p, x.Int64s(), y.Int64s(), op.signed)), nil
	case d.IsUnsigned() && op.unsigned != nil:
		return fromUint64s(d, p.shape, zip(p, uint64s(x), uint64s(y), op.unsigned)), nil
	case d == tensor.Bool && op.boolean != nil:
		out := zip(p, tensor.Slice[bool](x), tensor.Slice[bool](y), op.boolean)
		return tensor.FromSlice(p.shape, out)
	}
	return nil, fmt.Errorf("elements of type %v are not defined for this operator", x.DType())
}

// comparison is a binary operator whose result is a truth value.
type comparison struct {
	real     func(a, b float64) bool
	signed   func(a, b int64) bool
	unsigned func(a, b uint64) bool
	boolean  func(a, b bool) bool
	text     func(a, b string) bool
}

// run implements [Func].
func (op comparison) run(c *Call) ([]tensor.Value, error) {
	x, y := c.Tensor(0), c.Tensor(1)
	p, err := pair(x, y)
	if err != nil {
		return nil, err
	}
	var out []bool
	switch d := x.DType(); {
	case d.IsFloat() && op.real != nil:
		out = zip(p, x.Float64s(), y.Float64s(), op.real)
	case d.IsSigned() && op.signed != nil:
		out = zip(p, x.Int64s(), y.Int64s(), op.signed)
	case d.IsUnsigned() && op.unsigned != nil:
		out = zip(p, uint64s(x), uint64s(y), op.unsigned)
	case d == tensor.Bool && op.boolean != nil:
		out = zip(p, tensor.Slice[bool](x), tensor.Slice[bool](y), op.boolean)
	case d == tensor.String && op.text != nil:
		out = zip(p, x.Strings(), y.Strings(), op.text)
	default:
		return nil, fmt.Errorf("elements of type %v are not defined for this operator", d)
	}
	return truths(p.shape, out)
}

// truths returns a single output of truth values.
func truths(shape tensor.Shape, v []bool) ([]tensor.Value, error) {
	t, err := tensor.FromSlice(shape, v)
	if err != nil {
		return nil, err
	}
	return one(t)
}

// pairing says how two operands are broadcast.
type pairing struct {
	x, y  tensor.Shape // of the operands
	shape tensor.Shape // of the result
}

// pair returns how two operands of one type are broadcast against each other.
func pair(x, y *tensor.Tensor) (pairing, error) {
	if x.DType() != y.DType() {
		return pairing{}, fmt.Errorf("operands are of different types, %v and %v", x.DType(), y.DType())
	}
	shape, err := broadcastTensors(x, y)
	return pairing{x.Shape(), y.Shape(), shape}, err
}

// broadcastTensors returns the shape of the result of broadcasting tensors. It
// has a countable number of elements.
func broadcastTensors(operands ...*tensor.Tensor) (tensor.Shape, error) {
	shapes := make([]tensor.Shape, len(operands))
	for i, t := range operands {
		shapes[i] = t.Shape()
	}
	shape, err := broadcastShape(shapes...)
	if err != nil {
		return nil, err
	}
	_, err = countOf(shape)
	return shape, err
}

// zip calls f for every pair of elements of x and y and gathers the results.
func zip[X, Y, R any](p pairing, x []X, y []Y, f func(X, Y) R) []R {
	x, y = spread(x, p.x, p.shape), spread(y, p.y, p.shape)
	out := make([]R, len(x))
	for i := range out {
		out[i] = f(x[i], y[i])
	}
	return out
}

// mapped calls f for every element and gathers the results.
func mapped[T, R any](v []T, f func(T) R) []R {
	out := make([]R, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

// uint64s returns the elements of an unsigned tensor.
func uint64s(t *tensor.Tensor) []uint64 {
	return mapped(t.Int64s(), func(v int64) uint64 { return uint64(v) })
}

// fromUint64s returns a tensor of an integer type, to whose width values wrap.
func fromUint64s(d tensor.DType, shape tensor.Shape, v []uint64) *tensor.Tensor {
	return tensor.FromInt64s(d, shape, mapped(v, func(v uint64) int64 { return int64(v) }))
}
