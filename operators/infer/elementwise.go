package infer

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
)

// sameType gives output 0 the type and extents of input 0.
func sameType(c *Call) error {
	c.SetLike(0, c.DType(0), 0)
	return nil
}

// broadcasting infers an operator whose operands are of one type, which its
// result has too, and are broadcast against each other.
func broadcasting(c *Call) error {
	d, err := operandType(c, 0)
	if err != nil {
		return err
	}
	return broadcastTo(c, d)
}

// comparing infers an operator whose operands are of one type and broadcast
// against each other, and whose results are truth values.
func comparing(c *Call) error {
	if _, err := operandType(c, 0); err != nil {
		return err
	}
	return broadcastTo(c, tensor.Bool)
}

// operandType returns the type that all inputs from the given one on have.
func operandType(c *Call, from int) (tensor.DType, error) {
	found := tensor.Undefined
	for i := from; i < len(c.In); i++ {
		switch d := c.DType(i); {
		case d == tensor.Undefined || !c.Has(i) || d == found:
		case found == tensor.Undefined:
			found = d
		default:
			return found, fmt.Errorf("input %d is of type %v where another is of type %v", i, d, found)
		}
	}
	return found, nil
}

// broadcastTo gives output 0 the type d and the extents that all inputs are
// broadcast to.
func broadcastTo(c *Call, d tensor.DType) error {
	operands := make([]tensor.Dims, len(c.In))
	for i := range operands {
		operands[i] = c.Dims(i)
	}
	dims, err := Broadcast(operands...)
	if err != nil {
		return err
	}
	c.SetType(0, tensor.TensorType(d, dims))
	return nil
}

// following returns the inference of a broadcasting operator that also follows
// integers: f combines elements of the operands from left to right.
func following(infer Func, f func(a, b Int) Int) Func {
	return func(c *Call) error {
		if err := infer(c); err != nil {
			return err
		}
		acc, ok := c.vector(0)
		for i := 1; i < len(c.In) && ok; i++ {
			var v []Int
			if v, ok = c.vector(i); ok {
				acc, ok = zipInts(acc, v, f)
			}
		}
		if ok {
			c.follow(acc)
		}
		return nil
	}
}

// vector returns a copy of the elements of input i, as far as they are known, if
// it is an integer tensor of rank 0 or 1 and their number is known.
func (c *Call) vector(i int) ([]Int, bool) {
	if rank, ok := c.Rank(i); !ok || rank > 1 {
		return nil, false
	}
	if d := c.DType(i); !d.IsInteger() && d != tensor.Bool {
		return nil, false
	}
	values, ok := c.Values(i)
	if !ok {
		return nil, false
	}
	return fitting(values, c.DType(i)), true
}

// follow notes the elements of integer output 0, leaving out what does not fit
// its type.
func (c *Call) follow(values []Int) {
	values = fitting(values, c.Out[0].Type.DType)
	if slices.ContainsFunc(values, func(v Int) bool { return v != Int{} }) {
		c.SetInts(0, values)
	}
}

// fitting returns a copy of values less those that an integer type cannot hold,
// or, where only a name is known, that a narrow one might not.
func fitting(values []Int, d tensor.DType) []Int {
	out := make([]Int, len(values))
	for i, v := range values {
		if v.Known && fits(v.Value, d) || !v.Known && d.Bits() >= 32 {
			out[i] = v
		}
	}
	return out
}

// fits reports whether an integer type holds a value.
func fits(v int64, d tensor.DType) bool {
	bits := d.Bits()
	switch {
	case d == tensor.Bool:
		return v == 0 || v == 1
	case d.IsUnsigned():
		return v >= 0 && (bits == 64 || v>>bits == 0)
	}
	return d.IsSigned() && (bits == 64 || v == v<<(64-bits)>>(64-bits))
}

// zipInts combines elements of two vectors, one of which may have a single one.
func zipInts(x, y []Int, f func(a, b Int) Int) ([]Int, bool) {
	n := max(len(x), len(y))
	if len(x) == 0 || len(y) == 0 {
		n = 0
	}
	if len(x) != n && len(x) > 1 || len(y) != n && len(y) > 1 {
		return nil, false
	}
	out := make([]Int, n)
	for i := range out {
		out[i] = f(x[i%len(x)], y[i%len(y)])
	}
	return out, true
}
