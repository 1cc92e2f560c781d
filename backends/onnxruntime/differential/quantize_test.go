package differential_test

import (
	"maps"
	"slices"
	"strconv"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

func init() { maps.Copy(draws, quantizeDraws) }

// quantizeDraws are of the operators that go from one element type to another.
var quantizeDraws = map[string]func(d *dice) *sample{
	"BitCast":               bitCast,
	"Cast":                  cast,
	"CastLike":              castLike,
	"DequantizeLinear":      dequantizeLinear,
	"DynamicQuantizeLinear": dynamicQuantizeLinear,
	"QuantizeLinear":        quantizeLinear,
}

// castable draws elements that most types have.
func (d *dice) castable(from, to tensor.DType) *tensor.Tensor {
	s := d.shape(d.rank(0))
	switch {
	case from == tensor.String:
		v := make([]string, s.Size())
		for i := range v {
			v[i] = strconv.Itoa(d.IntN(9))
			if to.IsFloat() && d.one(2) {
				v[i] = pick(d, "-1.5", "2.5e1", "NaN", "INF", "-INF", "1E-3", "-4")
			}
		}
		return tensor.Of(v, s...)
	case d.one(4):
		return d.wild(from, s)
	case to.IsUnsigned():
		return d.tensor(from, s, 0, 3)
	}
	return d.tensor(from, s, -4, 5)
}

// rounding sets the attributes by which narrow floats are made.
func (d *dice) rounding(n *sample) {
	if d.one(2) {
		attribute(n, "saturate", int64(d.IntN(2)))
	}
	if d.one(2) {
		attribute(n, "round_mode", pick(d, "up", "down", "nearest"))
	}
}

// target draws the type to cast to: often one of those that are peculiar.
func (d *dice) target() tensor.DType {
	if t := pick(d, tensor.Bool, tensor.Float8E8M0, tensor.Int4); d.one(3) && slices.Contains(d.schema.Elements("T2"), t) {
		return t
	}
	return d.of("T2")
}

func cast(d *dice) *sample {
	to := d.target()
	n := d.node(d.castable(d.input(0), to))
	if a, _ := d.schema.Attribute("to"); a.Type == operators.StringAttribute {
		attribute(n, "to", named(to))
	} else {
		attribute(n, "to", int64(to))
	}
	d.rounding(n)
	return n
}

// named spells a type as the attribute did below version 6.
func named(t tensor.DType) string {
	switch t {
	case tensor.Float32:
		return "FLOAT"
	case tensor.Float64:
		return "DOUBLE"
	}
	return map[tensor.DType]string{
		tensor.Float16: "FLOAT16", tensor.Int8: "INT8", tensor.Int16: "INT16", tensor.Int32: "INT32", tensor.Int64: "INT64",
		tensor.Uint8: "UINT8", tensor.Uint16: "UINT16", tensor.Uint32: "UINT32", tensor.Uint64: "UINT64", tensor.Bool: "BOOL",
	}[t]
}

func castLike(d *dice) *sample {
	to := d.target()
	n := d.node(d.castable(d.input(0), to), d.tensor(to, d.shape(1), 0, 2))
	d.rounding(n)
	return n
}

func bitCast(d *dice) *sample {
	from, to := d.input(0), d.of("T2")
	if from.Bits() != to.Bits() || from == tensor.Bool || to == tensor.Bool {
		to = from
	}
	n := d.node(d.wild(from, d.shape(d.rank(0))))
	attribute(n, "to", int64(to))
	return n
}

// steps draws scales that divide without rounding, and sometimes others.
func (d *dice) steps(t tensor.DType, s tensor.Shape) *tensor.Tensor {
	v := make([]float64, s.Size())
	for i := range v {
		v[i] = pick(d, 0.25, 0.5, 1, 2)
		if d.one(4) {
			v[i] = 0.1 + d.Float64()
		}
	}
	return tensor.FromFloat64s(t, s, v)
}

// grid draws the shape of scales for x and sets the attributes that go with it:
// one scale, one for each element of an axis, or one for each block.
func (d *dice) grid(n *sample, s tensor.Shape) tensor.Shape {
	if _, ok := d.schema.Attribute("axis"); !ok || d.one(3) || len(s) == 0 {
		return pick(d, tensor.Shape{}, tensor.Shape{}, tensor.Shape{1})
	}
	axis := d.IntN(len(s))
	attribute(n, "axis", int64(pick(d, axis, axis-len(s))))
	if _, ok := d.schema.Attribute("block_size"); !ok || d.one(2) {
		return tensor.Shape{s[axis]}
	}
	block := d.between(1, 3)
	attribute(n, "block_size", int64(block))
	blocks := s.Clone()
	blocks[axis] = (s[axis] + block - 1) / block
	return blocks
}

func quantizeLinear(d *dice) *sample {
	s := d.shape(d.rank(0))
	n := d.node(d.tensor(d.input(0), s, -20, 20))
	p, _ := d.schema.Output(0)
	to := d.of(p.Type)
	scales := d.grid(n, s)
	n.inputs = append(n.inputs, d.steps(d.input(1), scales))
	if d.one(2) {
		attribute(n, "saturate", int64(d.IntN(2)))
	}
	if to != tensor.Uint8 && d.one(3) {
		if _, ok := d.schema.Attribute("output_dtype"); ok {
			attribute(n, "output_dtype", int64(to))
			return n
		}
	}
	if to == tensor.Uint8 && d.one(2) {
		return n
	}
	zero := d.zeroPoint(to, scales)
	if to.IsFloat() {
		zero = tensor.Zeros(to, scales)
	}
	n.inputs = append(n.inputs, zero)
	return n
}

func dequantizeLinear(d *dice) *sample {
	s := d.shape(d.rank(0))
	t := d.input(0)
	x := d.bytes(t, s)
	if t.IsFloat() {
		x = d.tensor(t, s, -8, 8)
	}
	n := d.node(x)
	scales := d.grid(n, s)
	n.inputs = append(n.inputs, d.steps(d.input(1), scales))
	if a, ok := d.schema.Attribute("output_dtype"); ok && d.of("T3") != d.input(1) {
		attribute(n, a.Name, int64(d.of("T3")))
	}
	if d.one(2) {
		return n
	}
	zero := d.zeroPoint(t, scales)
	if t.IsFloat() || t == tensor.Int32 {
		zero = tensor.Zeros(t, scales)
	}
	n.inputs = append(n.inputs, zero)
	return n
}

func dynamicQuantizeLinear(d *dice) *sample {
	n := d.node(d.tensor(d.input(0), d.full(d.rank(0), 4), pick(d, -4.0, 0, 1), 5))
	n.outputs = 3
	return n
}
