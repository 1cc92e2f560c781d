package reference

import (
	"errors"
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// constant holds Constant, ConstantOfShape, Range, EyeLike.
var constant = family{
	"Constant":        constantOp,
	"ConstantOfShape": constantOfShape,
	"Range":           rangeOp,
	"EyeLike":         eyeLike,
}

func constantOp(c *Call) ([]tensor.Value, error) {
	if len(c.Node.Attributes) != 1 {
		return nil, fmt.Errorf("exactly one attribute must give the value, %d are set", len(c.Node.Attributes))
	}
	switch a := c.Node.Attributes[0]; v := a.Value.(type) {
	case *tensor.Tensor:
		return one(v)
	case float32:
		return one(tensor.Scalar(v))
	case int64:
		return one(tensor.Scalar(v))
	case string:
		return one(tensor.Scalar(v))
	case []float32:
		return one(tensor.Of(v, len(v)))
	case []int64:
		return one(tensor.Of(v, len(v)))
	case []string:
		return one(tensor.Of(v, len(v)))
	default:
		return nil, fmt.Errorf("attribute %s cannot give the value of a tensor", a.Name)
	}
}

func constantOfShape(c *Call) ([]tensor.Value, error) {
	extents := c.Ints(0)
	shape := make(tensor.Shape, len(extents))
	for i, n := range extents {
		shape[i] = tensor.Extent(n)
	}
	value := c.Node.Tensor("value")
	if value == nil {
		value = tensor.Scalar(float32(0))
	}
	if value.Len() != 1 {
		return nil, fmt.Errorf("value must have one element, got shape %v", value.Shape())
	}
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	out, err := tensor.New(value.DType(), shape)
	if err != nil {
		return nil, err
	}
	move := mover(out, value)
	for i := range out.Len() {
		move(i, 0)
	}
	return one(out)
}

// rangeOp returns start, start + delta, … up to limit, which is not reached:
// max(ceil((limit - start) / delta), 0) elements.
func rangeOp(c *Call) ([]tensor.Value, error) {
	start, limit, delta := c.Tensor(0), c.Tensor(1), c.Tensor(2)
	d := start.DType()
	for i, t := range []*tensor.Tensor{start, limit, delta} {
		if t.Len() != 1 || t.DType() != d {
			return nil, fmt.Errorf("input %d is %v%v, want a scalar of type %v as start", i, t.DType(), t.Shape(), d)
		}
	}
	if d.IsInteger() {
		first, step := start.Int64s()[0], delta.Int64s()[0]
		n, err := integersBetween(first, limit.Int64s()[0], step)
		if err != nil {
			return nil, err
		}
		if _, err := countOf(tensor.Shape{n}); err != nil {
			return nil, err
		}
		return one(tensor.FromInt64s(d, tensor.Shape{n}, progression(n, first, step)))
	}
	first, step := start.Float64s()[0], delta.Float64s()[0]
	count := math.Ceil((limit.Float64s()[0] - first) / step)
	if math.IsNaN(count) || count >= math.MaxInt/8 {
		return nil, fmt.Errorf("from %v to %v in steps of %v there are %v elements, which is %w", first, limit.Float64s()[0], step, count, tensor.ErrTooLarge)
	}
	n := max(int(count), 0)
	if _, err := countOf(tensor.Shape{n}); err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(d, tensor.Shape{n}, progression(n, first, step)))
}

// integersBetween counts first, first + step, … before limit.
func integersBetween(first, limit, step int64) (int, error) {
	if step == 0 {
		return 0, errors.New("delta is 0")
	}
	low, high := first, limit
	if step < 0 {
		low, high = limit, first
	}
	if high <= low {
		return 0, nil
	}
	n := (uint64(high)-uint64(low)-1)/uint64(max(step, -step)) + 1
	if n > math.MaxInt/8 {
		return 0, fmt.Errorf("from %d to %d in steps of %d there are %d elements, which is %w", first, limit, step, n, tensor.ErrTooLarge)
	}
	return int(n), nil
}

// progression returns first + i × step for i in [0, n).
func progression[T int64 | float64](n int, first, step T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = first + T(i)*step
	}
	return out
}

// eyeLike returns a matrix with ones on one diagonal and zeros elsewhere.
func eyeLike(c *Call) ([]tensor.Value, error) {
	t := c.Tensor(0)
	if t.Rank() != 2 {
		return nil, fmt.Errorf("the input must be a matrix, got shape %v", t.Shape())
	}
	rows, columns := t.Shape()[0], t.Shape()[1]
	k := c.Node.Int("k", 0)
	out := make([]int64, rows*columns)
	for i := range rows {
		if j := int64(i) + k; j >= 0 && j < int64(columns) {
			out[i*columns+int(j)] = 1
		}
	}
	d := c.Node.DType("dtype", t.DType())
	if !d.IsFloat() && !d.IsInteger() && d != tensor.Bool {
		return nil, fmt.Errorf("elements of type %v are not defined for this operator", d)
	}
	return one(tensor.FromInt64s(d, t.Shape(), out))
}
