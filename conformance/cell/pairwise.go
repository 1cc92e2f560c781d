package cell

import (
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
)

// pairs holds operators on elements of several tensors that are broadcast
// against each other.
var pairs = family{
	"Add": two(nil, everyValue, between(-3, 3)),
	"Sub": two(nil, everyValue, between(-3, 3)),
	"Mul": two(nil, everyValue, between(-3, 3)),
	"Div": two(nil, everyValue, among(1, 2, 3, 5, 7, 0.5, 1.5, 2.25, 0.75)),
	"Mod": {classes: classes("fmod"), shapes: pairwise, values: []Values{Extreme}, draw: mod},
	"Pow": {classes: classes("integer-exponent", "float-exponent", "negative-base"), shapes: pairwise, draw: pow},

	"And":        two(nil, nil, between(0, 1)),
	"Or":         two(nil, nil, between(0, 1)),
	"Xor":        two(nil, nil, between(0, 1)),
	"BitwiseAnd": two(nil, everyValue, between(-100, 100)),
	"BitwiseOr":  two(nil, everyValue, between(-100, 100)),
	"BitwiseXor": two(nil, everyValue, between(-100, 100)),
	"BitShift":   {classes: []string{"left", "right"}, shapes: pairwise, values: everyValue, draw: bitShift},

	"Equal":          two(among(-1, 0, 1, 2), everyValue, among(-1, 0, 1, 2)),
	"Greater":        two(among(-1, 0, 1, 2), everyValue, among(-1, 0, 1, 2)),
	"Less":           two(among(-1, 0, 1, 2), everyValue, among(-1, 0, 1, 2)),
	"GreaterOrEqual": two(among(-1, 0, 1, 2), everyValue, among(-1, 0, 1, 2)),
	"LessOrEqual":    two(among(-1, 0, 1, 2), everyValue, among(-1, 0, 1, 2)),

	"Max":  {classes: classes("one", "three"), shapes: pairwise, values: selected, draw: several},
	"Min":  {classes: classes("one", "three"), shapes: pairwise, values: selected, draw: several},
	"Sum":  {classes: classes("one", "three"), shapes: pairwise, values: summed, draw: several},
	"Mean": {classes: classes("one", "three"), shapes: pairwise, values: summed, draw: several},

	"Where":  {classes: classes("scalar-condition"), shapes: pairwise, values: everyValue, typed: "T", draw: where},
	"SwiGLU": {classes: classes("alpha"), shapes: anyRank, draw: swiglu},
}

// two is a binary operator without attributes. The second operand stays as it is
// filled where it must not be special: a nil first means that both have the
// fill of the second.
func two(first fill, values []Values, second fill) recipe {
	return recipe{
		classes: classes("scalar-operand", "trailing", "constant-operand"),
		shapes:  pairwise,
		values:  values,
		draw: func(d *draft) {
			a, b := d.operandShapes()
			f := first
			if f == nil {
				f = between(-3, 3)
				if d.DType == tensor.Bool || d.schema.Name[:3] == "Bit" {
					f = second
				}
			}
			if d.DType == tensor.String {
				f, second = between(0, 1), between(0, 1)
			}
			d.in(a, data, f)
			o := d.in(b, data, second)
			if d.Operator == "Div" && d.DType.IsInteger() {
				o.role, o.fill = plain, among(1, 2, 3, 5, 7)
				if !d.DType.IsUnsigned() { // by -1 the least number overflows
					o.fill = among(1, 2, 3, 5, 7, -2, -3, -7)
				}
			}
			if d.is("constant-operand") {
				o.role = weight
			}
		},
	}
}

// operandShapes returns the shapes of two operands. Before version 7 the second
// is broadcast only where an attribute says so, to a part of the first.
func (d *draft) operandShapes() (a, b tensor.Shape) {
	if d.Cell.Shape == Broadcast {
		d.only(d.is("default"))
		if d.Version < 7 {
			d.flag("broadcast")
			d.int("axis", 1)
			a = tensor.Shape{2, 3, 4, 5}
			return a, tensor.Shape{3, 4}
		}
		return tensor.Shape{2, 1, d.extent() + 1, 1}, tensor.Shape{3, 1, 1 + d.IntN(5)}
	}
	a = d.shape(2)
	switch d.Attributes {
	case "scalar-operand":
		b = tensor.Shape{}
	case "trailing":
		d.only(d.rank(2) > 1)
		b = a[min(1, len(a)):]
	default:
		return a, a
	}
	if d.Version < 7 {
		d.flag("broadcast")
	}
	return a, b
}

// mod has operands of both signs. Floats have the remainder of C's fmod only.
func mod(d *draft) {
	a, b := d.operandPair()
	d.only(d.is("fmod") || !d.DType.IsFloat())
	d.in(a, plain, between(-9, 9))
	d.in(b, plain, among(1, 2, 3, -3, 5, -5, -2))
	if d.is("fmod") {
		d.flag("fmod")
	}
	if d.DType.IsInteger() {
		d.operands[0].role = data
	}
}

// operandPair is operandShapes for operators whose classes say nothing of shapes.
func (d *draft) operandPair() (a, b tensor.Shape) {
	if d.Cell.Shape != Broadcast {
		a = d.shape(2)
		return a, a
	}
	if d.Version < 7 {
		d.flag("broadcast")
		return tensor.Shape{2, 3, 4}, tensor.Shape{3, 4}
	}
	return tensor.Shape{2, 1, d.extent() + 1, 1}, tensor.Shape{3, 1, 1 + d.IntN(5)}
}

func pow(d *draft) {
	a, b := d.operandPair()
	base, exponent := between(0.2, 3), between(-2, 3)
	if d.DType.IsInteger() {
		base, exponent = between(-3, 3), between(0, 4)
	}
	as := []tensor.DType{d.DType}
	switch d.Attributes {
	case "integer-exponent":
		d.only(d.Version >= 12 && d.DType.IsFloat())
		as, exponent = []tensor.DType{tensor.Int64}, between(-2, 3)
	case "float-exponent":
		d.only(d.Version >= 12 && d.DType.IsInteger())
		as, exponent = []tensor.DType{tensor.Float32}, among(0, 1, 2, 3)
	case "negative-base":
		d.only(d.DType.IsFloat())
		base, exponent = between(-3, -0.2), among(-2, -1, 0, 1, 2, 3)
	}
	d.in(a, plain, base)
	d.in(b, plain, exponent, as...)
}

func bitShift(d *draft) {
	a, b := d.operandPair()
	d.in(a, data, between(0, 200))
	d.real(b, 0, float64(d.DType.Bits()-1))
	d.text("direction", map[string]string{"left": "LEFT", "right": "RIGHT"}[d.Attributes])
}

// several operands, of which all but the first may broadcast since version 8.
func several(d *draft) {
	n := map[string]int{"default": 2, "one": 1, "three": 3}[d.Attributes]
	s := d.shape(2)
	shapes := []tensor.Shape{s, s, s}
	if d.Cell.Shape == Broadcast {
		d.only(d.Version >= 8 && n > 1)
		shapes = []tensor.Shape{{3, 1, 4}, {2, 1}, {4}}
	}
	for i := range n {
		d.data(shapes[i])
	}
}

func where(d *draft) {
	s := d.shape(2)
	shapes := []tensor.Shape{s, s, s}
	if d.Cell.Shape == Broadcast {
		shapes = []tensor.Shape{{2, 1, 4}, {3, 1}, {2, 3, 1}}
	}
	if d.is("scalar-condition") {
		shapes[0] = tensor.Shape{}
	}
	d.real(shapes[0], 0, 1)
	d.data(shapes[1])
	d.data(shapes[2])
}

func swiglu(d *draft) {
	s := d.shape(2)
	d.data(s)
	d.data(s)
	if d.is("alpha") {
		d.float("alpha", 1.75)
	}
}

// distinct draws numbers that differ from each other, in random order, as far as
// the type tells them apart.
func distinct(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
	v := make([]float64, s.Size())
	for i, k := range r.Perm(len(v)) {
		v[i] = float64(k)/4 - float64(len(v)/8)
	}
	return tensor.FromFloat64s(t, s, v)
}
