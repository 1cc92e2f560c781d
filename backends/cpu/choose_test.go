package cpu_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

var widths = []tensor.DType{tensor.Uint8, tensor.Float16, tensor.Float32, tensor.Int64}

func TestTrilu(t *testing.T) {
	for _, d := range widths {
		for _, shape := range []tensor.Shape{{3, 5, 4}, {4, 7}, {0, 3}, {5}} {
			for _, k := range []int64{0, 1, -2, 50, -50, math.MaxInt64, math.MinInt64} {
				for upper := range int64(2) {
					agreement{
						op: "Trilu", kernel: "choose", inputs: []*tensor.Tensor{random(4, d, shape...), tensor.Scalar(k)},
						attributes: []graph.Attribute{graph.A("upper", upper)},
					}.check(t)
				}
			}
		}
	}
	agreement{op: "Trilu", kernel: "choose", inputs: []*tensor.Tensor{random(4, tensor.Float32, 3, 3), nil}}.check(t)
	agreement{op: "Trilu", kernel: "choose", inputs: []*tensor.Tensor{random(4, tensor.Float32, 3, 3), ints(1, 2)}}.check(t)
}

func TestReverseSequence(t *testing.T) {
	for _, d := range widths {
		for time := range int64(2) {
			for _, lengths := range []*tensor.Tensor{ints(0, 1, 2, 4), ints(4, 4, 3, 5), ints(-1, 0, 0, 0), ints(1)} {
				agreement{
					op: "ReverseSequence", kernel: "choose", inputs: []*tensor.Tensor{random(4, d, 4, 4, 3), lengths},
					attributes: []graph.Attribute{graph.A("time_axis", time), graph.A("batch_axis", 1-time)},
				}.check(t)
			}
		}
	}
}

func TestCompress(t *testing.T) {
	truths := func(v ...bool) *tensor.Tensor { return tensor.Of(v) }
	for _, d := range widths {
		for _, condition := range []*tensor.Tensor{truths(true, false, true), truths(false), truths(), truths(true), truths(false, false, false, false, true), truths(true, true, true)} {
			for axis := int64(-3); axis < 3; axis++ {
				a := agreement{
					op: "Compress", kernel: "choose", inputs: []*tensor.Tensor{random(4, d, 3, 4), condition},
					attributes: []graph.Attribute{graph.A("axis", axis)},
				}
				a.check(t)
				a.attributes = nil
				a.check(t)
			}
		}
	}
}

func TestNonZero(t *testing.T) {
	for _, shape := range []tensor.Shape{{12}, {3, 4, 5}, {2, 0}, {0, 2}, {}, {1, 1, 3, 1}} {
		for _, d := range append([]tensor.DType{tensor.Bool}, ordered...) {
			in := random(4, d, shape...)
			if d.IsFloat() {
				in = withSpecials(in)
			}
			agreement{op: "NonZero", kernel: "choose", inputs: []*tensor.Tensor{in}}.check(t)
		}
	}
}
