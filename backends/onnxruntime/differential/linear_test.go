package differential_test

import (
	"maps"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, linearDraws) }

// linearDraws are of the products of matrices and what goes with them.
var linearDraws = map[string]func(d *dice) *sample{
	"Det":           det,
	"Einsum":        einsum,
	"Gemm":          gemm,
	"MatMul":        matMul,
	"MatMulInteger": matMulInteger,
	"QLinearMatMul": qLinearMatMul,
}

// moderate draws elements that do not cancel each other out.
func (d *dice) moderate(t tensor.DType, s tensor.Shape) *tensor.Tensor { return d.tensor(t, s, -2, 3) }

func det(d *dice) *sample {
	m := d.between(1, 4)
	return d.node(d.moderate(d.input(0), append(d.shape(d.IntN(3)), m, m))).accumulates(64)
}

var equations = []string{
	"i,i->", "ij,jk->ik", "ij,kj", "...i,...i", "bij,bjk->bik", "ab,ba", "i,j->ij", "...ij,...jk->...ik",
	"ii->i", "ii", "ij->ji", "ij->", "...i->...", "ijk->kij", "ab,bc,cd->ad", " i j , j -> i ", "Aa,aB->BA", "bhwc,hkc->bhwk",
}

func einsum(d *dice) *sample {
	equation := pick(d, equations...)
	extent := make(map[rune]int)
	for _, c := range equation {
		extent[c] = d.between(1, 3)
	}
	free := d.full(d.IntN(2), 3)
	n := d.node()
	left, _, _ := strings.Cut(equation, "->")
	for _, term := range strings.Split(left, ",") {
		term = strings.ReplaceAll(term, " ", "")
		var s tensor.Shape
		if strings.HasPrefix(term, "...") {
			s, term = free.Clone(), term[3:]
		}
		for _, c := range term {
			s = append(s, extent[c])
		}
		n.inputs = append(n.inputs, d.moderate(d.input(0), s))
	}
	attribute(n, "equation", equation)
	return n.accumulates(64)
}

func gemm(d *dice) *sample {
	s := d.shape(3)
	a, b := s[:2].Clone(), s[1:].Clone()
	n := d.node()
	if d.one(2) {
		slices.Reverse(a)
		attribute(n, "transA", int64(1))
	}
	if d.one(2) {
		slices.Reverse(b)
		attribute(n, "transB", int64(1))
	}
	for _, name := range []string{"alpha", "beta"} {
		if d.one(2) {
			attribute(n, name, pick[float32](d, 0, 0.5, 1, 2, -1.5))
		}
	}
	c := tensor.Shape{s[0], s[2]}
	_, legacy := d.schema.Attribute("broadcast")
	if !legacy {
		c = d.broadcasts(c)
	} else if d.one(2) {
		c = tensor.Shape{s[2]}
		attribute(n, "broadcast", int64(1))
	}
	n.inputs = []tensor.Value{d.moderate(d.input(0), a), d.moderate(d.input(0), b), d.moderate(d.input(0), c)}
	if d.since(11) && d.one(3) {
		n.inputs = n.inputs[:2]
	}
	return n.accumulates(16)
}

// factors draws the shapes of two operands of a product of matrices.
func (d *dice) factors() (a, b tensor.Shape) {
	s := d.shape(3)
	a, b = s[:2].Clone(), s[1:].Clone()
	batch := d.shape(d.IntN(3))
	switch d.IntN(6) {
	case 0:
		return a[1:], b
	case 1:
		return a, b[:1]
	case 2:
		return a[1:], b[:1]
	case 3:
		return append(batch, a...), b
	}
	return append(batch, a...), append(d.broadcasts(batch), b...)
}

func matMul(d *dice) *sample {
	a, b := d.factors()
	return d.node(d.moderate(d.input(0), a), d.moderate(d.input(0), b)).accumulates(16)
}

// zeroPoint draws the zero point of an integer type: small, as common.
func (d *dice) zeroPoint(t tensor.DType, s tensor.Shape) *tensor.Tensor { return d.tensor(t, s, -3, 6) }

// bytes draws the whole range of an integer type of 8 bits.
func (d *dice) bytes(t tensor.DType, s tensor.Shape) *tensor.Tensor {
	return d.tensor(t, s, -128, 128)
}

func matMulInteger(d *dice) *sample {
	a, b := d.factors()
	n := d.node(d.bytes(d.input(0), a), d.bytes(d.input(1), b))
	if d.one(3) {
		return n
	}
	n.inputs = append(n.inputs, d.zeroPoint(d.input(0), tensor.Shape{}))
	if d.one(2) {
		zero := tensor.Shape{}
		if len(b) == 2 && d.one(2) {
			zero = tensor.Shape{b[1]}
		}
		n.inputs = append(n.inputs, d.zeroPoint(d.input(1), zero))
	}
	return n
}

// scale draws scales of quantization.
func (d *dice) scale(t tensor.DType, s tensor.Shape) *tensor.Tensor { return d.tensor(t, s, 0.1, 0.6) }

func qLinearMatMul(d *dice) *sample {
	a, b := d.factors()
	scales := d.input(1)
	column := tensor.Shape{}
	if len(b) == 2 && d.one(3) {
		column = tensor.Shape{b[1]}
	}
	one := tensor.Shape{}
	return d.node(
		d.bytes(d.input(0), a), d.scale(scales, one), d.zeroPoint(d.input(0), one),
		d.bytes(d.input(3), b), d.scale(scales, column), d.zeroPoint(d.input(3), column),
		d.tensor(scales, one, 20, 60), d.zeroPoint(d.input(7), one))
}
