package microsoft

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// qlinear holds QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu,
// QLinearConcat, QLinearWhere, QLinearSoftmax, QLinearGlobalAveragePool,
// QLinearAveragePool: operators of ONNX on numbers that are each given as
// integers, a scale and a zero point.
var qlinear = []operator{
	onQuantized("Add", binaryOperands, "C T"),
	onQuantized("Mul", binaryOperands, "C T"),
	onQuantized("Sigmoid", unaryOperands, "Y T"),
	onQuantized("LeakyRelu", unaryOperands, "Y T", set("alpha", float32(0.01))),
	onQuantized("Concat", "Y_scale TF, Y_zero_point T, inputs TV…", "Y T", must("axis", operators.IntAttribute)),
	onQuantized("Where", "condition B, X T, x_scale TF, x_zero_point T, Y T, y_scale TF, y_zero_point T, z_scale TF, z_zero_point T", "Z T"),
	onQuantized("Softmax", "X T, X_scale TF, x_zero_point T?, y_scale TF, y_zero_point T", "Y T",
		set("axis", int64(-1)), must("opset", operators.IntAttribute)),
	onQuantized("GlobalAveragePool", "X T, x_scale TF, x_zero_point T, y_scale TF, y_zero_point T", "Y T", set("channels_last", int64(0))),
	onQuantized("AveragePool", unaryOperands, "Y T", set("auto_pad", "NOTSET"), set("ceil_mode", int64(0)), set("channels_last", int64(0)),
		set("count_include_pad", int64(0)), must("kernel_shape", operators.IntsAttribute), may("pads", operators.IntsAttribute),
		may("strides", operators.IntsAttribute)),
}

// The operands of operators on one and on two quantized numbers.
const (
	unaryOperands  = "X T, X_scale TF, X_zero_point T?, Y_scale TF, Y_zero_point T?"
	binaryOperands = "A T, A_scale TF, A_zero_point T?, B T, B_scale TF, B_zero_point T?, C_scale TF, C_zero_point T?"
)

// onQuantized is an operator of ONNX on quantized numbers.
func onQuantized(op, inputs, outputs string, attributes ...operators.AttributeSchema) operator {
	types := map[string][]string{"T": bytesOnly, "TF": {"float"}, "TV": {"int8", "uint8", "float"}, "B": {"bool"}}
	return operator{
		schema:  define("QLinear"+op, inputs, outputs, types, attributes...),
		rule:    rewriteQuantized(op),
		compute: func(c *reference.Call) ([]tensor.Value, error) { return computeQuantized(op, c) },
	}
}

// layout says where the inputs of a node on quantized numbers lie: those that are
// passed on as they are, the first of each triple of integers, scale and zero
// point, and the scale of the output, behind which its zero point lies.
func layout(op string, inputs int) (plain, triples []int, scale int) {
	switch op {
	case "Add", "Mul":
		return nil, []int{0, 3}, 6
	case "Where":
		return []int{0}, []int{1, 4}, 7
	case "Concat":
		for i := 2; i < inputs; i += 3 {
			triples = append(triples, i)
		}
		return nil, triples, 0
	}
	return nil, []int{0}, 3
}

// attributesOf returns those that ONNX's operator has too.
func attributesOf(n *graph.Node) []graph.Attribute { return n.Without("channels_last", "opset") }

// checkQuantized refuses what no triple of inputs stands for, and the softmax of versions
// before 13 where it differs from the newest.
func checkQuantized(op string, n *graph.Node, rank int) error {
	if op == "Concat" && len(n.Inputs)%3 != 2 {
		return fmt.Errorf("%d inputs: behind the scale and the zero point of Y there must be triples of numbers, scale and zero point", len(n.Inputs))
	}
	if op != "Softmax" || n.Int("opset", 13) >= 13 {
		return nil
	}
	if axis := n.Int("axis", -1); axis != -1 && axis != int64(rank)-1 {
		return fmt.Errorf("axis %d of %d under operator set version %d: axes are joined to one, which is not computed", axis, rank, n.Int("opset", 13))
	}
	return nil
}

// rewriteQuantized brings numbers to float32, and the result back.
func rewriteQuantized(op string) graph.Rewrite {
	return func(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
		plain, triples, scale := layout(op, len(n.Inputs))
		if len(triples) == 0 {
			return nil, fmt.Errorf("there is nothing to concatenate")
		}
		e, err := emit(b, n, triples[0])
		if err != nil {
			return nil, err
		}
		rank := 0
		if op == "Softmax" {
			if rank, err = rankOf(n, 0); err != nil {
				return nil, err
			}
		}
		if err := checkQuantized(op, n, rank); err != nil {
			return nil, err
		}
		var operands []*graph.Value
		for _, i := range plain {
			operands = append(operands, e.in(i))
		}
		for _, i := range triples {
			operands = append(operands, e.do("DequantizeLinear", e.in(i), e.in(i+1), e.in(i+2)))
		}
		apply := func(x *graph.Value) *graph.Value {
			operands[0] = x
			return e.Op(op, operands, attributesOf(n)...)
		}
		y := operands[0]
		if !n.Bool("channels_last", false) {
			y = apply(y)
		} else if out, err := channelsLast(e, apply, y); err == nil {
			y = out[0]
		} else {
			return nil, err
		}
		quantize := []*graph.Value{y, e.in(scale)}
		if zero := e.in(scale + 1); zero != nil {
			return []*graph.Value{e.Op("QuantizeLinear", append(quantize, zero))}, nil
		}
		return []*graph.Value{e.Op("QuantizeLinear", quantize, graph.A("output_dtype", int64(e.dtype)))}, nil
	}
}

// computeQuantized computes in float64 and rounds once.
func computeQuantized(op string, c *reference.Call) ([]tensor.Value, error) {
	plain, triples, scale := layout(op, len(c.Inputs))
	rank := c.Tensor(0).Rank()
	if err := checkQuantized(op, c.Node, rank); err != nil {
		return nil, err
	}
	var operands []tensor.Value
	for _, i := range plain {
		operands = append(operands, c.Inputs[i])
	}
	dtype := tensor.Undefined
	for _, i := range triples {
		x, err := meant(c, i)
		if err != nil {
			return nil, err
		}
		operands, dtype = append(operands, x), c.Tensor(i).DType()
	}
	last := c.Node.Bool("channels_last", false)
	run := func(op string, in []tensor.Value, attributes ...graph.Attribute) (*tensor.Tensor, error) {
		n := &graph.Node{Name: c.Node.Name, Op: op, Inputs: make([]*graph.Value, len(in)), Outputs: make([]*graph.Value, 1), Attributes: attributes}
		out, err := reference.Run(c.Context, n, in, nil)
		if err != nil {
			return nil, err
		}
		return out[0].(*tensor.Tensor), nil
	}
	if last {
		x, err := run("Transpose", operands, graph.A("perm", channelsFirst(rank)))
		if err != nil {
			return nil, err
		}
		operands = []tensor.Value{x}
	}
	y, err := run(op, operands, attributesOf(c.Node)...)
	if err == nil && last {
		y, err = run("Transpose", []tensor.Value{y}, graph.A("perm", channelsBehind(rank)))
	}
	if err != nil {
		return nil, err
	}
	step, zero, err := stepOf(c, scale)
	if err != nil {
		return nil, err
	}
	if c.Has(scale + 1) {
		dtype = c.Tensor(scale + 1).DType()
	}
	return []tensor.Value{quantize(y, dtype, step, zero)}, nil
}

// stepOf returns the scale in input i and the zero point behind it.
func stepOf(c *reference.Call, i int) (step, zero float64, err error) {
	for k, to := range []*float64{&step, &zero} {
		t := c.Tensor(i + k)
		switch {
		case t == nil && k == 1:
		case t == nil || t.Len() != 1 || t.Rank() > 1:
			return 0, 0, fmt.Errorf("input %d is %v, it must be one number", i+k, t)
		default:
			*to = t.Float64s()[0]
		}
	}
	return step, zero, nil
}

// meant returns the numbers that the integers in input i stand for.
func meant(c *reference.Call, i int) (*tensor.Tensor, error) {
	step, zero, err := stepOf(c, i+1)
	if err != nil {
		return nil, err
	}
	x, scale, z := c.Tensor(i).DType(), c.Tensor(i+1).DType(), c.Tensor(i+2)
	if x.Bits() != 8 || !x.IsInteger() || scale != tensor.Float32 || z != nil && z.DType() != x {
		return nil, fmt.Errorf("input %d is of type %v, its scale of type %v and its zero point %v: int8 or uint8, float32 and the type of the first are needed", i, x, scale, z)
	}
	v := c.Tensor(i).Float64s()
	for k := range v {
		v[k] = (v[k] - zero) * step
	}
	return tensor.FromFloat64s(tensor.Float64, c.Tensor(i).Shape(), v), nil
}

// quantize rounds multiples of a step to nearest, ties to even, adds the zero
// point and clamps to the type, int8 or uint8.
func quantize(t *tensor.Tensor, d tensor.DType, step, zero float64) *tensor.Tensor {
	least, most := 0.0, 255.0
	if d == tensor.Int8 {
		least, most = -128, 127
	}
	v := t.Float64s()
	for k, x := range v {
		if x = math.RoundToEven(x/step) + zero; !(x > least) {
			x = least // NaN too
		}
		v[k] = min(x, most)
	}
	return tensor.FromFloat64s(d, t.Shape(), v)
}
