package cpu

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// splitDynamicProduct makes a DynamicQuantizeLinear and a MatMulIntegerToFloat of a
// DynamicQuantizeMatMul, whose left operand is quantized by its own range.
func splitDynamicProduct(r *rewriting, i int) int {
	n := r.graph.Nodes[i]
	if n.Operator() != microsoft+"DynamicQuantizeMatMul" {
		return 0
	}
	b := graph.NewBuilder(n)
	a := b.Node("", "DynamicQuantizeLinear", n.Inputs[:1], 3) // integers, their scale, their zero point
	y := b.Node("com.microsoft", "MatMulIntegerToFloat", []*graph.Value{a[0], n.Inputs[1], a[1], n.Inputs[2], a[2], n.Input(3), n.Input(4)}, 1)
	return r.replace(i, b, y[0])
}

// foldDynamicProduct makes one MatMulIntegerToFloat of a product of integers that
// is brought to float32, multiplied by a step, and perhaps added to a bias:
//
//	MatMulInteger → Cast → Mul (→ Add)
//
// Products of what DynamicQuantizeLinear gives look like that.
func foldDynamicProduct(r *rewriting, i int) int {
	n := r.graph.Nodes[i]
	var bias *graph.Value
	mul := n
	if n.Operator() == "Add" {
		for side := range 2 {
			if m := r.before(n.Inputs[side], "Mul"); m != nil && n.Inputs[1-side].Const != nil {
				mul, bias = m, n.Inputs[1-side]
			}
		}
	}
	if mul.Operator() != "Mul" || bias == nil && r.biasFollows(mul) {
		return 0
	}
	for side := range 2 {
		cast := r.before(mul.Inputs[side], "Cast")
		if cast == nil || cast.DType("to", tensor.Undefined) != tensor.Float32 {
			continue
		}
		product := r.before(cast.Inputs[0], "MatMulInteger")
		if product == nil || !productFits(product, bias) {
			continue
		}
		b := graph.NewBuilder(n)
		left, right := r.stepOf(b, mul.Inputs[1-side], product)
		if left == nil {
			continue
		}
		y := b.Node("com.microsoft", "MatMulIntegerToFloat",
			[]*graph.Value{product.Inputs[0], product.Inputs[1], left, right, product.Input(2), product.Input(3), bias}, 1)
		return r.replace(i, b, y[0])
	}
	return 0
}

// biasFollows reports whether all that reads a node's result is an addition of a
// constant, with which it is folded later.
func (r *rewriting) biasFollows(n *graph.Node) bool {
	v := n.Outputs[0]
	m := r.reader[v]
	if r.uses[v] != 1 || m == nil || m.Operator() != "Add" {
		return false
	}
	for side, in := range m.Inputs {
		if in == v {
			return m.Inputs[1-side].Const != nil && addsToColumns(m.Inputs[1-side], v)
		}
	}
	return false
}

// addsToColumns reports whether a constant is one number for each column of v.
func addsToColumns(bias, v *graph.Value) bool {
	s, dims := bias.Const.Shape(), v.Type.Dims
	return len(s) == 1 && len(dims) >= 2 && dims[len(dims)-1].IsKnown() && dims[len(dims)-1].Size == s[0] && bias.Const.DType() == tensor.Float32
}

// productFits reports whether the kernel takes a product with a bias whatever the
// extents that are not known.
func productFits(n *graph.Node, bias *graph.Value) bool {
	a, b := n.Inputs[0].Type.Dims, n.Inputs[1]
	shape, known := shapeOf(b)
	if !known || len(shape) != 2 || len(a) < 2 || shape[0] > exactInner {
		return false
	}
	if bias != nil && (!addsToColumns(bias, n.Outputs[0]) || bias.Const.Len() != shape[1]) {
		return false
	}
	for k, d := range []tensor.DType{n.Inputs[0].Type.DType, b.Type.DType} {
		z := n.Input(2 + k)
		if z == nil || isNumber(z, d) {
			continue
		}
		if s, known := shapeOf(z); k == 0 || !known || !s.Equal(shape[1:]) {
			return false
		}
	}
	return true
}

// stepOf splits what a product is multiplied by into a number and one number, or
// one for each column: the scales of the operands. It returns nil where it is
// something else.
func (r *rewriting) stepOf(b *graph.Builder, step *graph.Value, product *graph.Node) (left, right *graph.Value) {
	columns := product.Inputs[1].Type.Dims[1].Size
	perColumn := func(v *graph.Value) bool {
		s, known := shapeOf(v)
		return isNumber(v, tensor.Float32) || known && v.Type.DType == tensor.Float32 && s.Equal(tensor.Shape{columns})
	}
	if !perColumn(step) {
		return nil, nil
	}
	if m := step.Producer; m != nil && m.Operator() == "Mul" {
		for side := range 2 {
			if isNumber(m.Inputs[side], tensor.Float32) && perColumn(m.Inputs[1-side]) {
				return m.Inputs[side], m.Inputs[1-side]
			}
		}
	}
	return b.Const(tensor.Scalar(float32(1))), step
}
