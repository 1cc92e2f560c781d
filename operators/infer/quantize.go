package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// quantize holds QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear,
// QLinearConv, QLinearMatMul, ConvInteger, MatMulInteger.
var quantize = family{
	"QuantizeLinear":        quantizeLinear,
	"DequantizeLinear":      dequantizeLinear,
	"DynamicQuantizeLinear": dynamicQuantizeLinear,
	"QLinearConv":           func(c *Call) error { return convolution(c, 3, c.DType(7)) },
	"QLinearMatMul":         func(c *Call) error { return product(c, 0, 3, c.DType(7)) },
	"ConvInteger":           func(c *Call) error { return convolution(c, 1, tensor.Int32) },
	"MatMulInteger":         func(c *Call) error { return product(c, 0, 1, tensor.Int32) },
}

func quantizeLinear(c *Call) error {
	d := c.Node.DType("output_dtype", tensor.Undefined)
	zero := c.DType(2)
	switch {
	case d != tensor.Undefined && zero != tensor.Undefined && d != zero:
		return fmt.Errorf("attribute output_dtype is %v, but y_zero_point has the type %v", d, zero)
	case d == tensor.Undefined && c.Has(2):
		d = zero
	case d == tensor.Undefined:
		d = tensor.Uint8
	}
	if err := granularityFits(c); err != nil {
		return err
	}
	c.SetLike(0, d, 0)
	return nil
}

func dequantizeLinear(c *Call) error {
	d := c.Node.DType("output_dtype", tensor.Undefined)
	if d == tensor.Undefined {
		d = c.DType(1)
	}
	if err := granularityFits(c); err != nil {
		return err
	}
	c.SetLike(0, d, 0)
	return nil
}

// granularityFits checks the extents of the scale against those of x by the
// attributes axis and block_size.
func granularityFits(c *Call) error {
	x, scale := c.Dims(0), c.Dims(1)
	block := c.Node.Int("block_size", 0)
	if block < 0 || block > maxSpatial {
		return fmt.Errorf("attribute block_size is %d, which is outside [0, %d]", block, maxSpatial)
	}
	if !x.Ranked() || !scale.Ranked() {
		return nil
	}
	if block == 0 && (len(scale) == 0 || len(scale) == 1 && (!scale[0].IsKnown() || scale[0].Size == 1)) {
		return nil
	}
	wanted := c.Node.Int("axis", 1)
	if len(x) == 1 {
		wanted = 0 // there is no other
	}
	axis, err := tensor.Axis(wanted, len(x))
	if err != nil {
		return err
	}
	want := tensor.Dims{x[axis]}
	if block > 0 {
		want = x.Clone()
		if n := x[axis]; n.IsKnown() {
			want[axis] = tensor.Known((n.Size + int(block) - 1) / int(block))
		} else {
			want[axis] = tensor.Symbol("")
		}
	}
	fits := len(scale) == len(want)
	for i := 0; fits && i < len(scale); i++ {
		fits = !scale[i].IsKnown() || !want[i].IsKnown() || scale[i].Size == want[i].Size
	}
	if !fits {
		return fmt.Errorf("the scale has the shape %v; for an input %v, axis %d and block size %d it must be %v", scale, x, axis, block, want)
	}
	return nil
}

func dynamicQuantizeLinear(c *Call) error {
	c.SetLike(0, tensor.Uint8, 0)
	c.Set(1, tensor.Float32, nil)
	c.Set(2, tensor.Uint8, nil)
	return nil
}
