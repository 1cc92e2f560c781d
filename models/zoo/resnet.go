package zoo

import "fmt"

// He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR
// 2016, with the stride in the 3 × 3 convolution.

func resnet50(n *net)       { resnet(n, normalized) }
func resnet50Folded(n *net) { resnet(n, biased) }

func resnet50QDQ(n *net) {
	n.quantized()
	resnet(n, biased)
}

func resnet(n *net, with norm) {
	x := n.conv(n.image(224), conv{name: "conv1", out: 64, kernel: 7, stride: 2, norm: with, activation: "Relu"})
	x = n.maxPool(x, 3, 2, 1, false)
	for stage, blocks := range []int{3, 4, 6, 3} {
		for block := range blocks {
			stride := 1
			if stage > 0 && block == 0 {
				stride = 2
			}
			n.in(fmt.Sprintf("layer%d.%d", stage+1, block), func() {
				x = bottleneck(n, x, 64<<stage, stride, block == 0, with)
			})
		}
	}
	n.classify(x, "fc", 1000)
}

// bottleneck adds a residual block.
func bottleneck(n *net, x maps, width, stride int, project bool, with norm) maps {
	y := n.conv(x, conv{name: "conv1", out: width, kernel: 1, norm: with, activation: "Relu"})
	y = n.conv(y, conv{name: "conv2", out: width, kernel: 3, stride: stride, norm: with, activation: "Relu"})
	y = n.conv(y, conv{name: "conv3", out: 4 * width, kernel: 1, norm: with, gain: 0.2})
	if project {
		x = n.conv(x, conv{name: "downsample", out: 4 * width, kernel: 1, stride: stride, norm: with})
	}
	sum := n.op("Relu", n.op("Add", y.Value, x.Value))
	return maps{n.activation(sum, true), 4 * width}
}
