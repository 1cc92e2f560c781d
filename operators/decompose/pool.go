package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// pool holds MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool,
// GlobalLpPool, MaxUnpool.
var pool = family{
	"GlobalMaxPool":     globalPool("ReduceMax"),
	"GlobalAveragePool": globalPool("ReduceMean"),
	"GlobalLpPool":      globalLpPool,
	"LpPool":            lpPool,
	"MaxUnpool":         maxUnpool,
}

// spatialAxes returns the axes from 2 to the last of input 0.
func spatialAxes(n *graph.Node) ([]int64, error) {
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	if rank < 3 {
		return nil, fmt.Errorf("an input of rank %d has no spatial axes", rank)
	}
	var axes []int64
	for axis := int64(2); axis < int64(rank); axis++ {
		axes = append(axes, axis)
	}
	return axes, nil
}

func globalPool(reduce string) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		axes, err := spatialAxes(n)
		if err != nil {
			return nil, err
		}
		return []*graph.Value{b.Op(reduce, []*graph.Value{n.Inputs[0], b.Ints(axes...)})}, nil
	}
}

func globalLpPool(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	switch n.Int("p", 2) {
	case 1:
		return globalPool("ReduceL1")(b, n)
	case 2:
		return globalPool("ReduceL2")(b, n)
	}
	axes, err := spatialAxes(n)
	if err != nil {
		return nil, err
	}
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	p := float64(n.Int("p", 2))
	sum := e.over("ReduceSum", e.do("Pow", e.do("Abs", n.Inputs[0]), e.num(p)), axes...)
	return []*graph.Value{e.do("Pow", sum, e.num(1/p))}, nil
}

// lpPool multiplies an average that counts the padding with the number of
// elements counted, which is one number only where no window reaches beyond the
// padding.
func lpPool(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	if n.Bool("ceil_mode", false) {
		return nil, fmt.Errorf("with ceil_mode, windows may reach beyond the padding")
	}
	p, elements := float64(n.Int("p", 2)), 1.0
	for _, k := range n.Ints("kernel_shape") {
		elements *= float64(k)
	}
	attrs := append(n.Without("p"), graph.A("count_include_pad", int64(1)))
	mean := e.Op("AveragePool", []*graph.Value{e.do("Pow", e.do("Abs", n.Inputs[0]), e.num(p))}, attrs...)
	return []*graph.Value{e.do("Pow", e.do("Mul", mean, e.num(elements)), e.num(1/p))}, nil
}

// maxUnpool scatters into zeros, in the order in which the pool's input has its
// elements, and pads the result to output_shape.
func maxUnpool(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	axes, err := spatialAxes(n)
	if err != nil {
		return nil, err
	}
	x, rank := n.Inputs[0], len(axes)
	kernel, strides, pads := n.Ints("kernel_shape"), n.Ints("strides"), n.Ints("pads")
	if len(kernel) != rank || strides != nil && len(strides) != rank || pads != nil && len(pads) != 2*rank {
		return nil, fmt.Errorf("attributes kernel_shape %v, strides %v and pads %v do not fit %d spatial axes", kernel, strides, pads, rank)
	}
	// Extent (n − 1) × stride + kernel − pads, for all spatial axes at once.
	factors, terms := make([]int64, rank), make([]int64, rank)
	for i := range factors {
		factors[i], terms[i] = 1, kernel[i]
		if strides != nil {
			factors[i] = strides[i]
		}
		if pads != nil {
			terms[i] -= pads[i] + pads[rank+i]
		}
		terms[i] -= factors[i]
	}
	spatial := b.Op("Shape", n.Inputs[:1], graph.A("start", int64(2)))
	spatial = e.do("Add", e.do("Mul", spatial, b.Ints(factors...)), b.Ints(terms...))
	pooled := join(b, extents(b, x, 0, 2), spatial)
	zero := tensor.Zeros(e.dtype, tensor.Shape{1})
	zeros := b.Op("ConstantOfShape", []*graph.Value{e.do("ReduceProd", pooled)}, graph.A("value", zero))
	y := e.do("ScatterElements", zeros, e.do("Reshape", n.Inputs[1], b.Ints(-1)), e.do("Reshape", x, b.Ints(-1)))
	y = reshape(b, y, pooled)
	if want := n.Input(2); want != nil {
		before := b.Ints(make([]int64, rank+2)...)
		y = e.do("Pad", y, join(b, before, e.do("Sub", want, pooled)))
	}
	return []*graph.Value{y}, nil
}
