package decompose

import (
	"fmt"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// matmul holds MatMul, Gemm, Einsum, Det.
var matmul = family{
	"Gemm":   gemm,
	"Einsum": einsum,
}

// gemm needs alpha and beta to be 1 for integers, whose products they would
// round.
func gemm(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	alpha, beta := n.Float("alpha", 1), n.Float("beta", 1)
	if !e.dtype.IsFloat() && (alpha != 1 || beta != 1) {
		return nil, fmt.Errorf("integers are not multiplied by alpha %g and beta %g", alpha, beta)
	}
	var sides [2]*graph.Value
	for i, transpose := range []string{"transA", "transB"} {
		sides[i] = n.Inputs[i]
		if n.Bool(transpose, false) {
			sides[i] = b.Op("Transpose", n.Inputs[i:i+1], graph.A("perm", []int64{1, 0}))
		}
	}
	scaled := func(v *graph.Value, by float32) *graph.Value {
		if by == 1 {
			return v
		}
		return e.do("Mul", v, e.num(float64(by)))
	}
	y := scaled(e.do("MatMul", sides[0], sides[1]), alpha)
	if c := n.Input(2); c != nil && beta != 0 {
		y = e.do("Add", y, scaled(c, beta))
	}
	return []*graph.Value{y}, nil
}

// labelled is a value with a label for each axis.
type labelled struct {
	value *graph.Value
	axes  []rune
}

// einsum contracts the operands pairwise, from left to right.
func einsum(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	ranks := make([]int, len(n.Inputs))
	for i := range n.Inputs {
		if ranks[i], err = rankOf(n, i); err != nil {
			return nil, err
		}
	}
	terms, output, err := reference.EinsumLabels(n.Text("equation", ""), ranks)
	if err != nil {
		return nil, err
	}
	if err := equalExtents(n, terms); err != nil {
		return nil, err
	}
	current := e.summed(labelled{n.Inputs[0], terms[0]}, needed(terms[1:], output))
	for i := 1; i < len(terms); i++ {
		later := needed(terms[i+1:], output)
		next := e.summed(labelled{n.Inputs[i], terms[i]}, append(slices.Clone(current.axes), later...))
		current = e.contract(e.summed(current, append(slices.Clone(next.axes), later...)), next, later)
	}
	return []*graph.Value{e.arranged(current, output).value}, nil
}

// needed returns the labels of terms and output.
func needed(terms [][]rune, output []rune) []rune {
	return append(slices.Concat(terms...), output...)
}

// equalExtents checks that no label is repeated in one term, and that those in
// several have one known extent: 1 may broadcast, which products of matrices
// do not.
func equalExtents(n *graph.Node, terms [][]rune) error {
	extents := make(map[rune]tensor.Dim)
	for i, term := range terms {
		for axis, label := range term {
			if slices.Index(term, label) != axis {
				return fmt.Errorf("operand %d has axes of one label, a diagonal", i)
			}
			d := n.Inputs[i].Type.Dims[axis]
			if other, ok := extents[label]; ok && !d.Same(other) {
				return fmt.Errorf("extents %v and %v of one label are not known to be equal", other, d)
			}
			extents[label] = d
		}
	}
	return nil
}

// summed sums v over the axes whose labels are not among those kept.
func (e expression) summed(v labelled, keep []rune) labelled {
	var axes []int64
	var kept []rune
	for axis, label := range v.axes {
		if slices.Contains(keep, label) {
			kept = append(kept, label)
		} else {
			axes = append(axes, int64(axis))
		}
	}
	if axes == nil {
		return v
	}
	return labelled{e.Op("ReduceSum", []*graph.Value{v.value, e.Ints(axes...)}, graph.A("keepdims", int64(0))), kept}
}

// contract multiplies x and y and sums over the labels that both have and none
// keeps: a product of matrices whose rows are the axes of x alone, whose columns
// are those of y alone, in a batch of the axes of both that are kept. Without a sum,
// or without rows and columns, it is a product of elements.
func (e expression) contract(x, y labelled, keep []rune) labelled {
	var batch, rows, inner, columns []rune
	for _, label := range x.axes {
		switch {
		case !slices.Contains(y.axes, label):
			rows = append(rows, label)
		case slices.Contains(keep, label):
			batch = append(batch, label)
		default:
			inner = append(inner, label)
		}
	}
	for _, label := range y.axes {
		if !slices.Contains(x.axes, label) {
			columns = append(columns, label)
		}
	}
	left, right := e.arranged(x, slices.Concat(batch, rows, inner)), e.arranged(y, slices.Concat(batch, inner, columns))
	if len(inner) == 0 || len(rows)+len(columns) == 0 {
		ones := e.extended(left.value, len(batch)+len(rows), len(columns))
		product := e.do("Mul", ones, e.extended(right.value, len(batch), len(rows)))
		return e.summed(labelled{product, slices.Concat(batch, rows, inner, columns)}, keep)
	}
	product := e.do("MatMul", e.matrices(left.value, len(batch), len(rows), len(inner)), e.matrices(right.value, len(batch), len(inner), len(columns)))
	if len(rows) != 1 || len(columns) != 1 {
		shape := join(e.Builder, extents(e.Builder, left.value, 0, int64(len(batch)+len(rows))),
			e.Op("Shape", []*graph.Value{right.value}, graph.A("start", int64(len(batch)+len(inner)))))
		product = reshape(e.Builder, product, shape)
	}
	return labelled{product, slices.Concat(batch, rows, columns)}
}

// extended puts axes of extent 1 into v, the first of them at a place.
func (e expression) extended(v *graph.Value, at, count int) *graph.Value {
	if count == 0 {
		return v
	}
	axes := make([]int64, count)
	for i := range axes {
		axes[i] = int64(at + i)
	}
	return e.do("Unsqueeze", v, e.Ints(axes...))
}

// matrices views v as matrices behind batch axes, with the next axes as rows and
// the last ones as columns.
func (e expression) matrices(v *graph.Value, batch, rows, columns int) *graph.Value {
	if rows == 1 && columns == 1 {
		return v
	}
	product := func(attrs ...graph.Attribute) *graph.Value {
		return e.do("ReduceProd", e.Op("Shape", []*graph.Value{v}, attrs...))
	}
	start, middle := graph.A("start", int64(batch)), int64(batch+rows)
	shape := join(e.Builder, extents(e.Builder, v, 0, int64(batch)), product(start, graph.A("end", middle)), product(graph.A("start", middle)))
	return reshape(e.Builder, v, shape)
}

// arranged puts the axes of v into an order.
func (e expression) arranged(v labelled, order []rune) labelled {
	if slices.Equal(v.axes, order) {
		return v
	}
	perm := make([]int64, len(order))
	for i, label := range order {
		perm[i] = int64(slices.Index(v.axes, label))
	}
	return labelled{e.Op("Transpose", []*graph.Value{v.value}, graph.A("perm", perm)), order}
}
