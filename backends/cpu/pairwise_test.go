package cpu_test

import (
	"math"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// broadcasts are pairs of shapes that broadcast, with rows of every length that
// vector registers leave a rest of.
func broadcasts() [][2][]int {
	list := [][2][]int{
		{{}, {}}, {{1}, {1}}, {{}, {5}}, {{5}, {}}, {{1, 1}, {1}},
		{{2, 3, 4}, {2, 3, 4}}, {{2, 3, 4}, {4}}, {{4}, {2, 3, 4}}, {{2, 3, 4}, {3, 1}}, {{3, 1}, {2, 3, 4}},
		{{2, 1, 4}, {1, 3, 1}}, {{1, 3, 1}, {2, 1, 4}}, {{2, 3, 4, 5}, {1, 3, 1, 1}}, {{7, 1}, {1, 9}},
		{{0}, {1}}, {{2, 0, 3}, {1, 1, 3}}, {{64, 600}, {600}}, {{64, 600}, {64, 1}}, {{40000}, {1}}, {{3, 1, 5, 1, 2}, {1, 4, 1, 6, 1}},
	}
	for n := 1; n <= 33; n++ {
		list = append(list, [2][]int{{n}, {n}}, [2][]int{{3, n}, {n}}, [2][]int{{3, n}, {3, 1}})
	}
	return list
}

func TestPairwise(t *testing.T) {
	for _, op := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"} {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64} {
			t.Run(op+" "+d.String(), func(t *testing.T) {
				for i, s := range broadcasts() {
					a, b := random(uint64(i), d, s[0]...), random(uint64(i+1000), d, s[1]...)
					if d.IsFloat() && i%2 == 0 {
						a, b = withSpecials(a), withSpecials(b)
					}
					if op == "Div" && d.IsInteger() {
						b = withoutZeros(b)
					}
					agreement{op: op, inputs: []*tensor.Tensor{a, b}, kernel: "elementwise"}.check(t)
				}
			})
		}
	}
}

func withoutZeros(t *tensor.Tensor) *tensor.Tensor {
	v := t.Int64s()
	for i := range v {
		if v[i] == 0 {
			v[i] = -1
		}
	}
	return tensor.FromInt64s(t.DType(), t.Shape(), v)
}

func TestPairwiseOddities(t *testing.T) {
	agreement{op: "Div", inputs: []*tensor.Tensor{ints(1, 2, 3), ints(1, 0, 1)}, kernel: "elementwise"}.check(t)
	agreement{op: "Div", inputs: []*tensor.Tensor{ints(math.MinInt64), ints(-1)}, kernel: "elementwise"}.check(t)
	agreement{op: "Add", inputs: []*tensor.Tensor{ints(math.MaxInt64), ints(1)}, kernel: "elementwise"}.check(t)
	agreement{op: "Add", inputs: []*tensor.Tensor{random(1, tensor.Float32, 2), random(2, tensor.Float32, 3)}, kernel: "elementwise"}.check(t)
	agreement{op: "Add", inputs: []*tensor.Tensor{random(1, tensor.Float16, 2), random(2, tensor.Float16, 2)}, kernel: "elementwise/half"}.check(t)
}

func TestVariadic(t *testing.T) {
	for _, op := range []string{"Max", "Min", "Sum", "Mean"} {
		for count := 1; count <= 4; count++ {
			inputs := []*tensor.Tensor{random(1, tensor.Float32, 3, 1), random(2, tensor.Float32, 5), random(3, tensor.Float32, 2, 3, 5), random(4, tensor.Float32)}[:count]
			agreement{op: op, inputs: inputs, kernel: "elementwise", tolerance: 1e-6}.check(t)
		}
	}
}

func TestPow(t *testing.T) {
	x := withSpecials(random(1, tensor.Float32, 40))
	for _, p := range []float32{0, 1, 2, 3, 0.5, -1, -0.5, float32(math.NaN())} {
		agreement{op: "Pow", inputs: []*tensor.Tensor{x, tensor.Scalar(p)}, kernel: "elementwise", tolerance: 1e-6}.check(t)
	}
	agreement{op: "Pow", inputs: []*tensor.Tensor{random(3, tensor.Float32, 4, 5), random(2, tensor.Float32, 4, 1)}, kernel: "elementwise", tolerance: 1e-6}.check(t)
	agreement{op: "Pow", inputs: []*tensor.Tensor{random(3, tensor.Float32, 1), random(2, tensor.Float32, 7)}, kernel: "elementwise", tolerance: 1e-6}.check(t)
}

func TestPRelu(t *testing.T) {
	x := withSpecials(random(1, tensor.Float32, 2, 3, 9))
	for _, slope := range []*tensor.Tensor{random(2, tensor.Float32, 3, 1), random(3, tensor.Float32, 1), random(4, tensor.Float32, 9), random(5, tensor.Float32, 2, 3, 9)} {
		agreement{op: "PRelu", inputs: []*tensor.Tensor{x, slope}, kernel: "elementwise"}.check(t)
	}
}

func TestLogic(t *testing.T) {
	for _, op := range []string{"And", "Or", "Xor", "Equal"} {
		for i, s := range broadcasts()[:12] {
			agreement{op: op, inputs: []*tensor.Tensor{random(uint64(i), tensor.Bool, s[0]...), random(99, tensor.Bool, s[1]...)}, kernel: "elementwise"}.check(t)
		}
	}
	agreement{op: "Not", inputs: []*tensor.Tensor{random(1, tensor.Bool, 3, 7)}, kernel: "elementwise"}.check(t)
}

func TestWhere(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Int64, tensor.Bool, tensor.Float16} {
		for i, s := range broadcasts() {
			condition := random(uint64(i), tensor.Bool, s[0]...)
			agreement{op: "Where", inputs: []*tensor.Tensor{condition, random(1, d, s[1]...), random(2, d, s[0]...)}, kernel: "elementwise"}.check(t)
			agreement{op: "Where", inputs: []*tensor.Tensor{condition, random(1, d), random(2, d, s[1]...)}, kernel: "elementwise"}.check(t)
		}
	}
}

func TestUnary(t *testing.T) {
	for _, c := range []struct {
		op         string
		attributes []graph.Attribute
		tolerance  float64
	}{
		{"Abs", nil, 0}, {"Neg", nil, 0}, {"Sqrt", nil, 0}, {"Reciprocal", nil, 0}, {"Floor", nil, 0}, {"Ceil", nil, 0}, {"Round", nil, 0},
		{"Exp", nil, 1e-6}, {"Log", nil, 1e-6}, {"Tanh", nil, 1e-6}, {"Erf", nil, 1e-6}, {"Relu", nil, 0},
		{"LeakyRelu", nil, 1e-7}, {"LeakyRelu", []graph.Attribute{graph.A("alpha", float32(0.3))}, 1e-7},
		{"Sigmoid", nil, 1e-6}, {"HardSigmoid", nil, 1e-6}, {"HardSigmoid", []graph.Attribute{graph.A("alpha", float32(0.5)), graph.A("beta", float32(0.1))}, 1e-6},
		{"HardSwish", nil, 1e-6}, {"Swish", nil, 1e-6}, {"Swish", []graph.Attribute{graph.A("alpha", float32(1.7))}, 1e-6}, {"Softplus", nil, 1e-6},
		{"Elu", nil, 1e-6}, {"Elu", []graph.Attribute{graph.A("alpha", float32(2))}, 1e-6}, {"Gelu", nil, 1e-6}, {"Gelu", []graph.Attribute{graph.A("approximate", "tanh")}, 1e-6},
	} {
		t.Run(c.op, func(t *testing.T) {
			for n := 0; n <= 70; n++ {
				x := random(uint64(n), tensor.Float32, n)
				agreement{op: c.op, attributes: c.attributes, inputs: []*tensor.Tensor{x}, kernel: "elementwise", tolerance: c.tolerance}.check(t)
			}
			large := random(1, tensor.Float32, 3, 20000)
			agreement{op: c.op, attributes: c.attributes, inputs: []*tensor.Tensor{large}, kernel: "elementwise", tolerance: c.tolerance}.check(t)
			specials := tensor.Of([]float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 0, float32(math.Copysign(0, -1)), 1e-30, -1e-30})
			agreement{op: c.op, attributes: c.attributes, inputs: []*tensor.Tensor{specials}, kernel: "elementwise", tolerance: c.tolerance}.check(t)
		})
	}
	agreement{op: "Gelu", attributes: []graph.Attribute{graph.A("approximate", "cubic")}, inputs: []*tensor.Tensor{random(1, tensor.Float32, 3)}, kernel: "reference"}.check(t)
}

func TestClip(t *testing.T) {
	x := withSpecials(random(1, tensor.Float32, 100))
	nan := float32(math.NaN())
	for _, bounds := range [][]*tensor.Tensor{
		{}, {tensor.Scalar(float32(-0.5))}, {nil, tensor.Scalar(float32(0.5))}, {tensor.Scalar(float32(-0.5)), tensor.Scalar(float32(0.25))},
		{tensor.Scalar(float32(1)), tensor.Scalar(float32(-1))}, {tensor.Scalar(nan)}, {tensor.Of([]float32{0.1})}, {tensor.Of([]float32{0.1, 2})},
	} {
		agreement{op: "Clip", inputs: append([]*tensor.Tensor{x}, bounds...), kernel: "elementwise"}.check(t)
	}
}

func TestCast(t *testing.T) {
	types := []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint8, tensor.Int8, tensor.Bool}
	for _, from := range types {
		for _, to := range types {
			x := random(3, from, 5, 7)
			if from.IsFloat() {
				x = tensor.FromFloat64s(from, tensor.Shape{12}, []float64{0, 1.5, -1.5, 255.9, 300, -129, 1e10, -1e10, 1e30, math.Inf(1), math.NaN(), -0.2})
			}
			if from == tensor.Int64 {
				x = ints(0, 1, -1, 255, 256, math.MaxInt64, math.MinInt64, 1<<53+1, 1<<24+1, -300)
			}
			agreement{op: "Cast", attributes: []graph.Attribute{graph.A("to", int64(to))}, inputs: []*tensor.Tensor{x}, kernel: "elementwise"}.check(t)
		}
	}
}

// A short row that repeats, in pieces and blocks that do not begin where it does.
func TestRepeatedRows(t *testing.T) {
	for _, width := range []int{3, 16, 33} {
		x, row := random(1, tensor.Float32, 20000, width), random(2, tensor.Float32, width)
		agreement{op: "Sub", inputs: []*tensor.Tensor{x, row}, kernel: "elementwise"}.check(t)
		agreement{op: "Sub", inputs: []*tensor.Tensor{row, x}, kernel: "elementwise"}.check(t)
		chain{head: "Neg", inputs: []*tensor.Tensor{x}, links: []link{{op: "Sub", others: []*tensor.Tensor{row}}}, kernel: "elementwise+Sub"}.check(t, 2)
	}
}
