package oracle

import (
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Class is how accurate a result is.
type Class uint8

// The accuracy classes, from the strictest.
//
//	A  single operations are rounded correctly, functions are as close as the
//	   OpenCL C specification wants them, sums are taken in the element type, or
//	   in float32 where that is narrower
//	B  functions may be twice as far, sums are taken in the element type
//	C  a documented relaxation: products in a format of eleven bits of precision,
//	   such as TF32, or float32 in place of float64
//
// Missed is not in any.
const (
	A Class = iota
	B
	C
	Missed
)

var classNames = [...]string{"A", "B", "C", "none"}

// String returns "A".
func (c Class) String() string { return classNames[c] }

// ParseClass is the inverse of String; an empty name is class A.
func ParseClass(name string) (Class, bool) {
	for c, known := range classNames {
		if known == name {
			return Class(c), true
		}
	}
	return A, name == ""
}

// kind is the way in which a bound is found.
type kind uint8

const (
	exact       kind = iota // equal, whatever the class
	ulps                    // so many units in the last place of the result
	sums                    // sums of products: the number of terms counts, and their magnitudes
	conditioned             // as if the operands had been rounded: how far that moves the result is tried out
	steps                   // so many steps of an integer
	distributed             // drawn at random: the distribution counts
)

// rule is how the results of an operator are judged.
type rule struct {
	kind  kind
	ulps  [3]float64                                        // by class, in float32 and float64
	floor func(in *tensor.Tensor) []float64                 // for ulps: magnitudes that a result's is taken to be at least
	terms func(n *graph.Node, in, out []tensor.Shape) int   // for sums: the most terms in one; nil: by extents
	wide  bool                                              // for sums: terms of all elements have the magnitude of the largest
	moves bool                                              // elements come out as they went in, -0 as well
	cut   bool                                              // integer results are cut from real numbers: what is next to an integer may be it
	body  bool                                              // the operator's function computes in float32 whatever the type
	stash bool                                              // computed in float32 whatever the type, but where the attribute stash_type says otherwise
	check func(n *graph.Node, in, out []tensor.Value) error // for distributed
}

// correct is the rule of operations that IEEE 754 rounds correctly.
var correct = rule{kind: ulps, ulps: [3]float64{0, 1, 3}}

// within is the rule of functions: a limit of class A, from the OpenCL C
// specification ("Relative error as ULPs") where it has the function.
func within(limit float64) rule {
	return rule{kind: ulps, ulps: [3]float64{limit, 2 * limit, 8192}}
}

// above is within, with a magnitude that a result's is taken to be at least.
func above(limit float64, floor func(*tensor.Tensor) []float64) rule {
	r := within(limit)
	r.floor = floor
	return r
}

// one makes rounding errors count as those of numbers near 1: results are
// differences of such.
func one(in *tensor.Tensor) []float64 {
	v := make([]float64, in.Len())
	for i := range v {
		v[i] = 1
	}
	return v
}

// operand makes rounding errors count as those of the operand: results are it
// times a difference of numbers near 1.
func operand(in *tensor.Tensor) []float64 { return magnitudes(in) }

// scaled is what rounding alpha times the operand is worth in the exponential of
// it: half a unit for each of its size, of 12 as in the cells.
const scaled = 6

// windowed is the rule of windows, whose functions compute in float32.
var windowed = rule{kind: ulps, ulps: above(8, one).ulps, floor: one, body: true}

func sum(terms func(n *graph.Node, in, out []tensor.Shape) int) rule {
	return rule{kind: sums, terms: terms}
}

// rules are the operators whose results need not be equal to those expected.
// The others only move, choose or count.
var rules = map[string]rule{
	"Add": correct, "Sub": correct, "Mul": correct, "Div": correct, "Sqrt": correct, "Reciprocal": correct,
	"LeakyRelu": correct, "PRelu": correct, "Shrink": correct, "Cast": correct, "CastLike": correct,
	"DequantizeLinear": within(1), "Range": within(1), "ai.onnx.ml.Scaler": within(2), "ai.onnx.ml.Normalizer": within(4),
	"Exp": within(3), "Log": within(3), "Pow": within(16), "Erf": within(16),
	"Sin": above(4, one), "Cos": above(4, one), "Tan": within(5), "Asin": within(4), "Acos": above(4, one), "Atan": within(5),
	"Sinh": within(4), "Cosh": within(4), "Tanh": within(5), "Asinh": within(4), "Acosh": above(4, one), "Atanh": within(5),
	"Sigmoid": within(8), "Softplus": above(4, one), "Softsign": within(3), "HardSigmoid": above(2, one), "HardSwish": above(3, operand),
	"Gelu": above(8, operand), "Mish": above(8, operand), "Swish": within(8 + scaled), "SwiGLU": within(12 + scaled),
	"Elu": above(4, one), "Selu": above(6, one), "Celu": above(4, one),

	"Sum": sum(operands), "Mean": sum(operands), "MatMul": sum(inner), "Gemm": sum(inner), "Einsum": sum(reduced),
	"Conv": sum(filter), "ConvTranspose": sum(filter), "CausalConvWithState": {kind: conditioned}, "DeformConv": {kind: conditioned},
	"ReduceSum": sum(reduced), "ReduceMean": sum(reduced), "ReduceSumSquare": sum(reduced), "ReduceL1": sum(reduced), "ReduceL2": sum(reduced), "ReduceProd": sum(reduced),
	"ReduceLogSum": {kind: conditioned, cut: true}, "ReduceLogSumExp": {kind: conditioned, cut: true},
	"CumSum": sum(longest), "CumProd": sum(longest),
	"AveragePool": sum(kernel), "GlobalAveragePool": sum(reduced), "LpPool": sum(kernel), "GlobalLpPool": sum(reduced),
	"Resize": {kind: sums, wide: true, terms: resampled}, "Upsample": {kind: sums, wide: true, terms: resampled}, "GridSample": {kind: conditioned}, "AffineGrid": {kind: sums, wide: true},
	"RoiAlign": {kind: conditioned}, "Col2Im": sum(longest), "ScatterElements": sum(longest), "ScatterND": sum(longest),
	"DFT": {kind: sums, wide: true}, "STFT": {kind: sums, wide: true},
	"HannWindow": windowed, "HammingWindow": windowed, "BlackmanWindow": windowed, "MelWeightMatrix": above(64, one),
	"Det": {kind: conditioned},

	"BatchNormalization": {kind: conditioned}, "InstanceNormalization": {kind: conditioned}, "GroupNormalization": {kind: conditioned, stash: true},
	"LayerNormalization": {kind: conditioned, stash: true}, "RMSNormalization": {kind: conditioned, stash: true}, "LpNormalization": {kind: conditioned},
	"MeanVarianceNormalization": {kind: conditioned}, "LRN": {kind: conditioned}, "Softmax": {kind: conditioned}, "LogSoftmax": {kind: conditioned},
	"RNN": {kind: conditioned}, "GRU": {kind: conditioned}, "LSTM": {kind: conditioned},
	"Attention": {kind: conditioned, stash: true}, "LinearAttention": {kind: conditioned}, "RotaryEmbedding": {kind: conditioned}, "ai.onnx.preview.FlexAttention": {kind: conditioned},
	"NegativeLogLikelihoodLoss": {kind: conditioned}, "SoftmaxCrossEntropyLoss": {kind: conditioned},
	"Scan": {kind: conditioned}, "Loop": {kind: conditioned}, "SequenceMap": {kind: conditioned},

	"QuantizeLinear": {kind: steps, ulps: [3]float64{0, 1, 1}}, "DynamicQuantizeLinear": {kind: steps, ulps: [3]float64{1, 1, 1}},
	"QLinearConv": {kind: steps, ulps: [3]float64{0, 1, 1}}, "QLinearMatMul": {kind: steps, ulps: [3]float64{0, 1, 1}},
	"ImageDecoder": {kind: steps, ulps: [3]float64{0, 1, 1}},

	"RandomNormal": {kind: distributed, check: normal}, "RandomNormalLike": {kind: distributed, check: normal},
	"RandomUniform": {kind: distributed, check: evenly}, "RandomUniformLike": {kind: distributed, check: evenly},
	"Bernoulli": {kind: distributed, check: bernoulli}, "Multinomial": {kind: distributed, check: multinomial},
}

// movers are operators whose results are elements of their operands, which keep
// every bit but those that tell NaNs apart; and Neg, which changes the sign of
// each.
var movers = []string{
	"Identity", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", "Tile", "Concat", "Split", "Slice", "Pad", "Gather",
	"GatherElements", "GatherND", "DepthToSpace", "SpaceToDepth", "ReverseSequence", "Compress", "Where", "CenterCropPad", "Scatter",
	"TensorScatter", "BitCast", "Neg",
}

// choosers are operators of ai.onnx.ml whose results are equal to those expected
// or wrong: they choose, encode and move.
var choosers = []string{
	"ai.onnx.ml.ArrayFeatureExtractor", "ai.onnx.ml.Binarizer", "ai.onnx.ml.CastMap", "ai.onnx.ml.CategoryMapper", "ai.onnx.ml.DictVectorizer",
	"ai.onnx.ml.FeatureVectorizer", "ai.onnx.ml.Imputer", "ai.onnx.ml.LabelEncoder", "ai.onnx.ml.OneHotEncoder", "ai.onnx.ml.ZipMap",
}

// ruleOf returns the rule for a node's results.
func ruleOf(n *graph.Node) rule {
	name := n.Operator()
	if r, ok := rules[name]; ok {
		return r
	}
	if slices.Contains(choosers, name) {
		return rule{}
	}
	if strings.HasPrefix(name, "ai.onnx.ml.") || strings.HasPrefix(name, "ai.onnx.preview.training.") {
		return rule{kind: conditioned}
	}
	return rule{moves: slices.Contains(movers, name)}
}

// Judged names, for people, the way in which results of an operator are judged.
func Judged(operator string) string {
	domain, op := graph.SplitOperator(operator)
	return [...]string{
		exact: "equality", ulps: "units in the last place", sums: "sums by length", conditioned: "conditioning",
		steps: "steps of an integer", distributed: "distribution",
	}[ruleOf(&graph.Node{Domain: domain, Op: op}).kind]
}

// The most terms that one sum has, by the shapes of operands and results.

func operands(_ *graph.Node, in, _ []tensor.Shape) int { return len(in) }

func inner(n *graph.Node, in, _ []tensor.Shape) int {
	axis := len(in[0]) - 1
	if n.Bool("transA", false) {
		axis = 0
	}
	return in[0][axis] + 1
}

func filter(n *graph.Node, in, _ []tensor.Shape) int {
	outputs := in[1][0]
	if n.Op == "ConvTranspose" {
		outputs = in[1][1]
	}
	return in[1].Size()/max(outputs, 1) + 1
}

func reduced(_ *graph.Node, in, out []tensor.Shape) int {
	size := 1
	for _, s := range in {
		size = max(size, s.Size())
	}
	return size/max(out[0].Size(), 1) + longest(nil, in, nil)
}

// resampled counts, beside the four terms of a cubic spline along each of two
// axes, the rounding of where they lie: a coordinate as large as an extent moves
// each weight by as many roundings, twice where the spline is steep.
func resampled(_ *graph.Node, in, out []tensor.Shape) int {
	return 4 * max(longest(nil, in, nil), longest(nil, out, nil))
}

func longest(_ *graph.Node, in, _ []tensor.Shape) int {
	most := 1
	for _, s := range in {
		for _, n := range s {
			most = max(most, n)
		}
	}
	return most
}

func kernel(n *graph.Node, _, _ []tensor.Shape) int {
	terms := 1
	for _, k := range n.Ints("kernel_shape") {
		terms *= int(k)
	}
	return terms
}
