package microsoft

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// grouped gathers what the rule of GroupQueryAttention needs: vectors of one
// element, and (B) of each sample.
type grouped struct {
	emitter
	heads, kvHeads int64
	queries, total *graph.Value // S, and the most keys of a sample
	first          *graph.Value // whether there is no past: S is total
	filled, ends   *graph.Value // (B): keys of the past, and with the new ones
}

// groupQueryAttention turns queries and keys by their positions, puts the new
// keys and values behind those of each sample's past, and lets ONNX's Attention
// do the rest.
func groupQueryAttention(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	if err := checkGroupQuery(n); err != nil {
		return nil, err
	}
	if n.Int("qk_output", 0) == 1 && n.Output(3) != nil {
		return nil, fmt.Errorf("ONNX's Attention shows no scores from before the mask")
	}
	if rank, err := rankOf(n, 0); err != nil || rank != 3 {
		return nil, fmt.Errorf("the rank of query must be known to be 3")
	}
	g := grouped{emitter: e, heads: n.Int("num_heads", 1), kvHeads: n.Int("kv_num_heads", 1)}
	g.queries, g.total = e.extent(e.in(0), 1), e.one(e.in(6))
	g.first = e.do("Equal", g.queries, g.total)
	g.ends = e.do("Add", e.do("Reshape", e.to(tensor.Int64, e.in(5)), e.Ints(-1)), e.Ints(1))
	g.filled = e.do("Where", g.first, e.Ints(0), e.do("Sub", g.ends, g.queries))
	q, k, v := g.projected()
	if q, k, err = g.turned(q, k); err != nil {
		return nil, err
	}
	k, v = g.cached(k, e.in(3)), g.cached(v, e.in(4))
	bias := g.window(k)
	if given := e.in(10); given != nil {
		missing := e.do("Sub", e.extent(k, 2), e.extent(given, -1))
		bias = e.do("Add", bias, e.do("Pad", given, e.join(0, e.Ints(0), missing), nil, e.Ints(-1)))
	}
	mode := int64(0)
	if n.Output(3) != nil {
		mode = 3
	}
	a := attending{q: q, k: k, v: v, bias: bias, heads: g.heads, kvHeads: g.kvHeads, softcap: n.Float("softcap", 0)}
	g.sink(&a)
	y, _, _, weights := e.attend(a, mode)
	if weights != nil {
		weights = e.slice(weights, e.Ints(0), g.total, -1)
	}
	return []*graph.Value{y, k, v, weights}, nil
}

// checkGroupQuery refuses what contradicts itself, and caches that are quantized
// or keep a window only.
func checkGroupQuery(n *graph.Node) error {
	heads, kvHeads := n.Int("num_heads", 0), n.Int("kv_num_heads", 0)
	switch {
	case heads < 1 || kvHeads < 1 || heads%kvHeads != 0:
		return fmt.Errorf("num_heads is %d and kv_num_heads %d: they must be positive, and the first a multiple of the second", heads, kvHeads)
	case (n.Input(1) == nil) != (n.Input(2) == nil):
		return fmt.Errorf("key and value must be given together")
	case (n.Input(3) == nil) != (n.Input(4) == nil):
		return fmt.Errorf("past_key and past_value must be given together")
	case n.Bool("do_rotary", false) && (n.Input(7) == nil || n.Input(8) == nil):
		return fmt.Errorf("do_rotary needs cos_cache and sin_cache")
	case (n.Input(14) == nil) != (n.Input(15) == nil):
		return fmt.Errorf("q_norm_weight and k_norm_weight must be given together")
	case n.Text("k_quant_type", "NONE") != "NONE" || n.Text("v_quant_type", "NONE") != "NONE" || n.Input(12) != nil || n.Input(13) != nil:
		return fmt.Errorf("the cache is quantized: what its integers are is left to execution providers")
	case n.Bool("sliding_window_cache", false):
		return fmt.Errorf("sliding_window_cache is set: caches that keep a window only are not computed")
	}
	return nil
}

// projected returns queries, keys and values (B, N, S, H), which may come packed
// in one, normalized where there are weights for it.
func (g grouped) projected() (q, k, v *graph.Value) {
	q, k, v = g.in(0), g.in(1), g.in(2)
	if k == nil {
		size := g.do("Div", g.extent(q, -1), g.Ints(g.heads+2*g.kvHeads))
		sizes := g.do("Mul", size, g.Ints(g.heads, g.kvHeads, g.kvHeads))
		parts := g.Node("", "Split", []*graph.Value{q, sizes}, 3, graph.A("axis", int64(-1)))
		q, k, v = parts[0], parts[1], parts[2]
	}
	q, k, v = g.unpacked(q, g.heads), g.unpacked(k, g.kvHeads), g.unpacked(v, g.kvHeads)
	if weight := g.in(14); weight != nil {
		epsilon := graph.A("epsilon", g.node.Float("qk_norm_epsilon", 1e-6))
		q = g.Op("RMSNormalization", []*graph.Value{q, weight}, epsilon)
		k = g.Op("RMSNormalization", []*graph.Value{k, g.in(15)}, epsilon)
	}
	return q, k, v
}

// turned turns queries and keys by the angles of their positions, if the node
// says so. Positions go on from the past; position_ids give them otherwise, of
// which only the first counts where there is no past.
func (g grouped) turned(q, k *graph.Value) (*graph.Value, *graph.Value, error) {
	if !g.node.Bool("do_rotary", false) {
		return q, k, nil
	}
	half, size := dim(g.in(7), 1), dim(q, 3)
	if !half.IsKnown() || !size.IsKnown() {
		return nil, nil, fmt.Errorf("how many of %v elements of each vector are turned, twice %v, must be known", size, half)
	}
	positions := g.do("Add", g.do("Unsqueeze", g.filled, g.Ints(1)), g.upTo(g.queries))
	if ids := g.in(9); ids != nil {
		start := g.do("Slice", g.do("Reshape", ids, g.Ints(-1)), g.Ints(0), g.Ints(1))
		positions = g.do("Where", g.first, g.do("Add", positions, start), ids)
	}
	attributes := []graph.Attribute{graph.A("interleaved", g.node.Int("rotary_interleaved", 0))}
	if 2*half.Size != size.Size {
		attributes = append(attributes, graph.A("rotary_embedding_dim", int64(2*half.Size)))
	}
	turn := func(v *graph.Value) *graph.Value {
		return g.Op("RotaryEmbedding", []*graph.Value{v, g.in(7), g.in(8), positions}, attributes...)
	}
	return turn(q), turn(k), nil
}

// cached returns keys or values (B, N, max(total, M), H): those of the past (B,
// N, M, H), then the new ones, then 0. Slot t takes element t of the past, the
// one behind the past that is new, or a 0 behind all.
func (g grouped) cached(v, past *graph.Value) *graph.Value {
	slots, behind := g.total, g.Ints(0)
	all := v
	if past != nil {
		behind = g.extent(past, 2)
		slots = g.do("Max", g.total, behind)
		all = g.join(2, past, v)
	}
	all = g.do("Pad", all, g.Ints(0, 1), nil, g.Ints(2))
	t := g.upTo(slots)
	column := func(v *graph.Value) *graph.Value { return g.do("Unsqueeze", v, g.Ints(1)) }
	filled, end := column(g.filled), column(g.do("Add", g.filled, g.queries))
	from := g.do("Where", g.do("Less", t, end), g.do("Add", g.do("Sub", t, filled), behind), g.do("Add", behind, g.queries))
	from = g.do("Where", g.do("Less", t, filled), t, from)
	steps := g.Op("GatherND", []*graph.Value{g.transpose(all, 0, 2, 1, 3), g.do("Unsqueeze", from, g.Ints(2))}, graph.A("batch_dims", int64(1)))
	return g.transpose(steps, 0, 2, 1, 3)
}

// window returns 0 for the keys (B, N, T, H) that a query attends to and -∞ for
// the others, (B, 1, S, T): those up to the query's own, or all of the sample if
// it is not causal; the last local_window_size of them if it is positive.
func (g grouped) window(k *graph.Value) *graph.Value {
	t := g.upTo(g.extent(k, 2))
	column := func(v *graph.Value) *graph.Value { return g.do("Unsqueeze", v, g.Ints(1)) }
	end := g.do("Unsqueeze", g.ends, g.Ints(1, 2)) // (B, 1, 1)
	if g.node.Bool("causal", true) {
		own := g.do("Add", column(g.filled), g.do("Add", g.upTo(g.queries), g.Ints(1)))
		end = g.do("Min", g.do("Unsqueeze", own, g.Ints(2)), end)
	} else {
		end = g.do("Expand", end, g.join(0, g.Ints(1), g.queries, g.Ints(1)))
	}
	allowed := g.do("Less", t, end)
	if size := g.node.Int("local_window_size", -1); size > 0 {
		allowed = g.do("And", allowed, g.do("GreaterOrEqual", t, g.do("Sub", end, g.Ints(size))))
	}
	return column(g.do("Where", allowed, g.num(0), g.num(math.Inf(-1))))
}

// sink adds what head_sink and smooth_softmax add to the sum that weights are
// divided by: one more key, whose score is the sink, with the value 0.
func (g grouped) sink(a *attending) {
	sinks := g.in(11)
	if sinks == nil && g.node.Int("smooth_softmax", 0) != 1 {
		return
	}
	if sinks == nil {
		sinks = g.do("Expand", g.num(0), g.Ints(g.heads))
	}
	one := g.Ints(1)
	rows := g.join(0, g.extent(a.q, 0), g.Ints(g.heads), g.queries)
	column := g.do("Expand", g.do("Unsqueeze", sinks, g.Ints(1, 2)), g.join(0, rows, one))
	a.bias = g.join(3, g.do("Expand", a.bias, g.join(0, rows, g.extent(a.bias, 3))), column)
	a.k = g.do("Pad", a.k, g.Ints(0, 1), nil, g.Ints(2))
	a.v = g.do("Pad", a.v, g.Ints(0, 1), nil, g.Ints(2))
}
