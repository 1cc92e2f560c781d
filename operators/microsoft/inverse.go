package microsoft

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/infer"
	"example.com/midplane/operators/reference"
)

// inferInverse holds the last two extents against each other.
func inferInverse(c *infer.Call) error {
	x := c.Dims(0)
	if x.Ranked() {
		rank := len(x)
		if rank < 2 || x[rank-1].IsKnown() && x[rank-2].IsKnown() && x[rank-1].Size != x[rank-2].Size {
			return fmt.Errorf("input X has the shape %v; square matrices (…, M, M) are needed", x)
		}
	}
	c.SetLike(0, c.DType(0), 0)
	return nil
}

// inverse inverts every matrix of a batch.
func inverse(c *reference.Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	rank := x.Rank()
	if rank < 2 || x.Shape()[rank-1] != x.Shape()[rank-2] {
		return nil, fmt.Errorf("input X has the shape %v; square matrices (…, M, M) are needed", x.Shape())
	}
	m := x.Shape()[rank-1]
	a := x.Float64s()
	y := make([]float64, 0, len(a))
	for i := range x.Shape()[:rank-2].Size() {
		inverted, ok := invert(a[i*m*m:][:m*m], m)
		if !ok {
			return nil, fmt.Errorf("matrix %d is not invertible", i)
		}
		y = append(y, inverted...)
	}
	return []tensor.Value{tensor.FromFloat64s(x.DType(), x.Shape(), y)}, nil
}

// invert destroys a, a matrix of m rows and columns, and returns its inverse, by
// Gauss and Jordan's elimination with partial pivoting (Golub and Van Loan,
// Matrix Computations, section 3.4); false if a pivot is 0.
func invert(a []float64, m int) ([]float64, bool) {
	y := make([]float64, m*m)
	for i := range m {
		y[i*m+i] = 1
	}
	for k := range m {
		pivot := k
		for i := k + 1; i < m; i++ {
			if math.Abs(a[i*m+k]) > math.Abs(a[pivot*m+k]) {
				pivot = i
			}
		}
		p := a[pivot*m+k]
		if p == 0 {
			return nil, false
		}
		for _, v := range [][]float64{a, y} {
			for j := range m {
				v[pivot*m+j], v[k*m+j] = v[k*m+j], v[pivot*m+j]/p
			}
		}
		for i := range m {
			factor := a[i*m+k]
			if i == k || factor == 0 {
				continue
			}
			for j := range m {
				a[i*m+j] -= factor * a[k*m+j]
				y[i*m+j] -= factor * y[k*m+j]
			}
		}
	}
	return y, true
}
