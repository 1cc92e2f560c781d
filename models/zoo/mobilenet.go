package zoo

import "fmt"

// Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted residuals and
// linear bottlenecks", CVPR 2018.

func mobilenetV2(n *net) { mobilenet(n, biased) }

func mobilenetV2QDQ(n *net) {
	n.quantized()
	mobilenet(n, biased)
}

func mobilenet(n *net, with norm) {
	x := n.conv(n.image(224), conv{name: "features.0", out: 32, kernel: 3, stride: 2, norm: with, activation: "Clip"})
	block := 1
	for _, s := range []struct{ expand, out, blocks, stride int }{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for i := range s.blocks {
			stride := s.stride
			if i > 0 {
				stride = 1
			}
			n.in(fmt.Sprintf("features.%d", block), func() { x = inverted(n, x, s.expand, s.out, stride, with) })
			block++
		}
	}
	x = n.conv(x, conv{name: fmt.Sprintf("features.%d", block), out: 1280, kernel: 1, norm: with, activation: "Clip", gain: 1})
	n.classify(x, "classifier", 1000)
}

// inverted adds an inverted residual block.
func inverted(n *net, x maps, expand, out, stride int, with norm) maps {
	y, wide := x, x.channels*expand
	if expand > 1 {
		y = n.conv(y, conv{name: "expand", out: wide, kernel: 1, norm: with, activation: "Clip", gain: 1})
	}
	y = n.conv(y, conv{name: "depthwise", out: wide, kernel: 3, stride: stride, group: wide, norm: with, activation: "Clip"})
	y = n.conv(y, conv{name: "project", out: out, kernel: 1, norm: with})
	if stride > 1 || x.channels != out {
		return y
	}
	return maps{n.activation(n.op("Add", x.Value, y.Value), false), out}
}
