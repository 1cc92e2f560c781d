package zoo

import "fmt"

// densenet121 is that of Huang, Liu, van der Maaten and Weinberger, "Densely
// connected convolutional networks", CVPR 2017. Normalization stands before the
// convolutions, on concatenated maps, and cannot be folded into them.
func densenet121(n *net) {
	const growth = 32
	x := n.conv(n.image(224), conv{name: "conv0", out: 64, kernel: 7, stride: 2, norm: normalized, activation: "Relu"})
	x = n.maxPool(x, 3, 2, 1, false)
	for block, layers := range []int{6, 12, 24, 16} {
		for layer := range layers {
			n.in(fmt.Sprintf("denseblock%d.layer%d", block+1, layer+1), func() {
				y := n.before("norm1", x)
				y = n.conv(y, conv{name: "conv1", out: 4 * growth, kernel: 1, norm: bare})
				y = n.before("norm2", y)
				y = n.conv(y, conv{name: "conv2", out: growth, kernel: 3, norm: bare})
				x = n.concat(x, y)
			})
		}
		if block < 3 {
			n.in(fmt.Sprintf("transition%d", block+1), func() {
				y := n.conv(n.before("norm", x), conv{name: "conv", out: x.channels / 2, kernel: 1, norm: bare})
				x = n.averagePool(y, 2, 2)
			})
		}
	}
	n.classify(n.before("norm5", x), "classifier", 1000)
}

// before adds batch normalization and a Relu.
func (n *net) before(name string, x maps) maps {
	return maps{n.op("Relu", n.batchNormalization(name, x.Value, x.channels, 1)), x.channels}
}
