package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

func init() { maps.Copy(draws, elementwiseDraws) }

var elementwiseDraws = map[string]func(d *dice) *sample{
	"Abs":             anywhere,
	"Acos":            within(-1.2, 1.2),
	"Acosh":           within(0.5, 5),
	"Add":             binary,
	"And":             binary,
	"Asin":            within(-1.2, 1.2),
	"Asinh":           anywhere,
	"Atan":            anywhere,
	"Atanh":           within(-1.2, 1.2),
	"BitwiseAnd":      binary,
	"BitwiseNot":      anywhere,
	"BitwiseOr":       binary,
	"BitwiseXor":      binary,
	"Ceil":            anywhere,
	"Celu":            anywhere,
	"Clip":            clip,
	"Cos":             anywhere,
	"Cosh":            anywhere,
	"Div":             division,
	"Elu":             anywhere,
	"Equal":           binary,
	"Erf":             anywhere,
	"Exp":             anywhere,
	"Floor":           anywhere,
	"Gelu":            gelu,
	"Greater":         binary,
	"GreaterOrEqual":  binary,
	"HardSigmoid":     anywhere,
	"HardSwish":       anywhere,
	"IsInf":           anywhere,
	"IsNaN":           anywhere,
	"LeakyRelu":       anywhere,
	"Less":            binary,
	"LessOrEqual":     binary,
	"Log":             within(-0.5, 8),
	"Max":             variadic,
	"Mean":            variadic,
	"Min":             variadic,
	"Mish":            anywhere,
	"Mod":             modulo,
	"Mul":             binary,
	"Neg":             anywhere,
	"Not":             anywhere,
	"Or":              binary,
	"PRelu":           slope,
	"Pow":             power,
	"Reciprocal":      anywhere,
	"Relu":            anywhere,
	"Round":           anywhere,
	"Selu":            anywhere,
	"Shrink":          anywhere,
	"Sigmoid":         anywhere,
	"Sign":            anywhere,
	"Sin":             anywhere,
	"Sinh":            anywhere,
	"Softplus":        anywhere,
	"Softsign":        anywhere,
	"Sqrt":            within(-0.5, 8),
	"Sub":             binary,
	"Sum":             variadic,
	"Swish":           anywhere,
	"Tan":             within(-1.4, 1.4),
	"Tanh":            anywhere,
	"ThresholdedRelu": anywhere,
	"Where":           where,
	"Xor":             binary,
	"BitShift":        shift,
}

// anywhere draws a node with one input of any values.
func anywhere(d *dice) *sample {
	return d.scalars(d.node(d.wild(d.input(0), d.shape(d.rank(0)))))
}

// within draws nodes with one input, mostly of values from [low, high).
func within(low, high float64) func(d *dice) *sample {
	return func(d *dice) *sample {
		if d.one(4) {
			return anywhere(d)
		}
		return d.scalars(d.node(d.tensor(d.input(0), d.shape(d.rank(0)), low, high)))
	}
}

// scalars sets some of the attributes that are numbers.
func (d *dice) scalars(n *sample) *sample {
	for _, a := range d.schema.Attributes {
		switch {
		case a.Name == "consumed_inputs" && d.one(2):
			attribute(n, a.Name, []int64{0})
		case a.Type == operators.FloatAttribute && d.one(2):
			attribute(n, a.Name, pick[float32](d, 0, 0.01, 0.5, 1, 1.5, 2, -0.25))
		case a.Type == operators.IntAttribute && d.one(2):
			attribute(n, a.Name, int64(d.IntN(2)))
		}
	}
	return n
}

// pair draws two shapes that broadcast in the way of the version, and the
// attributes that say so.
func (d *dice) pair(n *sample) (a, b tensor.Shape) {
	a = d.shape(d.rank(0))
	if _, legacy := d.schema.Attribute("broadcast"); !legacy {
		b = d.broadcasts(a)
		if d.one(3) {
			a, b = b, a
		}
		return a, b
	}
	if d.one(2) {
		attribute(n, "consumed_inputs", []int64{0, 0})
	}
	if d.one(3) {
		return a, a
	}
	attribute(n, "broadcast", int64(1))
	from := d.IntN(len(a) + 1)
	to := d.between(from, len(a))
	b = a[from:to].Clone()
	if to < len(a) || d.one(2) {
		attribute(n, "axis", int64(from))
	}
	return a, b
}

func binary(d *dice) *sample {
	n := d.node()
	a, b := d.pair(n)
	n.inputs = []tensor.Value{d.wild(d.input(0), a), d.wild(d.input(1), b)}
	return n
}

// division draws divisors other than zero for integers, which is an error of
// the processor's.
func division(d *dice) *sample {
	n := binary(d)
	n.inputs[1] = d.divisor(n.tensorAt(1))
	return n
}

func (d *dice) divisor(x *tensor.Tensor) *tensor.Tensor {
	if !x.DType().IsInteger() {
		return x
	}
	v := x.Int64s()
	for i := range v {
		if v[i] == 0 || v[i] == -1 {
			v[i] = 3
		}
	}
	return tensor.FromInt64s(x.DType(), x.Shape(), v)
}

func modulo(d *dice) *sample {
	n := division(d)
	if n.tensorAt(0).DType().IsFloat() || d.one(2) {
		attribute(n, "fmod", int64(1))
	}
	return n
}

func power(d *dice) *sample {
	n := d.node()
	a, b := d.pair(n)
	n.inputs = []tensor.Value{d.tensor(d.input(0), a, -3, 4), d.tensor(d.input(1), b, -1, 4)}
	if d.one(4) {
		n.inputs = []tensor.Value{d.wild(d.input(0), a), d.wild(d.input(1), b)}
	}
	return n
}

func shift(d *dice) *sample {
	n := d.node()
	a, b := d.pair(n)
	attribute(n, "direction", pick(d, "LEFT", "RIGHT"))
	n.inputs = []tensor.Value{d.wild(d.input(0), a), d.tensor(d.input(1), b, 0, 8)}
	return n
}

func variadic(d *dice) *sample {
	n := d.node()
	s := d.shape(d.rank(0))
	for range d.between(1, 4) {
		shape := s
		if d.since(8) {
			shape = d.broadcasts(s)
		}
		n.inputs = append(n.inputs, d.wild(d.input(0), shape))
	}
	if d.one(2) {
		attribute(n, "consumed_inputs", make([]int64, len(n.inputs)))
	}
	return n.accumulates(4)
}

func clip(d *dice) *sample {
	n := d.node(d.wild(d.input(0), d.shape(d.rank(0))))
	low, high := d.Float32()*2-2, d.Float32()*2
	if d.one(8) {
		low, high = high, low
	}
	if !d.since(11) {
		if d.one(2) {
			attribute(n, "min", low)
		}
		if d.one(2) {
			attribute(n, "max", high)
		}
		if d.one(2) {
			attribute(n, "consumed_inputs", []int64{0})
		}
		return n
	}
	for _, v := range []float32{low, high} {
		if d.one(3) {
			n.inputs = append(n.inputs, nil)
		} else {
			n.inputs = append(n.inputs, tensor.FromFloat64s(d.input(0), tensor.Shape{}, []float64{float64(v)}))
		}
	}
	return n
}

func gelu(d *dice) *sample {
	n := d.node(d.wild(d.input(0), d.shape(d.rank(0))))
	if d.one(2) {
		attribute(n, "approximate", pick(d, "none", "tanh"))
	}
	return n
}

func slope(d *dice) *sample {
	s := d.shape(d.rank(1))
	n := d.node(d.wild(d.input(0), s))
	switch {
	case d.since(7):
		n.inputs = append(n.inputs, d.wild(d.input(0), d.broadcasts(s)))
	case d.one(2) || len(s) < 2:
		n.inputs = append(n.inputs, d.wild(d.input(0), tensor.Shape{1}))
	default:
		n.inputs = append(n.inputs, d.wild(d.input(0), tensor.Shape{s[1]}))
	}
	if d.one(2) {
		attribute(n, "consumed_inputs", []int64{0, 0})
	}
	return n
}

func where(d *dice) *sample {
	s := d.shape(d.rank(0))
	return d.node(d.tensor(tensor.Bool, d.broadcasts(s), 0, 2), d.wild(d.input(1), d.broadcasts(s)), d.wild(d.input(1), d.broadcasts(s)))
}
