package reference

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// quantizeProduct holds QLinearConv, QLinearMatMul, ConvInteger, MatMulInteger.
var quantizeProduct = family{
	"QLinearConv":   qLinearConv,
	"QLinearMatMul": qLinearMatMul,
	"ConvInteger":   convInteger,
	"MatMulInteger": matMulInteger,
}

// matMulInteger takes one zero point for each row of A and for each column of B,
// or one for all.
func matMulInteger(c *Call) ([]tensor.Value, error) {
	a, err := centred(c, 0, 2, -2)
	if err != nil {
		return nil, err
	}
	b, err := centred(c, 1, 3, -1)
	if err != nil {
		return nil, err
	}
	p, err := productOf(c.Tensor(0).Shape(), c.Tensor(1).Shape())
	if err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(tensor.Int32, p.shape, multiply(c, p, a, b)))
}

// centred returns the elements of input i less the zero points in input zero,
// which may be absent: one for all, one for each step along an axis (counted
// from the back), or a tensor that broadcasts.
func centred(c *Call, i, zero int, axis int) ([]float64, error) {
	x := c.Tensor(i)
	v := x.Float64s()
	z, err := aligned(c.Tensor(zero), x.Shape(), axis)
	if err != nil {
		return nil, fmt.Errorf("zero point of input %d: %w", i, err)
	}
	for k := range v {
		v[k] -= z(k)
	}
	return v, nil
}

// aligned returns which element of t belongs to element k of a tensor of a
// shape: t is nil (0), one element, a list along an axis (counted from the
// back), or broadcasts.
func aligned(t *tensor.Tensor, shape tensor.Shape, axis int) (func(k int) float64, error) {
	switch {
	case t == nil:
		return func(int) float64 { return 0 }, nil
	case t.Len() == 1:
		v := t.Float64s()[0]
		return func(int) float64 { return v }, nil
	}
	from := t.Shape()
	if len(from) == 1 && len(shape)+axis >= 0 {
		from = make(tensor.Shape, -axis)
		for i := range from {
			from[i] = 1
		}
		from[0] = t.Len()
	}
	if s, err := broadcastShape(from, shape); err != nil || !s.Equal(shape) {
		return nil, fmt.Errorf("the shape %v does not fit %v", t.Shape(), shape)
	}
	v := spread(t.Float64s(), from, shape)
	return func(k int) float64 { return v[k] }, nil
}

func convInteger(c *Call) ([]tensor.Value, error) {
	y, shape, err := centredConvolution(c, 0, 1, 2, 3)
	if err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(tensor.Int32, shape, y))
}

// centredConvolution convolves input x with weights w less their zero points,
// of which there may be one for each filter. Padding is what is 0 then.
func centredConvolution(c *Call, x, w, xZero, wZero int) ([]float64, tensor.Shape, error) {
	xShape, wShape := c.Tensor(x).Shape(), c.Tensor(w).Shape()
	ws, groups, err := convWindows(c, xShape, wShape)
	if err != nil {
		return nil, nil, err
	}
	shape := append(tensor.Shape{xShape[0], wShape[0]}, ws.out()...)
	if _, err := countOf(shape); err != nil {
		return nil, nil, err
	}
	v, err := centred(c, x, xZero, -len(xShape))
	if err != nil {
		return nil, nil, err
	}
	weights, err := centred(c, w, wZero, -len(wShape))
	if err != nil {
		return nil, nil, err
	}
	return convolve(c, v, weights, xShape[0], wShape[0], groups, ws), shape, nil
}

// qLinearConv sums exactly and rounds once, to the output's steps.
func qLinearConv(c *Call) ([]tensor.Value, error) {
	y, shape, err := centredConvolution(c, 0, 3, 2, 5)
	if err != nil {
		return nil, err
	}
	if err := addBias(y, shape, c.Tensor(8)); err != nil {
		return nil, err
	}
	perChannel := 1 - len(shape)
	wScale, err := aligned(c.Tensor(4), shape, perChannel)
	if err != nil {
		return nil, fmt.Errorf("w_scale: %w", err)
	}
	xScale := scalarInput(c, 1, 1)
	return requantized(c, y, shape, func(k int) float64 { return xScale * wScale(k) }, perChannel)
}

// qLinearMatMul sums exactly and rounds once, to the output's steps.
func qLinearMatMul(c *Call) ([]tensor.Value, error) {
	a, err := centred(c, 0, 2, -2)
	if err != nil {
		return nil, err
	}
	b, err := centred(c, 3, 5, -1)
	if err != nil {
		return nil, err
	}
	p, err := productOf(c.Tensor(0).Shape(), c.Tensor(3).Shape())
	if err != nil {
		return nil, err
	}
	aScale, err := aligned(c.Tensor(1), p.shape, -2)
	if err != nil {
		return nil, fmt.Errorf("a_scale: %w", err)
	}
	bScale, err := aligned(c.Tensor(4), p.shape, -1)
	if err != nil {
		return nil, fmt.Errorf("b_scale: %w", err)
	}
	return requantized(c, multiply(c, p, a, b), p.shape, func(k int) float64 { return aScale(k) * bScale(k) }, -2)
}

// requantized brings sums of products, in steps of their own, to the steps
// y_scale and the zero point y_zero_point in inputs 6 and 7.
func requantized(c *Call, sums []float64, shape tensor.Shape, step func(k int) float64, axis int) ([]tensor.Value, error) {
	yScale, err := aligned(c.Tensor(6), shape, axis)
	if err != nil {
		return nil, fmt.Errorf("y_scale: %w", err)
	}
	zero, err := aligned(c.Tensor(7), shape, axis)
	if err != nil {
		return nil, fmt.Errorf("y_zero_point: %w", err)
	}
	for k := range sums {
		sums[k] *= step(k) / yScale(k)
	}
	return one(quantized(c.Tensor(7).DType(), shape, sums, zero, true))
}
