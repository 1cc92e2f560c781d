package cpu_test

import (
	"fmt"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestRecurrent(t *testing.T) {
	f := func(seed uint64, s ...int) *tensor.Tensor {
		r := random(seed, tensor.Float32, s...)
		for i := range tensor.Slice[float32](r) {
			tensor.Slice[float32](r)[i] /= 4
		}
		return r
	}
	for op, gates := range map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1} {
		for direction, dirs := range map[string]int{"forward": 1, "reverse": 1, "bidirectional": 2} {
			for _, size := range [][4]int{{1, 1, 5, 7}, {4, 1, 3, 16}, {3, 2, 9, 33}, {2, 3, 1, 1}} { // seq, batch, input, hidden
				seq, batch, in, hidden := size[0], size[1], size[2], size[3]
				inputs := []*tensor.Tensor{f(1, seq, batch, in), f(2, dirs, gates*hidden, in), f(3, dirs, gates*hidden, hidden), f(4, dirs, 2*gates*hidden), nil, f(5, dirs, batch, hidden), f(6, dirs, batch, hidden)}
				if op != "LSTM" {
					inputs = inputs[:6]
				}
				for _, linear := range []int64{0, 1} {
					if op != "GRU" && linear == 1 {
						continue
					}
					attributes := []graph.Attribute{graph.A("direction", direction), graph.A("hidden_size", int64(hidden)), graph.A("linear_before_reset", linear)}
					if op != "GRU" {
						attributes = attributes[:2]
					}
					for _, given := range []int{3, 4, len(inputs)} {
						for _, constants := range [][]int{nil, {1, 2, 3}} {
							for _, outputs := range []int{1, len(inputs) - 4} {
								t.Run(fmt.Sprint(op, direction, size, linear, given, constants, outputs), func(t *testing.T) {
									agreement{op: op, attributes: attributes, inputs: inputs[:given], constants: constants, outputs: outputs, kernel: "recurrent", tolerance: 2e-6}.check(t)
								})
							}
						}
					}
				}
			}
		}
	}
	lens := tensor.Of([]int32{1, 2})
	agreement{op: "LSTM", attributes: []graph.Attribute{graph.A("hidden_size", int64(3))}, inputs: []*tensor.Tensor{f(1, 2, 2, 4), f(2, 1, 12, 4), f(3, 1, 12, 3), nil, lens}, kernel: "reference"}.check(t)
	agreement{op: "GRU", attributes: []graph.Attribute{graph.A("hidden_size", int64(3)), graph.A("clip", float32(0.1))}, inputs: []*tensor.Tensor{f(1, 2, 2, 4), f(2, 1, 9, 4), f(3, 1, 9, 3)}, kernel: "reference"}.check(t)
	rnn := []*tensor.Tensor{f(1, 5, 2, 4), f(2, 2, 20, 4), f(3, 2, 20, 20), f(4, 2, 40)}
	for names, kernel := range map[[2]string]string{{"Relu", "relu"}: "recurrent", {"Tanh", "Relu"}: "reference", {"Softsign", "Softsign"}: "reference"} {
		attributes := []graph.Attribute{graph.A("hidden_size", int64(20)), graph.A("direction", "bidirectional"), graph.A("activations", names[:])}
		agreement{op: "RNN", attributes: attributes, inputs: rnn, outputs: 2, kernel: kernel, tolerance: 2e-6}.check(t)
	}
	agreement{op: "GRU", attributes: []graph.Attribute{graph.A("hidden_size", int64(4))}, inputs: []*tensor.Tensor{f(1, 2, 2, 4), f(2, 1, 9, 4), f(3, 1, 9, 3)}, kernel: "recurrent"}.check(t)
}

func TestResize(t *testing.T) {
	empty := tensor.Of([]float32{}, 0)
	scales := func(v ...float32) *tensor.Tensor { return tensor.Of(v) }
	for _, mode := range []string{"nearest", "linear", "cubic"} {
		for _, transform := range []string{"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"} {
			at := []graph.Attribute{graph.A("mode", mode), graph.A("coordinate_transformation_mode", transform)}
			x := random(1, tensor.Float32, 2, 3, 9, 11)
			for _, in := range [][]*tensor.Tensor{
				{nil, scales(1, 1, 2, 2)}, {nil, scales(1, 1, 0.5, 1.7)}, {nil, scales(1, 1, 1, 3)}, {nil, scales(1, 1, 1, 1)}, {nil, scales(2, 1, 2, 1)},
				{empty, empty, ints(2, 3, 20, 5)}, {nil, nil, ints(2, 3, 1, 1)}, {nil, nil, ints(2, 3, 0, 1)},
			} {
				agreement{op: "Resize", attributes: at, inputs: append([]*tensor.Tensor{x}, in...), kernel: "resize", tolerance: 1e-6}.check(t)
			}
		}
	}
	x := withSpecials(random(1, tensor.Float32, 1, 1, 9, 12))
	agreement{op: "Resize", attributes: []graph.Attribute{graph.A("mode", "linear")}, inputs: []*tensor.Tensor{x, nil, scales(1, 1, 2, 3)}, kernel: "resize", tolerance: 1e-6}.check(t)
	crop := []graph.Attribute{graph.A("coordinate_transformation_mode", "tf_crop_and_resize"), graph.A("extrapolation_value", float32(7))}
	agreement{op: "Resize", attributes: crop, inputs: []*tensor.Tensor{random(1, tensor.Float32, 4, 5), tensor.Of([]float32{-0.5, 0, 1.2, 1}), scales(2, 2)}, kernel: "resize", tolerance: 1e-6}.check(t)
	agreement{op: "Resize", inputs: []*tensor.Tensor{x, nil, scales(1, 2)}, kernel: "resize"}.check(t)
}
