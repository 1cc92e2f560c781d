package cell

import "example.com/midplane/adapter/tensor"

// windows are the attribute classes that everything with a sliding window has.
var windows = []string{"strides", "pads", "asymmetric-pads", "dilations", "same-upper", "same-lower", "valid"}

// convolved are those of convolutions, which may say what the weights say too.
var convolved = append([]string{"kernel-shape"}, windows...)

// convolutions holds Conv and its kin.
var convolutions = family{
	"Conv": {
		classes: append(classes("bias", "group", "depthwise", "pointwise", "everything"), convolved...),
		shapes:  append(spatial[:len(spatial):len(spatial)], Empty), values: summed, draw: conv,
	},
	"ConvTranspose": {
		classes: append(classes("bias", "group", "output-padding", "output-shape", "everything"), convolved...),
		shapes:  spatial, values: summed, draw: convTranspose,
	},
	"ConvInteger": {
		classes: append(classes("zero-points", "group", "channel-zero-point"), convolved...),
		shapes:  spatial, values: []Values{Extreme}, draw: convInteger,
	},
	"DeformConv": {
		classes: classes("bias", "mask", "group", "offset-group", "kernel-shape", "strides", "pads", "asymmetric-pads", "dilations"),
		shapes:  []Shape{Rank4, Dynamic}, draw: deformConv,
	},
	"CausalConvWithState": {
		classes: classes("bias", "state", "silu", "short"),
		shapes:  []Shape{Rank3, Dynamic, Large}, values: []Values{NaN}, draw: causalConv,
	},
}

// window is where a kernel goes over space.
type window struct {
	batch, channels int
	space           []int // extents of the input
	kernel          []int
	group           int
}

// window draws the extents of a convolution or a pool and sets the attributes
// of its class.
func (d *draft) window() window {
	axes := d.rank(4) - 2
	d.only(axes > 0)
	w := window{batch: 1 + d.IntN(2), channels: 2 * (1 + d.IntN(2)), group: 1}
	for range axes {
		w.space = append(w.space, 5+d.IntN(3))
		w.kernel = append(w.kernel, 2+d.IntN(2))
	}
	switch d.Cell.Shape {
	case Large:
		w.batch, w.channels = 1, 16
		w.space = []int{24 + d.IntN(4), 27 + d.IntN(4)}
		if d.is("default") { // more than 2^16 elements
			w.channels = 40
			w.space = []int{42 + d.IntN(4), 41 + d.IntN(4)}
		}
	case Empty:
		w.batch = 0
	}
	d.slide(w, d.Attributes)
	return w
}

// slide sets the attributes of a class of windows.
func (d *draft) slide(w window, class string) {
	axes := len(w.space)
	switch class {
	case "strides":
		d.ints("strides", ramp(2, axes)...)
	case "pads":
		d.ints("pads", times(1, 2*axes)...)
	case "asymmetric-pads":
		d.ints("pads", append(times(1, axes), times(0, axes)...)...)
	case "dilations":
		d.ints("dilations", dilated(axes)...)
	case "same-upper", "same-lower":
		d.text("auto_pad", map[string]string{"same-upper": "SAME_UPPER", "same-lower": "SAME_LOWER"}[class])
		d.ints("strides", times(2, axes)...)
	case "valid":
		d.text("auto_pad", "VALID")
	case "kernel-shape":
		d.ints("kernel_shape", w.kernel...)
	case "everything":
		d.ints("strides", ramp(1, axes)...)
		d.ints("dilations", ramp(1, axes)...)
		d.ints("pads", append(times(1, axes), times(2, axes)...)...)
	}
}

// beyond returns 1, 0, 1, …
func beyond(n int) []int {
	v := dilated(n)
	for i := range v {
		v[i]--
	}
	return v
}

// dilated returns 2, 1, 2, …
func dilated(n int) []int {
	v := times(2, n)
	for i := 1; i < n; i += 2 {
		v[i] = 1
	}
	return v
}

// ramp returns from, from+1, from, from+1, …
func ramp(from, n int) []int {
	v := times(from, n)
	for i := 1; i < n; i += 2 {
		v[i]++
	}
	return v
}

// filters returns how many output channels a convolution has, and the shape of
// its weights.
func (d *draft) filters(w *window) (outputs int, shape tensor.Shape) {
	outputs = 2 + d.IntN(3)
	if d.Cell.Shape == Large && d.is("default") {
		outputs = 17
	}
	switch d.Attributes {
	case "group", "everything":
		w.group, outputs = 2, 4
	case "depthwise":
		w.group, outputs = w.channels, w.channels*(1+d.IntN(2))
	case "pointwise":
		w.kernel = times(1, len(w.kernel))
	}
	if w.group > 1 {
		d.int("group", w.group)
	}
	return outputs, concat(outputs, w.channels/w.group, w.kernel)
}

func conv(d *draft) {
	w := d.window()
	outputs, weights := d.filters(&w)
	d.data(concat(w.batch, w.channels, w.space))
	d.weight(weights)
	if d.is("bias", "everything") {
		d.weight(tensor.Shape{outputs})
	}
}

func convTranspose(d *draft) {
	w := d.window()
	outputs := 2 + d.IntN(2)
	if d.is("group", "everything") {
		w.group = 2
		d.int("group", 2)
	}
	axes := len(w.space)
	switch d.Attributes {
	case "output-padding":
		d.ints("strides", times(2, axes)...)
		d.ints("output_padding", beyond(axes)...)
	case "output-shape":
		d.ints("strides", times(2, axes)...)
		out := make([]int, axes)
		for i, n := range w.space {
			out[i] = 2*(n-1) + w.kernel[i] - 1
		}
		d.ints("output_shape", out...)
	}
	d.data(concat(w.batch, w.channels, w.space))
	d.weight(concat(w.channels, outputs, w.kernel))
	if d.is("bias", "everything") {
		d.weight(tensor.Shape{outputs * w.group})
	}
}

func convInteger(d *draft) {
	w := d.window()
	outputs, weights := d.filters(&w)
	d.in(concat(w.batch, w.channels, w.space), data, between(-100, 200))
	d.in(weights, weight, between(-100, 200), tensor.Uint8)
	switch d.Attributes {
	case "zero-points":
		d.in(tensor.Shape{}, weight, between(1, 100))
		d.in(tensor.Shape{}, weight, between(1, 100), tensor.Uint8)
	case "channel-zero-point":
		d.absent()
		d.in(tensor.Shape{outputs}, weight, between(1, 100), tensor.Uint8)
	}
}

func deformConv(d *draft) {
	w := d.window()
	outputs, weights := d.filters(&w)
	offsets := 1
	if d.is("offset-group") {
		offsets = 2
		d.int("offset_group", 2)
	}
	out := w.positions(d.Attributes)
	k := tensor.Shape(w.kernel).Size()
	d.real(concat(w.batch, w.channels, w.space), -3, 3)
	d.weight(weights)
	d.real(concat(w.batch, offsets*k*len(w.kernel), out), -1.4, 1.4)
	if d.is("bias") {
		d.weight(tensor.Shape{outputs})
	}
	if d.is("mask") {
		d.absent()
		d.real(concat(w.batch, offsets*k, out), 0, 1)
	}
}

// positions returns how many places the kernel has along each axis.
func (w window) positions(class string) []int {
	out := make([]int, len(w.space))
	for i, n := range w.space {
		reach, stride, pads := w.kernel[i], 1, 0
		switch class {
		case "strides":
			stride = ramp(2, len(out))[i]
		case "dilations":
			reach = dilated(len(out))[i]*(reach-1) + 1
		case "pads":
			pads = 2
		case "asymmetric-pads":
			pads = 1
		}
		out[i] = (n+pads-reach)/stride + 1
	}
	return out
}

func causalConv(d *draft) {
	batch, channels, length, k := 1+d.IntN(2), 2+d.IntN(3), 4+d.IntN(4), 2+d.IntN(3)
	switch {
	case d.Cell.Shape == Large:
		channels, length = 16, 500+d.IntN(20)
	case d.is("short"):
		length, k = 1, 4
	}
	d.data(tensor.Shape{batch, channels, length})
	d.weight(tensor.Shape{channels, 1, k})
	switch d.Attributes {
	case "bias":
		d.weight(tensor.Shape{channels})
	case "state", "short":
		d.absent()
		d.real(tensor.Shape{batch, channels, k - 1}, -3, 3)
	case "silu":
		d.text("activation", "silu")
	}
	d.result(2)
}
