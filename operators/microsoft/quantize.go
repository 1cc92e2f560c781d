package microsoft

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// quantized holds QuantizeLinear, DequantizeLinear, DynamicQuantizeMatMul,
// MatMulIntegerToFloat, QGemm, QLinearConv, and the operators on quantized
// numbers of qlinear.go.
var quantized = append([]operator{
	{
		schema: define("QuantizeLinear", "x T1, y_scale T1, y_zero_point T2?", "y T2",
			map[string][]string{"T1": halves["T"], "T2": {"int8", "uint8", "int16", "uint16", "int4", "uint4"}}, may("axis", operators.IntAttribute)),
		rule: sameOperator("QuantizeLinear"),
	},
	{
		schema: define("DequantizeLinear", "x T1, x_scale T2, x_zero_point T1?", "y T2",
			map[string][]string{"T1": {"int8", "uint8", "int16", "uint16", "int32", "int4", "uint4"}, "T2": halves["T"]}, may("axis", operators.IntAttribute)),
		rule: sameOperator("DequantizeLinear"),
	},
	{
		schema: define("DynamicQuantizeMatMul", "A T1, B T2, b_scale T1, b_zero_point T2?, bias T1?", "Y T1",
			map[string][]string{"T1": {"float"}, "T2": bytesOnly}),
		rule: rule(dynamicQuantizeMatMul),
	},
	{
		schema: define("MatMulIntegerToFloat", "A T1, B T2, a_scale T3, b_scale T3, a_zero_point T1?, b_zero_point T2?, bias T3?", "Y T3",
			map[string][]string{"T1": bytesOnly, "T2": bytesOnly, "T3": halves["T"]}),
		rule:    matMulIntegerToFloat,
		compute: byRule(matMulIntegerToFloat),
	},
	{
		schema: define("QGemm", "A TA, a_scale T, a_zero_point TA, B TB, b_scale T, b_zero_point TB, C TC?, y_scale T?, y_zero_point TYZ?", "Y TY",
			map[string][]string{"T": {"float"}, "TA": bytesOnly, "TB": bytesOnly, "TC": {"int32"}, "TYZ": bytesOnly, "TY": {"float", "int8", "uint8"}},
			set("alpha", float32(1)), set("transA", int64(0)), set("transB", int64(0))),
		rule: rule(qGemm),
	},
	{
		schema: define("QLinearConv", "x T1, x_scale S, x_zero_point T1, w T2, w_scale S, w_zero_point T2, y_scale S, y_zero_point T3, B TB?", "y T3",
			map[string][]string{"T1": bytesOnly, "T2": bytesOnly, "T3": bytesOnly, "TB": {"int32"}, "S": {"float"}},
			set("auto_pad", "NOTSET"), set("channels_last", int64(0)), may("dilations", operators.IntsAttribute), set("group", int64(1)),
			may("kernel_shape", operators.IntsAttribute), may("pads", operators.IntsAttribute), may("strides", operators.IntsAttribute)),
		rule:    qLinearConv,
		compute: byRule(qLinearConv),
	},
}, qlinear...)

// sameOperator is the rule of an operator that ONNX has too, under the same name.
func sameOperator(name string) graph.Rewrite {
	return rule(func(e emitter) []*graph.Value {
		return []*graph.Value{e.Op(name, e.node.Inputs, e.node.Attributes...)}
	})
}

// dynamicQuantizeMatMul quantizes A to uint8 by its own range.
func dynamicQuantizeMatMul(e emitter) []*graph.Value {
	a := e.Node("", "DynamicQuantizeLinear", e.node.Inputs[:1], 3) // the numbers, their scale, their zero point
	sums := e.do("MatMulInteger", a[0], e.in(1), a[2], e.in(3))
	y := e.do("Mul", e.to(tensor.Float32, sums), e.do("Mul", a[1], e.in(2)))
	return []*graph.Value{e.plus(y, e.in(4))}
}

// matMulIntegerToFloat multiplies the integers where A has one scale, and what
// they stand for where it has one for each column.
func matMulIntegerToFloat(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 2)
	if err != nil {
		return nil, err
	}
	scale := e.in(2)
	if s, known := scale.Type.Dims.Shape(); known && s.Size() == 1 {
		step := e.to(tensor.Float32, e.do("Mul", e.do("Reshape", scale, e.Ints(1)), e.in(3)))
		sums := e.do("MatMulInteger", e.in(0), e.in(1), e.in(4), e.in(5))
		y := e.do("Mul", e.to(tensor.Float32, sums), step)
		if bias := e.in(6); bias != nil {
			y = e.do("Add", y, e.to(tensor.Float32, bias))
		}
		return []*graph.Value{e.to(e.dtype, y)}, nil
	}
	if !scale.Type.Dims.Ranked() {
		return nil, fmt.Errorf("whether a_scale %v is one number is not known", scale.Type)
	}
	var sides [2]*graph.Value
	for i := range sides {
		sides[i] = e.Op("DequantizeLinear", []*graph.Value{e.in(i), e.in(2 + i), e.in(4 + i)}, graph.A("axis", int64(-1)))
	}
	return []*graph.Value{e.plus(e.do("MatMul", sides[0], sides[1]), e.in(6))}, nil
}

// qLinearConv is ONNX's own operator, on an image whose channels may be last.
func qLinearConv(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	apply := func(x *graph.Value) *graph.Value {
		return e.Op("QLinearConv", append([]*graph.Value{x}, n.Inputs[1:]...), attributesOf(n)...)
	}
	if n.Bool("channels_last", false) {
		return channelsLast(e, apply, e.in(0))
	}
	return []*graph.Value{apply(e.in(0))}, nil
}

// qGemm adds C, which is in steps of the product, and quantizes the result if
// it is given a scale.
func qGemm(e emitter) []*graph.Value {
	var sides [2]*graph.Value
	for i, transpose := range []string{"transA", "transB"} {
		if sides[i] = e.in(3 * i); e.node.Bool(transpose, false) {
			sides[i] = e.transpose(sides[i], 1, 0)
		}
	}
	e.dtype = tensor.Float32
	sums := e.plus(e.do("MatMulInteger", sides[0], sides[1], e.in(2), e.in(5)), e.in(6))
	step := e.do("Mul", e.do("Mul", e.in(1), e.in(4)), e.num(float64(e.node.Float("alpha", 1))))
	y := e.do("Mul", e.to(tensor.Float32, sums), step)
	if e.in(7) != nil {
		y = e.do("QuantizeLinear", y, e.in(7), e.in(8))
	}
	return []*graph.Value{y}
}
