package zoo

import "fmt"

// unet is that of Ronneberger, Fischer and Brox, "U-Net: Convolutional networks
// for biomedical image segmentation", MICCAI 2015, with padded convolutions and
// half the maps.
func unet(n *net) {
	const first = 32
	x := n.image(256)
	var left []maps
	for level := range 4 {
		x = twice(n, fmt.Sprintf("encoder%d", level+1), x, first<<level)
		left = append(left, x)
		x = n.maxPool(x, 2, 2, 0, false)
	}
	x = twice(n, "bottleneck", x, first<<4)
	for level := 3; level >= 0; level-- {
		out := first << level
		n.in(fmt.Sprintf("upconv%d", level+1), func() {
			w := n.weight("weight", n.drawn(keeping(x.channels, 2), x.channels, out, 2, 2))
			b := n.weight("bias", n.drawn(0.1, out))
			x = maps{n.op("ConvTranspose", x.Value, w, b, ints("kernel_shape", 2, 2), ints("strides", 2, 2)), out}
		})
		x = twice(n, fmt.Sprintf("decoder%d", level+1), n.concat(x, left[level]), out)
	}
	x = n.conv(x, conv{name: "conv", out: 1, kernel: 1})
	n.output("mask", n.op("Sigmoid", x.Value))
}

// twice adds two convolutions.
func twice(n *net, name string, x maps, out int) maps {
	n.in(name, func() {
		x = n.conv(x, conv{name: "conv1", out: out, kernel: 3, activation: "Relu"})
		x = n.conv(x, conv{name: "conv2", out: out, kernel: 3, activation: "Relu"})
	})
	return x
}
