package cell

import "example.com/midplane/adapter/tensor"

// losses holds losses and optimisers.
var losses = family{
	"NegativeLogLikelihoodLoss": {classes: lossClasses, shapes: []Shape{Rank2, Rank3, Rank4, Dynamic, Large}, values: []Values{NaN}, draw: loss},
	"SoftmaxCrossEntropyLoss":   {classes: append(lossClasses[:len(lossClasses):len(lossClasses)], "log-probabilities"), shapes: []Shape{Rank2, Rank3, Rank4, Dynamic, Large}, values: []Values{NaN}, draw: loss},

	"ai.onnx.preview.training.Adagrad":  {classes: optimizerClasses, shapes: []Shape{Rank2, Rank1, Rank3, Dynamic, Large}, typed: "T3", draw: optimizer(3)},
	"ai.onnx.preview.training.Adam":     {classes: optimizerClasses, shapes: []Shape{Rank2, Rank1, Rank3, Dynamic, Large}, typed: "T3", draw: optimizer(4)},
	"ai.onnx.preview.training.Momentum": {classes: []string{"standard", "nesterov", "two", "norm", "later"}, shapes: []Shape{Rank2, Rank1, Rank3, Dynamic, Large}, typed: "T3", draw: optimizer(3)},
}

var (
	lossClasses      = classes("weighted", "sum", "none", "ignore", "weighted-none", "ignore-sum")
	optimizerClasses = classes("two", "norm", "parameters", "later")
)

func loss(d *draft) {
	count := 3 + d.IntN(3)
	s := d.shape(2)
	s[1] = count
	if d.Cell.Shape == Large {
		s = tensor.Shape{900, count}
	}
	labels := concat(s[0], s[2:])
	d.data(s)
	d.real(labels, 0, float64(count-1))
	if d.is("weighted", "weighted-none") {
		d.in(tensor.Shape{count}, weight, between(0.25, 2))
	}
	switch d.Attributes {
	case "sum", "ignore-sum":
		d.text("reduction", "sum")
	case "none", "weighted-none":
		d.text("reduction", "none")
	case "log-probabilities":
		d.result(2)
	}
	if d.is("ignore", "ignore-sum") {
		d.int("ignore_index", 1)
		d.operands[1].fill = startingWith(0, between(0, float64(count-1))) // one at least counts
	}
}

// optimizer updates tensors, each with so many operands.
func optimizer(operands int) func(d *draft) {
	return func(d *draft) {
		n := 1
		if d.is("two") {
			n = 2
		}
		updates := 0.0
		if d.is("later", "parameters") {
			updates = 3
		}
		rate := tensor.Float32
		d.in(tensor.Shape{}, plain, between(0.01, 0.5), rate)
		d.in(tensor.Shape{}, weight, exactly(updates))
		s := d.shape(2)
		for k := range operands {
			for range n {
				low := -2.0
				if k >= 2 && d.schema.Name != "Momentum" && k == operands-1 {
					low = 0.25 // squares of gradients
				}
				d.in(s, plain, between(low, 2), d.DType)
			}
		}
		d.optimizerAttributes()
		d.result(n * (operands - 1))
	}
}

func (d *draft) optimizerAttributes() {
	switch d.schema.Name {
	case "Momentum":
		mode := "standard"
		if d.is("nesterov") {
			mode = "nesterov"
		}
		norm := 0.0
		if d.is("norm") {
			norm = 0.25
		}
		d.text("mode", mode)
		d.float("alpha", 0.75)
		d.float("beta", 0.5)
		d.float("norm_coefficient", norm)
		return
	case "Adam":
		if d.is("parameters") {
			d.float("alpha", 0.5)
			d.float("beta", 0.75)
			d.float("norm_coefficient_post", 0.125)
		}
	case "Adagrad":
		if d.is("parameters") {
			d.float("decay_factor", 0.25)
		}
	}
	d.float("epsilon", 0.03125)
	if d.is("norm") {
		d.float("norm_coefficient", 0.25)
	}
}
