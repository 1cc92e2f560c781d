package infer

import (
	"errors"
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/reference"
)

// constant holds Constant, ConstantOfShape, Range, EyeLike.
var constant = family{
	"Constant":        constantValue,
	"ConstantOfShape": constantOfShape,
	"Range":           rangeOf,
	"EyeLike":         eyeLike,
}

func constantValue(c *Call) error {
	out, err := reference.Run(c.Context, c.Node, nil, nil)
	if err != nil {
		return err
	}
	c.Out[0] = Of(out[0].(*tensor.Tensor))
	return nil
}

func constantOfShape(c *Call) error {
	value := c.Node.Tensor("value")
	if value == nil {
		value = tensor.Scalar(float32(0))
	}
	if value.Len() != 1 {
		return fmt.Errorf("value must have one element, got shape %v", value.Shape())
	}
	extents, ok := c.Values(0)
	if !ok {
		c.SetUnranked(0, value.DType())
		return nil
	}
	dims := make(tensor.Dims, len(extents))
	for i, n := range extents {
		if n.Known && n.Value < 0 {
			return fmt.Errorf("extent %d is %d, want 0 or more", i, n.Value)
		}
		dims[i] = n.Dim()
	}
	c.Set(0, value.DType(), dims)
	if shape, ok := dims.Shape(); ok && len(shape) <= 1 && small(shape) && value.DType().IsInteger() {
		elements := make([]Int, shape.Size())
		for i := range elements {
			elements[i] = known(value.Int64s()[0])
		}
		c.follow(elements)
	}
	return nil
}

// rangeOf infers max(ceil((limit - start) / delta), 0) elements.
func rangeOf(c *Call) error {
	d, err := operandType(c, 0)
	if err != nil {
		return err
	}
	var n Int
	if d.IsFloat() {
		n = countReals(c)
	} else if n, err = countIntegers(c); err != nil {
		return err
	}
	c.Set(0, d, tensor.Dims{n.Dim()})
	return nil
}

// countReals returns how many elements a Range over floating-point numbers has,
// if its inputs are constant.
func countReals(c *Call) Int {
	var v [3]float64
	for i := range v {
		t := c.Fact(i).Const
		if t == nil || t.Len() != 1 {
			return Int{}
		}
		v[i] = t.Float64s()[0]
	}
	count := math.Ceil((v[1] - v[0]) / v[2])
	if math.IsNaN(count) || count >= math.MaxInt/8 {
		return Int{}
	}
	return known(max(int64(count), 0))
}

// countIntegers returns how many elements a Range over integers has, as far as
// its inputs tell.
func countIntegers(c *Call) (Int, error) {
	var v [3]Int
	for i := range v {
		values, ok := c.Values(i)
		if !ok {
			continue
		}
		if len(values) != 1 {
			return Int{}, fmt.Errorf("input %d must be a scalar, it has %d elements", i, len(values))
		}
		v[i] = values[0]
	}
	start, limit, delta := v[0], v[1], v[2]
	switch {
	case delta.is(0):
		return Int{}, errors.New("delta is 0")
	case start.Known && limit.Known && delta.Known:
		return stepsBetween(start.Value, limit.Value, delta.Value), nil
	case delta.is(1):
		return maxInts(subInts(limit, start), known(0)), nil
	}
	return Int{}, nil
}

// stepsBetween counts start, start + delta, … before limit; delta is not 0.
func stepsBetween(start, limit, delta int64) Int {
	if delta < 0 {
		start, limit = limit, start
	}
	if limit <= start {
		return known(0)
	}
	span, stride := uint64(limit)-uint64(start), uint64(max(delta, -delta))
	n := (span-1)/stride + 1
	if n > math.MaxInt/8 {
		return Int{} // running the node will say so
	}
	return known(int64(n))
}

func eyeLike(c *Call) error {
	if rank, ok := c.Rank(0); ok && rank != 2 {
		return fmt.Errorf("the input must be a matrix, got %v", c.Dims(0))
	}
	c.SetLike(0, c.Node.DType("dtype", c.DType(0)), 0)
	return nil
}
