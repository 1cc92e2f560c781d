package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/reference"
)

// matmul holds MatMul, Gemm, Einsum, Det.
var matmul = family{
	"MatMul": func(c *Call) error { return product(c, 0, 1, c.DType(0)) },
	"Gemm":   gemm,
	"Einsum": einsum,
	"Det":    det,
}

// product gives output 0 of type d the extents of the matrix product of inputs a
// and b, by the rules of numpy.matmul.
func product(c *Call, a, b int, d tensor.DType) error {
	left, right := c.Dims(a), c.Dims(b)
	if !left.Ranked() || !right.Ranked() {
		c.SetUnranked(0, d)
		return nil
	}
	if len(left) == 0 || len(right) == 0 {
		return fmt.Errorf("operands of shapes %v and %v: a scalar is no matrix", left, right)
	}
	var rows, columns tensor.Dims // the matrix axes of the result
	inner := left[len(left)-1]
	if len(left) > 1 {
		rows = left[len(left)-2 : len(left)-1]
		left = left[:len(left)-2]
	} else {
		left = tensor.Dims{}
	}
	outer := right[0]
	if len(right) > 1 {
		outer, columns = right[len(right)-2], right[len(right)-1:]
		right = right[:len(right)-2]
	} else {
		right = tensor.Dims{}
	}
	if _, err := unified(inner, outer); err != nil {
		return fmt.Errorf("operands of shapes %v and %v: %w", c.Dims(a), c.Dims(b), err)
	}
	out, err := Broadcast(left, right)
	if err != nil {
		return err
	}
	c.Set(0, d, append(append(out, rows...), columns...))
	return nil
}

func gemm(c *Call) error {
	sides := [2][2]tensor.Dim{{tensor.Symbol(""), tensor.Symbol("")}, {tensor.Symbol(""), tensor.Symbol("")}}
	for i, transpose := range []string{"transA", "transB"} {
		s := c.Dims(i)
		if !s.Ranked() {
			continue
		}
		if len(s) != 2 {
			return fmt.Errorf("operand %d has the shape %v; a matrix is needed", i, s)
		}
		sides[i] = [2]tensor.Dim{s[0], s[1]}
		if c.Node.Bool(transpose, false) {
			sides[i] = [2]tensor.Dim{s[1], s[0]}
		}
	}
	if _, err := agree("inner axes of A and B", sides[0][1], sides[1][0]); err != nil {
		return err
	}
	out := tensor.Dims{sides[0][0], sides[1][1]}
	if bias := c.Dims(2); c.Has(2) && bias.Ranked() {
		if err := broadcastsTo("C", bias, out); err != nil {
			return err
		}
	}
	c.Set(0, c.DType(0), out)
	return nil
}

// broadcastsTo checks that an operand broadcasts to the extents of another
// without widening them.
func broadcastsTo(name string, operand, to tensor.Dims) error {
	if !operand.Ranked() || !to.Ranked() {
		return nil
	}
	fits := len(operand) <= len(to)
	for i := 0; fits && i < len(operand); i++ {
		from, d := operand[i], to[len(to)-len(operand)+i]
		fits = !from.IsKnown() || from.Size == 1 || !d.IsKnown() || from.Size == d.Size
	}
	if !fits {
		return fmt.Errorf("%s has the shape %v, which does not broadcast to %v", name, operand, to)
	}
	return nil
}

func einsum(c *Call) error {
	ranks := make([]int, len(c.In))
	for i := range c.In {
		rank, ok := c.Rank(i)
		if !ok {
			c.SetUnranked(0, c.DType(0))
			return nil
		}
		ranks[i] = rank
	}
	equation := c.Node.Text("equation", "")
	terms, output, err := reference.EinsumLabels(equation, ranks)
	if err != nil {
		return err
	}
	extents := make(map[rune]tensor.Dim)
	for i, term := range terms {
		for axis, label := range term {
			d, known := extents[label]
			if !known {
				d = tensor.Known(1)
			}
			if extents[label], err = broadcastDim(d, c.Dims(i)[axis]); err != nil {
				return fmt.Errorf("equation %q: %w", equation, err)
			}
		}
	}
	out := make(tensor.Dims, len(output))
	for i, label := range output {
		out[i] = extents[label]
	}
	c.Set(0, c.DType(0), out)
	return nil
}

func det(c *Call) error {
	x := c.Dims(0)
	if !x.Ranked() {
		c.SetUnranked(0, c.DType(0))
		return nil
	}
	if len(x) < 2 {
		return fmt.Errorf("input X has the shape %v; square matrices (…, M, M) are needed", x)
	}
	if _, err := agree("rows and columns of X", x[len(x)-2], x[len(x)-1]); err != nil {
		return err
	}
	c.Set(0, c.DType(0), x[:len(x)-2].Clone())
	return nil
}
