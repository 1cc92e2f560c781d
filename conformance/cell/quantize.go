package cell

import (
	"strings"

	"example.com/midplane/adapter/tensor"
)

// quantizations holds operators between real and quantised numbers. Scales are
// powers of two, so that every step is exact and rounding is the operator's own.
var quantizations = family{
	"QuantizeLinear":        {classes: append(classes("axis", "block", "without-zero-point", "output-type", "unsaturated", "negative-axis"), quantized...), shapes: []Shape{Rank3, Rank1, Rank2, Rank4, Dynamic, Large}, draw: quantizeLinear},
	"DequantizeLinear":      {classes: classes("axis", "block", "without-zero-point", "negative-axis", "output-type"), shapes: []Shape{Rank3, Rank1, Rank2, Rank4, Dynamic, Large}, draw: dequantizeLinear},
	"DynamicQuantizeLinear": {classes: classes("positive", "negative"), shapes: []Shape{Rank2, Rank1, Rank3, Dynamic, Large}, draw: dynamicQuantize},
	"QLinearMatMul":         {classes: classes("row-scale", "signed-b"), shapes: []Shape{Rank2, Rank3, Dynamic, Large}, draw: qLinearMatMul},
	"QLinearConv":           {classes: append(classes("bias", "group", "channel-scale", "signed-w"), convolved...), shapes: []Shape{Rank4, Rank3, Dynamic, Large}, draw: qLinearConv},
	"MatMulInteger":         {classes: classes("zero-points", "row-zero-point", "other-sign"), shapes: []Shape{Rank2, Rank3, Empty, Dynamic, Large}, values: []Values{Extreme}, draw: matMulInteger},
}

// quantized are the classes of types to quantise to.
var quantized = []string{
	"to-int8", "to-uint16", "to-int16", "to-uint4", "to-int4", "to-uint2", "to-int2",
	"to-float8e4m3fn", "to-float8e4m3fnuz", "to-float8e5m2", "to-float8e5m2fnuz", "to-float4e2m1",
}

// scales draws powers of two, of integer types positive ones.
func scales(d tensor.DType) fill {
	if d.IsInteger() {
		return among(1, 2, 4)
	}
	return among(0.25, 0.5, 1, 2)
}

// granularity sets axis and block of the attribute class and returns the shape
// of the scales.
func (d *draft) granularity(s tensor.Shape) tensor.Shape {
	axis := len(s) - 1
	switch d.Attributes {
	case "axis":
		d.int("axis", axis)
		return tensor.Shape{s[axis]}
	case "negative-axis":
		d.only(d.hasAttribute("axis"))
		d.int("axis", -len(s))
		return tensor.Shape{s[0]}
	case "block":
		d.int("axis", axis)
		d.int("block_size", 2)
		s[axis] = 2 * ((s[axis] + 1) / 2)
		blocks := s.Clone()
		blocks[axis] /= 2
		return blocks
	}
	return tensor.Shape{}
}

func quantizeLinear(d *draft) {
	s := d.shape(3)
	scale := d.granularity(s)
	to := tensor.Uint8
	if name, ok := strings.CutPrefix(d.Attributes, "to-"); ok {
		to, _ = tensor.ParseDType(name)
	}
	if d.is("unsaturated") {
		to = tensor.Float8E4M3FN
		d.int("saturate", 0)
	}
	reach := 200
	if d.is("unsaturated", "to-float8e4m3fn") {
		reach = 4000 // beyond the type's
	}
	d.in(s, plain, quarters(reach))
	d.in(scale, weight, scales(d.tensorType(1, scale).DType))
	switch d.Attributes {
	case "without-zero-point":
	case "output-type":
		d.int("output_dtype", int(tensor.Int8))
	default:
		zero := between(0, 3)
		if to.IsFloat() {
			zero = exactly(0)
		}
		d.in(scale, weight, zero, to)
	}
}

// quarters draws multiples of a quarter up to a magnitude: divided by a power of
// two, many are ties.
func quarters(magnitude int) fill {
	values := make([]float64, 0, 8*magnitude)
	for k := -4 * magnitude; k <= 4*magnitude; k++ {
		values = append(values, float64(k)/4)
	}
	return among(values...)
}

func dequantizeLinear(d *draft) {
	s := d.shape(3)
	scale := d.granularity(s)
	d.in(s, plain, between(-100, 200))
	d.in(scale, weight, among(0.25, 0.5, 1, 2))
	if d.is("output-type") {
		d.int("output_dtype", int(tensor.Float16))
	}
	if d.is("without-zero-point") {
		return
	}
	zero := between(0, 3)
	if d.DType == tensor.Int32 || d.DType.IsFloat() {
		zero = exactly(0)
	}
	d.in(scale, weight, zero)
}

func dynamicQuantize(d *draft) {
	low, high := -3.0, 5.0
	switch d.Attributes {
	case "positive":
		low, high = 1, 7
	case "negative":
		low, high = -6, -0.5
	}
	d.real(d.shape(2), low, high)
	d.result(3)
}

func qLinearMatMul(d *draft) {
	m, k, n := 2+d.IntN(3), 2+d.IntN(4), 2+d.IntN(4)
	if d.Cell.Shape == Large {
		m, k, n = 17, 200, 33
	}
	batch := times(2, max(d.rank(2)-2, 0))
	rows := tensor.Shape{}
	if d.is("row-scale") {
		rows = tensor.Shape{n}
	}
	signed := d.DType
	if d.is("signed-b") {
		d.only(d.DType == tensor.Uint8)
		signed = tensor.Int8
	}
	d.in(concat(batch, m, k), plain, between(-20, 20))
	d.in(tensor.Shape{}, weight, among(0.25, 0.5))
	d.in(tensor.Shape{}, weight, between(0, 3))
	d.in(concat(batch, k, n), weight, between(-20, 20), signed)
	d.in(rows, weight, among(0.25, 0.5))
	d.in(rows, weight, between(0, 3), signed)
	d.in(tensor.Shape{}, weight, among(1, 2, 4))
	d.in(tensor.Shape{}, weight, between(0, 5), d.DType)
}

func qLinearConv(d *draft) {
	w := d.window()
	outputs, weights := d.filters(&w)
	per := tensor.Shape{}
	if d.is("channel-scale") {
		per = tensor.Shape{outputs}
	}
	filter := d.DType
	if d.is("signed-w") {
		d.only(d.DType == tensor.Uint8)
		filter = tensor.Int8
	}
	d.in(concat(w.batch, w.channels, w.space), plain, between(-20, 20))
	d.in(tensor.Shape{}, weight, among(0.25, 0.5))
	d.in(tensor.Shape{}, weight, between(0, 3))
	d.in(weights, weight, between(-20, 20), filter)
	d.in(per, weight, among(0.25, 0.5))
	d.in(per, weight, exactly(2), filter)
	d.in(tensor.Shape{}, weight, among(2, 4, 8))
	d.in(tensor.Shape{}, weight, between(0, 5), d.DType)
	if d.is("bias") {
		d.in(tensor.Shape{outputs}, weight, between(-200, 200))
	}
}

func matMulInteger(d *draft) {
	m, k, n := 2+d.IntN(3), 2+d.IntN(4), 2+d.IntN(4)
	switch d.Cell.Shape {
	case Large:
		m, k, n = 17, 300, 33
	case Empty:
		m = 0
	}
	batch := times(2, max(d.rank(2)-2, 0))
	other := d.DType
	if d.is("other-sign") {
		other = map[tensor.DType]tensor.DType{tensor.Int8: tensor.Uint8, tensor.Uint8: tensor.Int8}[d.DType]
	}
	d.in(concat(batch, m, k), data, between(-100, 200))
	d.in(concat(batch, k, n), weight, between(-100, 200), other)
	switch d.Attributes {
	case "zero-points", "other-sign":
		d.in(tensor.Shape{}, weight, between(1, 100))
		d.in(tensor.Shape{}, weight, between(1, 100), other)
	case "row-zero-point":
		d.only(len(batch) == 0)
		d.in(tensor.Shape{m}, weight, between(1, 100))
		d.in(tensor.Shape{n}, weight, between(1, 100), other)
	}
}
