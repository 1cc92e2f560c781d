package decompose

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// linearAttention is a Scan over the steps whose state is the matrix that every
// head of keys carries.
func linearAttention(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := inWide(b, n)
	if err != nil {
		return nil, err
	}
	rule := n.Text("update_rule", "gated_delta")
	gated, delta := rule == "gated" || rule == "gated_delta", rule == "delta" || rule == "gated_delta"
	if !gated && !delta && rule != "linear" {
		return nil, fmt.Errorf("update_rule %q is none of linear, gated, delta, gated_delta", rule)
	}
	readers, heads := n.Int("q_num_heads", 0), n.Int("kv_num_heads", 0)
	if readers < 1 || heads < 1 || readers%heads != 0 {
		return nil, fmt.Errorf("q_num_heads %d must be a positive multiple of kv_num_heads %d", readers, heads)
	}
	if gated && n.Input(4) == nil || delta && n.Input(5) == nil {
		return nil, fmt.Errorf("update_rule %s needs decay where it is gated, and beta where it is a delta rule", rule)
	}
	q, k, v := e.steps(n.Input(0), readers), e.steps(n.Input(1), heads), e.steps(n.Input(2), heads)
	scans := []*graph.Value{q, k, v}
	if gated {
		scans = append(scans, e.do("Exp", e.steps(n.Input(4), heads)))
	}
	if delta {
		rates := e.do("Unsqueeze", e.to(e.dtype, n.Input(5)), e.Ints(3)) // one for each head, or for all
		scans = append(scans, e.Op("Transpose", []*graph.Value{rates}, graph.A("perm", []int64{1, 0, 2, 3})))
	}
	state := n.Input(3)
	kept := n.Input(0).Type.DType
	if state != nil {
		kept, state = state.Type.DType, e.to(e.dtype, state)
	} else {
		shape := e.joined(0, e.extent(k, 1), e.extent(k, 2), e.extent(k, 3), e.extent(v, 3))
		state = e.Op("ConstantOfShape", []*graph.Value{shape}, graph.A("value", tensor.FromFloat64s(e.dtype, tensor.Shape{1}, []float64{0})))
	}
	scale := e.num(float64(n.Float("scale", 0)))
	if n.Float("scale", 0) == 0 {
		scale = e.do("Reciprocal", e.do("Sqrt", e.as(e.dtype, e.extent(k, 3))))
	}
	in := make([]*graph.Value, 1+len(scans))
	for i := range in {
		in[i] = &graph.Value{Name: n.Name + "/step", Type: tensor.TensorType(e.dtype, tensor.UnknownDims(3))}
	}
	in[0].Type.Dims = tensor.UnknownDims(4)
	body := b.Body("step", in, func(b *graph.Builder) []*graph.Value {
		return linearStep(expression{b, e.dtype}, in, gated, delta, readers/heads, scale)
	})
	out := b.Node("", "Scan", append([]*graph.Value{state}, scans...), 2, graph.A("body", body), graph.A("num_scan_inputs", int64(len(scans))))
	y := e.Op("Transpose", out[1:], graph.A("perm", []int64{1, 0, 2, 3})) // (batch, steps, heads, size)
	y = e.do("Reshape", y, e.joined(0, e.Ints(0, 0), e.do("Mul", e.extent(y, 2), e.extent(y, 3))))
	return []*graph.Value{e.to(n.Input(0).Type.DType, y), e.to(kept, out[0])}, nil
}

// steps brings (batch, steps, heads × size) to (steps, batch, heads, size).
func (e expression) steps(v *graph.Value, heads int64) *graph.Value {
	size := e.do("Div", e.extent(v, 2), e.Ints(heads))
	split := e.do("Reshape", e.to(e.dtype, v), e.joined(0, e.Ints(0, 0, heads), size))
	return e.Op("Transpose", []*graph.Value{split}, graph.A("perm", []int64{1, 0, 2, 3}))
}

// linearStep returns the new state (batch, heads, d_k, d_v) and what the queries
// read of it.
func linearStep(e expression, in []*graph.Value, gated, delta bool, group int64, scale *graph.Value) []*graph.Value {
	state, q, k, v := in[0], in[1], in[2], in[3]
	last, row := e.Ints(-1), e.Ints(-2)
	if gated {
		state = e.do("Mul", state, e.do("Unsqueeze", in[4], last))
	}
	column := e.do("Unsqueeze", k, last)
	write := e.do("Unsqueeze", v, row)
	if delta {
		known := e.do("MatMul", e.do("Unsqueeze", k, row), state)
		write = e.do("Mul", e.do("Unsqueeze", in[len(in)-1], last), e.do("Sub", write, known))
	}
	state = e.do("Add", state, e.do("MatMul", column, write))
	read := state
	if group > 1 {
		one := e.Ints(1)
		wide := e.do("Expand", e.do("Unsqueeze", state, e.Ints(2)), e.joined(0, one, one, e.Ints(group), one, one))
		heads := e.do("Mul", e.extent(state, 1), e.Ints(group))
		read = e.do("Reshape", wide, e.joined(0, e.extent(state, 0), heads, e.extent(state, 2), e.extent(state, 3)))
	}
	y := e.do("Mul", scale, e.do("Squeeze", e.do("MatMul", e.do("Unsqueeze", q, row), read), row))
	return []*graph.Value{state, y}
}
