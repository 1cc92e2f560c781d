package cell

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"example.com/midplane/adapter/tensor"
)

// elementwise holds operators that map every element by itself.
var elementwise = family{
	"Abs":         each(-3, 3, everyValue),
	"Neg":         each(-3, 3, everyValue),
	"Sign":        each(-1.5, 1.5, selected),
	"Ceil":        each(-3, 3, everyValue),
	"Floor":       each(-3, 3, everyValue),
	"Round":       {shapes: anyRank, values: everyValue, draw: round},
	"Reciprocal":  each(0.25, 4, everyValue),
	"Sqrt":        each(0, 9, everyValue),
	"Exp":         each(-3, 3, everyValue),
	"Log":         each(0.01, 9, everyValue),
	"Erf":         each(-3, 3, everyValue),
	"Sin":         each(-7, 7, bounded),
	"Cos":         each(-7, 7, bounded),
	"Tan":         each(-1.5, 1.5, bounded),
	"Asin":        each(-1, 1, bounded),
	"Acos":        each(-1, 1, bounded),
	"Atan":        each(-4, 4, everyValue),
	"Sinh":        each(-3, 3, everyValue),
	"Cosh":        each(-3, 3, everyValue),
	"Tanh":        each(-3, 3, everyValue),
	"Asinh":       each(-9, 9, bounded),
	"Acosh":       each(1, 9, bounded),
	"Atanh":       each(-0.95, 0.95, bounded),
	"Not":         each(0, 1, nil),
	"BitwiseNot":  each(-100, 100, everyValue),
	"IsNaN":       each(-3, 3, everyValue),
	"IsInf":       {classes: classes("positive", "negative"), shapes: anyRank, values: everyValue, draw: isInf},
	"Sigmoid":     each(-6, 6, everyValue),
	"Relu":        each(-3, 3, selected),
	"Softplus":    each(-6, 6, []Values{Infinite, NaN, Subnormal}),
	"Softsign":    each(-6, 6, []Values{Extreme, NaN, Subnormal}),
	"HardSwish":   each(-6, 6, []Values{NaN, Subnormal}),
	"Mish":        each(-6, 6, []Values{NaN, Subnormal}),
	"Gelu":        variants("approximate", -5, 5, []Values{NaN, Subnormal}, map[string]any{"tanh": "tanh"}),
	"Swish":       variants("alpha", -6, 6, []Values{NaN, Subnormal}, map[string]any{"alpha": 1.75}),
	"LeakyRelu":   variants("alpha", -3, 3, everyValue, map[string]any{"alpha": 0.25}),
	"Elu":         variants("alpha", -3, 3, everyValue, map[string]any{"alpha": 1.75}),
	"Celu":        variants("alpha", -3, 3, everyValue, map[string]any{"alpha": 1.75}),
	"Selu":        variants("", -3, 3, everyValue, map[string]any{"alpha": 1.25, "gamma": 2.5}),
	"HardSigmoid": variants("", -6, 6, []Values{Infinite, NaN, Subnormal}, map[string]any{"alpha": 0.375, "beta": 0.25}),
	"Shrink":      variants("", -3, 3, []Values{Extreme, Infinite, Subnormal}, map[string]any{"bias": 0.75, "lambd": 1.25}),

	"ThresholdedRelu": variants("alpha", -3, 3, selected, map[string]any{"alpha": 0.5}),

	"PRelu": {shapes: pairwise, values: everyValue, draw: prelu},
	"Clip":  {classes: classes("min", "max", "both"), shapes: anyRank, values: selected, draw: clip},

	"Cast":     {classes: casts, shapes: []Shape{Rank2, Dynamic}, values: everyValue, draw: cast},
	"CastLike": {classes: casts, shapes: []Shape{Rank2, Dynamic}, values: everyValue, draw: cast},
	"BitCast":  {classes: casts, shapes: []Shape{Rank2, Empty}, draw: bitCast},
}

// bounded are special values for functions that no implementation computes at
// the ends of the range without care that nobody needs.
var bounded = []Values{Infinite, NaN, Subnormal}

// selected are special values for operators that choose between elements: what
// they do with NaN the specification leaves open.
var selected = []Values{Extreme, Infinite, ChosenNaN, Subnormal}

// each is an operator without attributes on data from a range.
func each(low, high float64, values []Values) recipe {
	return recipe{shapes: anyRank, values: values, draw: func(d *draft) {
		d.in(d.shape(2), data, between(low, high))
	}}
}

// variants is an operator on data from a range that has an attribute class for
// each of some attributes, named after it, or after its value where that is text.
func variants(_ string, low, high float64, values []Values, attributes map[string]any) recipe {
	names := slices.Sorted(maps.Keys(attributes))
	return recipe{classes: classes(names...), shapes: anyRank, values: values, draw: func(d *draft) {
		d.in(d.shape(2), data, between(low, high))
		switch v := attributes[d.Attributes].(type) {
		case float64:
			d.float(d.Attributes, v)
		case string:
			d.text("approximate", v)
		}
	}}
}

// round has many ties among its data.
func round(d *draft) {
	d.in(d.shape(2), data, func(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]float64, s.Size())
		for i := range v {
			v[i] = float64(r.IntN(17)-8) / 2
			if r.IntN(4) == 0 {
				v[i] += r.Float64()/2 - 0.25
			}
		}
		return tensor.FromFloat64s(t, s, v)
	})
}

func isInf(d *draft) {
	d.data(d.shape(2))
	switch d.Attributes {
	case "positive":
		d.int("detect_negative", 0)
	case "negative":
		d.int("detect_positive", 0)
	}
}

// prelu has one slope per element, or where it broadcasts, per channel.
func prelu(d *draft) {
	if d.Cell.Shape != Broadcast {
		s := d.shape(2)
		d.data(s)
		if d.Version < 7 { // one slope, or one per channel
			d.only(len(s) > 0)
			d.weight(tensor.Shape{1})
			return
		}
		d.weight(s)
		return
	}
	channels := 2 + d.IntN(3)
	d.data(tensor.Shape{2, channels, d.extent(), d.extent()})
	if d.Version < 7 {
		d.weight(tensor.Shape{channels})
		return
	}
	d.weight(tensor.Shape{channels, 1, 1})
}

// clip leaves infinities open where a bound is absent: the text names the type's
// greatest number as its default, the function's body leaves them.
func clip(d *draft) {
	d.data(d.shape(2))
	if !d.is("both") {
		d.open = []Values{Infinite}
	}
	low, high := -1.0, 1.5
	if d.DType.IsUnsigned() {
		low = 1
	}
	if d.DType.IsInteger() {
		high = 2
	}
	if d.is("min", "both") {
		d.scalar("min", low)
	}
	if d.is("max", "both") {
		d.scalar("max", high)
	}
}

// casts are the classes of conversions: one per element type, and for those of
// eight bits, without saturation too.
var casts = castClasses()

func castClasses() []string {
	var names []string
	for t := tensor.Float32; t.Valid(); t++ {
		if !t.IsComplex() {
			names = append(names, "to-"+t.String())
		}
		if strings.HasPrefix(t.String(), "float8") {
			names = append(names, "to-"+t.String()+"-unsaturated")
		}
	}
	return names
}

// cast draws data that the target type can hold, but where it is a float.
func cast(d *draft) {
	name, unsaturated := strings.CutSuffix(strings.TrimPrefix(d.Attributes, "to-"), "-unsaturated")
	to, _ := tensor.ParseDType(name)
	if unsaturated {
		d.int("saturate", 0)
		d.only(d.DType.IsFloat() && d.DType.Bits() > 8 && to != tensor.Float8E8M0)
	}
	s := d.shape(2)
	convertible(d, s, to)
	if d.Operator == "CastLike" {
		d.in(tensor.Shape{1}, plain, between(0, 1), to)
		return
	}
	if d.Version < 6 {
		d.text("to", strings.ToUpper(to.ONNXName()))
	} else {
		d.int("to", int(to))
	}
	d.only(d.produces(0, to))
}

// convertible adds an operand whose elements can be converted.
func convertible(d *draft, s tensor.Shape, to tensor.DType) {
	switch {
	case d.DType == tensor.String:
		d.only(to != tensor.String && to != tensor.Bool && to.Bits() > 8)
		d.in(s, plain, numerals(to))
	case to == tensor.String:
		d.in(s, plain, between(-50, 50)).also = rounded
	case to.IsFloat() && to.Bits() > 8 && to.Bits() < d.DType.Bits() && d.DType.IsFloat():
		d.in(s, data, ties(to, -3, 3))
	case to.IsFloat() && to.Bits() > 8 && d.DType.IsFloat():
		d.data(s)
	case to == tensor.Float8E8M0: // which has no sign
		d.in(s, plain, between(0.25, 8))
	case to.IsFloat() && to.Bits() <= 8:
		d.in(s, plain, ties(to, -8, 8)).also = beyondNarrow
	case to == tensor.Bool && d.DType.IsFloat():
		d.in(s, data, among(0, 0, 1, -1, 0.25, -0.75, 100))
	case to == tensor.Bool:
		d.in(s, data, among(0, 0, 1, 2, 64))
	case to.IsFloat() && to.Bits() >= 32 && d.DType.IsInteger():
		d.in(s, data, between(-100, 100))
	case to.IsInteger() && to.Bits() >= 8 && d.DType.IsInteger():
		d.in(s, data, between(-300, 300)) // high bits are discarded
	case to.IsInteger() && to.Bits() < 8 && d.DType.IsFloat(): // whether fractions are cut or rounded is open
		least, most := integers(to, -100, 100)
		d.in(s, plain, between(float64(least), float64(most))).also = cutOff
		d.only(d.DType != tensor.Float8E8M0 || to.IsUnsigned())
	case to.IsInteger() && d.DType.IsFloat():
		least, most := integers(to, -100, 100)
		d.in(s, plain, between(float64(least)-0.75, float64(most)+0.75))
		d.only(d.DType != tensor.Float8E8M0 || to.IsUnsigned())
	case to.IsInteger():
		least, most := integers(to, -100, 100)
		d.in(s, plain, between(float64(least), float64(most)))
	default:
		d.in(s, plain, between(-100, 100))
	}
}

// ties draws numbers from a range, half of them in the middle between two numbers
// of a type.
func ties(to tensor.DType, low, high float64) fill {
	bits := map[tensor.DType]int{tensor.Float32: 24, tensor.Float16: 11, tensor.BFloat16: 8, tensor.Float8E4M3FN: 4, tensor.Float8E4M3FNUZ: 4, tensor.Float8E5M2: 3, tensor.Float8E5M2FNUZ: 3, tensor.Float4E2M1: 2}[to]
	return func(r *rand.Rand, d tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]float64, s.Size())
		for i := range v {
			v[i] = low + r.Float64()*(high-low)
			if r.IntN(2) == 0 {
				odd := int64(1)<<bits + 2*r.Int64N(1<<(bits-1)) + 1
				v[i] = math.Copysign(math.Ldexp(float64(odd), r.IntN(2)-bits), v[i])
			}
		}
		return tensor.FromFloat64s(d, s, v)
	}
}

// beyondNarrow makes some elements numbers beyond the reach of types of eight
// bits, those that the type has.
func beyondNarrow(t *tensor.Tensor) *tensor.Tensor {
	if t.DType().Bits() <= 8 {
		return t
	}
	v := t.Float64s()
	far := []float64{300, -480, 500, -1000, 60000, -65000}
	for i := 2; i < len(v); i += 4 {
		v[i] = far[i/4%len(far)]
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

// cutOff makes floats whole, of types that have whole numbers.
func cutOff(t *tensor.Tensor) *tensor.Tensor {
	v := t.Float64s()
	for i := range v {
		if t.DType() == tensor.Float8E8M0 {
			v[i] = 1
		}
		v[i] = math.Trunc(v[i])
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

// rounded makes floats halves, which every way of printing prints alike.
func rounded(t *tensor.Tensor) *tensor.Tensor {
	if !t.DType().IsFloat() || t.DType().Bits() <= 8 {
		return t
	}
	v := t.Float64s()
	for i := range v {
		v[i] = float64(int(v[i]*2)) / 2
	}
	return tensor.FromFloat64s(t.DType(), t.Shape(), v)
}

// numerals are strings that spell numbers of a type.
func numerals(to tensor.DType) fill {
	return func(r *rand.Rand, _ tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]string, s.Size())
		for i := range v {
			v[i] = strconv.Itoa(r.IntN(100))
			if to.IsFloat() {
				v[i] = []string{"-1.5", "2.5e2", "0.25", "1e-2", "-8"}[r.IntN(5)]
			}
		}
		return tensor.Of(v, s...)
	}
}

// produces reports whether the schema gives tensors of a type as an output.
func (d *draft) produces(output int, t tensor.DType) bool {
	for _, s := range elementTypes(d.schema.Allowed(d.schema.Outputs[output].Type)) {
		if s == t {
			return true
		}
	}
	return false
}

func bitCast(d *draft) {
	to, _ := tensor.ParseDType(strings.TrimPrefix(d.Attributes, "to-"))
	d.only(to != d.DType && to.Bits() == d.DType.Bits() && d.produces(0, to))
	least, most := -100.0, 100.0
	d.in(d.shape(2), plain, between(least, most))
	d.int("to", int(to))
}
