package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// activation holds Relu, LeakyRelu, PRelu, Elu, Selu, Celu, ThresholdedRelu,
// Sigmoid, HardSigmoid, HardSwish, Softplus, Softsign, Gelu, Mish, Swish,
// SwiGLU, Shrink, Clip.
var activation = family{
	"Relu":            sameType,
	"LeakyRelu":       sameType,
	"PRelu":           pRelu,
	"Elu":             sameType,
	"Selu":            sameType,
	"Celu":            sameType,
	"ThresholdedRelu": sameType,
	"Sigmoid":         sameType,
	"HardSigmoid":     sameType,
	"HardSwish":       sameType,
	"Softplus":        sameType,
	"Softsign":        sameType,
	"Gelu":            sameType,
	"Mish":            sameType,
	"Swish":           sameType,
	"SwiGLU":          swiGLU,
	"Shrink":          sameType,
	"Clip":            clip,
}

func pRelu(c *Call) error {
	d, err := operandType(c, 0)
	if err != nil {
		return err
	}
	if err := broadcastsTo("slope", c.Dims(1), c.Dims(0)); err != nil {
		return err
	}
	c.SetLike(0, d, 0)
	return nil
}

// swiGLU merges the extents of gate and linear input, which are the same.
func swiGLU(c *Call) error {
	d, err := operandType(c, 0)
	if err != nil {
		return err
	}
	a, b := c.Dims(0).Clone(), c.Dims(1)
	switch {
	case !a.Ranked():
		a = b
	case b.Ranked() && len(a) != len(b):
		return fmt.Errorf("A and B must have one shape, got %v and %v", a, b)
	case b.Ranked():
		for i := range a {
			if a[i], err = agree("the extents of A and B", a[i], b[i]); err != nil {
				return err
			}
		}
	}
	c.SetType(0, tensor.TensorType(d, a))
	return nil
}

func clip(c *Call) error {
	if _, err := operandType(c, 0); err != nil {
		return err
	}
	for i := 1; i < len(c.In); i++ {
		if shape, ok := c.Dims(i).Shape(); ok && c.Has(i) && shape.Size() != 1 {
			return fmt.Errorf("input %d, a bound, must be a scalar, got shape %v", i, shape)
		}
	}
	c.SetLike(0, c.DType(0), 0)
	v, ok := c.vector(0)
	if !ok {
		return nil
	}
	for i, bound := range []func(a, b Int) Int{1: maxInts, 2: minInts} {
		if !c.Has(i) || bound == nil || !ok {
			continue
		}
		var limit []Int
		if limit, ok = c.vector(i); ok {
			v, ok = zipInts(v, limit, bound)
		}
	}
	if ok {
		c.follow(v)
	}
	return nil
}
