package cell

import (
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
)

// pools holds operators that summarise windows or all of space.
var pools = family{
	"MaxPool":     {classes: append(classes("ceil", "indices", "column-indices"), windows...), shapes: spatial, values: selected, draw: pool},
	"AveragePool": {classes: append(classes("ceil", "count-include-pad", "count-include-pad-ceil"), windows...), shapes: spatial, values: summed, draw: pool},
	"LpPool":      {classes: append(classes("ceil", "p1", "p3"), windows...), shapes: spatial, values: []Values{NaN}, draw: pool},

	"GlobalMaxPool":     {shapes: spatial, values: selected, draw: globalPool},
	"GlobalAveragePool": {shapes: spatial, values: summed, draw: globalPool},
	"GlobalLpPool":      {classes: classes("p1", "p3"), shapes: spatial, values: []Values{NaN}, draw: globalPool},

	"MaxUnpool": {classes: classes("pads", "output-shape"), shapes: []Shape{Rank4, Rank3, Dynamic}, draw: maxUnpool},
}

func pool(d *draft) {
	w := d.window()
	d.ints("kernel_shape", w.kernel...)
	axes := len(w.kernel)
	switch d.Attributes {
	case "ceil":
		d.flag("ceil_mode")
		d.ints("strides", times(2, axes)...)
	case "count-include-pad", "count-include-pad-ceil":
		d.flag("count_include_pad")
		d.ints("pads", append(times(1, axes), times(0, axes)...)...)
		if d.is("count-include-pad-ceil") {
			d.flag("ceil_mode")
			d.ints("strides", times(2, axes)...)
		}
	case "p1":
		d.number("p", 1)
	case "p3":
		d.number("p", 3)
	case "indices", "column-indices":
		d.result(2)
		d.ints("strides", times(2, axes)...)
		if d.is("column-indices") {
			d.flag("storage_order")
		}
	}
	s := concat(w.batch, w.channels, w.space)
	switch {
	case d.Operator == "MaxPool" && d.is("indices", "column-indices"):
		d.in(s, plain, distinct)
	case d.Operator == "LpPool":
		d.in(s, data, between(0.25, 3)) // negative numbers to an odd power are open
	default:
		d.data(s)
	}
}

// number sets an attribute that is an integer in some versions and a float in
// others.
func (d *draft) number(name string, v int) {
	if a, ok := d.schema.Attribute(name); ok && a.Type == floatAttribute {
		d.float(name, float64(v))
		return
	}
	d.int(name, v)
}

func globalPool(d *draft) {
	axes := d.rank(4) - 2
	s := tensor.Shape{1 + d.IntN(2), 1 + d.IntN(3)}
	for range axes {
		s = append(s, 1+d.extent())
	}
	if d.Cell.Shape == Large {
		s = tensor.Shape{1, 3, 60 + d.IntN(9), 63}
	}
	if d.Operator == "GlobalLpPool" {
		d.in(s, data, between(0.25, 3))
	} else {
		d.data(s)
	}
	switch d.Attributes {
	case "p1":
		d.number("p", 1)
	case "p3":
		d.number("p", 3)
	}
}

// maxUnpool scatters to places that no two elements share.
func maxUnpool(d *draft) {
	axes := d.rank(4) - 2
	in := make([]int, axes)
	out := make([]int, axes)
	for i := range in {
		in[i] = 2 + d.IntN(2)
		out[i] = 2 * in[i]
	}
	d.ints("kernel_shape", times(2, axes)...)
	d.ints("strides", times(2, axes)...)
	if d.is("pads") {
		d.ints("pads", append(times(1, axes), times(0, axes)...)...)
		for i := range out {
			out[i]--
		}
	}
	batch, channels := 1+d.IntN(2), 1+d.IntN(2)
	s := concat(batch, channels, in)
	d.real(s, -3, 3)
	plane := concat(batch, channels, out).Size()
	d.in(s, plain, func(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Tensor {
		v := make([]int64, s.Size())
		for i, k := range r.Perm(plane)[:len(v)] {
			v[i] = int64(k)
		}
		return tensor.FromInt64s(t, s, v)
	})
	if d.is("output-shape") {
		d.constant("output_shape", tensor.Shape{len(in) + 2}, floatsOf(concat(batch, channels, out))...)
	}
}
