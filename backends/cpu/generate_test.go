package cpu_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestRange(t *testing.T) {
	for _, v := range [][3]int64{{0, 10, 1}, {0, 10, 3}, {10, -4, -3}, {3, 3, 1}, {4, 3, 1}, {0, 9, 0}, {-100, 100, 7}} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int16, tensor.Int32, tensor.Int64} {
			a := agreement{op: "Range", kernel: "generate"}
			for _, e := range v {
				a.inputs = append(a.inputs, tensor.FromInt64s(d, tensor.Shape{}, []int64{e}))
			}
			a.check(t)
		}
	}
	for _, v := range [][3]float32{{0.5, 2.1, 0.1}, {1, -1, -0.3}, {0, float32(inf), 1}, {0, float32(nan), 1}, {0, 1, float32(inf)}, {5, 0, 1}} {
		agreement{op: "Range", kernel: "generate", inputs: []*tensor.Tensor{tensor.Scalar(v[0]), tensor.Scalar(v[1]), tensor.Scalar(v[2])}}.check(t)
	}
	for _, v := range [][3]int64{{math.MinInt64, math.MaxInt64, 1}, {math.MaxInt64, math.MinInt64, math.MinInt64}, {0, 1 << 60, 1}} {
		agreement{op: "Range", kernel: "generate", inputs: []*tensor.Tensor{tensor.Scalar(v[0]), tensor.Scalar(v[1]), tensor.Scalar(v[2])}}.check(t)
	}
	agreement{op: "Range", kernel: "generate", inputs: []*tensor.Tensor{ints(0, 1), ints(3), ints(1)}}.check(t)
}

func TestEyeLike(t *testing.T) {
	for _, shape := range []tensor.Shape{{4, 4}, {3, 7}, {7, 3}, {0, 3}, {2, 0}, {4}} {
		for _, k := range []int64{0, 1, -2, 40, -40, math.MaxInt64, math.MinInt64} {
			agreement{
				op: "EyeLike", kernel: "generate", inputs: []*tensor.Tensor{random(1, tensor.Int32, shape...)},
				attributes: []graph.Attribute{graph.A("k", k), graph.A("dtype", int64(tensor.Float64))},
			}.check(t)
		}
	}
}

func TestOneHot(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Int64, tensor.Uint8, tensor.Float16} {
		values := tensor.FromInt64s(d, tensor.Shape{2}, []int64{3, 7})
		for axis := int64(-4); axis < 4; axis++ {
			for _, depth := range []int64{5, 0, 1, -1} {
				agreement{
					op: "OneHot", kernel: "generate", inputs: []*tensor.Tensor{random(2, tensor.Int32, 2, 60), tensor.Scalar(depth), values},
					attributes: []graph.Attribute{graph.A("axis", axis)},
				}.check(t)
			}
		}
	}
	agreement{op: "OneHot", kernel: "generate", inputs: []*tensor.Tensor{ints(0, 1), ints(1 << 60), tensor.Of([]float32{0, 1})}}.check(t)
	agreement{op: "OneHot", kernel: "generate", inputs: []*tensor.Tensor{ints(0, 1, -5, -3), ints(3), tensor.Of([]float32{0, 1, 2})}}.check(t)
	agreement{op: "OneHot", kernel: "generate", inputs: []*tensor.Tensor{ints(), ints(3), tensor.Of([]float32{0, 1})}}.check(t)
}
