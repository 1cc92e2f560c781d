package differential_test

import (
	"maps"
	"slices"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, recurrentDraws) }

var recurrentDraws = map[string]func(d *dice) *sample{
	"GRU":  recurrent(3, 2, 2),
	"LSTM": recurrent(4, 3, 3),
	"RNN":  recurrent(1, 1, 2),
}

// activations that the specification names, of which some take parameters.
var activations = []string{"Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus"}

// recurrent draws nodes of a cell with this many gates, activation functions
// and outputs.
func recurrent(gates, functions, outputs int) func(d *dice) *sample {
	return func(d *dice) *sample {
		n := d.node()
		length, batch, in, hidden := d.between(1, 4), d.between(1, 3), d.between(1, 3), d.between(1, 3)
		directions := d.direction(n)
		attribute(n, "hidden_size", int64(hidden))
		d.activations(n, functions*directions, functions)
		if d.one(4) {
			attribute(n, "clip", pick[float32](d, 0.5, 1, 2))
		}
		for _, flag := range []string{"linear_before_reset", "input_forget"} {
			if d.one(3) {
				attribute(n, flag, int64(1))
			}
		}
		attribute(n, "output_sequence", int64(1))
		swap := func(s tensor.Shape) tensor.Shape { return s }
		if _, ok := d.schema.Attribute("layout"); ok && d.one(4) {
			attribute(n, "layout", int64(1))
			swap = func(s tensor.Shape) tensor.Shape {
				slices.Reverse(s[:2])
				return s
			}
		}
		t := d.input(0)
		weights := func(s ...int) *tensor.Tensor { return d.tensor(t, s, -1, 1) }
		state := swap(tensor.Shape{directions, batch, hidden})
		n.inputs = []tensor.Value{
			d.tensor(t, swap(tensor.Shape{length, batch, in}), -1, 1),
			weights(directions, gates*hidden, in), weights(directions, gates*hidden, hidden),
			nil, nil, nil,
		}
		if d.one(2) {
			n.inputs[3] = weights(directions, 2*gates*hidden)
		}
		if d.one(3) {
			n.inputs[4] = tensor.FromInt64s(tensor.Int32, tensor.Shape{batch}, d.list(batch, 1, length))
		}
		if d.one(2) {
			n.inputs[5] = d.tensor(t, state, -1, 1)
		}
		if gates == 4 {
			n.inputs = append(n.inputs, nil, nil)
			if d.one(2) {
				n.inputs[6] = d.tensor(t, state, -1, 1)
			}
			if d.one(3) {
				n.inputs[7] = weights(directions, 3*hidden)
			}
		}
		for n.inputs[len(n.inputs)-1] == nil {
			n.inputs = n.inputs[:len(n.inputs)-1]
		}
		n.outputs = d.between(map[bool]int{true: 1, false: 2}[d.schema.Outputs[len(d.schema.Outputs)-1].Optional], outputs)
		if n.outputs == outputs && d.one(4) && d.schema.Outputs[0].Optional {
			n.hidden = []int{0}
		}
		return n.accumulates(64)
	}
}

// direction sets the direction and returns how many there are.
func (d *dice) direction(n *sample) int {
	switch d.IntN(3) {
	case 0:
		attribute(n, "direction", "bidirectional")
		return 2
	case 1:
		attribute(n, "direction", "reverse")
	case 2:
		if d.schema.Name == "GRU" && d.schema.Since == 1 {
			attribute(n, "direction", "forward") // its default is misspelt
		}
	}
	return 1
}

// activations sets count activation functions, with parameters for each. Gates,
// which are the first of so many, stay between -1.1 and 1.1.
func (d *dice) activations(n *sample, count, each int) {
	if d.one(2) {
		return
	}
	var names []string
	var alpha, beta []float32
	for i := range count {
		names = append(names, pick(d, activations...))
		if i%each == 0 && each > 1 {
			names[i] = pick(d, "Tanh", "Sigmoid", "ScaledTanh", "HardSigmoid", "Softsign")
		}
		alpha, beta = append(alpha, pick[float32](d, 0.45, 0.9, 1.1)), append(beta, pick[float32](d, 0.1, 0.4))
	}
	attribute(n, "activations", names)
	attribute(n, "activation_alpha", alpha)
	attribute(n, "activation_beta", beta)
}
