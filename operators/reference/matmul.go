package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// matmul holds MatMul, Gemm, Einsum, Det.
var matmul = family{
	"MatMul": matMul,
	"Gemm":   gemm,
	"Einsum": einsum,
	"Det":    det,
}

// matMul is numpy.matmul: a one-dimensional operand is a row on the left, a
// column on the right, and its axis is not in the result; what lies before the
// last two axes broadcasts.
func matMul(c *Call) ([]tensor.Value, error) {
	a, b := c.Tensor(0), c.Tensor(1)
	p, err := productOf(a.Shape(), b.Shape())
	if err != nil {
		return nil, err
	}
	if a.DType().IsFloat() {
		return one(tensor.FromFloat64s(a.DType(), p.shape, multiply(c, p, a.Float64s(), b.Float64s())))
	}
	return one(tensor.FromInt64s(a.DType(), p.shape, multiply(c, p, a.Int64s(), b.Int64s())))
}

// product is a batch of matrix products (m, k) × (k, n).
type product struct {
	m, k, n int
	batch   tensor.Shape // of the result
	a, b    tensor.Shape // batch axes of the operands, which broadcast to batch
	shape   tensor.Shape // of the result, with its matrix axes
}

func productOf(a, b tensor.Shape) (product, error) {
	var p product
	if len(a) == 0 || len(b) == 0 {
		return p, fmt.Errorf("operands of shapes %v and %v: a scalar is no matrix", a, b)
	}
	left, right := a, b
	if len(a) == 1 {
		left = tensor.Shape{1, a[0]}
	}
	if len(b) == 1 {
		right = tensor.Shape{b[0], 1}
	}
	la, lb := len(left)-2, len(right)-2
	p.m, p.k, p.n = left[la], left[la+1], right[lb+1]
	if p.k != right[lb] {
		return p, fmt.Errorf("operands of shapes %v and %v: the inner extents %d and %d differ", a, b, p.k, right[lb])
	}
	p.a, p.b = left[:la], right[:lb]
	var err error
	if p.batch, err = broadcastShape(p.a, p.b); err != nil {
		return p, err
	}
	p.shape = p.batch.Clone()
	if len(a) > 1 {
		p.shape = append(p.shape, p.m)
	}
	if len(b) > 1 {
		p.shape = append(p.shape, p.n)
	}
	_, err = countOf(p.shape)
	return p, err
}

// multiply computes a batch of matrix products; integers wrap at 64 bits.
func multiply[T int64 | float64](c *Call, p product, a, b []T) []T {
	y := make([]T, p.shape.Size())
	stepA, stepB := broadcastStrides(p.a, p.batch), broadcastStrides(p.b, p.batch)
	next := y
	walk(p.batch, func(at []int) {
		fromA, fromB := 0, 0
		for axis, i := range at {
			fromA += i * stepA[axis]
			fromB += i * stepB[axis]
		}
		multiplyAdd(c, next, a[fromA*p.m*p.k:], b[fromB*p.k*p.n:], p.m, p.k, p.n)
		next = next[p.m*p.n:]
	})
	return y
}

// multiplyAdd adds to y (m, n) the product of a (m, k) and b (k, n).
func multiplyAdd[T int64 | float64](c *Call, y, a, b []T, m, k, n int) {
	for i := range m {
		c.checkpoint()
		row := y[i*n:][:n]
		for j := range k {
			v := a[i*k+j]
			for x, w := range b[j*n:][:n] {
				row[x] += v * w
			}
		}
	}
}

func gemm(c *Call) ([]tensor.Value, error) {
	a, b := c.Tensor(0), c.Tensor(1)
	if a.Rank() != 2 || b.Rank() != 2 {
		return nil, fmt.Errorf("operands of shapes %v and %v; both must be matrices", a.Shape(), b.Shape())
	}
	transA, transB := c.Node.Bool("transA", false), c.Node.Bool("transB", false)
	p, err := productOf(turned(a.Shape(), transA), turned(b.Shape(), transB))
	if err != nil {
		return nil, err
	}
	bias := c.Tensor(2)
	if bias != nil {
		if s, err := broadcastShape(p.shape, bias.Shape()); err != nil || !s.Equal(p.shape) {
			return nil, fmt.Errorf("C has the shape %v, which does not broadcast to that of the product, %v", bias.Shape(), p.shape)
		}
	}
	alpha, beta := float64(c.Node.Float("alpha", 1)), float64(c.Node.Float("beta", 1))
	if a.DType().IsInteger() && alpha == 1 && beta == 1 {
		y := multiply(c, p, transposed(a.Int64s(), a.Shape(), transA), transposed(b.Int64s(), b.Shape(), transB))
		if bias != nil {
			for i, v := range spread(bias.Int64s(), bias.Shape(), p.shape) {
				y[i] += v
			}
		}
		return one(tensor.FromInt64s(a.DType(), p.shape, y))
	}
	y := multiply(c, p, transposed(a.Float64s(), a.Shape(), transA), transposed(b.Float64s(), b.Shape(), transB))
	for i := range y {
		y[i] *= alpha
	}
	if bias != nil && beta != 0 {
		for i, v := range spread(bias.Float64s(), bias.Shape(), p.shape) {
			y[i] += beta * v
		}
	}
	return one(tensor.FromFloat64s(a.DType(), p.shape, y))
}

func turned(s tensor.Shape, transpose bool) tensor.Shape {
	if transpose {
		return tensor.Shape{s[1], s[0]}
	}
	return s
}

// transposed returns the elements of a matrix of shape s, transposed if asked.
func transposed[T any](v []T, s tensor.Shape, transpose bool) []T {
	if !transpose {
		return v
	}
	out := make([]T, 0, len(v))
	for j := range s[1] {
		for i := range s[0] {
			out = append(out, v[i*s[1]+j])
		}
	}
	return out
}

// det eliminates by rows with partial pivoting (Golub and Van Loan, Matrix
// Computations, section 3.4): the product of the pivots, with the sign of the
// row exchanges.
func det(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	rank := x.Rank()
	if rank < 2 || x.Shape()[rank-1] != x.Shape()[rank-2] {
		return nil, fmt.Errorf("input X has the shape %v; square matrices (…, M, M) are needed", x.Shape())
	}
	batch, m := x.Shape()[:rank-2], x.Shape()[rank-1]
	v := x.Float64s()
	y := make([]float64, batch.Size())
	for i := range y {
		y[i] = determinant(c, v[i*m*m:][:m*m], m)
	}
	return one(tensor.FromFloat64s(x.DType(), batch, y))
}

// determinant destroys a, a matrix of m rows and columns.
func determinant(c *Call, a []float64, m int) float64 {
	product := 1.0
	for k := range m {
		c.checkpoint()
		pivot := k
		for i := k + 1; i < m; i++ {
			if math.Abs(a[i*m+k]) > math.Abs(a[pivot*m+k]) {
				pivot = i
			}
		}
		if pivot != k {
			product = -product
			for j := range m {
				a[k*m+j], a[pivot*m+j] = a[pivot*m+j], a[k*m+j]
			}
		}
		product *= a[k*m+k]
		if a[k*m+k] == 0 {
			return product
		}
		for i := k + 1; i < m; i++ {
			factor := a[i*m+k] / a[k*m+k]
			for j := k; j < m; j++ {
				a[i*m+j] -= factor * a[k*m+j]
			}
		}
	}
	return product
}
