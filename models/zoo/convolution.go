package zoo

import (
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// maps are feature maps, batch × channels × height × width.
type maps struct {
	*graph.Value
	channels int
}

// norm is what follows a convolution.
type norm uint8

const (
	biased     norm = iota // only a bias, which was trained or has batch normalization folded in
	normalized             // batch normalization
	bare                   // nothing
)

// conv describes a convolution of square windows. Padding is (kernel-1)/2 unless
// pad says otherwise.
type conv struct {
	name                       string
	out, kernel, stride, group int // stride and group 0: 1
	pad                        int // -1: none
	norm                       norm
	activation                 string  // "", "Relu" or "Clip", which is at 6
	gain                       float64 // of variance, 0: 2, as behind a Relu
}

func orOne(n int) int { return max(n, 1) }

// conv adds a convolution and what follows it.
func (n *net) conv(x maps, c conv) maps {
	stride, group := int64(orOne(c.stride)), orOne(c.group)
	pad := int64((c.kernel - 1) / 2)
	if c.pad < 0 {
		pad = 0
	}
	gain := c.gain
	if gain == 0 {
		gain = 2
	}
	k := int64(c.kernel)
	in := []*graph.Value{x.Value}
	n.in(c.name, func() {
		w := n.drawn(keeping(x.channels/group*c.kernel*c.kernel, gain), c.out, x.channels/group, c.kernel, c.kernel)
		if n.int8 != nil {
			in = append(in, n.perChannel(x.Value, w, n.drawn(0.1, c.out))...)
			return
		}
		in = append(in, n.weight("weight", w))
		if c.norm == biased {
			in = append(in, n.weight("bias", n.drawn(0.1, c.out)))
		}
	})
	y := n.ops("Conv", 1, in, ints("kernel_shape", k, k), ints("strides", stride, stride),
		ints("pads", pad, pad, pad, pad), ints("dilations", 1, 1), attr("group", int64(group)))[0]
	if c.norm == normalized {
		y = n.batchNormalization(c.name+"_bn", y, c.out, 1)
	}
	y = n.activate(c.activation, y)
	return maps{n.activation(y, c.activation != ""), c.out}
}

// batchNormalization adds one whose statistics are those of variance 1 before it.
func (n *net) batchNormalization(name string, x *graph.Value, channels int, scale float64) (y *graph.Value) {
	n.in(name, func() {
		y = n.op("BatchNormalization", x,
			n.weight("weight", n.level(scale, channels)), n.weight("bias", n.drawn(0.1, channels)),
			n.constant("running_mean", n.drawn(0.1, channels)), n.constant("running_var", n.level(1, channels)),
			attr("epsilon", float32(1e-5)))
	})
	return y
}

func (n *net) activate(activation string, x *graph.Value) *graph.Value {
	switch activation {
	case "Relu":
		return n.op("Relu", x)
	case "Clip":
		return n.op("Clip", x, n.number(0), n.number(6))
	}
	return x
}

// maxPool adds a MaxPool of square windows; up makes the last one of a row lie
// partly outside where extents do not divide.
func (n *net) maxPool(x maps, kernel, stride, pad int, up bool) maps {
	k, s, p := int64(kernel), int64(stride), int64(pad)
	attrs := []graph.Attribute{ints("kernel_shape", k, k), ints("strides", s, s), ints("pads", p, p, p, p)}
	if up {
		attrs = append(attrs, attr("ceil_mode", int64(1)))
	}
	y := n.ops("MaxPool", 1, []*graph.Value{x.Value}, attrs...)[0]
	return maps{n.activation(y, true), x.channels}
}

func (n *net) averagePool(x maps, kernel, stride int) maps {
	k, s := int64(kernel), int64(stride)
	return maps{n.op("AveragePool", x.Value, ints("kernel_shape", k, k), ints("strides", s, s)), x.channels}
}

func (n *net) concat(parts ...maps) maps {
	var (
		in  []*graph.Value
		all int
	)
	for _, p := range parts {
		in, all = append(in, p.Value), all+p.channels
	}
	return maps{n.activation(n.ops("Concat", 1, in, attr("axis", int64(1)))[0], true), all}
}

// classify adds global average pooling and a linear layer.
func (n *net) classify(x maps, name string, classes int) {
	pooled := n.activation(n.op("GlobalAveragePool", x.Value), true)
	n.output("logits", n.linear(name, n.op("Flatten", pooled, attr("axis", int64(1))), x.channels, classes))
}

// linear adds a Gemm with transposed weights.
func (n *net) linear(name string, x *graph.Value, from, to int) (y *graph.Value) {
	n.in(name, func() {
		w, b := n.drawn(keeping(from, 1), to, from), n.drawn(0.1, to)
		in := []*graph.Value{x}
		if n.int8 != nil {
			in = append(in, n.perChannel(x, w, b)...)
		} else {
			in = append(in, n.weight("weight", w), n.weight("bias", b))
		}
		y = n.ops("Gemm", 1, in, attr("transB", int64(1)))[0]
	})
	return n.activation(y, false)
}

// image adds the input of an image of three channels.
func (n *net) image(extent int) maps {
	x := n.input("input", tensor.Float32, 1, 3, extent, extent)
	return maps{n.activation(x, false), 3}
}
