package cell

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
)

const floatAttribute = operators.FloatAttribute

// normalizations holds operators that scale by statistics of their data, and
// Softmax and its kin.
var normalizations = family{
	"BatchNormalization": {
		classes: classes("epsilon", "training", "momentum"),
		shapes:  []Shape{Rank4, Rank2, Rank3, Rank5, Dynamic, Large}, values: []Values{NaN, Infinite}, draw: batchNormalization,
	},
	"InstanceNormalization": {classes: classes("epsilon"), shapes: spatial, values: []Values{NaN}, draw: instanceNormalization},
	"GroupNormalization":    {classes: classes("epsilon", "one-group", "channel-groups"), shapes: spatial, values: []Values{NaN}, draw: groupNormalization},
	"LayerNormalization": {
		classes: classes("axis", "negative-axis", "without-bias", "epsilon", "statistics"),
		shapes:  []Shape{Rank3, Rank2, Rank4, Dynamic, Large}, values: []Values{NaN}, draw: layerNormalization,
	},
	"RMSNormalization": {
		classes: classes("axis", "negative-axis", "epsilon"),
		shapes:  []Shape{Rank3, Rank2, Rank4, Dynamic, Large}, values: []Values{NaN}, draw: layerNormalization,
	},
	"LpNormalization": {
		classes: classes("axis", "p1", "negative-axis"),
		shapes:  []Shape{Rank3, Rank1, Rank2, Rank4, Dynamic, Large}, values: []Values{NaN}, draw: lpNormalization,
	},
	"MeanVarianceNormalization": {classes: classes("axes"), shapes: []Shape{Rank4, Dynamic, Large}, values: []Values{NaN}, draw: meanVariance},
	"LRN":                       {classes: classes("parameters", "even-size"), shapes: spatial, values: []Values{NaN}, draw: lrn},

	"Softmax":    {classes: classes("axis", "negative-axis"), shapes: fromRank1, values: []Values{NaN, Extreme}, draw: softmax},
	"LogSoftmax": {classes: classes("axis", "negative-axis"), shapes: fromRank1, values: []Values{NaN, Extreme}, draw: softmax},
	"Hardmax":    {classes: classes("axis", "negative-axis"), shapes: fromRank1, values: []Values{Infinite}, draw: softmax},

	"Dropout": {classes: classes("ratio", "mask", "inference"), shapes: anyRank, values: everyValue, draw: dropout},
}

// channelled draws the shape of data whose second axis counts channels. Groups
// that share statistics have many elements: the variance of few may vanish
// beside their mean, and the result says little then.
func (d *draft) channelled() tensor.Shape {
	s := d.shape(4)
	for i := range s {
		s[i] = max(s[i], 3)
	}
	s[1] = 2 + 2*d.IntN(2)
	s[len(s)-1] += 4
	if d.Cell.Shape == Large {
		s = tensor.Shape{2, 4, 60, 64 + d.IntN(9)}
	}
	return s
}

func batchNormalization(d *draft) {
	if d.Version < 7 {
		d.flag("is_test")
	}
	if d.Version == 1 {
		d.ints("consumed_inputs", 0, 0, 0, 1, 1)
	}
	switch d.Attributes {
	case "epsilon":
		d.float("epsilon", 0.25)
	case "training", "momentum":
		d.only(d.Version >= 14)
		d.flag("training_mode")
		d.result(3)
		if d.is("momentum") {
			d.float("momentum", 0.25)
		}
	}
	s := d.channelled()
	c := tensor.Shape{s[1]}
	d.data(s)
	d.weight(c)
	d.weight(c)
	d.weight(c)
	d.in(c, weight, between(0.25, 4))
}

func instanceNormalization(d *draft) {
	s := d.channelled()
	d.data(s)
	d.weight(tensor.Shape{s[1]})
	d.weight(tensor.Shape{s[1]})
	if d.is("epsilon") {
		d.float("epsilon", 0.25)
	}
}

// groupNormalization has a scale per group in version 18, and since then one per
// channel.
func groupNormalization(d *draft) {
	s := d.channelled()
	groups := 2
	switch d.Attributes {
	case "one-group":
		groups = 1
	case "channel-groups":
		groups = s[1]
	case "epsilon":
		d.float("epsilon", 0.25)
	}
	d.int("num_groups", groups)
	d.data(s)
	c := tensor.Shape{s[1]}
	if d.Version < 21 {
		c = tensor.Shape{groups}
	}
	d.weight(c)
	d.weight(c)
}

func layerNormalization(d *draft) {
	s := d.shape(3)
	axis := len(s) - 1
	s[axis] += 6
	switch d.Attributes {
	case "axis":
		axis = d.IntN(len(s) - 1)
		d.int("axis", axis)
	case "negative-axis":
		axis = len(s) - 2
		d.int("axis", -2)
	case "epsilon":
		d.float("epsilon", 0.25)
	case "statistics":
		d.result(3)
	}
	d.data(s)
	d.weight(s[axis:])
	if d.has("B") && !d.is("without-bias") {
		d.weight(s[axis:])
	}
}

func lpNormalization(d *draft) {
	s := d.shape(3)
	d.data(s)
	axis := d.IntN(len(s))
	switch d.Attributes {
	case "axis":
		d.int("axis", axis)
	case "negative-axis":
		d.int("axis", axis-len(s))
	case "p1":
		d.int("p", 1)
	}
}

func meanVariance(d *draft) {
	d.data(d.channelled())
	if d.is("axes") {
		d.ints("axes", 1, 3)
	}
}

func lrn(d *draft) {
	s := d.channelled()
	s[1] = 5
	d.data(s)
	size := 3
	switch d.Attributes {
	case "parameters":
		d.float("alpha", 0.5)
		d.float("beta", 0.5)
		d.float("bias", 1.5)
	case "even-size":
		size = 4
		d.float("alpha", 0.5)
	}
	d.int("size", size)
}

// softmax along an axis; before version 13, over all axes from that one on.
func softmax(d *draft) {
	s := d.shape(2)
	if d.Operator == "Hardmax" {
		d.in(s, data, among(-1, 0, 1, 2))
	} else {
		d.data(s)
	}
	switch d.Attributes {
	case "default":
		d.only(d.Version >= 13 || len(s) > 1)
	case "axis":
		d.int("axis", d.IntN(max(len(s)-1, 1)))
	case "negative-axis":
		d.only(d.Version >= 11)
		d.int("axis", d.behind(len(s))-len(s))
	}
}

// dropout passes everything through: only in training does it draw.
func dropout(d *draft) {
	s := d.shape(2)
	d.data(s)
	if d.Version < 7 {
		d.flag("is_test")
	}
	switch d.Attributes {
	case "ratio":
		d.scalar("ratio", 0.75)
	case "mask":
		d.only(d.Version >= 10)
		d.result(2)
	case "inference":
		d.constant("training_mode", tensor.Shape{}, 0)
	}
}
