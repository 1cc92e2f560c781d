package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// cast holds Cast, CastLike, BitCast.
var cast = family{
	"Cast":     func(c *Call) error { return castTo(c, c.Node.DType("to", tensor.Undefined)) },
	"CastLike": func(c *Call) error { return castTo(c, c.DType(1)) },
	"BitCast":  bitCast,
}

func castTo(c *Call, to tensor.DType) error {
	from := c.DType(0)
	if from.IsComplex() || to.IsComplex() || to == tensor.Undefined && c.Node.Op == "Cast" {
		return fmt.Errorf("a cast from %v to %v is not defined", from, to)
	}
	c.SetLike(0, to, 0)
	v, ok := c.vector(0)
	if !ok || !to.IsInteger() && to != tensor.Bool {
		return nil
	}
	if to == tensor.Bool {
		for i := range v {
			v[i] = isTrue(v[i])
		}
	}
	c.follow(v)
	return nil
}

// isTrue returns whether an integer is not 0, as far as that is known.
func isTrue(i Int) Int {
	switch {
	case i.is(0):
		return i
	case i.Known:
		return known(1)
	}
	return Int{}
}

func bitCast(c *Call) error {
	from, to := c.DType(0), c.Node.DType("to", tensor.Undefined)
	if from == tensor.String || !to.Valid() || from.Valid() && from.Bits() != to.Bits() {
		return fmt.Errorf("cannot read the bits of %v (%d wide) as %v (%d wide)", from, from.Bits(), to, to.Bits())
	}
	c.SetLike(0, to, 0)
	return nil
}
