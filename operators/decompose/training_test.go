package decompose_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestDecomposedLosses(t *testing.T) {
	for _, f := range []tensor.DType{tensor.Float32, tensor.Float16} {
		x, weight := waves(f, 0, 3, 4, 2), waves(f, 9, 4)
		target := tensor.Of([]int64{0, 3, 1, 2, 2, 0}, 3, 2)
		ignored := tensor.Of([]int32{0, -1, 1, -1, 2, 0}, 3, 2)
		rtol := map[tensor.DType]float64{tensor.Float32: 1e-5, tensor.Float16: 1e-3}[f]
		for _, reduction := range []string{"none", "sum", "mean"} {
			r, ignore := graph.A("reduction", reduction), graph.A("ignore_index", int64(-1))
			for op, outputs := range map[string]int{"NegativeLogLikelihoodLoss": 1, "SoftmaxCrossEntropyLoss": 2} {
				prove(t, []claim{
					{name: reduction, op: op, attrs: with(r), in: []*tensor.Tensor{x, target}, outputs: outputs, rtol: rtol},
					{name: reduction + " weighted", op: op, attrs: with(r), in: []*tensor.Tensor{x, target, weight}, outputs: outputs, rtol: rtol},
					{name: reduction + " ignored", op: op, attrs: with(r, ignore), in: []*tensor.Tensor{x, ignored}, outputs: outputs, rtol: rtol},
					{name: reduction + " all", op: op, attrs: with(r, ignore), in: []*tensor.Tensor{x, ignored, weight}, outputs: 1, rtol: rtol},
					{name: reduction + " flat", op: op, attrs: with(r), in: []*tensor.Tensor{waves(f, 0, 2, 3), tensor.Of([]int64{2, 0})}, outputs: outputs, rtol: rtol},
				})
			}
		}
	}
}

func TestDecomposedOptimizers(t *testing.T) {
	const training = "ai.onnx.preview.training"
	f := func(name string, v float32) graph.Attribute { return graph.A(name, v) }
	positive := func(shape ...int) *tensor.Tensor {
		v := waves(tensor.Float32, 3, shape...).Float64s()
		for i := range v {
			v[i] = v[i]*v[i] + 0.5
		}
		return tensor.FromFloat64s(tensor.Float32, shape, v)
	}
	w := func(seed float64, shape ...int) *tensor.Tensor { return waves(tensor.Float32, seed, shape...) }
	for _, count := range []int64{0, 3} {
		in := []*tensor.Tensor{tensor.Scalar(float32(0.1)), tensor.Scalar(count), w(0, 2, 3), w(1, 2), w(2, 2, 3), w(3, 2)}
		one, two := append(in[:6:6], positive(2, 3), positive(2)), append(in[:6:6], w(4, 2, 3), w(5, 2), positive(2, 3), positive(2))
		prove(t, []claim{
			{name: "defaults", domain: training, op: "Adagrad", in: one, outputs: 4, rtol: 1e-5},
			{name: "all", domain: training, op: "Adagrad", in: one, outputs: 4, rtol: 1e-5, attrs: with(f("decay_factor", 0.5), f("epsilon", 0.25), f("norm_coefficient", 0.125))},
			{name: "defaults", domain: training, op: "Adam", in: two, outputs: 6, rtol: 1e-4},
			{name: "all", domain: training, op: "Adam", in: two, outputs: 6, rtol: 1e-5, attrs: with(f("alpha", 0.5), f("beta", 0.75), f("epsilon", 0.25), f("norm_coefficient", 0.125), f("norm_coefficient_post", 0.25))},
			{name: "standard", domain: training, op: "Momentum", in: one, outputs: 4, rtol: 1e-5, attrs: with(graph.A("mode", "standard"), f("alpha", 0.5), f("beta", 0.75), f("norm_coefficient", 0.125))},
			{name: "nesterov", domain: training, op: "Momentum", in: one, outputs: 4, rtol: 1e-5, attrs: with(graph.A("mode", "nesterov"), f("alpha", 0.5), f("beta", 0.75), f("norm_coefficient", 0))},
		})
	}
}
