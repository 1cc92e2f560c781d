package cpu_test

import (
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// indexesFor are indexes in [-n, n) in some order, or, where they are to be wrong,
// with the last one outside.
func indexesFor(d tensor.DType, n int, wrong bool, shape ...int) *tensor.Tensor {
	v := make([]int64, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = int64(i*7919%(2*n) - n)
	}
	if wrong {
		v[len(v)-1] = int64(n)
	}
	return tensor.FromInt64s(d, shape, v)
}

func TestGatherElements(t *testing.T) {
	for _, d := range widths {
		for _, shape := range []tensor.Shape{{5, 4, 3}, {2, 4, 3}, {5, 1, 2}, {0, 4, 3}, {5, 4}, {6, 4, 3}} {
			for axis := range 3 {
				for _, index := range []tensor.DType{tensor.Int32, tensor.Int64} {
					agreement{
						op: "GatherElements", kernel: "gather",
						inputs:     []*tensor.Tensor{random(1, d, 5, 4, 3), indexesFor(index, []int{5, 4, 3}[axis], false, shape...)},
						attributes: []graph.Attribute{graph.A("axis", int64(axis))},
					}.check(t)
				}
			}
		}
	}
	agreement{op: "GatherElements", kernel: "gather", inputs: []*tensor.Tensor{random(1, tensor.Float32, 5, 4), indexesFor(tensor.Int64, 5, true, 5, 4)}}.check(t)
	agreement{op: "GatherElements", kernel: "gather", inputs: []*tensor.Tensor{random(1, tensor.Float32, 300, 200), indexesFor(tensor.Int64, 300, false, 290, 200)}}.check(t)
}

func TestGatherND(t *testing.T) {
	for _, d := range widths {
		for _, shape := range []tensor.Shape{{2, 1}, {2, 2}, {2, 3}, {2, 4, 1}, {2, 4, 2}, {2, 0}, {0, 2}, {1}, {2, 4}, {2, 2, 2, 2}} {
			for batch := range int64(3) {
				agreement{
					op: "GatherND", kernel: "gather", inputs: []*tensor.Tensor{random(1, d, 2, 4, 3), indexesFor(tensor.Int64, 2, false, shape...)},
					attributes: []graph.Attribute{graph.A("batch_dims", batch)},
				}.check(t)
			}
		}
	}
	agreement{op: "GatherND", kernel: "gather", inputs: []*tensor.Tensor{random(1, tensor.Float32, 3, 3), indexesFor(tensor.Int64, 3, true, 5, 2)}}.check(t)
	agreement{op: "GatherND", kernel: "gather", inputs: []*tensor.Tensor{random(1, tensor.Float32, 0, 3), indexesFor(tensor.Int64, 3, false, 5, 1)}}.check(t)
}

func TestScatterElements(t *testing.T) {
	for _, reduction := range []string{"none", "add", "mul", "max", "min"} {
		for _, d := range ordered {
			for _, shape := range []tensor.Shape{{5, 4, 3}, {9, 4, 3}, {2, 4, 1}, {0, 4, 3}, {6, 3}} {
				for axis := range 3 {
					a := agreement{
						op: "ScatterElements", kernel: "scatter",
						inputs: []*tensor.Tensor{
							manyKinds(d, 5, 4, 3), indexesFor(tensor.Int32, []int{5, 4, 3}[axis], false, shape...), manyKinds(d, shape...),
						},
						attributes: []graph.Attribute{graph.A("axis", int64(axis)), graph.A("reduction", reduction)},
					}
					if d == tensor.Float32 && (reduction == "add" || reduction == "mul") {
						a.tolerance = 1e-6
					}
					a.check(t)
				}
			}
		}
	}
	data := random(1, tensor.Float16, 5, 4)
	agreement{op: "ScatterElements", kernel: "scatter", inputs: []*tensor.Tensor{data, indexesFor(tensor.Int64, 5, false, 5, 4), data}}.check(t)
	agreement{op: "ScatterElements", kernel: "scatter", inputs: []*tensor.Tensor{data, indexesFor(tensor.Int64, 5, true, 5, 4), data}}.check(t)
	agreement{op: "ScatterElements", kernel: "scatter", inputs: []*tensor.Tensor{data, indexesFor(tensor.Int64, 5, false, 5, 3), data}}.check(t)
}

func TestScatterND(t *testing.T) {
	for _, reduction := range []string{"none", "add", "mul", "max", "min"} {
		for _, d := range ordered {
			for _, shape := range []tensor.Shape{{6, 1}, {6, 2}, {2, 6, 3}, {1}, {6, 0}, {0, 1}, {2, 4}} {
				updates := shape[:len(shape)-1].Clone()
				updates = append(updates, tensor.Shape{2, 4, 3}[min(shape[len(shape)-1], 3):]...)
				a := agreement{
					op: "ScatterND", kernel: "scatter", attributes: []graph.Attribute{graph.A("reduction", reduction)},
					inputs: []*tensor.Tensor{manyKinds(d, 2, 4, 3), indexesFor(tensor.Int64, 2, false, shape...), manyKinds(d, updates...)},
				}
				if d == tensor.Float32 && (reduction == "add" || reduction == "mul") {
					a.tolerance = 1e-6
				}
				a.check(t)
			}
		}
	}
	data := random(1, tensor.Int64, 5, 4)
	agreement{op: "ScatterND", kernel: "scatter", inputs: []*tensor.Tensor{data, indexesFor(tensor.Int64, 4, true, 5, 4, 2), data}}.check(t)
	agreement{op: "ScatterND", kernel: "scatter", inputs: []*tensor.Tensor{data, indexesFor(tensor.Int64, 4, false, 4, 1), data}}.check(t)
}

func TestTensorScatter(t *testing.T) {
	for _, d := range widths {
		for _, mode := range []string{"linear", "circular"} {
			for _, at := range []*tensor.Tensor{nil, ints(0, 2), ints(3, 1), ints(-1, 4), ints(1)} {
				for axis := int64(-3); axis < 0; axis++ {
					update := tensor.Shape{2, 3, 5, 4}
					update[axis+4] = 2
					if axis == -3 {
						update[1] = 3
					}
					agreement{
						op: "TensorScatter", kernel: "scatter", inputs: []*tensor.Tensor{random(1, d, 2, 3, 5, 4), random(2, d, update...), at},
						attributes: []graph.Attribute{graph.A("axis", axis), graph.A("mode", mode)},
					}.check(t)
				}
			}
		}
	}
}
