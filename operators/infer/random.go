package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// random holds RandomNormal, RandomNormalLike, RandomUniform,
// RandomUniformLike, Multinomial, Bernoulli, Dropout.
var random = family{
	"RandomNormal":      drawn,
	"RandomNormalLike":  drawnLike,
	"RandomUniform":     drawn,
	"RandomUniformLike": drawnLike,
	"Multinomial":       multinomial,
	"Bernoulli":         drawnLike,
	"Dropout":           dropout,
}

func drawn(c *Call) error {
	shape := tensor.Shape{}
	for _, n := range c.Node.Ints("shape") {
		shape = append(shape, tensor.Extent(n))
	}
	if _, err := shape.Elements(); err != nil {
		return err
	}
	c.Set(0, c.Node.DType("dtype", tensor.Float32), tensor.KnownDims(shape))
	return nil
}

func drawnLike(c *Call) error {
	c.SetLike(0, c.Node.DType("dtype", c.DType(0)), 0)
	return nil
}

func multinomial(c *Call) error {
	dims := tensor.Dims{tensor.Symbol(""), tensor.Known(tensor.Extent(c.Node.Int("sample_size", 1)))}
	if in := c.Dims(0); in.Ranked() {
		if len(in) != 2 {
			return fmt.Errorf("the input must have the shape [batch, classes], got %v", in)
		}
		dims[0] = in[0]
	}
	c.Set(0, c.Node.DType("dtype", tensor.Int32), dims)
	return nil
}

func dropout(c *Call) error {
	c.SetLike(0, c.DType(0), 0)
	c.SetLike(1, tensor.Bool, 0)
	return nil
}
