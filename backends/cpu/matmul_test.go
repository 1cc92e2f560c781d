package cpu_test

import (
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestMatMul(t *testing.T) {
	shapes := [][2][]int{
		{{3, 4}, {4, 5}}, {{4}, {4, 5}}, {{3, 4}, {4}}, {{4}, {4}}, {{2, 3, 4}, {4, 5}}, {{2, 3, 4}, {2, 4, 5}}, {{3, 4}, {2, 4, 5}},
		{{2, 1, 3, 4}, {3, 4, 5}}, {{1, 2, 3, 4}, {2, 1, 4, 5}}, {{2, 3, 4}, {4}}, {{4}, {2, 4, 5}}, {{0, 4}, {4, 5}}, {{3, 0}, {0, 5}},
		{{3, 4}, {5, 6}}, {{130, 70}, {70, 200}}, {{1, 700}, {700, 300}}, {{65, 1100}, {1100, 33}}, {{5, 7, 1}, {5, 1, 9}},
		{{37, 20}, {20}}, {{2, 5, 33}, {33, 1}}, {{2, 5, 33}, {2, 33, 1}}, {{2, 1, 5, 33}, {3, 33, 1}}, {{20000, 64}, {64, 1}}, {{1, 40}, {40}}, {{40}, {40}},
	}
	r := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 33; n++ {
		m, k := 1+r.IntN(33), 1+r.IntN(33)
		shapes = append(shapes, [2][]int{{m, k}, {k, n}})
	}
	for _, s := range shapes {
		a, b := random(1, tensor.Float32, s[0]...), random(2, tensor.Float32, s[1]...)
		for _, constants := range [][]int{nil, {1}, {0}} {
			agreement{op: "MatMul", inputs: []*tensor.Tensor{a, b}, constants: constants, kernel: "gemm", tolerance: 1e-5}.check(t)
		}
	}
	// A NaN or an infinity reaches its own row and column only.
	a, b := random(1, tensor.Float32, 20, 9), random(2, tensor.Float32, 9, 40)
	tensor.Slice[float32](a)[12] = float32(nan)
	tensor.Slice[float32](b)[77] = float32(inf)
	agreement{op: "MatMul", inputs: []*tensor.Tensor{a, b}, constants: []int{1}, kernel: "gemm", tolerance: 1e-5}.check(t)
	agreement{op: "MatMul", inputs: []*tensor.Tensor{a, b}, kernel: "gemm", tolerance: 1e-5}.check(t)
	agreement{op: "MatMul", inputs: []*tensor.Tensor{random(1, tensor.Float64, 2, 2), random(1, tensor.Float64, 2, 2)}, kernel: "reference"}.check(t)
}

func TestGemm(t *testing.T) {
	for _, size := range [][3]int{{3, 4, 5}, {1, 37, 20}, {17, 33, 65}, {38, 21, 1}} {
		m, k, n := size[0], size[1], size[2]
		for _, trans := range [][2]int64{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
			a, b := []int{m, k}, []int{k, n}
			if trans[0] == 1 {
				a = []int{k, m}
			}
			if trans[1] == 1 {
				b = []int{n, k}
			}
			for _, c := range []*tensor.Tensor{nil, random(3, tensor.Float32), random(3, tensor.Float32, n), random(3, tensor.Float32, 1, n), random(3, tensor.Float32, m, 1), random(3, tensor.Float32, m, n), random(3, tensor.Float32, 1, 1), random(3, tensor.Float32, n+1)} {
				for _, scale := range [][2]float32{{1, 1}, {0.5, 1}, {1, -2}, {2, 0}} {
					for _, constants := range [][]int{nil, {1}} {
						agreement{op: "Gemm", attributes: []graph.Attribute{graph.A("transA", trans[0]), graph.A("transB", trans[1]), graph.A("alpha", scale[0]), graph.A("beta", scale[1])},
							inputs: []*tensor.Tensor{random(1, tensor.Float32, a...), random(2, tensor.Float32, b...), c}, constants: constants, kernel: "gemm", tolerance: 1e-5}.check(t)
					}
				}
			}
		}
	}
}
