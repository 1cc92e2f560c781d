package cpu_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func TestFunctionsOfElements(t *testing.T) {
	ops := []string{
		"Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Sign", "IsNaN", "IsInf",
		"Exp", "Log", "Sqrt", "Tanh", "Erf", "Abs", "Floor", "Ceil", "Round", "Neg",
		"Mish", "Selu", "Celu", "ThresholdedRelu", "Softsign", "Shrink",
	}
	for i, op := range ops {
		for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
			if d == tensor.Float64 && i >= len(ops)-6 {
				continue
			}
			a := agreement{op: op, kernel: "elementwise", tolerance: 1e-6}
			if op == "Sinh" || op == "Cosh" || op == "Exp" {
				a.inputs = []*tensor.Tensor{random(1, d, 3, 50)}
			} else {
				a.inputs = []*tensor.Tensor{withSpecials(random(1, d, 3, 700))}
			}
			a.check(t)
		}
	}
}

func TestActivationsWithAttributes(t *testing.T) {
	x := withSpecials(random(1, tensor.Float32, 3, 700))
	for _, p := range []float32{0.25, 2, -1} {
		for _, q := range []float32{0.5, -3} {
			for _, a := range []agreement{
				{op: "Selu", attributes: []graph.Attribute{graph.A("alpha", p), graph.A("gamma", q)}},
				{op: "Celu", attributes: []graph.Attribute{graph.A("alpha", p)}},
				{op: "ThresholdedRelu", attributes: []graph.Attribute{graph.A("alpha", p)}},
				{op: "Shrink", attributes: []graph.Attribute{graph.A("lambd", p), graph.A("bias", q)}},
			} {
				a.kernel, a.inputs, a.tolerance = "elementwise", []*tensor.Tensor{x}, 1e-6
				a.check(t)
			}
		}
	}
}

// Mish loses no digits where it is small, or large.
func TestMishFarFromZero(t *testing.T) {
	for _, v := range []float32{-90, -30, -10, 15, 19.9, 20, 40, 1e30} {
		agreement{op: "Mish", kernel: "elementwise", inputs: []*tensor.Tensor{tensor.Of([]float32{v})}, tolerance: 1e-6}.check(t)
	}
}

func TestIsInfOfOneSign(t *testing.T) {
	for flags := range int64(4) {
		agreement{
			op: "IsInf", kernel: "elementwise", inputs: []*tensor.Tensor{withSpecials(random(1, tensor.Float32, 50))},
			attributes: []graph.Attribute{graph.A("detect_positive", flags&1), graph.A("detect_negative", flags>>1)},
		}.check(t)
	}
}

// edges are integers of a type among which are its least and greatest.
func edges(d tensor.DType, shape ...int) *tensor.Tensor {
	v := random(9, d, shape...).Int64s()
	v[0], v[1] = math.MinInt64, math.MaxInt64
	if bits := d.Bits(); bits < 64 {
		v[0], v[1] = -1<<(bits-1), 1<<(bits-1)-1
	}
	return tensor.FromInt64s(d, shape, v)
}

func TestIntegers(t *testing.T) {
	for _, d := range ordered {
		if d.IsFloat() {
			continue
		}
		x, y := edges(d, 4, 50), edges(d, 50)
		odd := y.Int64s()
		for i := range odd {
			odd[i] |= 1
		}
		divisor := tensor.FromInt64s(d, tensor.Shape{50}, odd)
		for _, op := range []string{"BitwiseAnd", "BitwiseOr", "BitwiseXor"} {
			agreement{op: op, kernel: "elementwise", inputs: []*tensor.Tensor{x, y}}.check(t)
		}
		for fmod := range int64(2) {
			a := agreement{op: "Mod", kernel: "elementwise", attributes: []graph.Attribute{graph.A("fmod", fmod)}}
			for _, inputs := range [][]*tensor.Tensor{{x, divisor}, {x, y}, {x, tensor.Zeros(d, tensor.Shape{1})}} {
				a.inputs = inputs
				a.check(t)
			}
		}
		agreement{op: "BitwiseNot", kernel: "elementwise", inputs: []*tensor.Tensor{x}}.check(t)
		agreement{op: "Sign", kernel: "elementwise", inputs: []*tensor.Tensor{x}}.check(t)
		if d.IsUnsigned() {
			for _, direction := range []string{"LEFT", "RIGHT"} {
				agreement{
					op: "BitShift", kernel: "elementwise", inputs: []*tensor.Tensor{x, y},
					attributes: []graph.Attribute{graph.A("direction", direction)},
				}.check(t)
			}
			continue
		}
		agreement{op: "Abs", kernel: "elementwise", inputs: []*tensor.Tensor{x}}.check(t)
		agreement{op: "Neg", kernel: "elementwise", inputs: []*tensor.Tensor{x}}.check(t)
	}
}

func TestModOfReals(t *testing.T) {
	for _, d := range []tensor.DType{tensor.Float32, tensor.Float64} {
		agreement{
			op: "Mod", kernel: "elementwise", attributes: []graph.Attribute{graph.A("fmod", int64(1))},
			inputs: []*tensor.Tensor{withSpecials(random(1, d, 4, 50)), withSpecials(random(2, d, 50))},
		}.check(t)
	}
}

// Quotients of every size, exact ones and such as all but reach an integer.
func TestModOfManyReals(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var a, b []float32
	for range 20000 {
		x, y := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		multiple := float32(r.IntN(1<<20)) * y
		a = append(a, x, multiple, math.Nextafter32(multiple, 0), y*float32(r.NormFloat64())*1e6)
		b = append(b, y, y, y, y)
	}
	agreement{
		op: "Mod", kernel: "elementwise", attributes: []graph.Attribute{graph.A("fmod", int64(1))},
		inputs: []*tensor.Tensor{tensor.Of(a), tensor.Of(b)},
	}.check(t)
}

func TestPowOfIntegers(t *testing.T) {
	x := withSpecials(random(1, tensor.Float32, 3, 70))
	for _, p := range []int64{0, 1, 2, 3, -1, -2, 7, 20, 1 << 40} {
		for _, d := range []tensor.DType{tensor.Int32, tensor.Int64} {
			agreement{op: "Pow", kernel: "elementwise", inputs: []*tensor.Tensor{x, tensor.FromInt64s(d, tensor.Shape{1}, []int64{p})}}.check(t)
		}
	}
	agreement{op: "Pow", kernel: "elementwise", inputs: []*tensor.Tensor{random(1, tensor.Float32, 3), ints(0, 1, 2)}, tolerance: 1e-6}.check(t)
}
