package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func init() { maps.Copy(draws, normalizationDraws) }

var normalizationDraws = map[string]func(d *dice) *sample{
	"BatchNormalization":        batchNormalization,
	"Dropout":                   dropout,
	"GroupNormalization":        groupNormalization,
	"InstanceNormalization":     instanceNormalization,
	"LRN":                       lrn,
	"LayerNormalization":        layerNormalization,
	"LpNormalization":           lpNormalization,
	"MeanVarianceNormalization": meanVariance,
	"RMSNormalization":          rmsNormalization,
}

// epsilon sets one, or leaves it to its default.
func (d *dice) epsilon(n *sample) {
	if d.one(2) {
		attribute(n, "epsilon", pick[float32](d, 1e-3, 1e-2, 0.1))
	}
}

// spread draws elements of which no two are near each other, so that the
// deviation of any is not small.
func (d *dice) spread(t tensor.DType, s tensor.Shape) *tensor.Tensor {
	v := make([]float64, s.Size())
	for i, k := range d.Perm(len(v)) {
		v[i] = 0.25*float64(k) - 2
	}
	return tensor.FromFloat64s(t, s, v)
}

func batchNormalization(d *dice) *sample {
	s := append(tensor.Shape{d.between(2, 3), d.between(1, 3)}, d.full(d.IntN(4), 3)...)
	each := tensor.Shape{s[1]}
	n := d.node()
	d.epsilon(n)
	if d.one(2) {
		attribute(n, "momentum", pick[float32](d, 0, 0.5, 0.75))
	}
	if !d.since(6) {
		attribute(n, "consumed_inputs", []int64{0, 0, 0, 1, 1})
	}
	if _, ok := d.schema.Attribute("spatial"); ok && d.one(3) {
		attribute(n, "spatial", int64(0))
		each = s[1:]
	}
	if !d.since(14) {
		attribute(n, "is_test", int64(1))
		if d.since(7) && d.one(4) {
			n.outputs = 5
		}
	} else if d.one(2) {
		attribute(n, "training_mode", int64(1))
		n.outputs = 3
	}
	scale, statistics := d.input(1), d.input(3)
	n.inputs = []tensor.Value{
		d.spread(d.input(0), s), d.moderate(scale, each), d.moderate(scale, each),
		d.moderate(statistics, each), d.tensor(statistics, each, 0.5, 3),
	}
	return n.accumulates(16)
}

func dropout(d *dice) *sample {
	n := d.node(d.data())
	n.outputs = d.between(1, 2)
	if !d.since(12) {
		if d.one(2) {
			attribute(n, "consumed_inputs", []int64{0})
		}
		attribute(n, "is_test", int64(1))
		attribute(n, "ratio", d.Float32())
		return n
	}
	if d.one(4) {
		attribute(n, "seed", int64(7))
	}
	if d.one(2) {
		return n
	}
	n.inputs = append(n.inputs, d.tensor(d.input(1), tensor.Shape{}, 0, 0.9))
	if d.one(2) {
		train := d.one(3)
		n.inputs = append(n.inputs, tensor.Scalar(train))
		n.shapes = train
	}
	return n
}

func groupNormalization(d *dice) *sample {
	groups, size := d.between(1, 3), d.between(1, 3)
	s := append(tensor.Shape{d.between(1, 2), groups * size}, d.full(d.IntN(3), 3)...)
	each := tensor.Shape{s[1]}
	t := tensor.Float32
	if d.schema.Deprecated { // version 18 scaled by groups; its schema is not in the catalogue any more
		each = tensor.Shape{groups}
	} else {
		t = d.input(0)
	}
	n := d.node(d.spread(t, s), d.moderate(t, each), d.moderate(t, each))
	n.attrs = append(n.attrs, graph.A("num_groups", int64(groups)))
	d.epsilon(n)
	return n.accumulates(32)
}

func instanceNormalization(d *dice) *sample {
	s := append(d.full(2, 3), d.full(d.between(1, 3), 3)...)
	each := tensor.Shape{s[1]}
	n := d.node(d.spread(d.input(0), s), d.moderate(d.input(0), each), d.moderate(d.input(0), each))
	d.epsilon(n)
	if d.one(2) {
		attribute(n, "consumed_inputs", []int64{0, 0, 0})
	}
	return n.accumulates(32)
}

func lrn(d *dice) *sample {
	n := d.node(d.moderate(d.input(0), append(tensor.Shape{d.between(1, 2), d.between(1, 6)}, d.full(2, 3)...)))
	attribute(n, "size", int64(pick(d, 1, 3, 5)))
	for _, name := range []string{"alpha", "beta", "bias"} {
		if d.one(2) {
			attribute(n, name, pick[float32](d, 0.5, 1, 2))
		}
	}
	return n.accumulates(8)
}

func layerNormalization(d *dice) *sample {
	s := d.full(d.rank(1), 4)
	n := d.node(d.spread(d.input(0), s))
	axis := len(s) - 1
	if d.one(2) {
		axis = d.IntN(len(s))
		attribute(n, "axis", int64(pick(d, axis, axis-len(s))))
	}
	d.epsilon(n)
	n.inputs = append(n.inputs, d.moderate(d.input(0), s[axis:]))
	if d.one(2) {
		n.inputs = append(n.inputs, d.moderate(d.input(0), s[axis:]))
	}
	n.outputs = d.between(1, 3)
	return n.accumulates(64)
}

func rmsNormalization(d *dice) *sample {
	s := d.full(d.rank(1), 4)
	n := d.node(d.spread(d.input(0), s))
	axis := len(s) - 1
	if d.one(2) {
		axis = d.IntN(len(s))
		attribute(n, "axis", int64(pick(d, axis, axis-len(s))))
	}
	d.epsilon(n)
	n.inputs = append(n.inputs, d.moderate(d.input(1), s[axis:]))
	return n.accumulates(64)
}

func lpNormalization(d *dice) *sample {
	s := d.full(d.rank(1), 4)
	n := d.node(d.spread(d.input(0), s))
	if d.one(2) {
		attribute(n, "axis", int64(d.axis(len(s), true)))
	}
	if d.one(2) {
		attribute(n, "p", int64(d.between(1, 2)))
	}
	return n.accumulates(4)
}

func meanVariance(d *dice) *sample {
	if d.one(2) {
		return d.node(d.spread(d.input(0), d.full(4, 3))).accumulates(64)
	}
	s := d.full(d.between(2, 4), 3)
	n := d.node(d.spread(d.input(0), s))
	axes := d.axes(len(s), d.since(13))
	if len(axes) == 0 {
		axes = []int64{0}
	}
	attribute(n, "axes", axes)
	return n.accumulates(64)
}
