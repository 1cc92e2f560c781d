package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// quantize holds QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear,
// QLinearConv, QLinearMatMul, ConvInteger, MatMulInteger.
var quantize = family{
	"QuantizeLinear":        quantizeLinear,
	"DequantizeLinear":      dequantizeLinear,
	"DynamicQuantizeLinear": dynamicQuantizeLinear,
	"QLinearConv":           qLinearConv,
	"QLinearMatMul":         qLinearMatMul,
	"ConvInteger":           convInteger,
	"MatMulInteger":         matMulInteger,
}

// single reports whether v is known to have one element, in at most one axis.
func single(v *graph.Value) bool {
	s, ok := v.Type.Dims.Shape()
	return ok && len(s) < 2 && s.Size() == 1
}

// perElement makes scales or zero points broadcast to input 0: one for all, one
// for each element of attribute axis, or one for each block along it.
func perElement(b *graph.Builder, n *graph.Node, v *graph.Value) (*graph.Value, error) {
	block := n.Int("block_size", 0)
	if single(v) && block == 0 {
		return b.Op("Reshape", []*graph.Value{v, b.Ints()}), nil
	}
	rank, err := rankOf(n, 0)
	if err != nil {
		return nil, err
	}
	wanted := n.Int("axis", 1)
	if rank == 1 {
		wanted = 0 // there is no other
	}
	axis, err := tensor.Axis(wanted, rank)
	if err != nil {
		return nil, err
	}
	if block == 0 {
		if _, ok := v.Type.Dims.Shape(); !ok || len(v.Type.Dims) != 1 {
			return nil, fmt.Errorf("whether %v is one number or one for each element of axis %d is not known", v.Type.Dims, axis)
		}
		return behind(b, v, rank-1-axis), nil
	}
	extent := n.Inputs[0].Type.Dims[axis]
	if !extent.IsKnown() || extent.Size > maxBlocked {
		return nil, fmt.Errorf("the extent of axis %d, which blocks of %d divide, is not known, or greater than %d", axis, block, maxBlocked)
	}
	from := make([]int64, extent.Size)
	for i := range from {
		from[i] = int64(i) / block
	}
	return b.Op("Gather", []*graph.Value{v, b.Ints(from...)}, graph.A("axis", int64(axis))), nil
}

// maxBlocked is the greatest extent whose division into blocks is made a constant.
const maxBlocked = 1 << 20

// behind adds axes of extent 1 behind the first axis of v.
func behind(b *graph.Builder, v *graph.Value, count int) *graph.Value {
	if count <= 0 {
		return v
	}
	axes := make([]int64, count)
	for i := range axes {
		axes[i] = int64(1 + i)
	}
	return b.Op("Unsqueeze", []*graph.Value{v, b.Ints(axes...)})
}

// integerRanges are the values that fit quantized integers.
var integerRanges = map[tensor.DType][2]float64{
	tensor.Int8: {-128, 127}, tensor.Uint8: {0, 255}, tensor.Int16: {-32768, 32767}, tensor.Uint16: {0, 65535},
	tensor.Int4: {-8, 7}, tensor.Uint4: {0, 15}, tensor.Int2: {-2, 1}, tensor.Uint2: {0, 3},
}

// quantizeLinear divides in the precision that the operator divides in, and adds
// zero points in float32.
func quantizeLinear(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 1)
	if err != nil {
		return nil, err
	}
	d := n.DType("output_dtype", tensor.Uint8)
	if zero := n.Input(2); zero != nil {
		d = zero.Type.DType
	}
	if p := n.DType("precision", tensor.Undefined); p != tensor.Undefined {
		e.dtype = p
	} else if e.dtype == tensor.Float8E8M0 {
		e.dtype = n.Inputs[0].Type.DType
	}
	if !e.dtype.IsFloat() {
		return nil, fmt.Errorf("a division in %v is not expressed by other operators", e.dtype)
	}
	scale, err := perElement(b, n, n.Inputs[1])
	if err != nil {
		return nil, err
	}
	y := e.do("Div", e.to(e.dtype, n.Inputs[0]), e.to(e.dtype, scale))
	limits, integer := integerRanges[d]
	if integer {
		y = e.do("Round", y)
	}
	f := expression{b, tensor.Float32}
	y = f.to(f.dtype, y)
	if n.Input(2) != nil {
		zero, err := perElement(b, n, n.Inputs[2])
		if err != nil {
			return nil, err
		}
		y = f.do("Add", y, f.as(f.dtype, zero))
	}
	if integer {
		return []*graph.Value{f.as(d, f.do("Clip", y, f.num(limits[0]), f.num(limits[1])))}, nil
	}
	return []*graph.Value{b.Op("Cast", []*graph.Value{y}, graph.A("to", int64(d)), graph.A("saturate", n.Int("saturate", 1)))}, nil
}

func dequantizeLinear(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := typed(b, n, 1)
	if err != nil {
		return nil, err
	}
	d := n.DType("output_dtype", e.dtype)
	e.dtype = tensor.Float32
	scale, err := perElement(b, n, n.Inputs[1])
	if err != nil {
		return nil, err
	}
	x := e.as(e.dtype, n.Inputs[0])
	if n.Input(2) != nil {
		zero, err := perElement(b, n, n.Inputs[2])
		if err != nil {
			return nil, err
		}
		x = e.do("Sub", x, e.as(e.dtype, zero))
	}
	return []*graph.Value{e.to(d, e.do("Mul", x, e.to(e.dtype, scale)))}, nil
}

func dynamicQuantizeLinear(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, x := expression{b, tensor.Float32}, n.Inputs[0]
	least := e.do("Min", b.Op("ReduceMin", n.Inputs[:1], graph.A("keepdims", int64(0))), e.num(0))
	most := e.do("Max", b.Op("ReduceMax", n.Inputs[:1], graph.A("keepdims", int64(0))), e.num(0))
	scale := e.do("Div", e.do("Sub", most, least), e.num(255))
	zero := e.do("Clip", e.do("Div", e.do("Neg", least), scale), e.num(0), e.num(255))
	point := e.as(tensor.Uint8, e.do("Round", zero))
	return []*graph.Value{e.do("QuantizeLinear", x, scale, point), scale, point}, nil
}
