package cell

import (
	"strings"

	"example.com/midplane/adapter/tensor"
)

// reductions holds operators that make one number of many along axes.
var reductions = family{
	"ReduceSum":       reduction(between(-3, 3), summed),
	"ReduceMean":      reduction(between(-3, 3), summed),
	"ReduceSumSquare": reduction(between(-3, 3), summed),
	"ReduceL1":        reduction(between(-3, 3), summed),
	"ReduceL2":        reduction(between(-3, 3), []Values{Infinite, NaN}), // squares of denormal numbers are lost
	"ReduceLogSumExp": reduction(between(-3, 3), []Values{NaN}),
	"ReduceLogSum":    reduction(between(0.25, 3), nil),
	"ReduceProd":      reduction(among(-2, -1.5, -1, 1, 1.25, 0.75, 2), []Values{NaN}),
	"ReduceMax":       reduction(between(-3, 3), selected),
	"ReduceMin":       reduction(between(-3, 3), selected),

	"ArgMax": {classes: classes("axis", "negative-axis", "keepdims0", "last"), shapes: fromRank1, values: []Values{Infinite, Extreme}, draw: argExtreme},
	"ArgMin": {classes: classes("axis", "negative-axis", "keepdims0", "last"), shapes: fromRank1, values: []Values{Infinite, Extreme}, draw: argExtreme},

	"CumSum":  {classes: classes("negative-axis", "exclusive", "reverse", "exclusive-reverse"), shapes: fromRank1, values: summed, draw: cumulate},
	"CumProd": {classes: classes("negative-axis", "exclusive", "reverse", "exclusive-reverse"), shapes: fromRank1, values: []Values{NaN}, draw: cumulate},
}

func reduction(f fill, values []Values) recipe {
	return recipe{
		classes: classes("axis", "axes", "negative-axis", "keepdims0", "noop"),
		shapes:  anyRank,
		values:  values,
		draw: func(d *draft) {
			d.only(d.Cell.Shape != Empty || d.newest() && d.schema.Name != "ReduceMean") // sums of nothing are defined late, their mean is not
			if d.schema.Name == "ReduceSumSquare" {
				d.open = []Values{Wide} // which overflows
			}
			d.only(d.Cell.Shape != Empty || !strings.HasPrefix(d.schema.Name, "ReduceLog") || d.DType.IsFloat()) // the logarithm of 0 as an integer is open
			s := d.shape(3)
			rank := len(s)
			d.in(s, data, f)
			switch d.Attributes {
			case "axis", "keepdims0":
				d.only(rank > 0)
				d.list("axes", d.IntN(max(rank, 1)))
			case "negative-axis":
				d.only(rank > 0 && d.Version >= 11)
				d.list("axes", -1-d.IntN(max(rank-1, 1)))
			case "axes":
				d.only(rank > 1)
				if rank > 1 {
					d.list("axes", d.Perm(rank)[:2]...)
				}
			case "noop":
				d.flag("noop_with_empty_axes")
			}
			if d.is("keepdims0") {
				d.int("keepdims", 0)
			}
		},
	}
}

// newest reports whether the version is the newest of the operator.
func (d *draft) newest() bool { return newestOf(d.Operator) == d.Version }

func argExtreme(d *draft) {
	d.only(d.Cell.Shape != Empty)
	s := d.shape(3)
	d.in(s, data, among(-1, 0, 1, 2, 3))
	axis := d.IntN(len(s))
	switch d.Attributes {
	case "axis":
		d.only(len(s) > 1)
		axis = 1 + d.IntN(max(len(s)-1, 1))
		d.int("axis", axis)
	case "negative-axis":
		d.only(d.Version >= 11)
		d.int("axis", d.behind(len(s))-len(s))
	case "keepdims0":
		d.int("keepdims", 0)
		d.int("axis", axis)
	case "last":
		d.flag("select_last_index")
	}
}

func cumulate(d *draft) {
	s := d.shape(3)
	d.data(s)
	axis := d.IntN(len(s))
	if d.is("negative-axis") {
		axis -= len(s)
	}
	d.constant("axis", tensor.Shape{}, float64(axis))
	if d.is("exclusive", "exclusive-reverse") {
		d.flag("exclusive")
	}
	if d.is("reverse", "exclusive-reverse") {
		d.flag("reverse")
	}
}
