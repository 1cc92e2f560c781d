package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// aligned views the zero points or scales v of a quantized operand of rank axes:
// one for all, one for each step along an axis, counted from the back, or a
// tensor that broadcasts.
func aligned(b *graph.Builder, v *graph.Value, rank, axis int) (*graph.Value, error) {
	if single(v) {
		return b.Op("Reshape", []*graph.Value{v, b.Ints()}), nil
	}
	if !v.Type.Dims.Ranked() || len(v.Type.Dims) == 1 && !v.Type.Dims[0].IsKnown() {
		return nil, fmt.Errorf("whether %v is one number for all is not known", v.Type.Dims)
	}
	if len(v.Type.Dims) != 1 || rank+axis < 0 {
		return v, nil
	}
	return behind(b, v, -axis-1), nil
}

// centred casts input i to the type of e and takes the zero points in input
// zero, if it is there, from it.
func (e expression) centred(n *graph.Node, i, zero, axis int) (*graph.Value, error) {
	x := e.as(e.dtype, n.Inputs[i])
	z := n.Input(zero)
	if z == nil {
		return x, nil
	}
	rank, err := rankOf(n, i)
	if err != nil {
		return nil, err
	}
	if z, err = aligned(e.Builder, z, rank, axis); err != nil {
		return nil, err
	}
	return e.do("Sub", x, e.as(e.dtype, z)), nil
}

// matMulInteger multiplies in int32, which wraps as the operator does.
func matMulInteger(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e := expression{b, tensor.Int32}
	x, err := e.centred(n, 0, 2, -2)
	if err != nil {
		return nil, err
	}
	y, err := e.centred(n, 1, 3, -1)
	if err != nil {
		return nil, err
	}
	return []*graph.Value{e.do("MatMul", x, y)}, nil
}

// convInteger convolves in float64, in which every sum is exact.
func convInteger(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	rank, err := rankOf(n, 1)
	if err != nil {
		return nil, err
	}
	e := expression{b, tensor.Float64}
	x, err := e.centred(n, 0, 2, -1)
	if err != nil {
		return nil, err
	}
	w, err := e.centred(n, 1, 3, -rank)
	if err != nil {
		return nil, err
	}
	return []*graph.Value{e.as(tensor.Int32, b.Op("Conv", []*graph.Value{x, w}, n.Attributes...))}, nil
}

// requantized brings int32 sums in steps of a scale to the scale and zero point
// in inputs 6 and 7, which are one number each.
func (e expression) requantized(n *graph.Node, sums, step *graph.Value) ([]*graph.Value, error) {
	if !single(n.Inputs[6]) || !single(n.Inputs[7]) {
		return nil, fmt.Errorf("y_scale %v and y_zero_point %v are not known to be one number", n.Inputs[6].Type, n.Inputs[7].Type)
	}
	y := e.do("Mul", e.as(e.dtype, sums), step)
	return []*graph.Value{e.do("QuantizeLinear", y, e.to(e.dtype, n.Inputs[6]), n.Inputs[7])}, nil
}

func qLinearConv(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	rank, err := rankOf(n, 3)
	if err != nil {
		return nil, err
	}
	e := expression{b, tensor.Float32}
	sums := b.Op("ConvInteger", []*graph.Value{n.Inputs[0], n.Inputs[3], n.Inputs[2], n.Inputs[5]}, n.Attributes...)
	if bias := n.Input(8); bias != nil {
		sums = e.do("Add", sums, behind(b, bias, rank-2))
	}
	step, err := aligned(b, n.Inputs[4], rank, 1-rank)
	if err != nil {
		return nil, err
	}
	return e.requantized(n, sums, e.do("Mul", n.Inputs[1], step))
}

// qLinearMatMul multiplies integers as such, and float8 numbers dequantized.
func qLinearMatMul(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	quantized, err := typed(b, n, 0)
	if err != nil {
		return nil, err
	}
	e := expression{b, tensor.Float32}
	if quantized.dtype.IsFloat() {
		for _, i := range []int{1, 2, 4, 5, 6, 7} {
			if !single(n.Inputs[i]) {
				return nil, fmt.Errorf("input %d, %v, is not known to be one number", i, n.Inputs[i].Type)
			}
		}
		x := e.do("DequantizeLinear", n.Inputs[0], e.to(e.dtype, n.Inputs[1]), n.Inputs[2])
		y := e.do("DequantizeLinear", n.Inputs[3], e.to(e.dtype, n.Inputs[4]), n.Inputs[5])
		return []*graph.Value{e.do("QuantizeLinear", e.do("MatMul", x, y), e.to(e.dtype, n.Inputs[6]), n.Inputs[7])}, nil
	}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	rows, err := aligned(b, n.Inputs[1], rank, -2)
	if err != nil {
		return nil, err
	}
	columns, err := aligned(b, n.Inputs[4], rank, -1)
	if err != nil {
		return nil, err
	}
	sums := e.do("MatMulInteger", n.Inputs[0], n.Inputs[3], n.Inputs[2], n.Inputs[5])
	return e.requantized(n, sums, e.do("Mul", e.to(e.dtype, rows), e.to(e.dtype, columns)))
}
