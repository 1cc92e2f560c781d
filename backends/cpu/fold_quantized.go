package cpu

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// quantizedValue is a value that DequantizeLinear makes of integers of 8 bits, by
// one scale and one zero point that are constants.
type quantizedValue struct {
	x, scale, zero *graph.Value
	step           float64
	origin         int32
}

// foldQuantized computes on integers what stands between DequantizeLinear and
// QuantizeLinear, and products whose operands DequantizeLinear gives. Sums of
// products are exact then, and rounded once; results may be one step away from
// those of the nodes taken one by one.
//
// Images keep their channels last from one such node to the next.
func foldQuantized(r *rewriting, i int) int {
	n := r.graph.Nodes[i]
	switch n.Operator() {
	case "MatMul", "Gemm":
		return r.foldProduct(i, n)
	case "QuantizeLinear":
	default:
		return 0
	}
	out, ok := parametersOf(n)
	if !ok || out.zero.Type.DType.Bits() != 8 {
		return 0
	}
	v := r.beforeClipping(n.Inputs[0], out)
	p := r.before(v, "Conv", "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")
	if p == nil || len(p.Outputs) != 1 || v != n.Inputs[0] && p.Op != "Conv" && p.Op != "Add" { // others do not clip
		return 0
	}
	b := graph.NewBuilder(n)
	var y *graph.Value
	switch p.Op {
	case "Conv":
		y = r.quantizedConv(b, p, out)
	case "Add":
		y = r.quantizedAdd(b, p, out)
	case "MaxPool":
		y = r.quantizedMaxPool(b, p, out)
	case "AveragePool", "GlobalAveragePool":
		y = r.quantizedAverage(b, p, out)
	case "Concat":
		y = r.quantizedConcat(b, p, out)
	default:
		y = quantizedMove(b, p, out)
	}
	if y == nil {
		return 0
	}
	if image, ok := r.last[y]; ok { // y is made from it
		r.last[n.Outputs[0]] = image
	}
	return r.replace(i, b, y)
}

// parametersOf returns the scale and zero point of a QuantizeLinear or
// DequantizeLinear that has one of each, both constant, of 8 bits.
func parametersOf(n *graph.Node) (q quantizedValue, ok bool) {
	scale, zero := n.Input(1), n.Input(2)
	if scale == nil || zero == nil || scale.Const == nil || zero.Const == nil || n.Int("block_size", 0) != 0 ||
		!isNumber(scale, tensor.Float32) || !isNumber(zero, zero.Type.DType) || n.Int("saturate", 1) == 0 {
		return q, false
	}
	d := n.DType("precision", tensor.Float32)
	if z := zero.Type.DType; z != tensor.Int8 && z != tensor.Uint8 || d != tensor.Float32 && d != tensor.Undefined {
		return q, false
	}
	q = quantizedValue{n.Inputs[0], scale, zero, scale.Const.Float64s()[0], int32(zero.Const.Float64s()[0])}
	return q, q.step > 0 && !math.IsInf(q.step, 0)
}

// dequantized returns what a value is made of by DequantizeLinear.
func dequantized(v *graph.Value) (q quantizedValue, ok bool) {
	if v == nil || v.Producer == nil || v.Producer.Operator() != "DequantizeLinear" {
		return q, false
	}
	q, ok = parametersOf(v.Producer)
	return q, ok && v.Type.DType == tensor.Float32
}

// alike reports whether two values have the same scale and zero point, and type.
func (q quantizedValue) alike(p quantizedValue) bool {
	return q.step == p.step && q.origin == p.origin && q.zero.Type.DType == p.zero.Type.DType
}

// beyond reports whether bounds, nil where there is none, fall on the least and
// greatest integers or beyond: quantization clips there anyway.
func (q quantizedValue) beyond(low, high *float64) bool {
	least, greatest := limitsOf(q.zero.Type.DType)
	integer := func(v float64) float64 { return math.RoundToEven(v/q.step) + float64(q.origin) }
	return (low == nil || integer(*low) <= float64(least)) && (high == nil || integer(*high) >= float64(greatest))
}

// beforeClipping returns what a value is before a Relu or Clip that does no more
// than quantization does anyway.
func (r *rewriting) beforeClipping(v *graph.Value, out quantizedValue) *graph.Value {
	n := r.before(v, "Relu", "Clip")
	if n == nil {
		return v
	}
	var bounds [2]*float64
	if n.Op == "Relu" {
		bounds[0] = new(float64)
	}
	for k, bound := range n.Inputs[1:] {
		if bound == nil {
			continue
		}
		if bound.Const == nil || bound.Const.Len() != 1 {
			return v
		}
		bounds[k] = &bound.Const.Float64s()[0]
	}
	if !out.beyond(bounds[0], bounds[1]) {
		return v
	}
	return n.Inputs[0]
}

// weightsOf returns the integers of constant weights that DequantizeLinear makes
// numbers, with one scale and zero point for all or for each step along an axis.
func weightsOf(v *graph.Value, axis int) (q quantizedValue, ok bool) {
	if v == nil || v.Producer == nil || v.Producer.Operator() != "DequantizeLinear" {
		return q, false
	}
	n := v.Producer
	w, scale, zero := n.Inputs[0], n.Inputs[1], n.Input(2)
	if w.Const == nil || scale.Const == nil || zero != nil && zero.Const == nil || n.Int("block_size", 0) != 0 ||
		!slices.Contains(bytes8, w.Const.DType()) || scale.Const.DType() != tensor.Float32 || v.Type.DType != tensor.Float32 {
		return q, false
	}
	shape, along := w.Const.Shape(), scale.Const.Shape()
	if scale.Const.Len() != 1 || len(along) > 1 {
		k, ok := axisIn(n.Int("axis", 1), len(shape))
		if !ok || k != axis || !along.Equal(tensor.Shape{shape[axis]}) {
			return q, false
		}
	}
	if zero != nil && !zero.Const.Shape().Equal(along) {
		return q, false
	}
	return quantizedValue{x: w, scale: scale, zero: zero}, true
}

// zeroOf returns the zero point of weights, as a value.
func zeroOf(b *graph.Builder, w quantizedValue) *graph.Value {
	if w.zero != nil {
		return w.zero
	}
	return b.Const(tensor.Zeros(w.x.Const.DType(), w.scale.Const.Shape()))
}

// quantizedConv is a convolution of an image with constant filters.
func (r *rewriting) quantizedConv(b *graph.Builder, n *graph.Node, out quantizedValue) *graph.Value {
	x, ok := dequantized(n.Inputs[0])
	w, constant := weightsOf(n.Inputs[1], 0)
	if !ok || !constant || n.Outputs[0].Type.DType != tensor.Float32 {
		return nil
	}
	rank := len(w.x.Const.Shape())
	if rank < 3 || rank > 5 {
		return nil
	}
	inputs := []*graph.Value{nil, x.scale, x.zero, w.x, w.scale, zeroOf(b, w), out.scale, out.zero}
	if bias := n.Input(2); bias != nil {
		sums := biasSums(bias, x, w)
		if sums == nil {
			return nil
		}
		inputs = append(inputs, b.Const(sums))
	}
	inputs[0] = r.channelsLast(b, x.x, rank)
	y := b.Node("com.microsoft", "QLinearConv", inputs, 1, append(n.Without("channels_last"), graph.A("channels_last", int64(1)))...)
	return r.channelsSecond(b, y[0], rank)
}

// biasSums returns a constant bias in steps of the products of x and w, nil where
// it is no constant, or too large.
func biasSums(bias *graph.Value, x, w quantizedValue) *tensor.Tensor {
	var numbers []float64
	switch t := bias.Const; {
	case t != nil && t.DType() == tensor.Float32:
		numbers = t.Float64s()
	case bias.Producer != nil && bias.Producer.Operator() == "DequantizeLinear":
		d := bias.Producer
		t, scale := d.Inputs[0].Const, d.Inputs[1].Const
		if t == nil || scale == nil || t.Rank() != 1 || scale.Len() != 1 && scale.Len() != t.Len() || d.Int("block_size", 0) != 0 {
			return nil
		}
		zeros := make([]float64, scale.Len())
		if z := d.Input(2); z != nil {
			if z.Const == nil || z.Const.Len() != len(zeros) {
				return nil
			}
			zeros = z.Const.Float64s()
		}
		numbers = t.Float64s()
		steps := scale.Float64s()
		for i := range numbers {
			k := min(i, len(zeros)-1)
			numbers[i] = (numbers[i] - zeros[k]) * steps[k]
		}
	default:
		return nil
	}
	scales := w.scale.Const.Float64s()
	sums := make([]int32, len(numbers))
	for i, v := range numbers {
		v = math.RoundToEven(v / (x.step * scales[min(i, len(scales)-1)]))
		if !(math.Abs(v) < 1<<30) {
			return nil
		}
		sums[i] = int32(v)
	}
	return tensor.Of(sums)
}

// channelsLast returns an image (batch, channels, …) with its channels last.
func (r *rewriting) channelsLast(b *graph.Builder, x *graph.Value, rank int) *graph.Value {
	if y, ok := r.last[x]; ok {
		return y
	}
	perm := []int64{0}
	for axis := 2; axis < rank; axis++ {
		perm = append(perm, int64(axis))
	}
	y := b.Op("Transpose", []*graph.Value{x}, graph.A("perm", append(perm, 1)))
	r.last[x] = y
	return y
}

// channelsSecond returns an image with its channels behind the batch, for those
// that want it so.
func (r *rewriting) channelsSecond(b *graph.Builder, image *graph.Value, rank int) *graph.Value {
	perm := []int64{0, int64(rank - 1)}
	for axis := 1; axis < rank-1; axis++ {
		perm = append(perm, int64(axis))
	}
	y := b.Op("Transpose", []*graph.Value{image}, graph.A("perm", perm))
	r.last[y] = image
	return y
}

// quantizedAdd adds two values of one shape.
func (r *rewriting) quantizedAdd(b *graph.Builder, n *graph.Node, out quantizedValue) *graph.Value {
	var operands [2]quantizedValue
	var images [2]*graph.Value
	shape, known := shapeOf(n.Outputs[0])
	for k := range operands {
		var ok bool
		operands[k], ok = dequantized(n.Inputs[k])
		s, same := shapeOf(n.Inputs[k])
		if !ok || !known || !same || !s.Equal(shape) || operands[k].zero.Type.DType != out.zero.Type.DType {
			return nil
		}
		images[k] = r.last[operands[k].x]
	}
	last := images[0] != nil && images[1] != nil
	var inputs []*graph.Value
	for k, o := range operands {
		if last {
			o.x = images[k]
		}
		inputs = append(inputs, o.x, o.scale, o.zero)
	}
	y := b.Node("com.microsoft", "QLinearAdd", append(inputs, out.scale, out.zero), 1)[0]
	if last {
		return r.channelsSecond(b, y, len(shape))
	}
	return y
}

// quantizedMaxPool picks the greatest of integers that keep their meaning.
func (r *rewriting) quantizedMaxPool(b *graph.Builder, n *graph.Node, out quantizedValue) *graph.Value {
	x, ok := dequantized(n.Inputs[0])
	rank := len(n.Inputs[0].Type.Dims)
	if !ok || !x.alike(out) || rank < 3 || rank > 5 || n.Int("storage_order", 0) != 0 {
		return nil
	}
	y := b.Node("com.microsoft", "NhwcMaxPool", []*graph.Value{r.channelsLast(b, x.x, rank)}, 1, n.Without("storage_order")...)[0]
	return r.channelsSecond(b, y, rank)
}

// quantizedAverage is the mean of whole planes.
func (r *rewriting) quantizedAverage(b *graph.Builder, n *graph.Node, out quantizedValue) *graph.Value {
	x, ok := dequantized(n.Inputs[0])
	shape, known := shapeOf(n.Inputs[0])
	if !ok || !known || len(shape) < 3 || x.zero.Type.DType != out.zero.Type.DType || n.Op == "AveragePool" && !poolsAll(n, shape[2:]) {
		return nil
	}
	y := b.Node("com.microsoft", "QLinearGlobalAveragePool",
		[]*graph.Value{r.channelsLast(b, x.x, len(shape)), x.scale, x.zero, out.scale, out.zero}, 1, graph.A("channels_last", int64(1)))[0]
	return r.channelsSecond(b, y, len(shape))
}

// poolsAll reports whether a pool has one window, which is the whole plane.
func poolsAll(n *graph.Node, plane []int) bool {
	kernel := n.Ints("kernel_shape")
	if len(kernel) != len(plane) {
		return false
	}
	extents := make([]int, len(kernel))
	for i, k := range kernel {
		if k < 1 || k > limit {
			return false
		}
		extents[i] = int(k)
	}
	ws, ok := windowsOf(n, plane, extents)
	return ok && ws.whole()
}

// quantizedConcat joins integers that keep their meaning.
func (r *rewriting) quantizedConcat(b *graph.Builder, n *graph.Node, out quantizedValue) *graph.Value {
	rank := len(n.Outputs[0].Type.Dims)
	axis, ok := axisIn(n.Int("axis", 0), rank)
	if !ok {
		return nil
	}
	var plain, images []*graph.Value
	for _, in := range n.Inputs {
		x, ok := dequantized(in)
		if !ok || !x.alike(out) {
			return nil
		}
		plain = append(plain, x.x)
		if image := r.last[x.x]; image != nil {
			images = append(images, image)
		}
	}
	if axis != 1 || len(images) != len(plain) {
		return b.Op("Concat", plain, graph.A("axis", int64(axis)))
	}
	return r.channelsSecond(b, b.Op("Concat", images, graph.A("axis", int64(rank-1))), rank)
}

// quantizedMove moves integers that keep their meaning.
func quantizedMove(b *graph.Builder, n *graph.Node, out quantizedValue) *graph.Value {
	x, ok := dequantized(n.Inputs[0])
	if !ok || !x.alike(out) {
		return nil
	}
	return b.Op(n.Op, append([]*graph.Value{x.x}, n.Inputs[1:]...), n.Attributes...)
}

// foldProduct multiplies integers instead of the numbers that they stand for,
// with constants on the right.
func (r *rewriting) foldProduct(i int, n *graph.Node) int {
	turned := n.Op == "Gemm" && n.Bool("transB", false)
	axis := 1
	if turned {
		axis = 0
	}
	b := graph.NewBuilder(n)
	a, ok := dequantizedThrough(b, n.Inputs[0])
	w, constant := weightsOf(n.Inputs[1], axis)
	if !ok || !constant || len(n.Inputs[0].Type.Dims) < 2 || n.Outputs[0].Type.DType != tensor.Float32 {
		return 0
	}
	shape := w.x.Const.Shape()
	if len(shape) != 2 || shape[1-axis] > exactInner || n.Op == "Gemm" && (n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 || n.Bool("transA", false)) {
		return 0
	}
	bias := n.Input(2)
	if bias != nil {
		if bias = columnBias32(b, bias, shape[axis]); bias == nil {
			return 0
		}
	}
	right := w.x
	if turned {
		t := tensor.Zeros(w.x.Const.DType(), tensor.Shape{shape[1], shape[0]})
		turn(t.Bytes(), w.x.Const.Bytes(), shape[1], shape[0], shape[0], shape[1])
		right = b.Const(t)
	}
	y := b.Node("com.microsoft", "MatMulIntegerToFloat", []*graph.Value{a.x, right, a.scale, w.scale, a.zero, zeroOf(b, w), bias}, 1)
	return r.replace(i, b, y[0])
}

// dequantizedThrough is dequantized of what only has another shape, which the
// integers are given instead.
func dequantizedThrough(b *graph.Builder, v *graph.Value) (quantizedValue, bool) {
	n := v.Producer
	if n == nil || !operators.Reshapes(n) {
		return dequantized(v)
	}
	q, ok := dequantizedThrough(b, n.Inputs[0])
	if ok {
		q.x = b.Op(n.Op, append([]*graph.Value{q.x}, n.Inputs[1:]...), n.Attributes...)
	}
	return q, ok
}

// columnBias32 returns a constant bias of one number for each of n columns, in
// float32.
func columnBias32(b *graph.Builder, bias *graph.Value, n int) *graph.Value {
	if t := bias.Const; t != nil {
		if t.DType() == tensor.Float32 && t.Shape().Equal(tensor.Shape{n}) {
			return bias
		}
		return nil
	}
	d := bias.Producer
	if s, known := shapeOf(bias); d == nil || d.Operator() != "DequantizeLinear" || !known || !s.Equal(tensor.Shape{n}) || bias.Type.DType != tensor.Float32 {
		return nil
	}
	return bias
}
