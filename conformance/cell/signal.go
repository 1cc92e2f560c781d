package cell

import "example.com/midplane/adapter/tensor"

// signals holds Fourier transforms and what goes with them.
var signals = family{
	"DFT":             {classes: classes("inverse", "onesided", "complex", "padded", "cropped", "axis"), shapes: []Shape{Rank3, Rank4, Dynamic, Large}, draw: dft},
	"STFT":            {classes: classes("twosided", "without-window", "complex"), shapes: []Shape{Rank3, Dynamic, Large}, draw: stft},
	"HannWindow":      {classes: windowClasses, shapes: []Shape{Scalar, Large}, draw: cosineWindow},
	"HammingWindow":   {classes: windowClasses, shapes: []Shape{Scalar, Large}, draw: cosineWindow},
	"BlackmanWindow":  {classes: windowClasses, shapes: []Shape{Scalar, Large}, draw: cosineWindow},
	"MelWeightMatrix": {classes: classes("to-float64", "to-float16"), shapes: []Shape{Scalar}, draw: melWeights},
}

var windowClasses = classes("symmetric", "to-float64", "to-float16", "to-int32")

func dft(d *draft) {
	n := 4 + d.IntN(5)
	if d.Cell.Shape == Large {
		n = 256 + d.IntN(2)
	}
	rank := d.rank(3)
	parts := 1
	if d.is("complex", "inverse") {
		parts = 2
	}
	s := concat(times(2, rank-2), n, parts)
	axis := rank - 2
	if d.is("axis") {
		s[0], axis = 4+d.IntN(3), 0
	}
	d.data(s)
	if length := map[string]int{"padded": n + 3, "cropped": n - 2}[d.Attributes]; length > 0 {
		d.in(tensor.Shape{}, weight, exactly(float64(length)))
	}
	switch {
	case d.hasAttribute("axis"):
		d.int("axis", axis)
	case d.is("axis") || rank != 3:
		d.constant("axis", tensor.Shape{}, float64(axis))
	}
	switch d.Attributes {
	case "inverse":
		d.flag("inverse")
	case "onesided":
		d.flag("onesided")
	}
}

func stft(d *draft) {
	n, frame, step, parts := 16+d.IntN(6), 6+d.IntN(4), 2+d.IntN(3), 1
	if d.Cell.Shape == Large {
		n, frame, step = 1000+d.IntN(30), 128, 64
	}
	if d.is("complex") {
		parts = 2
		d.int("onesided", 0)
	}
	if d.is("twosided") {
		d.int("onesided", 0)
	}
	d.data(tensor.Shape{1 + d.IntN(2), n, parts})
	d.in(tensor.Shape{}, weight, exactly(float64(step)))
	if d.is("without-window") {
		d.absent()
		d.in(tensor.Shape{}, weight, exactly(float64(frame)))
		return
	}
	d.in(tensor.Shape{frame}, weight, between(0.25, 1))
}

func cosineWindow(d *draft) {
	n := 5 + d.IntN(6)
	if d.Cell.Shape == Large {
		n = 3000
	}
	d.in(tensor.Shape{}, weight, exactly(float64(n)))
	if d.is("symmetric") {
		d.int("periodic", 0)
	}
	d.outputType("output_datatype")
}

// outputType sets the attribute that names the type of the result, where the
// class does.
func (d *draft) outputType(name string) {
	for class, t := range map[string]tensor.DType{"to-float64": tensor.Float64, "to-float16": tensor.Float16, "to-int32": tensor.Int32, "to-float32": tensor.Float32} {
		if d.is(class) {
			d.int(name, int(t))
		}
	}
}

func melWeights(d *draft) {
	d.in(tensor.Shape{}, weight, exactly(8))
	d.in(tensor.Shape{}, weight, exactly(64))
	d.in(tensor.Shape{}, weight, exactly(8192))
	d.in(tensor.Shape{}, weight, exactly(100), tensor.Float32)
	d.in(tensor.Shape{}, weight, exactly(4000), tensor.Float32)
	d.outputType("output_datatype")
}
