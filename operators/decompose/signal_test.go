package decompose_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestDecomposedSignal(t *testing.T) {
	onesided, inverse, symmetric := graph.A("onesided", int64(1)), graph.A("inverse", int64(1)), graph.A("periodic", int64(0))
	d := tensor.Float64
	scalar := func(v int64) *tensor.Tensor { return tensor.Scalar(v) }
	real, complex := waves(d, 0, 2, 3, 7, 1), waves(d, 0, 2, 3, 7, 2)
	known := []int{1, 2}
	prove(t, []claim{
		{name: "real", op: "DFT", in: []*tensor.Tensor{real}},
		{name: "complex, first axis", op: "DFT", in: []*tensor.Tensor{complex, nil, scalar(0)}, constant: known},
		{name: "middle axis", op: "DFT", in: []*tensor.Tensor{complex, nil, scalar(-3)}, constant: known},
		{name: "longer", op: "DFT", in: []*tensor.Tensor{complex, scalar(9)}, constant: known},
		{name: "shorter", op: "DFT", in: []*tensor.Tensor{complex, scalar(4)}, constant: known},
		{name: "one side", op: "DFT", attrs: with(onesided), in: []*tensor.Tensor{real}},
		{name: "one side, even", op: "DFT", attrs: with(onesided), in: []*tensor.Tensor{real, scalar(8)}, constant: known},
		{name: "inverse", op: "DFT", attrs: with(inverse), in: []*tensor.Tensor{complex}},
		{name: "inverse of one side", op: "DFT", attrs: with(inverse, onesided), in: []*tensor.Tensor{complex}},
		{name: "inverse of one side, odd", op: "DFT", attrs: with(inverse, onesided), in: []*tensor.Tensor{complex, scalar(13)}, constant: known},
		{name: "inverse of one side, shorter", op: "DFT", attrs: with(inverse, onesided), in: []*tensor.Tensor{complex, scalar(5)}, constant: known},
		{name: "float32", op: "DFT", in: []*tensor.Tensor{waves(tensor.Float32, 0, 5, 1)}, rtol: 1e-4},
		{name: "window", op: "STFT", in: []*tensor.Tensor{waves(d, 0, 2, 20, 1), scalar(3), waves(d, 1, 8)}, constant: []int{1}},
		{name: "length", op: "STFT", attrs: with(graph.A("onesided", int64(0))), in: []*tensor.Tensor{waves(d, 0, 2, 20, 2), scalar(5), nil, scalar(6)}, constant: []int{1, 3}},
		{name: "periodic", op: "HannWindow", in: []*tensor.Tensor{scalar(9)}, rtol: 1e-5},
		{name: "symmetric", op: "HammingWindow", attrs: with(symmetric), in: []*tensor.Tensor{tensor.Scalar(int32(9))}, rtol: 1e-5},
		{name: "float64", op: "BlackmanWindow", attrs: with(symmetric, graph.A("output_datatype", int64(d))), in: []*tensor.Tensor{scalar(10)}},
		{name: "integers", op: "HannWindow", attrs: with(graph.A("output_datatype", int64(tensor.Int8))), in: []*tensor.Tensor{scalar(4)}},
		{name: "one value", op: "HannWindow", attrs: with(symmetric), in: []*tensor.Tensor{scalar(1)}},
	})
}
