package decompose_test

import (
	"fmt"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestDecomposedRecurrent(t *testing.T) {
	f := tensor.Float32
	const seq, batch, in, hidden = 4, 3, 2, 5
	for _, c := range []struct {
		op            string
		gates, states int
		functions     int
		attrs         []graph.Attribute
	}{
		{"RNN", 1, 1, 1, nil},
		{"GRU", 3, 1, 2, nil},
		{"GRU", 3, 1, 2, with(graph.A("linear_before_reset", int64(1)))},
		{"LSTM", 4, 2, 3, nil},
		{"LSTM", 4, 2, 3, with(graph.A("input_forget", int64(1)), graph.A("clip", float32(0.5)))},
	} {
		for direction, dirs := range map[string]int{"forward": 1, "reverse": 1, "bidirectional": 2} {
			for layout := range 2 {
				attrs := append(with(graph.A("direction", direction), graph.A("layout", int64(layout))), c.attrs...)
				x, state := []int{seq, batch, in}, []int{dirs, batch, hidden}
				if layout == 1 {
					x, state = []int{batch, seq, in}, []int{batch, dirs, hidden}
				}
				given := []*tensor.Tensor{waves(f, 0, x...), waves(f, 1, dirs, c.gates*hidden, in), waves(f, 2, dirs, c.gates*hidden, hidden)}
				whole := append(given[:3:3], waves(f, 3, dirs, 2*c.gates*hidden), tensor.Of([]int32{4, 0, 2}), waves(f, 4, state...))
				if c.op == "LSTM" {
					whole = append(whole, waves(f, 5, state...), waves(f, 6, dirs, 3*hidden))
				}
				name := fmt.Sprint(direction, layout)
				prove(t, []claim{
					{name: name, op: c.op, attrs: attrs, in: given, outputs: 1 + c.states, rtol: 1e-5},
					{name: name + " with everything", op: c.op, attrs: attrs, in: whole, outputs: 1 + c.states, rtol: 1e-5},
				})
			}
		}
	}
}

func TestDecomposedRecurrentActivations(t *testing.T) {
	in := []*tensor.Tensor{waves(tensor.Float64, 0, 2, 3, 2), waves(tensor.Float64, 1, 2, 4, 2), waves(tensor.Float64, 2, 2, 4, 4)}
	both := graph.A("direction", "bidirectional")
	for _, names := range [][]string{{"Relu", "Softsign"}, {"softplus", "Sigmoid"}, {"Affine", "ScaledTanh"}, {"HardSigmoid", "LeakyRelu"}, {"ThresholdedRelu", "Elu"}} {
		activations := graph.A("activations", names)
		prove(t, []claim{
			{name: names[0] + " " + names[1], op: "RNN", attrs: with(both, activations), in: in},
			{name: names[0] + " " + names[1] + " with numbers", op: "RNN", in: in, attrs: with(both, activations,
				graph.A("activation_alpha", []float32{0.3, 0.6}), graph.A("activation_beta", []float32{0.25, 0.75}))},
		})
	}
}
