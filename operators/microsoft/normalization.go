package microsoft

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// normalizations holds SkipLayerNormalization, SkipSimplifiedLayerNormalization,
// SimplifiedLayerNormalization, EmbedLayerNormalization; and, written into
// ai.onnx, SimplifiedLayerNormalization and LayerNormalization of version 1.
var normalizations = []operator{
	{
		schema: define("SkipLayerNormalization", "input T, skip T, gamma T, beta T?, bias T?",
			"output T, mean U?, inv_std_var U?, input_skip_bias_sum T?", withStatistics(neuralOnly...), set("epsilon", float32(1e-12))),
		rule: rule(skipLayerNormalization),
	},
	{
		schema: define("SkipSimplifiedLayerNormalization", "input T, skip T, gamma T, bias T?",
			"output T, mean U?, inv_std_var U?, input_skip_bias_sum T?", withStatistics(neuralOnly...), set("epsilon", float32(1e-12))),
		rule: rule(skipSimplifiedLayerNormalization),
	},
	{schema: simplified(Domain), rule: simplifiedLayerNormalization},
	{schema: simplified(""), rule: simplifiedLayerNormalization},
	{schema: earlyLayerNormalization()}, // lifted to ONNX's own
	{
		schema: define("EmbedLayerNormalization",
			"input_ids T1, segment_ids T1?, word_embedding T, position_embedding T, segment_embedding T?, gamma T, beta T, mask T1?, position_ids T1?",
			"output T, mask_index T1?, embedding_sum T?", map[string][]string{"T1": {"int32"}, "T": halves["T"]},
			set("epsilon", float32(1e-12)), set("mask_index_type", int64(0))),
		rule: embedLayerNormalization,
	},
}

// withStatistics are the types T of data and U of means and deviations.
func withStatistics(types ...string) map[string][]string {
	return map[string][]string{"T": types, "U": {"float"}}
}

// simplified is the schema of SimplifiedLayerNormalization in a domain.
func simplified(domain string) operators.Schema {
	s := define("SimplifiedLayerNormalization", "X T, scale V", "Y V, inv_std_var U?",
		map[string][]string{"T": reals["T"], "V": reals["T"], "U": {"float", "double"}},
		set("axis", int64(-1)), set("epsilon", float32(1e-5)), set("stash_type", int64(1)))
	s.Domain = domain
	return s
}

// earlyLayerNormalization is what ONNX Runtime had in ai.onnx before version 17
// did, with the same meaning.
func earlyLayerNormalization() operators.Schema {
	s := define("LayerNormalization", "X T, Scale T, B T?", "Y T, Mean U?, InvStdDev U?",
		map[string][]string{"T": reals["T"], "U": {"float", "double", "bfloat16"}},
		set("axis", int64(-1)), set("epsilon", float32(1e-5)), set("stash_type", int64(1)))
	s.Domain = ""
	return s
}

// sum adds the inputs given, as far as they are there, in float32.
func (e emitter) sum(inputs ...int) *graph.Value {
	total := e.to(tensor.Float32, e.in(inputs[0]))
	for _, i := range inputs[1:] {
		if v := e.in(i); v != nil {
			total = e.do("Add", total, e.to(tensor.Float32, v))
		}
	}
	return total
}

// layerNormalization normalizes x, which is float32, along its last axis, and
// returns the result in the emitter's type, the mean and the inverse deviation.
func (e emitter) layerNormalization(x, gamma, beta *graph.Value) []*graph.Value {
	inputs := []*graph.Value{x, e.to(tensor.Float32, gamma)}
	if beta != nil {
		inputs = append(inputs, e.to(tensor.Float32, beta))
	}
	out := e.Node("", "LayerNormalization", inputs, 3, graph.A("epsilon", e.node.Float("epsilon", 1e-12)))
	out[0] = e.to(e.dtype, out[0])
	return out
}

func skipLayerNormalization(e emitter) []*graph.Value {
	total := e.sum(0, 1, 4)
	return append(e.layerNormalization(total, e.in(2), e.in(3)), e.to(e.dtype, total))
}

// skipSimplifiedLayerNormalization subtracts no mean: it is given as 0.
func skipSimplifiedLayerNormalization(e emitter) []*graph.Value {
	total := e.sum(0, 1, 3)
	epsilon := e.node.Float("epsilon", 1e-12)
	out := []*graph.Value{e.to(e.dtype, e.rootMeanSquare(total, e.in(2), -1, epsilon)), nil, nil, e.to(e.dtype, total)}
	if e.node.Output(1) != nil || e.node.Output(2) != nil {
		out[2] = e.inverseRoot(total, -1, epsilon)
		out[1] = e.do("Sub", out[2], out[2])
	}
	return out
}

// simplifiedLayerNormalization computes in the type of attribute stash_type.
func simplifiedLayerNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0, 1)
	if err != nil {
		return nil, err
	}
	axis, epsilon := n.Int("axis", -1), n.Float("epsilon", 1e-5)
	stash := n.DType("stash_type", tensor.Float32)
	if stash != tensor.Float32 && stash != tensor.Float64 {
		return nil, fmt.Errorf("attribute stash_type is %v, which is neither float32 nor float64", stash)
	}
	x := e.to(stash, e.in(0))
	out := []*graph.Value{e.to(e.in(1).Type.DType, e.rootMeanSquare(x, e.in(1), axis, epsilon)), nil}
	if n.Output(1) != nil {
		out[1] = e.inverseRoot(x, axis, epsilon)
	}
	return out, nil
}

// rootMeanSquare divides x, which is float32 or float64, by the root of its mean
// square along the axes from the given one on, and scales it.
func (e emitter) rootMeanSquare(x, scale *graph.Value, axis int64, epsilon float32) *graph.Value {
	return e.Op("RMSNormalization", []*graph.Value{x, e.to(x.Type.DType, scale)},
		graph.A("axis", axis), graph.A("epsilon", epsilon), graph.A("stash_type", int64(x.Type.DType)))
}

// inverseRoot is what x is multiplied by.
func (e emitter) inverseRoot(x *graph.Value, axis int64, epsilon float32) *graph.Value {
	e.dtype = x.Type.DType
	axes := e.do("Slice", e.upTo(e.do("Shape", e.do("Shape", x))), e.Ints(axis), e.Ints(1<<62))
	squares := e.Op("ReduceMean", []*graph.Value{e.do("Mul", x, x), axes})
	return e.do("Reciprocal", e.do("Sqrt", e.do("Add", squares, e.num(float64(epsilon)))))
}

// embedLayerNormalization looks the words, their positions and their segments up
// and normalizes the sum. Without position_ids a word's position is its index.
func embedLayerNormalization(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 2)
	if err != nil {
		return nil, err
	}
	ids, positions := e.in(0), e.in(8)
	if positions == nil {
		positions = e.upTo(e.extent(ids, 1))
	}
	look := func(table, at *graph.Value) *graph.Value { return e.to(tensor.Float32, e.do("Gather", table, at)) }
	total := e.do("Add", look(e.in(2), ids), look(e.in(3), positions))
	if segments := e.in(1); segments != nil && e.in(4) != nil {
		total = e.do("Add", total, look(e.in(4), segments))
	}
	out := []*graph.Value{e.layerNormalization(total, e.in(5), e.in(6))[0], nil, e.to(e.dtype, total)}
	if e.node.Output(1) != nil {
		out[1] = e.words(ids)
	}
	return out, nil
}

// words counts the words of each sample: the ones in the mask, 0 without a mask.
func (e emitter) words(ids *graph.Value) *graph.Value {
	count := func(v *graph.Value) *graph.Value {
		return e.Op("ReduceSum", []*graph.Value{v, e.Ints(1)}, graph.A("keepdims", int64(0)))
	}
	if mask := e.in(7); mask != nil {
		return count(e.to(tensor.Int32, e.do("Equal", mask, e.Const(tensor.Scalar(int32(1))))))
	}
	return count(e.do("Sub", ids, ids))
}
