package cell

import "example.com/midplane/adapter/tensor"

// recurrences holds RNN, GRU and LSTM.
var recurrences = family{
	"RNN":  {classes: append(classes("activation"), steps...), shapes: []Shape{Rank3, Dynamic, Large}, values: []Values{NaN}, draw: recurrent(1, 1, 2, "HardSigmoid")},
	"GRU":  {classes: append(classes("activation", "linear-before-reset"), steps...), shapes: []Shape{Rank3, Dynamic, Large}, values: []Values{NaN}, draw: recurrent(3, 2, 2, "HardSigmoid", "Softsign")},
	"LSTM": {classes: append(classes("activation", "input-forget", "peepholes"), steps...), shapes: []Shape{Rank3, Dynamic, Large}, values: []Values{NaN}, draw: recurrent(4, 3, 3, "HardSigmoid", "Softsign", "Affine")},
}

// steps are the attribute classes that all three have.
var steps = []string{"bias", "reverse", "bidirectional", "initial", "lengths", "clip", "layout", "everything"}

// recurrent draws a layer with so many gates, activations and outputs.
func recurrent(gates, activations, outputs int, other ...string) func(d *draft) {
	return func(d *draft) {
		length, batch, input, hidden := 2+d.IntN(3), 1+d.IntN(3), 1+d.IntN(4), 1+d.IntN(4)
		if d.Cell.Shape == Large {
			length, batch, input, hidden = 6, 2, 24, 20
		}
		directions := 1
		switch d.Attributes {
		case "reverse":
			d.text("direction", "reverse")
		case "bidirectional", "everything":
			d.text("direction", "bidirectional")
			directions = 2
		}
		d.int("hidden_size", hidden)
		if d.hasAttribute("output_sequence") {
			d.flag("output_sequence")
		}
		x, state := tensor.Shape{length, batch, input}, tensor.Shape{directions, batch, hidden}
		if d.is("layout") {
			d.flag("layout")
			x, state = tensor.Shape{batch, length, input}, tensor.Shape{batch, directions, hidden}
		}
		d.data(x)
		d.in(tensor.Shape{directions, gates * hidden, input}, weight, between(-1, 1))
		d.in(tensor.Shape{directions, gates * hidden, hidden}, weight, between(-1, 1))
		d.optional(d.is("bias", "everything", "linear-before-reset"), tensor.Shape{directions, 2 * gates * hidden}, weight, between(-1, 1))
		d.optional(d.is("lengths", "everything"), tensor.Shape{batch}, plain, between(1, float64(length)), tensor.Int32)
		initial := d.is("initial", "everything", "layout", "linear-before-reset")
		d.optional(initial, state, plain, between(-1, 1))
		if outputs == 3 {
			d.optional(initial, state, plain, between(-1, 1))
			d.optional(d.is("peepholes", "everything"), tensor.Shape{directions, 3 * hidden}, weight, between(-1, 1))
		}
		d.recurrentAttributes(activations, other)
		d.result(outputs)
	}
}

func (d *draft) recurrentAttributes(activations int, other []string) {
	switch d.Attributes {
	case "activation":
		attr(d, "activations", other[:activations])
		d.open = []Values{NaN} // HardSigmoid chooses
		attr(d, "activation_alpha", []float32{0.25, 0.5, 0.75}[:activations])
		attr(d, "activation_beta", []float32{0.375, 0.25, 0.125}[:activations])
	case "clip":
		d.float("clip", 0.5)
	case "linear-before-reset":
		d.flag("linear_before_reset")
	case "input-forget":
		d.flag("input_forget")
	}
}

// optional adds an operand, or leaves it out.
func (d *draft) optional(present bool, s tensor.Shape, r role, f fill, as ...tensor.DType) {
	if !present {
		d.absent()
		return
	}
	d.in(s, r, f, as...)
}
