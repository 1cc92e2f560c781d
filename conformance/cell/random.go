package cell

import "example.com/midplane/adapter/tensor"

// randoms holds operators that draw random numbers, which are judged by their
// distribution, and constants.
var randoms = family{
	"RandomNormal":      {classes: classes("parameters"), shapes: []Shape{Large}, typed: "T", draw: randomTensor("mean", "scale")},
	"RandomUniform":     {classes: classes("parameters"), shapes: []Shape{Large}, typed: "T", draw: randomTensor("low", "high")},
	"RandomNormalLike":  {classes: classes("parameters"), shapes: []Shape{Large}, draw: randomTensor("mean", "scale")},
	"RandomUniformLike": {classes: classes("parameters"), shapes: []Shape{Large}, draw: randomTensor("low", "high")},
	"Bernoulli":         {classes: classes("to-int32"), shapes: []Shape{Large}, draw: bernoulli},
	"Multinomial":       {classes: classes("to-int64"), shapes: []Shape{Large}, draw: multinomial},

	"Constant": {
		classes: []string{"value", "value-float", "value-floats", "value-int", "value-ints", "value-string", "value-strings", "sparse-value"},
		shapes:  []Shape{Rank2, Scalar, Empty}, typed: "T", draw: constant,
	},
	"ConstantOfShape": {classes: classes("value"), shapes: []Shape{Rank2, Scalar, Rank3, Empty, Large}, typed: "T2", draw: constantOfShape},
	"Range":           {classes: classes("downwards", "empty", "fractional"), shapes: []Shape{Rank1, Large}, draw: rangeOp},
	"EyeLike":         {classes: classes("above", "below", "to-float64"), shapes: []Shape{Rank2, Empty, Dynamic, Large}, draw: eyeLike},
}

// many is how many numbers are drawn at random: enough to tell distributions.
const many = 1 << 13

func randomTensor(first, second string) func(d *draft) {
	return func(d *draft) {
		s := tensor.Shape{64, many / 64}
		if d.hasAttribute("shape") {
			d.ints("shape", s...)
			d.int("dtype", int(d.DType))
		} else {
			d.in(s, plain, between(0, 1))
			if !d.produces(0, d.DType) {
				d.int("dtype", int(tensor.Float32))
			}
		}
		if d.is("parameters") {
			d.float(first, 2)
			d.float(second, 5)
		}
	}
}

func bernoulli(d *draft) {
	d.in(tensor.Shape{64, many / 64}, plain, exactly(0.25))
	d.outputType("dtype")
}

func multinomial(d *draft) {
	d.in(tensor.Shape{2, 3}, plain, exactly(0, 0.6875, 1.390625)) // logarithms of about 1, 2, 4
	d.int("sample_size", many)
	if d.is("to-int64") {
		d.int("dtype", int(tensor.Int64))
	}
}

func constant(d *draft) {
	s := d.shape(2)
	only := func(t tensor.DType, shape Shape) { d.only(d.DType == t && d.Cell.Shape == shape) }
	switch d.Attributes {
	case "value", "sparse-value":
		f := between(-3, 3)
		if d.is("sparse-value") {
			f = among(0, 0, 1, 2)
			d.only(d.Cell.Shape == Rank2 && d.DType.IsFloat() && d.DType.Bits() >= 32)
			attr(d, "sparse_value", f(d.Rand, d.DType, tensor.Shape{s.Size()}))
			return
		}
		attr(d, "value", f(d.Rand, d.DType, s))
	case "value-float":
		only(tensor.Float32, Scalar)
		d.float("value_float", 1.75)
	case "value-floats":
		only(tensor.Float32, Rank2)
		attr(d, "value_floats", []float32{1.5, -2, 0.25})
	case "value-int":
		only(tensor.Int64, Scalar)
		d.int("value_int", -7)
	case "value-ints":
		only(tensor.Int64, Rank2)
		d.ints("value_ints", 3, -1, 4)
	case "value-string":
		only(tensor.String, Scalar)
		d.text("value_string", "midplane")
	case "value-strings":
		only(tensor.String, Rank2)
		attr(d, "value_strings", []string{"a", "", "über"})
	}
}

func constantOfShape(d *draft) {
	s := d.shape(2)
	d.in(tensor.Shape{len(s)}, weight, exactly(append(floatsOf(s), 0)...))
	if d.is("value") {
		attr(d, "value", between(1, 3)(d.Rand, d.DType, tensor.Shape{1}))
		return
	}
	d.only(d.DType == tensor.Float32)
}

func rangeOp(d *draft) {
	start, count, step := float64(d.IntN(5)), float64(4+d.IntN(5)), 2.0
	if d.Cell.Shape == Large {
		count = 1000
	}
	switch d.Attributes {
	case "downwards":
		d.only(!d.DType.IsUnsigned())
		step = -3
	case "empty":
		count = -1
	case "fractional":
		d.only(d.DType.IsFloat())
		step = 0.25
	}
	if d.DType == tensor.BFloat16 || d.DType == tensor.Float16 {
		count = min(count, 8)
	}
	limit := start + count*step
	for _, v := range []float64{start, limit, step} {
		d.in(tensor.Shape{}, weight, exactly(v))
	}
}

func eyeLike(d *draft) {
	d.in(d.shape(2), plain, between(0, 1))
	switch d.Attributes {
	case "above":
		d.int("k", 1)
	case "below":
		d.int("k", -2)
	}
	d.outputType("dtype")
}
