package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, lossDraws) }

// lossDraws are of training's operators, and of those that draw numbers.
var lossDraws = map[string]func(d *dice) *sample{
	"Bernoulli":                         random,
	"Multinomial":                       multinomial,
	"NegativeLogLikelihoodLoss":         loss,
	"RandomNormal":                      random,
	"RandomNormalLike":                  random,
	"RandomUniform":                     random,
	"RandomUniformLike":                 random,
	"SoftmaxCrossEntropyLoss":           loss,
	"ai.onnx.preview.training.Adagrad":  optimizer(1),
	"ai.onnx.preview.training.Adam":     optimizer(2),
	"ai.onnx.preview.training.Momentum": optimizer(1),
}

func loss(d *dice) *sample {
	s := append(d.full(2, 4), d.full(d.IntN(3), 3)...)
	n := d.node(d.moderate(d.input(0), s))
	labels := append(s[:1:1].Clone(), s[2:]...)
	t := d.list(labels.Size(), 0, s[1]-1)
	attribute(n, "reduction", pick(d, "none", "mean", "sum"))
	if d.one(2) {
		ignored := int64(pick(d, -1, 0, s[1]))
		attribute(n, "ignore_index", ignored)
		for i := range t {
			if i > 0 && d.one(3) {
				t[i] = ignored
			}
		}
		if len(t) == 1 && t[0] == ignored || ignored == 0 && len(t) > 0 {
			t[0] = int64(s[1] - 1)
		}
	}
	n.inputs = append(n.inputs, tensor.FromInt64s(d.of("Tind"), labels, t))
	if d.one(2) {
		n.inputs = append(n.inputs, d.tensor(d.input(0), tensor.Shape{s[1]}, 0.1, 2))
	}
	n.outputs = d.between(1, d.schema.MaxOutputs)
	return n.accumulates(32)
}

func random(d *dice) *sample {
	n := d.node()
	n.shapes = true
	if d.schema.MaxInputs == 1 {
		n.inputs = append(n.inputs, d.tensor(d.input(0), d.shape(d.rank(0)), 0, 1))
	}
	attribute(n, "shape", wide(d.shape(d.rank(1))))
	if p, _ := d.schema.Output(0); len(n.inputs) == 0 || d.one(2) || d.of(p.Type) != n.dtype(0) {
		attribute(n, "dtype", int64(d.of(p.Type)))
	}
	if d.one(2) {
		attribute(n, "seed", float32(3))
	}
	return n
}

func multinomial(d *dice) *sample {
	n := d.node(d.tensor(d.input(0), d.full(2, 4), -1, 1))
	n.shapes = true
	attribute(n, "sample_size", int64(d.between(1, 5)))
	attribute(n, "dtype", int64(d.of("T2")))
	return n
}

// optimizer draws nodes that keep this many states of each parameter.
func optimizer(states int) func(d *dice) *sample {
	return func(d *dice) *sample {
		s := d.full(d.between(1, 3), 3)
		n := d.node(tensor.Scalar[float32](0.1), tensor.Scalar(int64(d.between(0, 3))))
		for range 2 + states {
			n.inputs = append(n.inputs, d.tensor(tensor.Float32, s, 0.1, 2))
		}
		n.outputs = 1 + states
		attribute(n, "alpha", pick[float32](d, 0.9, 0.5))
		attribute(n, "beta", pick[float32](d, 0.9, 0.5))
		attribute(n, "mode", pick(d, "standard", "nesterov"))
		attribute(n, "norm_coefficient", pick[float32](d, 0, 0.01))
		attribute(n, "decay_factor", pick[float32](d, 0, 0.1))
		return n
	}
}
