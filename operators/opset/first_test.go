package opset

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// What operators of version 1 mean that differ from their next version by the
// attribute consumed_inputs, which only allows to reuse memory.
func TestFirstFormsOfOneOperand(t *testing.T) {
	v := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{len(v)}, v...) }
	consumed := graph.A("consumed_inputs", []int64{0})
	alpha, beta := graph.A("alpha", float32(0.5)), graph.A("beta", float32(0.25))
	e := float32(math.E)
	var forms []form
	for _, c := range []struct {
		op      string
		attrs   []graph.Attribute
		x, want *tensor.Tensor
	}{
		{"Abs", nil, v(-2, 0, 3), v(2, 0, 3)},
		{"Ceil", nil, v(-1.5, 0, 1.25), v(-1, 0, 2)},
		{"Elu", nil, v(2, -1), v(2, 1/e-1)},
		{"Elu", with(alpha), v(2, -1), v(2, (1/e-1)/2)},
		{"Exp", nil, v(0, 1), v(1, e)},
		{"Floor", nil, v(-1.5, 0, 1.25), v(-2, 0, 1)},
		{"HardSigmoid", nil, v(-3, 0, 1, 4), v(0, 0.5, 0.7, 1)},
		{"HardSigmoid", with(alpha, beta), v(-1, 0, 1, 2), v(0, 0.25, 0.75, 1)},
		{"LeakyRelu", nil, v(-2, 3), v(-0.02, 3)},
		{"LeakyRelu", with(alpha), v(-2, 3), v(-1, 3)},
		{"Log", nil, v(1, e), v(0, 1)},
		{"Neg", nil, v(-2, 0, 3), v(2, 0, -3)},
		{"Reciprocal", nil, v(4, -0.5), v(0.25, -2)},
		{"Relu", nil, v(-2, 0, 3), v(0, 0, 3)},
		{"Sigmoid", nil, v(0, 1), v(0.5, e/(1+e))},
		{"Sqrt", nil, v(4, 0.25), v(2, 0.5)},
		{"Tanh", nil, v(0, 1), v(0, (e*e-1)/(e*e+1))},
	} {
		for _, attrs := range [][]graph.Attribute{c.attrs, append(with(consumed), c.attrs...)} {
			forms = append(forms, form{"", 1, c.op, attrs, []*tensor.Tensor{c.x}, []*tensor.Tensor{c.want}})
		}
	}
	hold(t, forms)
}

// Two operands are of one shape below version 7, or the second lies at axis of
// the first, at its end if there is no axis.
func TestFirstFormsOfTwoOperands(t *testing.T) {
	v := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{len(v)}, v...) }
	m := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{2, 2}, v...) }
	truth := func(s tensor.Shape, v ...bool) *tensor.Tensor { return tensor.Of(v, s...) }
	square := tensor.Shape{2, 2}
	on, rows := integer("broadcast", 1), integer("axis", 0)
	consumed := graph.A("consumed_inputs", []int64{0, 0})
	x, flags := m(1, 2, 3, 4), truth(square, true, true, false, false)
	var forms []form
	for _, c := range []struct {
		op                         string
		a, b                       *tensor.Tensor // b lies at the last axis, and at the first
		behind, inFront, alongside *tensor.Tensor // alongside is what a and a give
	}{
		{"Add", x, v(10, 20), m(11, 22, 13, 24), m(11, 12, 23, 24), m(2, 4, 6, 8)},
		{"Sub", x, v(1, 2), m(0, 0, 2, 2), m(0, 1, 1, 2), m(0, 0, 0, 0)},
		{"Mul", x, v(10, 20), m(10, 40, 30, 80), m(10, 20, 60, 80), m(1, 4, 9, 16)},
		{"Div", x, v(1, 2), m(1, 1, 3, 2), m(1, 2, 1.5, 2), m(1, 1, 1, 1)},
		{"Pow", x, v(1, 2), m(1, 4, 3, 16), m(1, 2, 9, 16), m(1, 4, 27, 256)},
		{"Equal", tensor.Of([]int32{1, 2, 2, 1}, 2, 2), tensor.Of([]int32{1, 2}), truth(square, true, true, false, false), truth(square, true, false, true, false), truth(square, true, true, true, true)},
		{"Greater", x, v(1, 3), truth(square, false, false, true, true), truth(square, false, true, false, true), truth(square, false, false, false, false)},
		{"Less", x, v(2, 4), truth(square, true, true, false, false), truth(square, true, false, true, false), truth(square, false, false, false, false)},
		{"And", flags, truth(tensor.Shape{2}, true, false), truth(square, true, false, false, false), truth(square, true, true, false, false), flags},
		{"Or", flags, truth(tensor.Shape{2}, false, true), truth(square, true, true, false, true), truth(square, true, true, true, true), flags},
		{"Xor", flags, truth(tensor.Shape{2}, true, false), truth(square, false, true, true, false), truth(square, false, false, false, false), truth(square, false, false, false, false)},
	} {
		in := []*tensor.Tensor{c.a, c.b}
		forms = append(forms,
			form{"at the last axis", 1, c.op, with(on), in, []*tensor.Tensor{c.behind}},
			form{"at axis 0", 1, c.op, with(on, rows), in, []*tensor.Tensor{c.inFront}},
			form{"of one shape", 1, c.op, nil, []*tensor.Tensor{c.a, c.a}, []*tensor.Tensor{c.alongside}},
		)
		switch c.op {
		case "Add", "Sub", "Mul", "Div":
			forms = append(forms, form{"with consumed inputs", 1, c.op, with(on, consumed), in, []*tensor.Tensor{c.behind}},
				form{"at axis 0", 6, c.op, with(on, rows), in, []*tensor.Tensor{c.inFront}})
		}
	}
	hold(t, forms)
}

func TestFirstFormsOfManyOperands(t *testing.T) {
	v := func(v ...float32) *tensor.Tensor { return floats(tensor.Shape{len(v)}, v...) }
	in := []*tensor.Tensor{v(1, 5), v(3, 4), v(2, 9)}
	consumed := with(graph.A("consumed_inputs", []int64{0, 0, 0}))
	hold(t, []form{
		{"", 1, "Max", consumed, in, []*tensor.Tensor{v(3, 9)}},
		{"", 1, "Min", consumed, in, []*tensor.Tensor{v(1, 4)}},
		{"", 1, "Sum", consumed, in, []*tensor.Tensor{v(6, 18)}},
		{"", 1, "Mean", consumed, in, []*tensor.Tensor{v(2, 6)}},
		{"of one", 1, "Mean", nil, in[:1], []*tensor.Tensor{v(1, 5)}},
		{"a slope for all", 1, "PRelu", with(graph.A("consumed_inputs", []int64{0, 0})), []*tensor.Tensor{v(-2, 3), v(0.5)}, []*tensor.Tensor{v(-1, 3)}},
		{"a slope for each channel", 1, "PRelu", nil, []*tensor.Tensor{floats(tensor.Shape{1, 2, 2}, -1, 1, -2, 2), v(10, 100)}, []*tensor.Tensor{floats(tensor.Shape{1, 2, 2}, -10, 1, -200, 2)}},
	})
}

// Below version 7 output_sequence says whether Y, all hidden states, is wanted.
func TestOutputSequence(t *testing.T) {
	x, none := floats(tensor.Shape{1, 1, 1}, 0.5), floats(tensor.Shape{1, 4, 1}, 0, 0, 0, 0)
	w := floats(tensor.Shape{1, 4, 1}, 1, 2, 3, 4) // of the gates i, o, f, c
	sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	cell := sigmoid(0.5) * math.Tanh(2)
	hidden := floats(tensor.Shape{1, 1, 1}, float32(sigmoid(1)*math.Tanh(cell)))
	sequence := func(h *tensor.Tensor) *tensor.Tensor {
		return floats(tensor.Shape{1, 1, 1, 1}, tensor.Slice[float32](h)...)
	}
	plain := floats(tensor.Shape{1, 1, 1}, float32(math.Tanh(1)))
	for _, wanted := range []int64{0, 1} {
		attrs := with(integer("hidden_size", 1), integer("output_sequence", wanted))
		hold(t, []form{
			{"", 1, "LSTM", attrs, []*tensor.Tensor{x, w, none}, []*tensor.Tensor{sequence(hidden), hidden, floats(tensor.Shape{1, 1, 1}, float32(cell))}},
			{"", 1, "RNN", attrs, []*tensor.Tensor{x, floats(tensor.Shape{1, 1, 1}, 2), floats(tensor.Shape{1, 1, 1}, 0)}, []*tensor.Tensor{sequence(plain), plain}},
		})
	}
}
