package mutant

import (
	"math"
	"math/rand/v2"
	"slices"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// numbers are ways of computing wrongly.
var numbers = []mechanism{
	{name: "rounds towards zero", fault: changed(func(_ *run, t *tensor.Tensor) {
		for i, v := range t.Float64s() {
			if i%3 == 0 && math.Abs(v) > 1 && !math.IsInf(v, 0) {
				bump(t, i, -1)
			}
		}
	}), at: []place{
		{"Add", "float32", typed(tensor.Float32)}, {"Mul", "float16", typed(tensor.Float16)}, {"Div", "float64", typed(tensor.Float64)},
		{"Sqrt", "bfloat16", typed(tensor.BFloat16)}, {"Sub", "rank 5", both(typed(tensor.Float32), ranked(5))},
	}},
	{name: "rounds ties up", fault: recomputed(func(_ *run, _ *graph.Node, in []tensor.Value) { in[0] = scaled(in[0], 1+1e-6) }), at: []place{
		{"Round", "float32", typed(tensor.Float32)}, {"Round", "float64", typed(tensor.Float64)}, {"QuantizeLinear", "float32", typed(tensor.Float32)},
		{"Cast", "float32 to float16", both(typed(tensor.Float32), casting(tensor.Float16))},
		{"Cast", "float32 to bfloat16", both(typed(tensor.Float32), casting(tensor.BFloat16))},
	}},
	{name: "NaN becomes 0", fault: mapped(func(_ *run, _ int, v float64) float64 { return math.Max(orZero(v), orZero(v)) }), at: []place{
		{"Add", "float16", typed(tensor.Float16)}, {"MatMul", "float32", typed(tensor.Float32)}, {"Max", "rank 3", ranked(3)}, {"Tanh", "rank 1", ranked(1)}, {"Conv", "rank 3", ranked(3)},
	}},
	{name: "infinity becomes the largest number", fault: mapped(func(r *run, _ int, v float64) float64 {
		largest := map[tensor.DType]float64{tensor.Float16: 65504, tensor.Float32: math.MaxFloat32, tensor.Float64: math.MaxFloat64, tensor.BFloat16: math.Ldexp(255, 120)}[r.out(0).DType()]
		return math.Min(math.Max(v, -largest), largest)
	}), at: []place{
		{"Exp", "float32", typed(tensor.Float32)}, {"Mul", "rank 2", ranked(2)}, {"ReduceSum", "float32", typed(tensor.Float32)}, {"Cast", "to float16", casting(tensor.Float16)}, {"Reciprocal", "float16", typed(tensor.Float16)},
	}},
	{name: "integers cut to 32 bits", fault: whole(func(_ *run, _ int, v int64) int64 { return int64(int32(v)) }), at: []place{
		{"Add", "int64", typed(tensor.Int64)}, {"Gather", "int64", typed(tensor.Int64)}, {"Transpose", "int64", typed(tensor.Int64)}, {"ReduceSum", "int64", typed(tensor.Int64)}, {"Where", "int64", typed(tensor.Bool)},
	}},
	{name: "integers through float32", fault: whole(func(_ *run, _ int, v int64) int64 { return int64(float32(v)) }), at: []place{
		{"ReduceSum", "int64", typed(tensor.Int64)}, {"MatMul", "int32", typed(tensor.Int32)}, {"CumSum", "int64", typed(tensor.Int64)}, {"Max", "int32", typed(tensor.Int32)}, {"ReduceMax", "int64", typed(tensor.Int64)},
	}},
	{name: "integers through float64", fault: whole(func(_ *run, _ int, v int64) int64 { return int64(float64(v)) }), at: []place{
		{"Mul", "int64", typed(tensor.Int64)}, {"Div", "int64", typed(tensor.Int64)}, {"Clip", "int64", typed(tensor.Int64)}, {"Slice", "int64", typed(tensor.Int64)}, {"Abs", "int64", typed(tensor.Int64)},
	}},
	{name: "overflow saturates", fault: changed(saturate), at: []place{
		{"Add", "int8", typed(tensor.Int8)}, {"Sub", "uint8", typed(tensor.Uint8)}, {"Mul", "int32", typed(tensor.Int32)}, {"Add", "uint32", typed(tensor.Uint32)}, {"Sub", "int16", typed(tensor.Int16)},
	}},
	{name: "unsigned taken as signed", fault: recomputed(func(_ *run, n *graph.Node, in []tensor.Value) {
		for i, v := range in {
			if t, ok := v.(*tensor.Tensor); ok {
				in[i] = signed(t)
			}
		}
	}), at: []place{
		{"Greater", "uint64", typed(tensor.Uint64)}, {"Greater", "uint8", typed(tensor.Uint8)}, {"LessOrEqual", "uint32", typed(tensor.Uint32)}, {"Less", "uint16", typed(tensor.Uint16)}, {"Cast", "uint64", typed(tensor.Uint64)},
	}},
	{name: "unsigned compared as signed", fault: changed(func(r *run, t *tensor.Tensor) {
		if a, b := r.in(0), r.in(1); b != nil && a.Shape().Equal(b.Shape()) {
			for i := range a.Len() {
				first := signed(a).Int64s()[i] > signed(b).Int64s()[i]
				copy(element(t, i), element(map[bool]*tensor.Tensor{true: a, false: b}[first == (r.node.Op == "Max")], i))
			}
		}
	}), at: []place{{"Max", "uint64", typed(tensor.Uint64)}, {"Min", "uint64", typed(tensor.Uint64)}, {"Max", "uint8", typed(tensor.Uint8)}, {"Min", "uint32", typed(tensor.Uint32)}}},
	{name: "denormals become 0", fault: mapped(func(r *run, _ int, v float64) float64 {
		least := map[tensor.DType]float64{tensor.Float16: 0x1p-14, tensor.Float32: 0x1p-126, tensor.BFloat16: 0x1p-126, tensor.Float64: 0x1p-1022}[r.out(0).DType()]
		if math.Abs(v) < least {
			return 0
		}
		return v
	}), at: []place{
		{"Add", "float32", typed(tensor.Float32)}, {"Mul", "float16", typed(tensor.Float16)}, {"MatMul", "float32", typed(tensor.Float32)}, {"ReduceSum", "float32", typed(tensor.Float32)}, {"Slice", "float32", typed(tensor.Float32)},
	}},
	{name: "-0 becomes 0", fault: mapped(func(_ *run, _ int, v float64) float64 { return v + 0 }), at: []place{
		{"Neg", "float32", typed(tensor.Float32)}, {"Transpose", "float32", typed(tensor.Float32)}, {"Concat", "float16", typed(tensor.Float16)}, {"Gather", "float32", typed(tensor.Float32)}, {"Pad", "float64", typed(tensor.Float64)},
	}},
	{name: "wrong at 0", fault: changed(func(r *run, t *tensor.Tensor) {
		for i, v := range r.in(0).Float64s() {
			if v == 0 && i < t.Len() {
				element(t, i)[0] ^= 1
				element(t, i)[len(element(t, i))-1] ^= 2
			}
		}
	}), at: []place{
		{"Sign", "float32", typed(tensor.Float32)}, {"Log", "float32", typed(tensor.Float32)}, {"Abs", "float64", typed(tensor.Float64)}, {"Softsign", "float32", typed(tensor.Float32)}, {"Cast", "to bool", casting(tensor.Bool)},
	}},
	{name: "eleven bits of precision", fault: mapped(coarse(11)), at: []place{
		{"MatMul", "float32", typed(tensor.Float32)}, {"Conv", "float32", typed(tensor.Float32)}, {"Gemm", "float32", typed(tensor.Float32)}, {"Softmax", "float32", typed(tensor.Float32)}, {"ReduceMean", "float32", typed(tensor.Float32)},
	}},
	{name: "fast and imprecise", fault: mapped(coarse(18)), at: []place{
		{"Exp", "float32", typed(tensor.Float32)}, {"Tanh", "float32", typed(tensor.Float32)}, {"Erf", "float64", typed(tensor.Float64)}, {"Sigmoid", "rank 4", both(typed(tensor.Float32), ranked(4))}, {"Gelu", "float32", typed(tensor.Float32)},
	}},
	{name: "float64 computed in float32", fault: mapped(func(_ *run, _ int, v float64) float64 { return float64(float32(v)) }), at: []place{
		{"MatMul", "float64", typed(tensor.Float64)}, {"Sin", "float64", typed(tensor.Float64)}, {"ReduceSum", "float64", typed(tensor.Float64)}, {"Conv", "float64", typed(tensor.Float64)}, {"Softmax", "float64", typed(tensor.Float64)},
	}},
	{name: "wrong for negative operands", fault: changed(func(r *run, t *tensor.Tensor) {
		for i, v := range r.in(0).Float64s() {
			if v < -2 && i < t.Len() {
				element(t, i)[0] ^= 0x80
				element(t, i)[len(element(t, i))-1] ^= 1
			}
		}
	}), at: []place{
		{"Elu", "float32", typed(tensor.Float32)}, {"Floor", "float16", typed(tensor.Float16)}, {"Erf", "rank 3", both(typed(tensor.Float32), ranked(3))}, {"Round", "float32", typed(tensor.Float32)}, {"LeakyRelu", "float32", typed(tensor.Float32)},
	}},
	{name: "division rounds down", fault: changed(func(r *run, t *tensor.Tensor) {
		a, b := r.in(0).Int64s(), r.in(1).Int64s()
		v := t.Int64s()
		for i := range v {
			if len(a) == len(v) && len(b) == len(v) && b[i] != 0 && a[i]%b[i] != 0 && (a[i] < 0) != (b[i] < 0) {
				v[i] = a[i]/b[i] - 1
			}
		}
		copy(t.Bytes(), tensor.FromInt64s(t.DType(), t.Shape(), v).Bytes())
	}), at: []place{{"Div", "int32", typed(tensor.Int32)}, {"Div", "int64", typed(tensor.Int64)}, {"Div", "int8", typed(tensor.Int8)}}},
	{name: "remainder with the other sign", fault: whole(func(r *run, i int, v int64) int64 {
		if b := r.in(1).Int64s(); v != 0 && len(b) == r.in(0).Len() && i < len(b) {
			return v - b[i]*map[bool]int64{true: 1, false: -1}[(v < 0) == (b[i] < 0)]
		}
		return v
	}), at: []place{{"Mod", "int32", typed(tensor.Int32)}, {"Mod", "int64", typed(tensor.Int64)}, {"Mod", "int8", typed(tensor.Int8)}}},
	{name: "bits at random", fault: changed(func(r *run, t *tensor.Tensor) {
		if rand.IntN(3) == 0 {
			bump(t, rand.IntN(t.Len()), 1)
		}
	}), at: []place{
		{"ReduceSum", "float32", typed(tensor.Float32)}, {"MatMul", "float32", typed(tensor.Float32)}, {"Softmax", "rank 4", both(typed(tensor.Float32), ranked(4))}, {"Exp", "float32", typed(tensor.Float32)}, {"LayerNormalization", "float32", typed(tensor.Float32)},
	}},
	{name: "true is 255", fault: changed(func(_ *run, t *tensor.Tensor) {
		for i, b := range t.Bytes() {
			if b == 1 {
				t.Bytes()[i] = 0xFF
			}
		}
	}), at: everywhere("Greater", "And", "Not", "Equal", "IsNaN")},
	{name: "nibbles swapped", fault: changed(func(_ *run, t *tensor.Tensor) {
		if t.DType().Bits() == 4 {
			for i, b := range t.Bytes() {
				t.Bytes()[i] = b<<4 | b>>4
			}
		}
	}), at: everywhere("Cast", "QuantizeLinear", "Transpose", "Pad")},
	{name: "first of equals", fault: recomputed(func(_ *run, n *graph.Node, _ []tensor.Value) {
		n.Set(graph.A("select_last_index", 1-n.Int("select_last_index", 0)))
	}), at: []place{{"ArgMax", "rank 4", ranked(4)}, {"ArgMin", "int32", typed(tensor.Int32)}, {"ArgMax", "float16", typed(tensor.Float16)}}},
	{name: "least bit", fault: changed(func(_ *run, t *tensor.Tensor) { t.Bytes()[0] ^= 1 }), at: []place{
		{"Gather", "uint8", typed(tensor.Uint8)}, {"BitwiseXor", "int16", typed(tensor.Int16)}, {"Tile", "rank 3", ranked(3)}, {"DepthToSpace", "float32", typed(tensor.Float32)}, {"Split", "int32", typed(tensor.Int32)},
	}},
}

// orZero makes NaN 0.
func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// casting are conversions to a type.
func casting(d tensor.DType) func(*run) bool {
	return func(r *run) bool { return tensor.DType(r.node.Int("to", 0)) == d }
}

// scaled multiplies the elements of a float tensor.
func scaled(v tensor.Value, by float64) tensor.Value {
	t, ok := v.(*tensor.Tensor)
	if !ok || !t.DType().IsFloat() {
		return v
	}
	x := t.Float64s()
	for i := range x {
		x[i] *= by
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), x)
}

// signed returns a tensor of unsigned integers with its bits taken as signed
// ones.
func signed(t *tensor.Tensor) *tensor.Tensor {
	to := map[tensor.DType]tensor.DType{tensor.Uint8: tensor.Int8, tensor.Uint16: tensor.Int16, tensor.Uint32: tensor.Int32, tensor.Uint64: tensor.Int64}
	d, ok := to[t.DType()]
	if !ok {
		return t
	}
	out, err := tensor.FromBytes(d, t.Shape(), slices.Clone(t.Bytes()))
	if err != nil {
		return t
	}
	return out
}

// coarse rounds to so many bits of precision.
func coarse(bits int) func(*run, int, float64) float64 {
	return func(_ *run, _ int, v float64) float64 {
		fraction, exp := math.Frexp(v)
		return math.Ldexp(math.Round(math.Ldexp(fraction, bits)), exp-bits)
	}
}

// saturate replaces sums, differences and products that have wrapped around by
// the nearest number of the type.
func saturate(r *run, t *tensor.Tensor) {
	a, b, v := r.in(0).Int64s(), r.in(1).Int64s(), t.Int64s()
	if len(a) != len(v) || len(b) != len(v) {
		return
	}
	bits := t.DType().Bits()
	least, most := -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)-1
	if t.DType().IsUnsigned() {
		least, most = 0, math.Ldexp(1, bits)-1
	}
	for i := range v {
		x, y := float64(a[i]), float64(b[i])
		exact := map[string]float64{"Add": x + y, "Sub": x - y, "Mul": x * y}[r.node.Op]
		v[i] = int64(math.Min(math.Max(exact, least), most))
	}
	copy(t.Bytes(), tensor.FromInt64s(t.DType(), t.Shape(), v).Bytes())
}
