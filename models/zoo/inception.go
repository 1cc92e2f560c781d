package zoo

import "example.com/midplane/operators/graph"

// inceptionV1 is that of Szegedy et al., "Going deeper with convolutions", CVPR
// 2015, without the auxiliary classifiers.
func inceptionV1(n *net) {
	relu := func(name string, out, kernel, stride int) conv {
		return conv{name: name, out: out, kernel: kernel, stride: stride, activation: "Relu"}
	}
	x := n.conv(n.image(224), relu("conv1", 64, 7, 2))
	x = n.localResponse(n.maxPool(x, 3, 2, 0, true))
	x = n.conv(n.conv(x, relu("conv2_reduce", 64, 1, 1)), relu("conv2", 192, 3, 1))
	x = n.maxPool(n.localResponse(x), 3, 2, 0, true)
	for _, b := range []struct {
		name                                          string
		one, reduce3, three, reduce5, five, projected int
	}{
		{"3a", 64, 96, 128, 16, 32, 32}, {"3b", 128, 128, 192, 32, 96, 64},
		{"4a", 192, 96, 208, 16, 48, 64}, {"4b", 160, 112, 224, 24, 64, 64}, {"4c", 128, 128, 256, 24, 64, 64},
		{"4d", 112, 144, 288, 32, 64, 64}, {"4e", 256, 160, 320, 32, 128, 128},
		{"5a", 256, 160, 320, 32, 128, 128}, {"5b", 384, 192, 384, 48, 128, 128},
	} {
		if b.name == "4a" || b.name == "5a" {
			x = n.maxPool(x, 3, 2, 0, true)
		}
		n.in("inception_"+b.name, func() {
			x = n.concat(
				n.conv(x, relu("1x1", b.one, 1, 1)),
				n.conv(n.conv(x, relu("3x3_reduce", b.reduce3, 1, 1)), relu("3x3", b.three, 3, 1)),
				n.conv(n.conv(x, relu("5x5_reduce", b.reduce5, 1, 1)), relu("5x5", b.five, 5, 1)),
				n.conv(n.maxPool(x, 3, 1, 1, false), relu("pool_proj", b.projected, 1, 1)))
		})
	}
	n.classify(x, "classifier", 1000)
}

func (n *net) localResponse(x maps) maps {
	return maps{n.op("LRN", x.Value, attr("size", int64(5)), attr("alpha", float32(1e-4)), attr("beta", float32(0.75)), attr("bias", float32(1))), x.channels}
}

// squeezenet is version 1.1 of Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer,
// "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", 2016.
func squeezenet(n *net) {
	x := n.conv(n.image(224), conv{name: "conv1", out: 64, kernel: 3, stride: 2, pad: -1, activation: "Relu"})
	x = n.maxPool(x, 3, 2, 0, true)
	for i, squeeze := range []int{16, 16, 32, 32, 48, 48, 64, 64} {
		if i == 2 || i == 4 {
			x = n.maxPool(x, 3, 2, 0, true)
		}
		n.in("fire"+string(rune('2'+i)), func() {
			s := n.conv(x, conv{name: "squeeze1x1", out: squeeze, kernel: 1, activation: "Relu"})
			x = n.concat(n.conv(s, conv{name: "expand1x1", out: 4 * squeeze, kernel: 1, activation: "Relu"}),
				n.conv(s, conv{name: "expand3x3", out: 4 * squeeze, kernel: 3, activation: "Relu"}))
		})
	}
	x = n.conv(x, conv{name: "conv10", out: 1000, kernel: 1, activation: "Relu"})
	pooled := n.ops("GlobalAveragePool", 1, []*graph.Value{x.Value})[0]
	n.output("probabilities", n.op("Softmax", n.op("Flatten", pooled, attr("axis", int64(1))), attr("axis", int64(1))))
}
