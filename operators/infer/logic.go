package infer

import "example.com/midplane/adapter/tensor"

// logic holds And, Or, Xor, Not, BitwiseAnd, BitwiseOr, BitwiseXor,
// BitwiseNot, Equal, Greater, Less, GreaterOrEqual, LessOrEqual, Where, IsNaN,
// IsInf.
var logic = family{
	"And":            comparing,
	"Or":             comparing,
	"Xor":            comparing,
	"Not":            truth,
	"BitwiseAnd":     broadcasting,
	"BitwiseOr":      broadcasting,
	"BitwiseXor":     broadcasting,
	"BitwiseNot":     sameType,
	"Equal":          following(comparing, equalInts),
	"Greater":        comparing,
	"Less":           comparing,
	"GreaterOrEqual": comparing,
	"LessOrEqual":    comparing,
	"Where":          where,
	"IsNaN":          truth,
	"IsInf":          truth,
}

// truth infers an operator that maps each element to a truth value.
func truth(c *Call) error {
	c.SetLike(0, tensor.Bool, 0)
	return nil
}

func where(c *Call) error {
	d, err := operandType(c, 1)
	if err != nil {
		return err
	}
	if err := broadcastTo(c, d); err != nil {
		return err
	}
	condition, ok0 := c.vector(0)
	x, ok1 := c.vector(1)
	y, ok2 := c.vector(2)
	if !ok0 || !ok1 || !ok2 {
		return nil
	}
	n := max(len(condition), len(x), len(y))
	if min(len(condition), len(x), len(y)) == 0 {
		return nil
	}
	chosen := make([]Int, n)
	for i := range chosen {
		c, a, b := condition[i%len(condition)], x[i%len(x)], y[i%len(y)]
		switch {
		case c.is(1), sure(a, b):
			chosen[i] = a
		case c.is(0):
			chosen[i] = b
		}
	}
	c.follow(chosen)
	return nil
}
