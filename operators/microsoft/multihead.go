package microsoft

import (
	"fmt"

	"example.com/midplane/operators/graph"
)

// multiHeadAttention adds the bias of the projection and lets ONNX's Attention
// do the rest.
func multiHeadAttention(b *graph.Builder, n *graph.Node) ([]*graph.Value, error) {
	e, err := emit(b, n, 0)
	if err != nil {
		return nil, err
	}
	if err := checkMultiHead(n); err != nil {
		return nil, err
	}
	a, err := e.queriesKeysValues()
	if err != nil {
		return nil, err
	}
	if a.pastK = e.in(6); a.pastK != nil {
		a.pastV = e.in(7)
		if filled := e.in(8); filled != nil {
			a.restK, a.restV = e.cut(&a.pastK, &a.pastV, filled)
		}
	}
	if a.bias, err = e.bias(e.in(4), e.in(5), a); err != nil {
		return nil, err
	}
	mode := int64(0)
	if n.Output(3) != nil {
		mode = 2
	}
	y, k, v, scores := e.attend(a, mode)
	return []*graph.Value{y, k, v, scores}, nil
}

// checkMultiHead refuses what contradicts itself, and beams.
func checkMultiHead(n *graph.Node) error {
	switch {
	case n.Int("num_heads", 0) < 1:
		return fmt.Errorf("num_heads is %d, it must be positive", n.Int("num_heads", 0))
	case (n.Input(6) == nil) != (n.Input(7) == nil):
		return fmt.Errorf("past_key and past_value must be given together")
	case n.Input(9) != nil:
		return fmt.Errorf("cache_indirection is given: beams are not followed")
	case n.Input(2) != nil && n.Input(1) == nil:
		return fmt.Errorf("value is given without key")
	}
	return nil
}

// queriesKeysValues reads the forms in which they come: each packed; keys and
// values (B, N, L, H) as another attention made them; keys and values in one,
// (B, L, N, 2, H); or all in one, (B, L, N, 3, H).
func (e emitter) queriesKeysValues() (attending, error) {
	heads := e.node.Int("num_heads", 1)
	a := attending{q: e.in(0), k: e.in(1), v: e.in(2), heads: heads, kvHeads: heads, causal: e.node.Bool("unidirectional", false)}
	rank, err := rankOf(e.node, 0)
	if err != nil {
		return a, err
	}
	keyRank := 0
	if a.k != nil {
		if keyRank, err = rankOf(e.node, 1); err != nil {
			return a, err
		}
	}
	switch {
	case rank == 5 && a.k == nil:
		parts := e.unstacked(a.q, 3)
		a.q, a.k, a.v = parts[0], parts[1], parts[2]
	case rank == 3 && keyRank == 5 && a.v == nil:
		parts := e.unstacked(a.k, 2)
		a.k, a.v = parts[0], parts[1]
	case rank == 3 && keyRank == 4 && a.v != nil:
		if e.in(3) != nil || e.in(6) != nil {
			return a, fmt.Errorf("keys of rank 4 go without bias and without past")
		}
		a.q = e.unpacked(a.q, heads)
	case rank == 3 && keyRank == 3 && a.v != nil:
	default:
		return a, fmt.Errorf("query, key and value of %v and %d axes are no form of the operator", rank, keyRank)
	}
	if bias := e.in(3); bias != nil {
		size := e.extent(a.q, 2)
		twice := e.do("Add", size, size)
		a.q = e.do("Add", a.q, e.slice(bias, e.Ints(0), size, 0))
		a.k = e.do("Add", a.k, e.slice(bias, size, twice, 0))
		a.v = e.do("Add", a.v, e.slice(bias, twice, e.Ints(1<<62), 0))
	}
	return a, nil
}

// unstacked splits (B, L, N, count, H) into packed parts (B, L, N × H).
func (e emitter) unstacked(v *graph.Value, count int) []*graph.Value {
	parts := e.Node("", "Split", []*graph.Value{v}, count, graph.A("axis", int64(3)), graph.A("num_outputs", int64(count)))
	size := e.do("Mul", e.extent(v, 2), e.extent(v, -1))
	for i, part := range parts {
		parts[i] = e.do("Reshape", part, e.join(0, e.Ints(0, 0), size))
	}
	return parts
}
