package decompose

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// attention holds Attention, FlexAttention, LinearAttention, RotaryEmbedding.
var attention = family{
	"Attention":                     scaledDotProduct,
	"ai.onnx.preview.FlexAttention": flexAttention,
	"LinearAttention":               linearAttention,
	"RotaryEmbedding":               rotaryEmbedding,
}

// scaledDotProduct is two matrix products with a softmax between them; what a
// query must not attend to gets the score -∞, and a row of nothing else the
// weights 0.
func scaledDotProduct(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	for i, name := range []string{"Q", "K", "V"} {
		if rank := len(n.Input(i).Type.Dims); rank != 3 && rank != 4 {
			return nil, fmt.Errorf("the rank of %s must be known to be 3 or 4", name)
		}
	}
	narrow, packed := n.Input(0).Type.DType, len(n.Input(0).Type.Dims) == 3
	q := e.unpacked(n.Input(0), n.Int("q_num_heads", 0))
	k, v := e.unpacked(n.Input(1), n.Int("kv_num_heads", 0)), e.unpacked(n.Input(2), n.Int("kv_num_heads", 0))
	if past := n.Input(4); past != nil {
		k = e.joined(2, past, k)
		v = e.joined(2, n.Input(5), v)
	}
	out := []*graph.Value{nil, k, v, nil}
	q = e.to(e.dtype, q)
	scores := e.scores(n, q, e.perQuery(q, e.to(e.dtype, k)))
	stages := []*graph.Value{scores, scores, scores, scores}
	if softcap := float64(n.Float("softcap", 0)); softcap != 0 {
		scores = e.do("Mul", e.do("Tanh", e.do("Div", scores, e.num(softcap))), e.num(softcap))
		stages[1], stages[2] = scores, scores
	}
	bias := e.attentionBias(n, q, k)
	if bias != nil {
		scores = e.do("Add", scores, bias)
		stages[2] = scores
	}
	weights := e.softmax(scores, n.DType("softmax_precision", tensor.Undefined))
	if bias != nil {
		least := e.num(math.Inf(-1))
		weights = e.do("Where", e.do("Equal", e.over("ReduceMax", bias, -1), least), e.num(0), weights)
	}
	stages[3] = weights
	y := e.do("MatMul", weights, e.perQuery(q, e.to(e.dtype, v)))
	if packed {
		y = e.packed(y)
	}
	out[0] = e.to(narrow, y)
	if n.Output(3) != nil {
		mode := n.Int("qk_matmul_output_mode", 0)
		if mode < 0 || mode > 3 {
			return nil, fmt.Errorf("qk_matmul_output_mode is %d, it must lie in [0, 3]", mode)
		}
		out[3] = e.to(narrow, stages[mode])
	}
	return out[:max(len(n.Outputs), 1)], nil
}

// joined concatenates along an axis.
func (e expression) joined(axis int64, v ...*graph.Value) *graph.Value {
	return e.Op("Concat", v, graph.A("axis", axis))
}

// extent returns one extent of v, as a vector of one element; negative axes
// count from the back.
func (e expression) extent(v *graph.Value, axis int64) *graph.Value {
	attrs := []graph.Attribute{graph.A("start", axis)}
	if axis != -1 {
		attrs = append(attrs, graph.A("end", axis+1))
	}
	return e.Op("Shape", []*graph.Value{v}, attrs...)
}

// unpacked brings (batch, steps, heads × size) to (batch, heads, steps, size).
func (e expression) unpacked(v *graph.Value, heads int64) *graph.Value {
	if len(v.Type.Dims) == 4 {
		return v
	}
	size := e.do("Div", e.extent(v, 2), e.Ints(heads))
	split := e.do("Reshape", v, e.joined(0, e.Ints(0, 0, heads), size))
	return e.Op("Transpose", []*graph.Value{split}, graph.A("perm", []int64{0, 2, 1, 3}))
}

// packed brings (batch, heads, steps, size) to (batch, steps, heads × size).
func (e expression) packed(v *graph.Value) *graph.Value {
	size := e.do("Mul", e.extent(v, 1), e.extent(v, 3))
	turned := e.Op("Transpose", []*graph.Value{v}, graph.A("perm", []int64{0, 2, 1, 3}))
	return e.do("Reshape", turned, e.joined(0, e.Ints(0, 0), size))
}

// perQuery repeats every head of keys or values for the heads of queries that
// share it.
func (e expression) perQuery(q, v *graph.Value) *graph.Value {
	if a, b := q.Type.Dims, v.Type.Dims; len(a) == 4 && len(b) == 4 && a[1].Same(b[1]) {
		return v
	}
	group := e.do("Div", e.extent(q, 1), e.extent(v, 1))
	one := e.Ints(1)
	wide := e.do("Expand", e.do("Unsqueeze", v, e.Ints(2)), e.joined(0, one, one, group, one, one))
	return e.Op("Reshape", []*graph.Value{wide, e.joined(0, e.extent(v, 0), e.extent(q, 1), e.extent(v, 2), e.extent(v, 3))}, graph.A("allowzero", int64(1)))
}

// scores returns scale Q·Kᵀ.
func (e expression) scores(n *graph.Node, q, k *graph.Value) *graph.Value {
	scale := e.num(float64(n.Float("scale", 0)))
	if !n.Has("scale") {
		scale = e.do("Reciprocal", e.do("Sqrt", e.as(e.dtype, e.extent(q, 3))))
	}
	return e.do("MatMul", e.do("Mul", q, scale), e.Op("Transpose", []*graph.Value{k}, graph.A("perm", []int64{0, 1, 3, 2})))
}

// softmax is computed in a precision, if one is given.
func (e expression) softmax(scores *graph.Value, precision tensor.DType) *graph.Value {
	if precision == tensor.Undefined || precision == e.dtype {
		return e.Op("Softmax", []*graph.Value{scores}, graph.A("axis", int64(-1)))
	}
	return e.as(e.dtype, e.Op("Softmax", []*graph.Value{e.as(precision, scores)}, graph.A("axis", int64(-1))))
}

// attentionBias returns what is added to the scores, nil if nothing is: the mask
// and, for keys that a query does not attend to, -∞.
func (e expression) attentionBias(n *graph.Node, q, k *graph.Value) *graph.Value {
	bias := e.mask(n.Input(3), k)
	allowed := e.allowed(n, q, k)
	if allowed == nil {
		return bias
	}
	forbidden := e.do("Where", allowed, e.num(0), e.num(math.Inf(-1)))
	if bias == nil {
		return forbidden
	}
	return e.do("Add", bias, forbidden)
}

// mask returns the mask as numbers to add, as long as there are keys.
func (e expression) mask(mask, k *graph.Value) *graph.Value {
	if mask == nil {
		return nil
	}
	least := e.num(math.Inf(-1))
	if mask.Type.DType == tensor.Bool {
		mask = e.do("Where", mask, e.num(0), least)
	} else {
		mask = e.to(e.dtype, mask)
	}
	if mask.Type.Dims.Ranked() && len(mask.Type.Dims) == 0 {
		mask = e.do("Reshape", mask, e.Ints(1))
	}
	if m, keys := mask.Type.Dims, k.Type.Dims; len(m) > 0 && len(keys) == 4 && m[len(m)-1].Same(keys[2]) {
		return mask
	}
	missing := e.do("Sub", e.extent(k, 2), e.extent(mask, -1))
	return e.do("Pad", mask, e.joined(0, e.Ints(0), missing), least, e.Ints(-1))
}

// allowed returns which keys each query may attend to by its position: behind
// the offset of the first query, within the window, before the padding. It is
// nil if all are.
func (e expression) allowed(n *graph.Node, q, k *graph.Value) *graph.Value {
	left, right, valid := n.Int("left_window_size", -1), n.Int("right_window_size", -1), n.Input(6)
	if n.Bool("is_causal", false) {
		right = 0
	}
	if left < 0 && right < 0 && valid == nil {
		return nil
	}
	zero, one := e.Const(tensor.Scalar(int64(0))), e.Const(tensor.Scalar(int64(1)))
	count := func(v *graph.Value) *graph.Value {
		return e.do("Range", zero, e.do("Squeeze", e.extent(v, 2), e.Ints(0)), one)
	}
	keys := count(k)
	var all []*graph.Value
	if valid != nil {
		valid = e.do("Unsqueeze", valid, e.Ints(1, 2, 3))
		all = append(all, e.do("Less", keys, valid))
	}
	if left >= 0 || right >= 0 {
		position := e.do("Unsqueeze", count(q), e.Ints(1))
		switch past := n.Input(4); {
		case past != nil:
			position = e.do("Add", position, e.extent(past, 2))
		case valid != nil:
			position = e.do("Add", position, e.do("Sub", valid, e.extent(q, 2)))
		}
		ahead := e.do("Sub", keys, position)
		if right >= 0 {
			all = append(all, e.do("LessOrEqual", ahead, e.Ints(right)))
		}
		if left >= 0 {
			all = append(all, e.do("GreaterOrEqual", ahead, e.Ints(-left)))
		}
	}
	for len(all) > 1 {
		all = append([]*graph.Value{e.do("And", all[0], all[1])}, all[2:]...)
	}
	return all[0]
}

// flexAttention is two matrix products with a softmax between them, before and
// after which the bodies are put in line.
func flexAttention(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	precision := n.DType("softmax_precision", e.dtype)
	q, k, v := e.to(e.dtype, n.Input(0)), e.to(e.dtype, n.Input(1)), e.to(e.dtype, n.Input(2))
	scores := e.to(precision, e.scores(n, q, e.perQuery(q, k)))
	scores = e.inline(n.Body("score_mod"), scores)
	weights := e.Op("Softmax", []*graph.Value{scores}, graph.A("axis", int64(-1)))
	weights = e.inline(n.Body("prob_mod"), weights)
	y := e.do("MatMul", e.to(e.dtype, weights), e.perQuery(q, v))
	return []*graph.Value{e.to(n.Input(0).Type.DType, y)}, nil
}

// inline adds a copy of a body of one input and one output, if there is one.
func (e expression) inline(body *graph.Graph, in *graph.Value) *graph.Value {
	if body == nil {
		return in
	}
	c := body.Clone(map[*graph.Value]*graph.Value{body.Inputs[0]: in})
	e.Nodes = append(e.Nodes, c.Nodes...)
	e.Initializers = append(e.Initializers, c.Initializers...)
	return c.Outputs[0]
}
