package decompose_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/decompose"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx/onnxtest"
	"example.com/midplane/operators/reference"
)

// agree computes a claim's node by itself and by its rule, and compares reals
// within a tolerance that is relative above 1.
func agree(t *testing.T, c claim, tolerance float64) {
	t.Helper()
	n, given := c.node()
	native, err := reference.Run(context.Background(), n, given, nil)
	require.NoError(t, err)
	_, ok := decompose.Lookup(c.op)
	require.True(t, ok, "no rule for %s", c.op)
	g, err := decomposed(n)
	require.NoError(t, err)
	for _, part := range g.Nodes {
		if part.Op == c.op {
			require.Less(t, len(part.Inputs), len(c.in), "%s is expressed by itself", c.op)
		}
	}
	got, err := reference.Evaluate(context.Background(), g, given)
	require.NoError(t, err)
	for i := range n.Outputs {
		assert.NoError(t, onnxtest.Compare(got[i], native[i], tolerance, tolerance), "%s output %d", c.op, i)
	}
}

var (
	inf, nan = math.Inf(1), math.NaN()
	numbers  = []float64{-inf, -100, -2.5, -1, -0.75, -0.5, -1e-4, 0, 1e-4, 0.25, 0.5, 1, 3, 100, inf, nan}
	realOf   = map[tensor.DType]float64{ // tolerance by type
		tensor.Float64: 1e-12, tensor.Float32: 1e-6, tensor.Float16: 1e-3, tensor.BFloat16: 8e-3,
	}
)

func realsOf(d tensor.DType, v []float64) *tensor.Tensor {
	return tensor.FromFloat64s(d, tensor.Shape{len(v)}, v)
}

func integersOf(d tensor.DType, v ...int64) *tensor.Tensor {
	return tensor.FromInt64s(d, tensor.Shape{len(v)}, v)
}

func TestDecomposedUnary(t *testing.T) {
	alpha, beta := graph.A("alpha", float32(0.3)), graph.A("beta", float32(0.4))
	tests := []struct {
		op    string
		attrs []graph.Attribute
	}{
		{"Neg", nil}, {"Abs", nil}, {"Sign", nil}, {"Reciprocal", nil}, {"Ceil", nil},
		{"Tan", nil}, {"Asin", nil}, {"Acos", nil}, {"Cosh", nil}, {"Sinh", nil}, {"Tanh", nil}, {"Asinh", nil}, {"Acosh", nil}, {"Atanh", nil},
		{"IsNaN", nil}, {"IsInf", nil},
		{"IsInf", []graph.Attribute{graph.A("detect_negative", int64(0))}},
		{"IsInf", []graph.Attribute{graph.A("detect_positive", int64(0))}},
		{"IsInf", []graph.Attribute{graph.A("detect_positive", int64(0)), graph.A("detect_negative", int64(0))}},
		{"Relu", nil}, {"LeakyRelu", nil}, {"LeakyRelu", []graph.Attribute{alpha}},
		{"Elu", nil}, {"Elu", []graph.Attribute{alpha}}, {"Selu", nil},
		{"Selu", []graph.Attribute{alpha, graph.A("gamma", float32(2))}},
		{"Celu", nil}, {"Celu", []graph.Attribute{alpha}}, {"Celu", []graph.Attribute{graph.A("alpha", float32(-2))}},
		{"ThresholdedRelu", nil}, {"ThresholdedRelu", []graph.Attribute{alpha}},
		{"Sigmoid", nil}, {"HardSigmoid", nil}, {"HardSigmoid", []graph.Attribute{alpha, beta}},
		{"HardSwish", nil}, {"Softplus", nil}, {"Softsign", nil}, {"Gelu", nil},
		{"Gelu", []graph.Attribute{graph.A("approximate", "tanh")}},
		{"Mish", nil}, {"Swish", nil}, {"Swish", []graph.Attribute{alpha}},
		{"Shrink", nil}, {"Shrink", []graph.Attribute{graph.A("bias", float32(0.5)), graph.A("lambd", float32(2))}},
		{"Clip", nil}, {"Mean", nil}, {"Sum", nil}, {"Min", nil}, {"Max", nil},
	}
	for _, c := range tests {
		for d, tolerance := range realOf {
			t.Run(c.op+"/"+d.String(), func(t *testing.T) {
				agree(t, claim{op: c.op, in: []*tensor.Tensor{realsOf(d, numbers)}, attrs: c.attrs}, tolerance)
			})
		}
	}
}

// Formulas for hyperbolic functions keep their relative precision around 0 and
// do not overflow before their values do.
func TestDecomposedHyperbolicsArePrecise(t *testing.T) {
	small := []float64{1e-30, -1e-9, 3e-6, -2e-4, 0.01, 0.3, -0.9}
	tests := map[string][]float64{
		"Sinh": {1, 5, 88.9, -89}, "Cosh": {1, 88.9}, "Tanh": {1, 20, 1000}, "Atanh": {0.999},
		"Asinh": {1, 1e5, 3e8, 1e38, -1e38}, "Acosh": {1, 1.0001, 1.5, 1e5, 3e8, 1e38},
	}
	for op, large := range tests {
		for d, tolerance := range map[tensor.DType]float64{tensor.Float64: 1e-14, tensor.Float32: 1e-6} {
			x := realsOf(d, append(large, small...))
			n, given := claim{op: op, in: []*tensor.Tensor{x}}.node()
			native, err := reference.Run(context.Background(), n, given, nil)
			require.NoError(t, err)
			g, err := decomposed(n)
			require.NoError(t, err)
			got, err := reference.Evaluate(context.Background(), g, given)
			require.NoError(t, err)
			assert.NoError(t, onnxtest.Compare(got[0], native[0], tolerance, 0), "%s of %v", op, d)
		}
	}
}

func TestDecomposedBinary(t *testing.T) {
	of := map[string][]graph.Attribute{"SwiGLU": {graph.A("alpha", float32(0.3))}}
	second := []float64{-inf, -1, 0, 0.5, 3, inf, nan}
	for _, op := range []string{"Sub", "Min", "Max", "Sum", "Mean", "Greater", "GreaterOrEqual", "LessOrEqual", "PRelu", "SwiGLU"} {
		for d, tolerance := range realOf {
			t.Run(op+"/"+d.String(), func(t *testing.T) {
				x, y := []float64{}, []float64{}
				for _, a := range numbers {
					for _, b := range second {
						if op == "SwiGLU" && math.IsInf(b, 0) {
							continue // a gate that rounds to 0 makes NaN of it
						}
						x, y = append(x, a), append(y, b)
					}
				}
				agree(t, claim{op: op, in: []*tensor.Tensor{realsOf(d, x), realsOf(d, y)}, attrs: of[op]}, tolerance)
			})
		}
	}
}

func TestDecomposedOfManyOperands(t *testing.T) {
	x := tensor.FromFloat64s(tensor.Float32, tensor.Shape{2, 3}, []float64{1, 2, 3, 4, 5, nan})
	y, z := realsOf(tensor.Float32, []float64{3, 2, 1}), tensor.Scalar(float32(2.5))
	for _, op := range []string{"Sum", "Mean", "Min", "Max"} {
		agree(t, claim{op: op, in: []*tensor.Tensor{x, y, z}}, 1e-6)
	}
}

func TestDecomposedIntegers(t *testing.T) {
	x := integersOf(tensor.Int8, -128, -7, -6, -1, 0, 1, 6, 7, 127)
	y := integersOf(tensor.Int8, 3, -3, 3, -3, 3, -3, -3, 3, -128)
	u, v := integersOf(tensor.Uint8, 0, 1, 7, 200, 255), integersOf(tensor.Uint8, 3, 1, 4, 255, 2)
	fmod := graph.A("fmod", int64(1))
	tests := []struct {
		op    string
		in    []*tensor.Tensor
		attrs []graph.Attribute
	}{
		{"Sub", []*tensor.Tensor{x, y}, nil}, {"Mod", []*tensor.Tensor{x, y}, nil},
		{"Mod", []*tensor.Tensor{x, y}, []graph.Attribute{fmod}}, {"Mod", []*tensor.Tensor{u, v}, nil},
		{"Neg", []*tensor.Tensor{x}, nil}, {"Abs", []*tensor.Tensor{x}, nil}, {"Abs", []*tensor.Tensor{u}, nil},
		{"Sign", []*tensor.Tensor{x}, nil}, {"Sign", []*tensor.Tensor{u}, nil}, {"Relu", []*tensor.Tensor{x}, nil},
		{"Min", []*tensor.Tensor{x, y}, nil}, {"Max", []*tensor.Tensor{u, v}, nil},
		{"BitwiseOr", []*tensor.Tensor{x, y}, nil}, {"BitwiseXor", []*tensor.Tensor{x, y}, nil},
		{"BitwiseOr", []*tensor.Tensor{u, v}, nil}, {"BitwiseXor", []*tensor.Tensor{u, v}, nil},
		{"Greater", []*tensor.Tensor{u, v}, nil}, {"LessOrEqual", []*tensor.Tensor{x, y}, nil},
		{"Clip", []*tensor.Tensor{x, tensor.Scalar(int8(-5)), tensor.Scalar(int8(5))}, nil},
		{"Clip", []*tensor.Tensor{x, nil, tensor.Scalar(int8(5))}, nil},
		{"Clip", []*tensor.Tensor{x, tensor.Scalar(int8(9)), tensor.Scalar(int8(5))}, nil},
		{"PRelu", []*tensor.Tensor{integersOf(tensor.Int32, -5, 5), integersOf(tensor.Int32, 2, 2)}, nil},
	}
	for _, c := range tests {
		agree(t, claim{op: c.op, in: c.in, attrs: c.attrs}, 0)
	}
}

func TestDecomposedTruthValues(t *testing.T) {
	a, b := tensor.Of([]bool{false, false, true, true}), tensor.Of([]bool{false, true, false, true})
	for _, op := range []string{"Or", "Xor"} {
		agree(t, claim{op: op, in: []*tensor.Tensor{a, b}}, 0)
	}
	c := tensor.Of([]bool{true, false}, 2, 1)
	agree(t, claim{op: "Where", in: []*tensor.Tensor{c, a, b}}, 0)
}

func TestDecomposedCastLike(t *testing.T) {
	x := realsOf(tensor.Float32, []float64{1.6, 1e9, -3})
	agree(t, claim{op: "CastLike", in: []*tensor.Tensor{x, realsOf(tensor.Float8E5M2, nil)}, attrs: attrs(graph.A("saturate", int64(0)))}, 0)
}

func TestDecomposedConstants(t *testing.T) {
	agree(t, claim{op: "Constant", in: nil, attrs: attrs(graph.A("value_floats", []float32{1, 2}))}, 0)
	for _, shape := range [][]int64{{2, 3}, {}, {0, 4}} {
		agree(t, claim{op: "ConstantOfShape", in: []*tensor.Tensor{tensor.Of(shape, len(shape))}, attrs: attrs(graph.A("value", tensor.Of([]int8{7})))}, 0)
	}
	agree(t, claim{op: "ConstantOfShape", in: []*tensor.Tensor{tensor.Of([]int64{3})}}, 0)
	for _, k := range []int64{0, 1, -1, 5} {
		matrix := tensor.Of(make([]uint8, 12), 3, 4)
		agree(t, claim{op: "EyeLike", in: []*tensor.Tensor{matrix}, attrs: attrs(graph.A("k", k), graph.A("dtype", int64(tensor.Float16)))}, 0)
	}
}

func TestDecomposedRange(t *testing.T) {
	tests := []struct{ start, limit, delta float64 }{
		{0, 5, 1}, {3, 9, 3}, {10, 4, -2}, {10, 3, -2}, {5, 5, 1}, {5, 4, 1}, {4, 5, -1}, {-7, 8, 4},
	}
	for _, c := range tests {
		for _, d := range []tensor.DType{tensor.Int16, tensor.Int32, tensor.Int64, tensor.Float16, tensor.BFloat16, tensor.Float32, tensor.Float64} {
			scalar := func(v float64) *tensor.Tensor { return tensor.FromFloat64s(d, tensor.Shape{}, []float64{v}) }
			agree(t, claim{op: "Range", in: []*tensor.Tensor{scalar(c.start), scalar(c.limit), scalar(c.delta)}}, 0)
		}
	}
}

// With a seed, an operator and what it is expressed by draw the same numbers.
func TestDecomposedRandom(t *testing.T) {
	seed := graph.A("seed", float32(7))
	for _, d := range []tensor.DType{tensor.Float16, tensor.Float32, tensor.Float64} {
		p := realsOf(d, []float64{0, 0.1, 0.25, 0.5, 0.5, 0.5, 0.75, 0.9, 1, 1})
		for _, op := range []string{"RandomNormalLike", "RandomUniformLike", "Bernoulli"} {
			agree(t, claim{op: op, in: []*tensor.Tensor{p}, attrs: attrs(seed)}, 0)
		}
		agree(t, claim{op: "Bernoulli", in: []*tensor.Tensor{p}, attrs: attrs(seed, graph.A("dtype", int64(tensor.Int32)))}, 0)
	}
}

func TestDecomposedDropout(t *testing.T) {
	x := realsOf(tensor.Float32, []float64{1, 2, 3, 4, 5, 6, 7, 8})
	ratio, seed := tensor.Scalar(float32(0.25)), graph.A("seed", int64(3))
	tests := map[string][]*tensor.Tensor{
		"test mode by default": {x},
		"test mode":            {x, ratio, tensor.Scalar(false)},
		"training":             {x, ratio, tensor.Scalar(true)},
		"training by default":  {x, nil, tensor.Scalar(true)},
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			for outputs := 1; outputs <= 2; outputs++ {
				agree(t, claim{op: "Dropout", in: in, outputs: outputs, attrs: attrs(seed)}, 1e-6)
			}
		})
	}
}

func TestRulesThatDecline(t *testing.T) {
	untyped := &graph.Value{Name: "x"}
	tests := []struct {
		op, want string
		inputs   []*graph.Value
	}{
		{"Relu", "element type of input 0 must be known", []*graph.Value{untyped}},
		{"CastLike", "element type of input 1 must be known", []*graph.Value{untyped, untyped}},
		{"Sub", "unsigned", []*graph.Value{{Type: tensor.TensorType(tensor.Uint8, nil)}, untyped}},
		{"Mod", "real numbers", []*graph.Value{{Type: tensor.TensorType(tensor.Float32, nil)}, untyped}},
		{"Shrink", "int8", []*graph.Value{{Type: tensor.TensorType(tensor.Int8, nil)}}},
		{"IsNaN", "float8e5m2", []*graph.Value{{Type: tensor.TensorType(tensor.Float8E5M2, nil)}}},
		{"RandomNormalLike", "shape must be known", []*graph.Value{{Type: tensor.TensorType(tensor.Float32, tensor.UnknownDims(1))}}},
		{"Where", "float32", []*graph.Value{untyped, {Type: tensor.TensorType(tensor.Float32, nil)}, untyped}},
	}
	for _, c := range tests {
		n := &graph.Node{Op: c.op, Inputs: c.inputs, Outputs: []*graph.Value{{Name: "y"}}}
		rule, ok := decompose.Lookup(c.op)
		require.True(t, ok, c.op)
		_, err := rule(graph.NewBuilder(n), n)
		assert.ErrorContains(t, err, c.want, c.op)
	}
}
