package cpu_test

import (
	"fmt"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// convCase is a convolution: extents of input and filters, and attributes.
type convCase struct {
	x, w                     []int
	group                    int64
	strides, dilations, pads []int64
	autoPad                  string
	kernel                   string
	wrong                    bool // the reference rejects it
}

func (c convCase) attributes() []graph.Attribute {
	list := []graph.Attribute{graph.A("group", max(c.group, 1))}
	for name, v := range map[string][]int64{"strides": c.strides, "dilations": c.dilations, "pads": c.pads} {
		if v != nil {
			list = append(list, graph.A(name, v))
		}
	}
	if c.autoPad != "" {
		list = append(list, graph.A("auto_pad", c.autoPad))
	}
	return list
}

func convCases() []convCase {
	list := []convCase{
		{x: []int{1, 3, 8}, w: []int{4, 3, 3}},
		{x: []int{2, 3, 19}, w: []int{5, 3, 3}, pads: []int64{1, 1}},
		{x: []int{1, 3, 30}, w: []int{4, 3, 5}, strides: []int64{3}, dilations: []int64{2}, pads: []int64{4, 3}},
		{x: []int{1, 1, 400}, w: []int{6, 1, 25}, strides: []int64{10}},
		{x: []int{1, 3, 7, 9}, w: []int{4, 3, 3, 3}},
		{x: []int{2, 3, 7, 9}, w: []int{4, 3, 3, 3}, pads: []int64{1, 1, 1, 1}},
		{x: []int{1, 3, 15, 16}, w: []int{20, 3, 3, 3}, strides: []int64{2, 2}, pads: []int64{1, 1, 1, 1}},
		{x: []int{1, 3, 15, 16}, w: []int{20, 3, 3, 3}, strides: []int64{2, 2}, pads: []int64{0, 0, 1, 1}},
		{x: []int{1, 3, 17, 23}, w: []int{8, 3, 7, 7}, strides: []int64{4, 2}, pads: []int64{3, 2, 3, 4}},
		{x: []int{1, 16, 14, 14}, w: []int{24, 16, 3, 3}, pads: []int64{1, 1, 1, 1}},
		{x: []int{1, 64, 7, 7}, w: []int{70, 64, 3, 3}, pads: []int64{1, 1, 1, 1}},
		{x: []int{1, 30, 7, 7}, w: []int{17, 30, 1, 1}},
		{x: []int{1, 30, 56, 57}, w: []int{40, 30, 1, 1}},
		{x: []int{1, 30, 7, 8}, w: []int{17, 30, 1, 1}, strides: []int64{2, 2}},
		{x: []int{1, 30, 7, 8}, w: []int{17, 30, 1, 1}, strides: []int64{2, 3}, pads: []int64{1, 0, 0, 2}},
		{x: []int{1, 30, 1, 1}, w: []int{17, 30, 1, 1}},
		{x: []int{3, 30, 1, 1}, w: []int{17, 30, 1, 1}},
		{x: []int{2, 5, 3, 4}, w: []int{6, 5, 3, 4}},
		{x: []int{1, 4, 9, 9}, w: []int{6, 4, 3, 3}, dilations: []int64{2, 3}, pads: []int64{2, 3, 2, 3}},
		{x: []int{1, 4, 19, 19}, w: []int{6, 4, 3, 3}, dilations: []int64{2, 3}, strides: []int64{2, 2}, pads: []int64{2, 3, 2, 3}},
		{x: []int{1, 4, 19, 19}, w: []int{6, 4, 2, 2}, dilations: []int64{4, 5}, strides: []int64{2, 3}},
		{x: []int{1, 6, 9, 9}, w: []int{8, 3, 3, 3}, group: 2},
		{x: []int{2, 12, 9, 11}, w: []int{9, 4, 3, 3}, group: 3, pads: []int64{1, 1, 1, 1}, strides: []int64{1, 2}},
		{x: []int{1, 2, 9, 10}, w: []int{3, 2, 3, 3}, autoPad: "SAME_UPPER", strides: []int64{2, 2}},
		{x: []int{1, 2, 9, 10}, w: []int{3, 2, 4, 2}, autoPad: "SAME_LOWER"},
		{x: []int{1, 2, 9, 10}, w: []int{3, 2, 4, 2}, autoPad: "VALID"},
		{x: []int{1, 2, 3, 4, 5}, w: []int{3, 2, 2, 2, 2}},
		{x: []int{2, 2, 6, 7, 9}, w: []int{5, 2, 3, 3, 3}, pads: []int64{1, 1, 1, 1, 1, 1}, strides: []int64{1, 2, 2}},
		{x: []int{0, 3, 8}, w: []int{4, 3, 3}},
		{x: []int{1, 3, 2}, w: []int{4, 3, 3}},
		{x: []int{1, 3, 8}, w: []int{4, 2, 3}},
		{x: []int{1, 3, 8}, w: []int{4, 3, 3}, strides: []int64{0}},
		{x: []int{1, 3, 8}, w: []int{4, 3, 3}, pads: []int64{1}},

		{x: []int{1, 5, 9, 10}, w: []int{5, 1, 3, 3}, group: 5, kernel: "conv/depthwise"},
		{x: []int{2, 5, 9, 40}, w: []int{5, 1, 3, 3}, group: 5, pads: []int64{1, 1, 1, 1}, kernel: "conv/depthwise"},
		{x: []int{1, 5, 19, 70}, w: []int{10, 1, 5, 5}, group: 5, pads: []int64{2, 2, 2, 2}, strides: []int64{2, 2}, kernel: "conv/depthwise"},
		{x: []int{3, 40, 7, 7}, w: []int{80, 1, 7, 7}, group: 40, kernel: "conv/depthwise"}, // windows on the whole
		{x: []int{2, 5, 19}, w: []int{5, 1, 19}, group: 5, kernel: "conv/depthwise"},
		{x: []int{1, 3, 30}, w: []int{3, 1, 4}, group: 3, strides: []int64{3}, dilations: []int64{2}, kernel: "conv/depthwise"},
		{x: []int{1, 3, 5, 6, 7}, w: []int{3, 1, 3, 3, 3}, group: 3, pads: []int64{1, 1, 1, 1, 1, 1}, kernel: "conv/depthwise"},
	}
	for n := 1; n <= 33; n++ { // lines, and numbers of filters, that leave every rest
		list = append(list,
			convCase{x: []int{1, 3, 5, n + 1}, w: []int{n, 3, 3, 2}, pads: []int64{1, 0, 1, 1}},
			convCase{x: []int{1, 3, 6, n + 1}, w: []int{3, 1, 3, 2}, pads: []int64{1, 0, 1, 1}, group: 3, kernel: "conv/depthwise"})
	}
	return list
}

func TestConv(t *testing.T) {
	for i, c := range convCases() {
		t.Run(fmt.Sprint(i, c), func(t *testing.T) {
			x, w := random(1, tensor.Float32, c.x...), random(2, tensor.Float32, c.w...)
			for _, bias := range []*tensor.Tensor{nil, random(3, tensor.Float32, c.w[0])} {
				for _, constants := range [][]int{nil, {1}} {
					kernel := c.kernel
					if kernel == "" {
						kernel = "conv/direct"
					}
					agreement{op: "Conv", attributes: c.attributes(), inputs: []*tensor.Tensor{x, w, bias}, constants: constants, kernel: kernel, tolerance: 1e-5,
						static: c.kernel != "" && constants == nil}.check(t)
				}
			}
		})
	}
}

// Padding is zero whatever the input holds, and what an output sees is its
// window alone.
func TestConvOfSpecials(t *testing.T) {
	x := withSpecials(random(1, tensor.Float32, 1, 2, 9, 11))
	agreement{op: "Conv", attributes: []graph.Attribute{graph.A("pads", []int64{1, 1, 1, 1})}, inputs: []*tensor.Tensor{x, random(2, tensor.Float32, 5, 2, 3, 3)}, constants: []int{1}, kernel: "conv/direct", tolerance: 1e-5}.check(t)
	agreement{op: "Conv", attributes: []graph.Attribute{graph.A("pads", []int64{1, 1, 1, 1}), graph.A("group", int64(2))}, inputs: []*tensor.Tensor{x, random(2, tensor.Float32, 2, 1, 3, 3)}, constants: []int{1}, kernel: "conv/depthwise", tolerance: 1e-5}.check(t)
}

func TestConvTranspose(t *testing.T) {
	a := func(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
	for i, c := range []struct {
		x, w       []int
		group      int64
		attributes []graph.Attribute
	}{
		{[]int{1, 3, 8}, []int{3, 4, 3}, 1, nil},
		{[]int{1, 3, 8}, []int{3, 4, 3}, 1, []graph.Attribute{a("strides", 2), a("pads", 1, 1), a("output_padding", 1)}},
		{[]int{2, 5, 7, 9}, []int{5, 6, 2, 2}, 1, []graph.Attribute{a("strides", 2, 2)}},
		{[]int{2, 5, 7, 9}, []int{5, 6, 3, 3}, 1, []graph.Attribute{a("strides", 2, 2), a("pads", 1, 1, 1, 1)}},
		{[]int{1, 5, 7, 9}, []int{5, 6, 3, 3}, 1, []graph.Attribute{a("pads", 1, 0, 1, 2), a("dilations", 2, 3)}},
		{[]int{1, 6, 7, 9}, []int{6, 2, 3, 3}, 3, []graph.Attribute{a("strides", 3, 2), a("pads", 1, 1, 0, 1)}},
		{[]int{1, 4, 6, 5}, []int{4, 1, 4, 4}, 4, []graph.Attribute{a("strides", 2, 2), a("pads", 1, 1, 1, 1)}},
		{[]int{2, 21, 9, 8}, []int{21, 1, 16, 16}, 21, []graph.Attribute{a("strides", 8, 8), a("pads", 4, 4, 4, 4)}},
		{[]int{1, 5, 7, 9}, []int{5, 3, 3, 2}, 5, []graph.Attribute{a("strides", 3, 2), a("pads", 2, 0, 1, 3), a("dilations", 2, 3), a("output_padding", 2, 1)}},
		{[]int{1, 5, 4, 3}, []int{5, 1, 2, 2}, 5, []graph.Attribute{a("strides", 4, 3)}}, // with pixels that no tap sees
		{[]int{1, 5, 4, 3}, []int{5, 1, 7, 5}, 5, []graph.Attribute{a("pads", 6, 3, 2, 4)}},
		{[]int{2, 40, 70}, []int{40, 2, 8}, 40, []graph.Attribute{a("strides", 4), a("pads", 2, 2)}},
		{[]int{1, 4, 6, 5}, []int{4, 2, 3, 3}, 1, []graph.Attribute{a("strides", 2, 2), graph.A("auto_pad", "SAME_UPPER")}},
		{[]int{1, 4, 6, 5}, []int{4, 2, 3, 3}, 1, []graph.Attribute{a("strides", 2, 2), graph.A("auto_pad", "SAME_LOWER")}},
		{[]int{1, 4, 6, 5}, []int{4, 2, 3, 3}, 1, []graph.Attribute{a("strides", 2, 2), graph.A("auto_pad", "VALID")}},
		{[]int{1, 4, 6, 5}, []int{4, 2, 3, 3}, 1, []graph.Attribute{a("strides", 2, 2), a("output_shape", 14, 10)}},
		{[]int{1, 2, 3, 4, 5}, []int{2, 3, 2, 2, 2}, 1, []graph.Attribute{a("strides", 2, 1, 2)}},
		{[]int{2, 5, 4, 3}, []int{5, 33, 4, 4}, 1, []graph.Attribute{a("strides", 2, 2), a("pads", 1, 1, 1, 1)}},
		{[]int{1, 6, 7, 9}, []int{6, 20, 3, 2}, 2, []graph.Attribute{a("strides", 3, 2), a("pads", 2, 1, 0, 3), a("dilations", 2, 3)}},
		{[]int{1, 2, 60, 90}, []int{2, 40, 3, 3}, 1, []graph.Attribute{a("strides", 2, 2), a("output_padding", 1, 0)}},
		{[]int{1, 20, 50}, []int{20, 70, 5}, 1, []graph.Attribute{a("strides", 4), a("pads", 7, 0)}},
		{[]int{2, 24, 81, 70}, []int{24, 20, 2, 2}, 1, []graph.Attribute{a("strides", 2, 2)}}, // turned in pieces
		{[]int{1, 100, 1, 1}, []int{100, 16, 4, 4}, 1, nil},
		{[]int{0, 3, 8}, []int{3, 4, 3}, 1, nil},
		{[]int{1, 3, 8}, []int{2, 4, 3}, 1, nil},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			x, w := random(1, tensor.Float32, c.x...), random(2, tensor.Float32, c.w...)
			for _, bias := range []*tensor.Tensor{nil, random(3, tensor.Float32, c.w[1]*int(c.group))} {
				for _, constants := range [][]int{nil, {1}} {
					agreement{op: "ConvTranspose", attributes: append(c.attributes, graph.A("group", c.group)), inputs: []*tensor.Tensor{x, w, bias}, constants: constants, kernel: "conv/transpose", tolerance: 1e-5}.check(t)
				}
			}
		})
	}
}

func TestPool(t *testing.T) {
	a := func(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
	for i, c := range []struct {
		x          []int
		attributes []graph.Attribute
	}{
		{[]int{1, 3, 8}, []graph.Attribute{a("kernel_shape", 3)}},
		{[]int{2, 3, 9, 11}, []graph.Attribute{a("kernel_shape", 2, 2), a("strides", 2, 2)}},
		{[]int{2, 3, 9, 11}, []graph.Attribute{a("kernel_shape", 3, 3), a("strides", 2, 2), a("pads", 1, 1, 1, 1)}},
		{[]int{1, 70, 9, 11}, []graph.Attribute{a("kernel_shape", 3, 3), a("strides", 1, 1), a("pads", 1, 1, 1, 1)}},
		{[]int{2, 3, 9, 12}, []graph.Attribute{a("kernel_shape", 3, 3), a("strides", 2, 2), graph.A("ceil_mode", int64(1))}},
		{[]int{2, 3, 10, 12}, []graph.Attribute{a("kernel_shape", 3, 2), a("strides", 3, 3), a("pads", 1, 0, 1, 1), graph.A("ceil_mode", int64(1))}},
		{[]int{1, 2, 10, 12}, []graph.Attribute{a("kernel_shape", 3, 2), a("dilations", 2, 3), a("strides", 2, 1)}},
		{[]int{1, 2, 10, 13}, []graph.Attribute{a("kernel_shape", 3, 2), a("strides", 2, 2), graph.A("auto_pad", "SAME_UPPER")}},
		{[]int{1, 2, 10, 13}, []graph.Attribute{a("kernel_shape", 3, 2), a("strides", 2, 2), graph.A("auto_pad", "SAME_LOWER")}},
		{[]int{1, 2, 5, 6, 7}, []graph.Attribute{a("kernel_shape", 2, 3, 2), a("strides", 1, 2, 2), a("pads", 0, 1, 0, 1, 1, 0)}},
		{[]int{1, 2, 33, 40}, []graph.Attribute{a("kernel_shape", 1, 1), a("strides", 4, 2)}},
		{[]int{0, 2, 33}, []graph.Attribute{a("kernel_shape", 2)}},
		{[]int{1, 2, 3}, []graph.Attribute{a("kernel_shape", 5)}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			x := random(1, tensor.Float32, c.x...)
			agreement{op: "MaxPool", attributes: c.attributes, inputs: []*tensor.Tensor{x}, kernel: "pool"}.check(t)
			agreement{op: "MaxPool", attributes: c.attributes, inputs: []*tensor.Tensor{withSpecials(x)}, kernel: "pool"}.check(t)
			for _, include := range []int64{0, 1} {
				agreement{op: "AveragePool", attributes: append(c.attributes, graph.A("count_include_pad", include)), inputs: []*tensor.Tensor{x}, kernel: "pool", tolerance: 1e-6}.check(t)
			}
		})
	}
	for n := 1; n <= 33; n++ {
		agreement{op: "MaxPool", attributes: []graph.Attribute{a("kernel_shape", 2, 3), a("pads", 0, 1, 0, 1)}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 1, 2, 4, n)}, kernel: "pool"}.check(t)
	}
	agreement{op: "MaxPool", attributes: []graph.Attribute{a("kernel_shape", 2)}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 1, 1, 4)}, outputs: 2, kernel: "pool"}.check(t)
}

// Attributes alone do not decide how much memory is taken: what would need images
// out of all proportion is left to the reference.
func TestHugePaddingTakesNoMemory(t *testing.T) {
	far := int64(1) << 20
	a := func(name string, v ...int64) graph.Attribute { return graph.A(name, v) }
	apart := []graph.Attribute{a("dilations", far, far), a("pads", far/2, far/2, far/2, far/2)}
	x := random(1, tensor.Float32, 1, 2, 3, 3)
	agreement{op: "Conv", attributes: apart, inputs: []*tensor.Tensor{x, random(2, tensor.Float32, 3, 2, 2, 2)}, constants: []int{1}, kernel: "conv/direct", tolerance: 1e-5}.check(t)
	agreement{op: "Conv", attributes: append(apart, graph.A("group", int64(2))), inputs: []*tensor.Tensor{x, random(2, tensor.Float32, 2, 1, 2, 2)}, constants: []int{1}, kernel: "conv/depthwise", tolerance: 1e-5}.check(t)
	agreement{op: "MaxPool", attributes: append(apart, a("kernel_shape", 2, 2)), inputs: []*tensor.Tensor{x}, kernel: "pool"}.check(t)
}
